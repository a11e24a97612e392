"""Better words for standing alarms: after the alarm, as its next revision, and never in its way."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from edge_agent.core.facts import Facts
from edge_agent.core.report import Told
from edge_agent.core.types import AlarmEvent, Transition, Window
from edge_agent.service.inbox import Inbox, Summary
from edge_agent.service.reporter import GIVE_WAY_S, MAX_WAITING, Reporter
from tests.service.parts import START, Bench

WORDS = "vib has risen, said in better words."
TOLD = Told(WORDS, "")


class Writer:
    """A report model that answers as it is told and remembers what it was asked."""

    def __init__(self, answer: Callable[[Facts], str | None] = lambda _facts: WORDS) -> None:
        self.answer = answer
        self.frame = ""
        self.asked: list[Facts] = []

    def tell(self, facts: Facts, give_way: Callable[[], None]) -> Told | None:
        self.asked.append(facts)
        give_way()
        words = self.answer(facts)
        return None if words is None else Told(words, self.frame)


class Patient(Writer):
    """A report model of so many words."""

    def __init__(self, words: int) -> None:
        super().__init__()
        self._words = words

    def tell(self, facts: Facts, give_way: Callable[[], None]) -> Told | None:
        for _ in range(self._words - 1):
            give_way()
        return super().tell(facts, give_way)


def bench_with(writer: Writer) -> tuple[Bench, Reporter]:
    """An engine that asks a reporter, whose turns the test takes."""
    bench = Bench()
    idle = threading.Event()
    idle.set()
    reporter = Reporter(writer, bench.inbox, bench.metrics, idle)
    bench.engine._report = reporter.ask
    bench.healthy(30)
    return bench, reporter


def fail(bench: Bench, start: int = 30, steps: int = 4) -> None:
    """A vibration far above normal."""
    for number in range(start, start + steps):
        bench.step(number, vib=9.0)


def events(bench: Bench) -> list[AlarmEvent]:
    """Every event that was committed, in order."""
    return [event for batch in bench.journal.batches for event in batch.events]


def count(bench: Bench, outcome: str) -> float:
    """How many summaries had this outcome."""
    return float(bench.metrics.summaries.labels(outcome)._value.get())


def test_the_alarm_is_told_by_template_before_anybody_is_asked_for_better_words() -> None:
    bench, _ = bench_with(Writer())
    fail(bench)
    raised = events(bench)[0]

    assert raised.transition is Transition.RAISED
    assert raised.summary_source == "template"
    assert any(message.topic.endswith(raised.id) for batch in bench.journal.batches for message in batch.outgoing)


def test_the_words_of_the_model_are_the_next_revision_of_the_same_alarm() -> None:
    writer = Writer()
    bench, reporter = bench_with(writer)
    fail(bench)
    before = events(bench)[-1]
    reporter.turn()
    bench.drain()
    told = events(bench)[-1]

    assert (told.id, told.rev, told.transition) == (before.id, before.rev + 1, Transition.UPDATED)
    assert (told.summary, told.summary_source) == (WORDS, "model")
    assert replace(told, rev=before.rev, summary=before.summary, summary_source="template") == before
    assert writer.asked[0].channels[0].name == "vib"
    assert writer.asked[0].time == before.time
    assert count(bench, "model") == 1


def test_the_revision_survives_a_restart() -> None:
    bench, reporter = bench_with(Writer())
    fail(bench)
    reporter.turn()
    bench.drain()
    rev = events(bench)[-1].rev
    again = Bench(journal=bench.journal)

    assert again.pipeline.alarms["p1", "risk"].rev == rev


def test_words_that_come_after_a_newer_revision_are_dropped_and_counted() -> None:
    bench, reporter = bench_with(Writer())
    fail(bench)
    bench.send("logs/p1", json.dumps({"text": "bearing noisy", "ts": START + 33.5}).encode())
    fail(bench, start=34, steps=2)  # the new line is told as an update of the alarm
    told = len(events(bench))
    reporter.turn()
    bench.drain()

    assert len(events(bench)) == told
    assert count(bench, "stale") == 1


def test_words_for_an_alarm_that_has_cleared_are_dropped() -> None:
    bench, reporter = bench_with(Writer())
    fail(bench)
    for number in range(34, 60):
        bench.step(number)
    assert events(bench)[-1].transition is Transition.CLEARED
    reporter.turn()
    bench.drain()

    assert events(bench)[-1].transition is Transition.CLEARED
    assert count(bench, "stale") == 1


def test_a_clear_asks_for_no_words() -> None:
    writer = Writer()
    bench, reporter = bench_with(writer)
    fail(bench)
    reporter.turn()
    bench.drain()
    asked = len(writer.asked)
    for number in range(34, 60):
        bench.step(number)

    assert events(bench)[-1].transition is Transition.CLEARED
    assert reporter._waiting.empty()
    assert len(writer.asked) == asked


def test_where_the_model_writes_nothing_the_template_stands() -> None:
    bench, reporter = bench_with(Writer(lambda _facts: None))
    fail(bench)
    told = len(events(bench))
    reporter.turn()
    bench.drain()

    assert len(events(bench)) == told
    assert count(bench, "template") == 1


def test_a_model_that_breaks_is_said_once_counted_and_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def broken(_facts: Facts) -> str:
        raise RuntimeError("no such tensor")

    bench, reporter = bench_with(Writer(broken))
    fail(bench)
    with caplog.at_level(logging.ERROR):
        reporter.turn()
        reporter.ask(events(bench)[-1], window(bench))
        reporter.turn()

    assert count(bench, "failed") == 2
    assert [record.message.split()[0] for record in caplog.records] == ["summary_failed"]
    bench.step(40, vib=9.0)
    assert bench.pipeline.alarms["p1", "risk"].active


def test_a_slow_reporter_holds_up_no_alarm_and_its_queue_is_bounded() -> None:
    release = threading.Event()

    def slow(_facts: Facts) -> str:
        release.wait(20)
        return WORDS

    bench, reporter = bench_with(Writer(slow))
    fail(bench)
    thread = threading.Thread(target=reporter.turn)
    thread.start()
    for _ in range(MAX_WAITING + 5):
        reporter.ask(events(bench)[-1], window(bench))
    fail(bench, start=34)  # decided and committed while the reporter hangs

    assert bench.pipeline.alarms["p1", "risk"].time == START + 38
    assert count(bench, "dropped") >= 4
    release.set()
    thread.join(20)
    assert not thread.is_alive()


class Idle(threading.Event):
    """The engine's word that it is idle; notes how long somebody would wait for it, and lets nobody wait."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.waits.append(timeout)
        return True


