"""An engine on fakes, and messages for it: shared by the tests of the service."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from edge_agent.core.commands import Command
from edge_agent.core.decode import Decoder, Format, Kind, Paths, SourceSpec
from edge_agent.core.outputs.interpreter import Interpreter
from edge_agent.core.pipeline import Judge, Pipeline
from edge_agent.core.topics import Address
from edge_agent.core.types import AlarmEvent, AlarmPolicy, ChannelSpec, ClassSpec, Limits, Outgoing, Scores
from edge_agent.core.wire import ModelPayload, Origin, state_message
from edge_agent.metrics import Metrics
from edge_agent.ports import Arrival, Spool
from edge_agent.service.clock import ClockWatch
from edge_agent.service.engine import Engine, EngineSettings
from edge_agent.service.inbox import Inbox
from edge_agent.service.publisher import Publisher
from tests.fakes import MemoryJournal

LABELS = ("none", "VIB")
ORIGIN = Origin(
    address=Address("t", "s", "gw"),
    model=ModelPayload(name="fake", version="1", sha256="0" * 64),
    horizon="fails within 30 steps",
    config="c0",
    boot_id="b0",
    agent="0.0.0",
)
START = 1_760_000_000.0
PUMP = ClassSpec(
    name="pump",
    channels=(
        ChannelSpec(name="vib", unit="mm/s", component="drive-end bearing"),
        ChannelSpec(name="temp", unit="°C", limits=Limits(high_alarm=90.0)),
    ),
    step_s=1.0,
    complete=True,
    baseline_steps=10,
    silent_after_s=600.0,
)
SOURCES = (
    SourceSpec(topic="plant/{asset}/{channel}", format=Format.JSON, paths=Paths(value="value", time="ts")),
    SourceSpec(topic="senml/{asset}", format=Format.SENML),
    SourceSpec(
        topic="orders/{asset}",
        kind=Kind.ORDER,
        format=Format.JSON,
        paths=Paths(order="no", status="state", repaired="fixed", time="ts"),
    ),
    SourceSpec(topic="logs/{asset}", kind=Kind.LOG, format=Format.JSON, paths=Paths(text="text", time="ts")),
)


class LinkRecorder:
    """The port `Link` that remembers what it was asked."""

    def __init__(self) -> None:
        self.connected = True
        self.epoch = 1
        self.session_present = True
        self.acked: list[Arrival] = []
        self.published: list[tuple[Outgoing, Callable[[bool, str], None]]] = []
        self.closed = False

    def open(self, on_message: Callable[[Arrival], None], on_change: Callable[[bool], None]) -> None:
        self.on_message, self.on_change = on_message, on_change

    def ack(self, arrivals: Sequence[Arrival]) -> None:
        self.acked += arrivals

    def publish(self, message: Outgoing, on_done: Callable[[bool, str], None]) -> None:
        self.published.append((message, on_done))

    def alive(self, now: float) -> bool:
        return now >= 0

    def close(self) -> None:
        self.closed = True


def loud(text: str) -> Scores:
    """A model that fears any vibration far above normal."""
    line = next((row for row in text.splitlines() if row.startswith("vib ")), "")
    words = [w for w in line.split() if w.startswith("z+")]
    high = any(int(w[2:]) >= 30 for w in words)
    return Scores(risk=0.9 if high else 0.02, modes=(0.1, 0.9) if high else (0.9, 0.1))


@dataclass
class Bench:
    """An engine on fakes."""

    journal: MemoryJournal = field(default_factory=MemoryJournal)
    settings: EngineSettings = field(
        default_factory=lambda: EngineSettings(batch_s=0.004, retry_s=0.004, sent_s=0.0, quiet_s=0.0, head_start_s=0.0)
    )
    link: LinkRecorder = field(default_factory=LinkRecorder)
    inbox: Inbox = field(default_factory=lambda: Inbox(1000))
    metrics: Metrics = field(default_factory=Metrics)
    score: Callable[[str], Scores] = loud
    interpreter: Interpreter = field(default_factory=lambda: Interpreter((), lambda _asset: None))
    spool: Spool | None = None
    policy: AlarmPolicy = field(default_factory=AlarmPolicy)
    now: float = START
    mid: int = 0

    def __post_init__(self) -> None:
        self.urgent: list[Outgoing] = []
        self.errands: list[Command] = []
        self.reloads: list[float] = []
        self.publisher = Publisher(self.journal, self.link, self.inbox, self.metrics)
        self.pipeline = Pipeline(
            {"pump": PUMP},
            lambda asset: "pump" if asset.startswith("p") else None,
            {},
            self.policy,
            Judge(score=self.score, labels=LABELS, threshold=0.5),
        )
        self.engine = Engine(
            decoder=Decoder(SOURCES),
            pipeline=self.pipeline,
            journal=self.journal,
            link=self.link,
            inbox=self.inbox,
            origin=ORIGIN,
            metrics=self.metrics,
            clock=ClockWatch(wall=lambda: self.now),
            settings=self.settings,
            committed=self.publisher.committed,
            urgent=self.urgent.append,
            interpreter=self.interpreter,
            errand=self.errands.append,
            reload=lambda: self.reloads.append(self.now),
            spool=self.spool,
        )
        before = len(self.journal.batches)
        self.engine.restore()
        del self.journal.batches[before:]  # that it runs, which is no batch of any message

    def send(  # noqa: PLR0913 - what a message has
        self,
        topic: str,
        payload: bytes,
        *,
        qos: int = 1,
        dup: bool = False,
        retain: bool = False,
        mid: int | None = None,
        properties: bytes = b"",
    ) -> Arrival:
        """Put one message into the inbox."""
        self.mid += 1
        arrival = Arrival(
            1,
            (self.mid if mid is None else mid) if qos else 0,
            qos,
            topic,
            payload,
            START + 0.5,
            dup,
            retain,
            0,
            properties,
        )
        assert self.inbox.offer(arrival)
        return arrival

    def step(self, number: float, vib: float = 2.0, temp: float = 60.0, asset: str = "p1") -> None:
        """One second of readings of a pump, then turns until the inbox is empty."""
        for channel, value in (("vib", vib), ("temp", temp)):
            self.send(f"plant/{asset}/{channel}", json.dumps({"value": value, "ts": START + number}).encode())
        self.drain()

    def drain(self) -> None:
        """Turn until nothing waits, to be decided or to be explained."""
        while len(self.inbox) or (self.pipeline.explaining and not self.journal.failing):
            self.engine.turn()
        self.engine.turn()

    def events(self) -> list[AlarmEvent]:
        """All alarm events written so far."""
        return [event for batch in self.journal.batches for event in batch.events]

    def healthy(self, steps: int, start: int = 0) -> None:
        """Commissioning: small deterministic noise around normal."""
        for i in range(start, start + steps):
            self.step(i, 2.0 + 0.05 * ((i * 7) % 5 - 2), 60.0 + 0.2 * ((i * 3) % 5 - 2))


STATE = state_message(ORIGIN, "online")
