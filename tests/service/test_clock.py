"""Quality of the wall clock (promise G6)."""

from __future__ import annotations

from edge_agent.core.types import Clock
from edge_agent.service.clock import SETTLE_S, ClockWatch


class Hands:
    """Two clocks under the test's control."""

    def __init__(self) -> None:
        self.wall, self.monotonic = 1_770_000_000.0, 100.0

    def watch(self) -> ClockWatch:
        return ClockWatch(lambda: self.wall, lambda: self.monotonic)

    def run(self, seconds: float) -> None:
        self.wall += seconds
        self.monotonic += seconds


def test_a_clock_that_runs_evenly_is_synced() -> None:
    """Minutes pass on both clocks alike."""
    hands = Hands()
    watch = hands.watch()
    hands.run(600.0)

    assert watch.quality() is Clock.SYNCED


def test_a_boot_in_1970_is_unsynced() -> None:
    """No board without a battery knows the year."""
    hands = Hands()
    hands.wall = 12.0

    assert hands.watch().quality() is Clock.UNSYNCED


def test_a_jump_is_marked_for_a_while() -> None:
    """Rows around the jump carry it."""
    hands = Hands()
    watch = hands.watch()
    hands.wall += 14 * 86400.0

    assert watch.quality() is Clock.JUMPED
    hands.run(SETTLE_S + 1.0)
    assert watch.quality() is Clock.SYNCED
