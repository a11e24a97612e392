"""An outage, its buffer in any order, and clocks that leap: what is judged when, and whom it pages (G5, G6)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.core.baseline import Floats
from edge_agent.core.flow import Way
from edge_agent.core.snapshot import dump_alarms, dump_tracks, load_alarms, load_tracks
from edge_agent.core.types import HOLD, ROLL, SET, AlarmEvent, Reading, Scores, Transition, Verdict
from edge_agent.service.clock import ClockWatch
from edge_agent.service.reception import LAG, Reception
from tests.core.pump import NORMAL, PUMP, pipeline, scores

START = 1_767_225_600.0  # a full hour
HEALTHY = 30  # minutes: the baseline takes 20
OUTAGE = 360  # minutes


def afraid(text: str) -> Scores:
    """A model that fears a temperature far above normal."""
    line = next((row for row in text.splitlines() if row.startswith("temp ")), "")
    high = any(int(word[2:]) >= 30 for word in line.split() if word.startswith("z+"))
    return scores(0.9 if high else 0.02, "OHE" if high else "none")


class Site:
    """A pipeline behind a reception, with clocks the test turns; keeps what a journal would."""

    def __init__(self, *, wall: float = START, max_aside: int = 1_000_000) -> None:
        self.mono = 1000.0
        self.wall = wall
        self.clock = ClockWatch(lambda: self.wall, lambda: self.mono)
        self.pipeline = pipeline(PUMP, afraid)
        self.reception = Reception(self.pipeline, self.clock, max_aside=max_aside)
        self.max_aside = max_aside
        self.journal: list[Reading] = []
        self.states: dict[str, bytes] = {}
        self.events: list[AlarmEvent] = []
        self.verdicts: list[Verdict] = []

    def turn(self, seconds: float) -> None:
        """Let time pass, a second at a time, as the engine's turns do."""
        for _ in range(math.ceil(seconds)):
            self.mono += 1.0
            self.wall += 1.0
            self.roll()

    def roll(self) -> None:
        """Judge all that is due."""
        while (marker := self.reception.roll(self.mono)) is not None:
            self._push(marker)
            self.reception.rolled()

    def take(self, reading: Reading) -> Way:
        """One reading arrives now."""
        received = self.reception.take(reading, self.mono)
        for entry in received.entries:
            self._push(entry)
        self.states |= self.reception.states
        self.reception.states.clear()
        return received.way

    def live(self, values: Mapping[str, Sequence[float] | Floats], lag: float = 0.0) -> None:
        """Values of each channel, a minute apart, from now on."""
        for i in range(max(map(len, values.values()))):
            for name, series in values.items():
                if i < len(series) and not np.isnan(series[i]):
                    self.take(Reading("p1", name, self.wall - lag, float(series[i])))
            self.mono += 60.0
            self.wall += 60.0
            self.roll()

    def restarted(self) -> Site:
        """Another process on the same journal, some seconds later."""
        other = Site(wall=self.wall + 5.0, max_aside=self.max_aside)
        other.journal, other.states, other.events, other.verdicts = (
            self.journal, self.states, self.events, self.verdicts,
        )  # fmt: skip
        other.pipeline.judging = False
        for entry in self.journal:
            other.pipeline.reading(entry)
        other.pipeline.judging = True
        load_alarms(other.pipeline, "p1", dump_alarms(self.pipeline, "p1"))
        other.reception.restore(other.states, other.mono)
        return other

    def _push(self, entry: Reading) -> None:
        outcome = self.pipeline.reading(entry)
        assert outcome.accepted
        self.journal.append(entry)
        self.events += outcome.events
        self.verdicts += outcome.verdicts


def healthy(minutes: int, seed: int = 1) -> dict[str, Floats]:
    rng = np.random.default_rng(seed)
    return {name: rng.normal(m, s, minutes) for name, (m, s) in NORMAL.items()}


def buffered(hot: Sequence[tuple[int, int]] = (), loud: Sequence[tuple[int, int]] = ()) -> list[Reading]:
    """What a gateway keeps of six hours: too hot, or beyond the limit of vibration, in these spans of minutes."""
    values = healthy(OUTAGE, seed=2)
    for a, b in hot:
        values["temp"][a:b] += 40.0
    for a, b in loud:
        values["vib"][a:b] += 10.0
    first = START + HEALTHY * 60.0
    return [
        Reading("p1", name, first + 60.0 * minute + k, float(series[minute]))
        for minute in range(OUTAGE)
        for k, (name, series) in enumerate(values.items())
    ]


