"""What a turn of the engine does first: what is urgent is never behind what can wait."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from edge_agent.core.evidence import occlude, questions
from edge_agent.core.types import Scores, Transition, Verdict
from edge_agent.ports import Arrival
from edge_agent.service.engine import EngineSettings
from edge_agent.service.inbox import Delivered, Inbox, Item
from edge_agent.service.publisher import Publisher
from tests.service.parts import START, Bench, LinkRecorder, loud


def raised(bench: Bench) -> None:
    """Readings that raise a risk alarm, the last of them still in the inbox."""
    bench.healthy(30)
    bench.step(30, vib=9.0)
    for channel, value in (("vib", 9.0), ("temp", 60.0)):
        bench.send(f"plant/p1/{channel}", json.dumps({"value": value, "ts": START + 31}).encode())


def verdicts(bench: Bench) -> list[Verdict]:
    return [verdict for batch in bench.journal.batches for verdict in batch.verdicts]


def transitions(bench: Bench) -> list[Transition]:
    return [event.transition for batch in bench.journal.batches for event in batch.events]


def test_an_alarm_is_explained_after_what_waits_in_the_inbox() -> None:
    """It may be the next alarm, and an explanation costs ten scores."""
    bench = Bench(settings=EngineSettings(batch_s=0.004, explain_s=3600.0))
    raised(bench)
    bench.send("plant/p1/vib", json.dumps({"value": 9.0, "ts": START + 31.5}).encode())
    bench.engine.turn()
    assert transitions(bench) == [Transition.RAISED]

    bench.drain()
    assert transitions(bench)[:2] == [Transition.RAISED, Transition.UPDATED]


def test_what_arrives_during_an_explanation_is_decided_before_it_goes_on() -> None:
    """The explanation goes on where it stopped: no score is asked twice, and it says the same."""
    bench = Bench(settings=EngineSettings(batch_s=0.004, explain_s=3600.0))
    raised(bench)
    asked: list[tuple[str, list[str]]] = []  # a text left in part, and the kinds of alarms written by then

    def score(text: str) -> Scores:
        if Transition.RAISED in transitions(bench):
            asked.append((text, [event.kind for batch in bench.journal.batches for event in batch.events]))
            if len(asked) == 1:
                bench.send("plant/p1/temp", json.dumps({"value": 120.0, "ts": START + 31.5}).encode())
        return loud(text)

    bench.pipeline._judge = replace(bench.pipeline._judge, score=score)
    bench.drain()
    read = verdicts(bench)[-1].text

    assert [written for _, written in asked] == [["risk"], *[["risk", "limit:temp"]] * (len(asked) - 1)]
    assert tuple(text for text, _ in asked) == questions(read)
    explained = next(event for batch in bench.journal.batches for event in batch.events if event.rev == 2)
    moves = occlude(read, 0.9, loud)
    assert explained.evidence[0].contribution == dict(moves.channels)["vib"]


def test_an_alarm_is_explained_although_the_inbox_never_empties() -> None:
    """A score a turn: what waits is never behind more than one."""
    bench = Bench(settings=EngineSettings(batch_messages=1, batch_s=0.004, explain_s=0.0))
    raised(bench)
    scored = 0

    def score(text: str) -> Scores:
        nonlocal scored
        scored += Transition.RAISED in transitions(bench)
        return loud(text)

    bench.pipeline._judge = replace(bench.pipeline._judge, score=score)
    in_turn = []
    while Transition.UPDATED not in transitions(bench):
        before = scored
        for _ in range(2):  # more than a turn takes
            bench.send("plant/p1/vib", json.dumps({"value": 9.0, "ts": START + 31.5}).encode())
        bench.engine.turn()
        in_turn.append(scored - before)

    assert len(bench.inbox) >= len(in_turn)
    assert [count for count in in_turn if count] == [1] * len(questions(verdicts(bench)[-1].text))
    assert transitions(bench) == [Transition.RAISED, Transition.UPDATED]


class Confirming(Inbox):
    """An inbox that is asked to wait for so long only after an alarm was written; the broker confirms it then."""

    HEAD_START_S = 3600.0

    def __init__(self, confirmed: bool) -> None:  # noqa: FBT001 - a case of the test
        super().__init__(1000)
        self.confirmed = confirmed
        self.waits: list[tuple[int, list[Transition]]] = []  # scores asked so far, alarms written so far
        self.seen: Callable[[], tuple[int, list[Transition]]] = lambda: (0, [])

    def take(self, timeout_s: float) -> Item | None:
        if timeout_s < self.HEAD_START_S:
            return super().take(timeout_s)
        self.waits.append(self.seen())
        return Delivered(1) if self.confirmed else None


@pytest.mark.parametrize("confirmed", [True, False])
def test_an_alarm_goes_out_before_its_explanation_takes_the_processor(*, confirmed: bool) -> None:
    """Until the broker confirms it, or for a while; then it is explained either way."""
    inbox = Confirming(confirmed)
    bench = Bench(inbox=inbox, settings=EngineSettings(batch_s=0.004, head_start_s=Confirming.HEAD_START_S))
    raised(bench)
    explaining = 0

    def score(text: str) -> Scores:
        nonlocal explaining
        explaining += Transition.RAISED in transitions(bench)
        return loud(text)

    bench.pipeline._judge = replace(bench.pipeline._judge, score=score)
    inbox.seen = lambda: (explaining, transitions(bench))
    bench.drain()

    assert inbox.waits == [(0, [Transition.RAISED])]
    assert transitions(bench) == [Transition.RAISED, Transition.UPDATED]
    assert explaining > 0
    assert [row for batch in bench.journal.batches for row in batch.sent] == [1] * confirmed


class Interrupted(Inbox):
    """An inbox into which a reading beyond its limit comes while the alarm before it has its head start."""

    def __init__(self) -> None:
        super().__init__(1000)
        self.interrupt: Callable[[], object] = lambda: None

    def take(self, timeout_s: float) -> Item | None:
        if timeout_s == Confirming.HEAD_START_S:
            self.interrupt()
        return super().take(0)


def test_an_alarm_that_comes_in_the_head_start_of_another_is_written_before_any_explanation() -> None:
    inbox = Interrupted()
    bench = Bench(inbox=inbox, settings=EngineSettings(batch_s=0.004, head_start_s=Confirming.HEAD_START_S))
    raised(bench)
    inbox.interrupt = lambda: bench.send("plant/p1/temp", json.dumps({"value": 120.0, "ts": START + 31.5}).encode())
    written: list[list[str]] = []  # kinds of alarms, at each score of an explanation

    def score(text: str) -> Scores:
        if Transition.RAISED in transitions(bench):
            written.append([event.kind for event in bench.events()])
        return loud(text)

    bench.pipeline._judge = replace(bench.pipeline._judge, score=score)
    bench.engine.turn()

    assert written
    assert all("limit:temp" in kinds for kinds in written)


class IdleWatcher(Inbox):
    """An inbox that notes whether the engine said that it had nothing to do, each time it was asked for an item."""

    def __init__(self, idle: threading.Event) -> None:
        super().__init__(1000)
        self.idle = idle
        self.asked: list[tuple[bool, bool]] = []  # asked to wait, said to be idle

    def take(self, timeout_s: float) -> Item | None:
        self.asked.append((timeout_s > 0, self.idle.is_set()))
        return super().take(timeout_s)


def test_the_engine_is_idle_while_it_waits_and_never_while_it_decides() -> None:
    """So that others know when they may compute."""
    idle = threading.Event()
    inbox = IdleWatcher(idle)
    bench = Bench(inbox=inbox)
    bench.engine._idle = idle
    scoring = []

    def score(text: str) -> Scores:
        scoring.append(idle.is_set())
        return loud(text)

    bench.pipeline._judge = replace(bench.pipeline._judge, score=score)
    bench.healthy(3)

    assert set(inbox.asked) == {(True, True), (False, False)}
    assert scoring
    assert not any(scoring)


class WakeWatcher(LinkRecorder):
    """A link that notes whether the publisher had been woken when it was told to acknowledge."""

    def __init__(self) -> None:
        super().__init__()
        self.woken: list[bool] = []
        self.publisher: Publisher | None = None

    def ack(self, arrivals: Sequence[Arrival]) -> None:
        assert self.publisher is not None
        self.woken.append(self.publisher._wake.is_set())
        super().ack(arrivals)


def test_the_publisher_is_woken_before_the_batch_is_acknowledged() -> None:
    """There may be an alarm to send."""
    link = WakeWatcher()
    bench = Bench(link=link)
    link.publisher = bench.publisher
    bench.send("plant/p1/vib", b'{"value": 2.0}')
    bench.drain()

    assert link.woken == [True]
