"""How far the wall clock can be trusted (promise G6)."""

from __future__ import annotations

import time
from collections.abc import Callable

from edge_agent.core.types import Clock

BUILT = 1_735_689_600.0  # 2025-01-01: no boot of this agent is earlier, so an earlier clock has not been set
JUMP_S = 5.0  # slewing by NTP stays far below
SETTLE_S = 60.0  # how long after a jump rows are marked so


class ClockWatch:
    """Compares the wall clock with the monotonic one."""

    def __init__(self, wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._wall, self._monotonic = wall, monotonic
        self._offset = wall() - monotonic()
        self._jumped_at = -SETTLE_S

    def now(self) -> float:
        """Unix seconds."""
        return self._wall()

    def quality(self) -> Clock:
        """Quality of the wall clock now."""
        wall, monotonic = self._wall(), self._monotonic()
        if abs(wall - monotonic - self._offset) > JUMP_S:
            self._offset = wall - monotonic
            self._jumped_at = monotonic
        if wall < BUILT:
            return Clock.UNSYNCED
        return Clock.JUMPED if monotonic - self._jumped_at < SETTLE_S else Clock.SYNCED
