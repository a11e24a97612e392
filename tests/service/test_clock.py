"""Quality of the wall clock (promise G6)."""

from __future__ import annotations

import pytest

from edge_agent.core.types import Clock
from edge_agent.service.clock import SETTLE_S, TRUST_S, ClockWatch


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


def test_the_steady_time_does_not_jump_with_the_wall_clock() -> None:
    """What is measured by it goes on evenly, and how far the two are apart is known."""
    hands = Hands()
    watch = hands.watch()
    before = watch.steady(hands.monotonic)
    hands.run(10.0)
    hands.wall += 3600.0
    watch.quality()

    assert watch.steady(hands.monotonic) == before + 10.0
    assert watch.drift == 3600.0


@pytest.mark.parametrize("leap", [3600.0, 14 * 86400.0, -14 * 86400.0])
def test_after_a_leap_nothing_is_old_until_the_clock_has_run_on_for_hours(leap: float) -> None:
    """A clock set wrong for an hour deletes nothing."""
    hands = Hands()
    watch = hands.watch()
    assert watch.for_retention() == hands.wall
    hands.wall += leap
    watch.quality()
    hands.run(TRUST_S - 1.0)
    assert watch.for_retention() == 0.0
    hands.run(1.0)

    assert watch.for_retention() == hands.wall


def test_a_correction_of_seconds_stops_no_retention() -> None:
    """NTP steps a clock by some seconds now and then."""
    hands = Hands()
    watch = hands.watch()
    hands.wall += 20.0
    watch.quality()
    hands.run(SETTLE_S)

    assert watch.for_retention() == hands.wall


def test_a_start_far_after_the_last_known_time_may_be_a_wrong_clock() -> None:
    """Nothing else tells a gateway that was off for weeks from one whose clock is weeks ahead."""
    hands = Hands()
    watch = hands.watch()
    watch.known(hands.wall - 3600.0)
    assert watch.for_retention() == hands.wall
    watch.known(hands.wall - 14 * 86400.0)

    assert watch.for_retention() == 0.0


def test_in_1970_nothing_is_old() -> None:
    """Age cannot be told by a clock that was never set."""
    hands = Hands()
    hands.wall = 12.0

    assert hands.watch().for_retention() == 0.0