def away(**options: float) -> Site:
    """A site at the end of a six-hour outage of its gateway."""
    site = Site(**options)  # type: ignore[arg-type]  # the constructor refuses others
    site.live(healthy(HEALTHY))
    site.mono += OUTAGE * 60.0
    site.wall += OUTAGE * 60.0
    return site


def flushed(readings: Iterable[Reading], site: Site | None = None) -> Site:
    """The buffer comes in, three hundred readings a second; then it is quiet."""
    site = away() if site is None else site
    for i, reading in enumerate(readings):
        site.take(reading)
        if i % 300 == 299:
            site.turn(1)
    site.turn(11)
    return site


def shuffled(readings: list[Reading], seed: int) -> list[Reading]:
    other = readings.copy()
    Random(seed).shuffle(other)
    return other


def paged(events: Iterable[AlarmEvent]) -> list[tuple[str, Transition]]:
    return [(event.kind, event.transition) for event in events if not event.historical]


SPANS = st.lists(st.tuples(st.integers(0, OUTAGE), st.integers(1, 60)).map(lambda s: (s[0], s[0] + s[1])), max_size=2)


# --------------------------------------------------------------------------------------------- a buffer


@settings(max_examples=8, deadline=None)
@given(hot=SPANS, loud=SPANS, seed=st.integers(0, 99), times=st.sampled_from((1, 2)))
def test_a_buffer_in_random_order_gives_the_alarms_of_the_same_buffer_in_order(
    hot: list[tuple[int, int]], loud: list[tuple[int, int]], seed: int, times: int
) -> None:
    readings = buffered(hot, loud)
    in_order = flushed(readings)
    other = flushed(shuffled(readings * times, seed))

    assert other.events == in_order.events
    assert other.verdicts == in_order.verdicts
    assert len(in_order.verdicts) >= OUTAGE - 1


def test_what_was_over_before_the_buffer_came_in_is_history_and_pages_nobody() -> None:
    site = flushed(shuffled(buffered(hot=[(60, 120)], loud=[(200, 210)]), 1))

    assert {(e.kind, e.transition) for e in site.events if e.historical} >= {
        ("risk", Transition.RAISED), ("risk", Transition.CLEARED),
        ("limit:vib", Transition.RAISED), ("limit:vib", Transition.CLEARED),
    }  # fmt: skip
    assert paged(site.events) == []
    assert [state.active for state in site.pipeline.alarms.values()] == [False, False]


def test_a_condition_that_still_stands_at_the_newest_event_pages_once() -> None:
    site = flushed(shuffled(buffered(hot=[(300, 360)], loud=[(350, 360)]), 2))

    assert sorted(paged(site.events)) == [("limit:vib", Transition.RAISED), ("risk", Transition.RAISED)]
    told = {e.kind: e for e in site.events if not e.historical}
    first = {e.kind: e for e in site.events if e.historical and e.transition is Transition.RAISED}
    assert {kind: e.id for kind, e in told.items()} == {kind: e.id for kind, e in first.items()}
    assert {kind: e.first for kind, e in told.items()} == {kind: e.first for kind, e in first.items()}


def test_revisions_of_an_alarm_are_numbered_through_history_and_present() -> None:
    site = flushed(buffered(hot=[(300, 360)]))
    revisions = [e.rev for e in site.events if e.kind == "risk"]

    assert revisions == list(range(1, len(revisions) + 1))


def test_an_alarm_that_stood_before_the_outage_is_cleared_for_the_people_who_know_it() -> None:
    site = Site()
    values = healthy(HEALTHY)
    values["vib"][-1] += 10.0
    site.live(values)
    assert paged(site.events) == [("limit:vib", Transition.RAISED)]
    site.mono += OUTAGE * 60.0
    site.wall += OUTAGE * 60.0
    flushed(buffered(), site)

    assert paged(site.events) == [("limit:vib", Transition.RAISED), ("limit:vib", Transition.CLEARED)]


def test_after_a_buffer_the_present_is_judged_as_it_comes() -> None:
    site = flushed(buffered())
    site.wall, site.mono = math.ceil(site.wall / 60.0) * 60.0, site.mono + 60.0
    site.live({"vib": [2.0, 2.0, 20.0]})

    assert not site.reception.holds("p1")
    assert paged(site.events) == [("limit:vib", Transition.RAISED)]