def test_before_every_word_the_reporter_gives_way_to_the_engine_but_not_for_ever() -> None:
    bench, _ = bench_with(Writer())
    fail(bench)
    idle = Idle()
    reporter = Reporter(Patient(words=5), bench.inbox, bench.metrics, idle)
    reporter.ask(events(bench)[-1], window(bench))
    reporter.turn()

    assert len(idle.waits) == 5
    assert all(0 < wait <= GIVE_WAY_S for wait in idle.waits)
    assert idle.waits == sorted(idle.waits, reverse=True)


def test_an_engine_that_is_never_idle_does_not_keep_the_reporter_waiting_for_ever() -> None:
    bench, _ = bench_with(Writer())
    fail(bench)
    idle = Idle()
    reporter = Reporter(Patient(words=5), bench.inbox, bench.metrics, idle)
    reporter._give_way(time.monotonic() - 1.0)

    assert idle.waits == []


def test_without_a_report_model_the_engine_asks_nobody() -> None:
    bench = Bench()
    bench.healthy(30)
    fail(bench)

    assert {event.summary_source for event in events(bench)} == {"template"}


def test_a_summary_wakes_the_engine_like_any_item() -> None:
    bench, _ = bench_with(Writer())
    fail(bench)
    inbox = Inbox(1)
    inbox.tell(Summary(events(bench)[-1], TOLD))

    assert inbox.take(0) == Summary(events(bench)[-1], TOLD)


def window(bench: Bench) -> Window:
    """A window of the pump as it is now."""
    windower = bench.pipeline.windower("p1")
    assert windower is not None
    return Window("p1", "pump", 1, START, START + 1, None, (), (), learning=False)
