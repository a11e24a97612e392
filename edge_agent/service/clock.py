"""How far the wall clock can be trusted (promise G6)."""

from __future__ import annotations

import time
from collections.abc import Callable

from edge_agent.core.types import Clock

BUILT = 1_735_689_600.0  # 2025-01-01: no boot of this agent is earlier, so an earlier clock has not been set
JUMP_S = 5.0  # slewing by NTP stays far below
SETTLE_S = 60.0  # how long after a jump rows are marked so
LEAP_S = 1800.0  # a clock that has leapt so far calls nothing old,
TRUST_S = 6 * 3600.0  # until it has run on for so long
OFF_S = 86400.0  # an agent that was off for longer than this may as well have a wrong clock


class ClockWatch:
    """Compares the wall clock with the monotonic one."""

    def __init__(self, wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._wall, self._monotonic = wall, monotonic
        self._start = self._offset = wall() - monotonic()
        self._jumped_at = -SETTLE_S
        self._leapt_at = -TRUST_S

    def now(self) -> float:
        """Unix seconds."""
        return self._wall()

    def quality(self) -> Clock:
        """Quality of the wall clock now."""
        wall, monotonic = self._wall(), self._monotonic()
        change = abs(wall - monotonic - self._offset)
        if change > JUMP_S:
            self._offset = wall - monotonic
            self._jumped_at = monotonic
            if change > LEAP_S:
                self._leapt_at = monotonic
        if wall < BUILT:
            return Clock.UNSYNCED
        return Clock.JUMPED if monotonic - self._jumped_at < SETTLE_S else Clock.SYNCED

    def steady(self, monotonic: float) -> float:
        """Unix seconds at a monotonic time, by the wall clock as it was at the start: this never jumps."""
        return self._start + monotonic

    @property
    def drift(self) -> float:
        """Seconds by which the wall clock has jumped since the start."""
        return self._offset - self._start

    def known(self, last: float) -> None:
        """Note the last trusted time before this start: a clock far beyond it has leapt, for all that is known."""
        if self._wall() - last > OFF_S:
            self._leapt_at = self._monotonic()

    def for_retention(self) -> float:
        """Unix seconds by which age is told; 0.0, and nothing is old, while the clock might have leapt.

        A gateway whose clock is weeks ahead by mistake, for less than `TRUST_S`, so loses nothing.
        """
        trusted = self.quality() is Clock.SYNCED and self._monotonic() - self._leapt_at >= TRUST_S
        return self._wall() if trusted else 0.0