def test_an_asset_without_a_buffer_is_judged_again_soon_after_a_gap() -> None:
    site = away()
    for second in range(30):
        site.take(Reading("p1", "vib", site.wall, 20.0))
        site.turn(1)
        assert site.reception.holds("p1") == (second < 9)

    assert paged(site.events) == [("limit:vib", Transition.RAISED)]


def test_a_limit_crossed_now_does_not_wait_for_a_long_buffer() -> None:
    site = away()
    site.take(Reading("p1", "vib", site.wall, 20.0))
    for reading in buffered()[:20]:
        site.turn(1)
        site.take(reading)

    assert paged(site.events) == [("limit:vib", Transition.RAISED)]


def test_a_sensors_late_buffer_is_stored_and_pages_nobody() -> None:
    site = Site()
    site.live(healthy(HEALTHY))
    values = healthy(OUTAGE, seed=3)
    values["vib"][:] = np.nan
    site.live(values)
    before = list(site.events)
    of_vib = [r for r in buffered(loud=[(100, 110)]) if r.channel == "vib" and r.time < site.wall - PUMP.silent_after_s]
    ways = {site.take(reading) for reading in shuffled(of_vib, 4)}

    assert ways == {Way.LATE}
    assert site.events == before
    assert [entry.channel for entry in site.journal].count("<vib") == len(of_vib) == OUTAGE - 10


def test_what_is_put_aside_is_bounded() -> None:
    site = away(max_aside=100)
    readings = buffered()
    ways = [site.take(reading) for reading in readings[:150]]

    assert ways == [Way.HELD] * 100 + [Way.LATE] * 50
    site.roll()  # crowded: nothing is waited for
    assert not site.reception.holds("p1")
    assert site.take(readings[200]) is Way.HELD


def test_an_asset_that_finds_no_room_at_all_is_not_held_for_ever() -> None:
    site = away(max_aside=0)

    assert site.take(Reading("p1", "vib", site.wall - 7200.0, 2.0)) is Way.LATE
    assert not site.reception.holds("p1")
    site.turn(60)
    assert site.take(Reading("p1", "vib", site.wall, 2.0)) is Way.LATE  # still no room to wait for a buffer


# --------------------------------------------------------------------------------------------- restarts


@settings(max_examples=4, deadline=None)
@given(at=st.integers(0, 3 * OUTAGE), seed=st.integers(0, 9))
def test_a_restart_in_the_middle_of_a_buffer_changes_nothing(at: int, seed: int) -> None:
    readings = shuffled(buffered(hot=[(100, 150), (330, 360)], loud=[(20, 30)]), seed)
    whole = flushed(readings)
    begun = away()
    for i, reading in enumerate(readings[:at]):
        begun.take(reading)
        if i % 300 == 299:
            begun.turn(1)
    resumed = flushed(readings[at:], begun.restarted())

    assert resumed.events == whole.events
    assert resumed.verdicts == whole.verdicts


def test_a_restart_between_two_parts_of_a_hold_changes_nothing() -> None:
    readings = buffered(hot=[(330, 360)])
    whole = flushed(readings)
    begun = away()
    for reading in readings:
        begun.take(reading)
    begun.mono += 30.0
    begun.wall += 30.0
    for _ in range(3):
        marker = begun.reception.roll(begun.mono)
        assert marker is not None
        begun._push(marker)
        begun.reception.rolled()
    assert begun.reception.rolling
    resumed = begun.restarted()
    resumed.turn(11)

    assert resumed.events == whole.events


def test_a_snapshot_holds_what_was_put_aside() -> None:
    site = away()
    for reading in buffered()[:50]:
        site.take(reading)
    other = pipeline(PUMP, afraid)

    assert load_tracks(other, dump_tracks(site.pipeline)) == []
    marker = Reading("p1", ROLL, math.inf, 1.0)
    assert other.reading(marker).verdicts == site.pipeline.reading(marker).verdicts


def test_the_rebuilt_windows_are_those_of_the_process_that_ended() -> None:
    site = flushed(shuffled(buffered(), 5))

    assert dump_tracks(site.restarted().pipeline) == dump_tracks(site.pipeline)


def test_the_usual_lag_outlives_a_restart() -> None:
    """A source whose clock is an hour late is no outage after a restart either."""
    site = Site()
    site.live(healthy(HEALTHY), lag=3600.0)
    assert site.states == {LAG + "p1": b"3600.000"}
    other = site.restarted()

    assert other.take(Reading("p1", "vib", other.wall - 3600.0, 2.0)) is Way.JUDGED
    assert other.take(Reading("p1", "vib", other.wall - 7 * 3600.0, 2.0)) is Way.LATE


