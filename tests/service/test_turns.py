"""What a turn of the engine does first: what is urgent is never behind what can wait."""

from __future__ import annotations

import json
from collections.abc import Sequence

from edge_agent.core.types import Transition
from edge_agent.ports import Arrival
from edge_agent.service.engine import EngineSettings
from edge_agent.service.publisher import Publisher
from tests.service.parts import START, Bench, LinkRecorder


def raised(bench: Bench) -> None:
    """Readings that raise a risk alarm, the last of them still in the inbox."""
    bench.healthy(30)
    bench.step(30, vib=9.0)
    for channel, value in (("vib", 9.0), ("temp", 60.0)):
        bench.send(f"plant/p1/{channel}", json.dumps({"value": value, "ts": START + 31}).encode())


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


def test_an_alarm_is_explained_although_the_inbox_never_empties() -> None:
    bench = Bench(settings=EngineSettings(batch_s=0.004, explain_s=0.0))
    raised(bench)
    bench.send("plant/p1/vib", json.dumps({"value": 9.0, "ts": START + 31.5}).encode())
    bench.engine.turn()

    assert len(bench.inbox) == 1
    assert transitions(bench) == [Transition.RAISED, Transition.UPDATED]


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
