"""The engine and time: what a hold writes, what is counted, and what a leaping clock never does (G5, G6)."""

from __future__ import annotations

import json

import pytest

from edge_agent.core.types import HOLD, ROLL, Clock
from edge_agent.service.clock import ClockWatch
from edge_agent.service.engine import EngineSettings
from tests.fakes import MemoryJournal
from tests.service.parts import ORIGIN, START, Bench

OUTAGE = 6 * 3600


class Wound(ClockWatch):
    """A clock whose steady time the test turns on."""

    def __init__(self) -> None:
        super().__init__(wall=lambda: START)
        self.ahead = 0.0

    def steady(self, monotonic: float) -> float:
        return super().steady(monotonic) + self.ahead


class Pruned(MemoryJournal):
    """A journal that remembers by which time it was to tell what is old."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[float] = []

    def prune(self, now: float) -> int:
        self.asked.append(now)
        return 0


@pytest.fixture
def clock() -> Wound:
    return Wound()


def bench(clock: Wound, journal: MemoryJournal | None = None) -> Bench:
    """An engine whose asset p1 has been healthy for thirty seconds."""
    made = Bench() if journal is None else Bench(journal=journal)
    wind(made, clock)
    if journal is None:
        for i in range(30):
            clock.ahead = float(i)
            made.healthy(1, start=i)
    return made


def wind(made: Bench, clock: Wound) -> None:
    """Give an engine the test's clock."""
    made.engine._reception._clock = clock


def channels(made: Bench) -> list[str]:
    return [reading.channel for batch in made.journal.batches for reading in batch.readings]


def told(made: Bench, topic: str) -> list[dict[str, object]]:
    return [
        json.loads(message.payload)["data"]
        for batch in made.journal.batches
        for message in batch.outgoing
        if message.topic == topic
    ]


def buffer(made: Bench, *, hot: range) -> None:
    """Two minutes from the middle of the outage."""
    for second in range(30, 150):
        value = {"value": 95.0 if second in hot else 60.0, "ts": START + second}
        made.send("plant/p1/temp", json.dumps(value).encode())
        made.send("plant/p1/vib", json.dumps({"value": 2.0, "ts": START + second}).encode())
        made.drain()


def test_a_buffer_is_acknowledged_as_it_comes_and_judged_as_history_when_it_is_in(clock: Wound) -> None:
    made = bench(clock)
    clock.ahead = float(OUTAGE)
    before = len(made.link.acked)
    buffer(made, hot=range(50, 60))
    assert len(made.link.acked) == before + 240
    assert channels(made).count(HOLD) == 1
    assert ROLL not in channels(made)
    clock.ahead += 11.0
    for _ in range(20):
        made.engine.turn()

    assert channels(made).count(ROLL) > 1  # in parts, so that others need not wait
    assert [(one["transition"], one["historical"]) for one in told(made, ORIGIN.address.history)] == [
        ("raised", True), ("cleared", True),
    ]  # fmt: skip
    assert told(made, ORIGIN.address.event) == []


def test_what_still_stands_when_the_buffer_is_in_is_told_on_the_event_topic(clock: Wound) -> None:
    made = bench(clock)
    clock.ahead = float(OUTAGE)
    buffer(made, hot=range(140, 150))
    clock.ahead += 11.0
    for _ in range(20):
        made.engine.turn()

    [live] = told(made, ORIGIN.address.event)
    assert (live["transition"], live["historical"], live["rev"]) == ("raised", False, 2)
    assert made.engine.numbers.alarms_active == 1


def test_past_verdicts_are_stored_and_the_risk_of_the_present_is_not_touched(clock: Wound) -> None:
    made = bench(clock)
    topic = ORIGIN.address.risk("p1")

    def risks() -> int:
        return sum(m.topic == topic for batch in made.journal.batches for m in batch.outgoing)

    before = risks()
    clock.ahead = float(OUTAGE)
    buffer(made, hot=range(0))
    clock.ahead += 11.0
    for _ in range(20):
        made.engine.turn()
    verdicts = [verdict for batch in made.journal.batches for verdict in batch.verdicts]

    assert sum(verdict.historical for verdict in verdicts) > 100
    assert risks() <= before + 1  # at the end of the buffer, if it has moved


def test_a_kill_in_the_middle_of_a_buffer_changes_nothing(clock: Wound) -> None:
    whole, killed = bench(clock), None
    clock.ahead = float(OUTAGE)
    buffer(whole, hot=range(50, 60))
    clock.ahead += 11.0
    for _ in range(20):
        whole.engine.turn()
    clock.ahead = 0.0
    first = bench(clock)
    clock.ahead = float(OUTAGE)
    buffer(first, hot=range(50, 60))
    killed = bench(clock, journal=first.journal)
    clock.ahead += 11.0
    for _ in range(20):
        killed.engine.turn()

    assert [e.id for b in killed.journal.batches for e in b.events] == [
        e.id for b in whole.journal.batches for e in b.events
    ]
    assert killed.engine.numbers.alarms_active == 0


def test_what_is_late_or_of_the_future_is_stored_and_counted(clock: Wound) -> None:
    made = bench(clock)
    made.send("plant/p1/temp", json.dumps({"value": 99.0, "ts": START - 7200.0}).encode())
    made.send("plant/p1/temp", json.dumps({"value": 99.0, "ts": START + 7200.0}).encode())
    made.drain()

    assert channels(made)[-2:] == ["<temp", ">temp"]
    assert dict(made.engine.numbers.faults) == {"late": 1, "future": 1}
    assert told(made, ORIGIN.address.event) == []
    made.send("plant/p1/temp", json.dumps({"value": 99.0, "ts": START + 30.0}).encode())
    made.drain()
    assert len(told(made, ORIGIN.address.event)) == 1  # nobody was deafened


def test_steps_of_an_asset_on_hold_are_not_closed_for_it(clock: Wound) -> None:
    made = bench(clock)
    made.send("plant/p1/vib", json.dumps({"value": 2.0, "ts": START + 30.0}).encode())
    made.drain()
    clock.ahead = float(OUTAGE)
    made.send("plant/p1/vib", json.dumps({"value": 2.0, "ts": START + 31.0}).encode())
    made.drain()
    made.engine._attendance._arrived["p1"] -= 100.0
    made.engine.turn()

    assert channels(made)[-2:] == [HOLD, "vib"]


def test_after_a_leap_of_the_clock_nothing_is_deleted_by_age() -> None:
    journal, hands = Pruned(), [START]
    made = Bench(journal=journal, settings=EngineSettings(batch_s=0.004, prune_s=0.0, quiet_s=0.0))
    recorder = made.engine._recorder
    recorder._clock = ClockWatch(wall=lambda: hands[0])
    made.engine.turn()
    assert journal.asked == [START]
    hands[0] += 14 * 86400.0
    made.engine.turn()
    assert recorder._clock.quality() is Clock.JUMPED

    assert journal.asked == [START, 0.0]


def test_a_start_weeks_after_the_last_known_time_deletes_nothing_by_age_at_first() -> None:
    journal = Pruned()
    first = Bench(journal=journal, settings=EngineSettings(batch_s=0.004, prune_s=0.0, quiet_s=0.0))
    first.engine._recorder._clock = ClockWatch(wall=lambda: START - 20 * 86400.0)
    first.engine.turn()
    first.engine.turn()
    assert journal.states()["clock"] == str(int(START) - 20 * 86400).encode()
    journal.asked.clear()
    second = Bench(journal=journal, settings=EngineSettings(batch_s=0.004, prune_s=0.0, quiet_s=0.0))
    second.engine.turn()

    assert set(journal.asked) == {0.0}