def test_a_damaged_lag_is_learned_anew() -> None:
    site = Site()
    site.live(healthy(HEALTHY))
    site.states[LAG + "p1"] = b"soon"
    other = site.restarted()

    assert other.take(Reading("p1", "vib", other.wall, 2.0)) is Way.JUDGED


# --------------------------------------------------------------------------------------------- clocks


def test_one_sensor_with_a_clock_of_the_future_deafens_nobody() -> None:
    site = Site()
    site.live(healthy(HEALTHY))
    values = healthy(60, seed=4)
    values["vib"][40:] += 10.0
    for minute in range(60):
        assert site.take(Reading("p1", "temp", site.wall + 1e8, 60.0)) is Way.FUTURE
        for name in ("vib", "flow"):
            assert site.take(Reading("p1", name, site.wall, float(values[name][minute]))) is Way.JUDGED
        site.turn(60)

    assert ("limit:vib", Transition.RAISED) in paged(site.events)
    assert site.pipeline.windowers["pump"].tracks["p1"].newest < site.wall


def test_the_first_reading_of_an_asset_may_be_of_the_future() -> None:
    site = Site()

    assert site.take(Reading("p1", "vib", site.wall + 1e8, 2.0)) is Way.FUTURE
    assert site.take(Reading("p1", "temp", site.wall, 60.0)) is Way.JUDGED


@pytest.mark.parametrize("leap", [3600.0, -14 * 86400.0, 14 * 86400.0])
def test_a_leap_of_our_clock_raises_no_alarm_and_judging_goes_on(leap: float) -> None:
    """Readings without a time of their own take ours: all channels of the asset leap together."""
    site = Site()
    values = healthy(HEALTHY)
    site.live(values)
    site.wall += leap
    for _ in range(120):
        for name, (mean, _) in NORMAL.items():
            site.take(Reading("p1", name, site.wall, mean))
        site.turn(1)

    assert site.events == []
    windows = [verdict.time for verdict in site.verdicts]
    assert windows[-1] > site.wall - 120.0
    site.take(Reading("p1", "vib", site.wall, 20.0))
    assert paged(site.events) == [("limit:vib", Transition.RAISED)]
    assert [entry.channel for entry in site.journal].count(SET) == 1


def test_an_alarm_that_stands_while_the_clock_leaps_goes_on() -> None:
    site = Site()
    values = healthy(HEALTHY)
    values["vib"][-1] += 10.0
    site.live(values)
    site.wall -= 14 * 86400.0
    for _ in range(30):
        for name, (mean, _) in NORMAL.items():
            site.take(Reading("p1", name, site.wall, mean))
        site.turn(1)
    assert paged(site.events) == [("limit:vib", Transition.RAISED)]
    for _ in range(61):
        for name, (mean, _) in NORMAL.items():
            site.take(Reading("p1", name, site.wall, mean))
        site.turn(1)

    assert paged(site.events) == [("limit:vib", Transition.RAISED), ("limit:vib", Transition.CLEARED)]


def test_sources_with_their_own_time_do_not_notice_a_leap_of_ours() -> None:
    site = Site()
    site.live(healthy(HEALTHY))
    site.wall += 14 * 86400.0

    assert site.take(Reading("p1", "vib", site.wall - 14 * 86400.0, 2.0)) is Way.JUDGED
    assert {entry.channel for entry in site.journal} == set(NORMAL)


def test_a_clock_set_during_a_hold_judges_first_what_was_put_aside() -> None:
    site = away()
    for reading in buffered()[:9]:
        site.take(reading)
    for _ in range(12):
        site.take(Reading("p1", "vib", site.wall + 1e8, 2.0))
        site.take(Reading("p1", "temp", site.wall + 1e8, 60.0))
        site.mono, site.wall = site.mono + 1.0, site.wall + 1.0
    markers = [entry.channel for entry in site.journal if entry.channel.startswith("#")]

    assert markers == [HOLD, ROLL, SET]


def test_at_1970_lags_are_not_written_down() -> None:
    site = Site(wall=100.0)
    site.live(healthy(HEALTHY))

    assert site.states == {}


def test_an_unknown_channel_puts_nothing_aside() -> None:
    site = away()

    assert site.reception.take(Reading("p1", "pressure", 0.0, 1.0), site.mono).way is Way.JUDGED
    assert site.reception.take(Reading("fan", "vib", 0.0, 1.0), site.mono).way is Way.JUDGED
    assert not site.reception.holds("p1")
