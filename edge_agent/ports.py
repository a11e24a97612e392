"""What the service needs of the world, one Protocol per need.

Adapters live in `bundle`, `store` and `mqtt`; fakes in `tests/fakes.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from edge_agent.core.facts import Facts
from edge_agent.core.report import Told
from edge_agent.core.types import AlarmEvent, CommandRecord, LogLine, Outgoing, Reading, Scores, Verdict


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """Which model speaks."""

    name: str
    version: str
    sha256: str  # of the risk model file
    labels: tuple[str, ...]  # failure modes, ISO 14224 codes, `none` first
    threshold: float  # calibrated risk from which an alarm is justified
    horizon: str  # what the risk is about, in words
    stranger_threshold: float | None = None  # of assets whose class has no reference; None: as the others


class RiskModel(Protocol):
    """Reads a text and says how likely a failure is."""

    @property
    def info(self) -> ModelInfo:
        """Which model it is."""
        ...

    def score(self, text: str) -> Scores:
        """Calibrated scores of one text (batch 1: a batch mate would change an int8 row)."""


class ReportModel(Protocol):
    """Puts the facts of an alarm into words."""

    def tell(self, facts: Facts, give_way: Callable[[], None]) -> Told | None:
        """The facts as a summary grounded in them; None where the template must speak.

        `give_way` is called before every word: it returns when nothing more urgent needs the processor.
        """


class Arrival(NamedTuple):
    """One message as the network thread hands it over, not decoded."""

    epoch: int  # of the connection it came by
    mid: int  # MQTT packet id; 0 for QoS 0
    qos: int
    topic: str
    payload: bytes
    time: float  # wall clock at arrival
    dup: bool = False
    retain: bool = False  # sent because we subscribed, not because it was just published
    left_out: int = 0  # bytes of a packet too large to keep: the payload is empty then
    properties: bytes = b""  # of the packet, as they came (MQTT 5 §3.3.2.3); only commands look at them


@dataclass(slots=True)
class Batch:
    """Everything one commit writes, in one transaction (promise: told means written)."""

    readings: list[Reading] = field(default_factory=list)
    logs: list[LogLine] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    events: list[AlarmEvent] = field(default_factory=list)
    outgoing: list[Outgoing] = field(default_factory=list)
    commands: list[CommandRecord] = field(default_factory=list)
    states: dict[str, bytes] = field(default_factory=dict)  # named state blobs that changed
    sent: list[int] = field(default_factory=list)  # outbox row ids the broker has acknowledged
    again: bool = False  # the broker has lost what it was given to keep: send the newest retained messages again
    seen: list[tuple[int, bytes]] = field(default_factory=list)  # (packet id, mark) of the QoS 1 messages it brings
    seen_kept: int = 0  # how many of the newest marks, at least, stay known with these
    clock: str = "synced"

    def __bool__(self) -> bool:
        return bool(
            self.readings
            or self.logs
            or self.verdicts
            or self.events
            or self.outgoing
            or self.commands
            or self.states
            or self.sent
            or self.again
        )


class Queued(NamedTuple):
    """An outgoing message with its row id in the outbox."""

    id: int
    message: Outgoing


class Journal(Protocol):
    """The one writer of the SQLite file. Used by the engine thread only."""

    @property
    def damaged(self) -> bool:
        """Whether the file turned out damaged: a new start sets it aside and begins a fresh one."""
        ...

    def commit(self, batch: Batch) -> None:
        """Write a batch in one transaction and fsync it.

        Raises:
            StoreError: nothing of the batch was written.
        """

    def seen(self) -> dict[int, bytes]:
        """Packet id → mark of the newest QoS 1 messages, oldest first: committed, but perhaps not acknowledged."""

    def states(self) -> dict[str, bytes]:
        """All named state blobs, as the last commits left them."""

    def readings_since(self, block: int) -> Sequence[tuple[int, list[Reading]]]:
        """The blocks of readings after a block id, in order of commit."""

    def last_block(self) -> int:
        """Id of the newest block of readings, 0 in an empty journal."""

    def recent_logs(self, since: float) -> list[LogLine]:
        """Log lines not older than `since` (event time), oldest first."""

    def command(self, request_id: str) -> CommandRecord | None:
        """What came of a command, None where none has this request id."""

    def newest_event(self, alarm: str) -> AlarmEvent | None:
        """The newest revision of an alarm that people were told; None where there is none."""

    def checkpoint(self) -> None:
        """Do what commits leave undone; now and then that takes as long as several of them, so after what is urgent.

        Raises:
            StoreError: it could not be done; nothing is lost.
        """

    def prune(self, now: float) -> int:
        """Delete what is past its retention, give space back; number of rows deleted."""

    def close(self) -> None:
        """Checkpoint and close."""


class Errands(Protocol):
    """What commands ask for beyond the alarms. Used by the clerk thread only."""

    def ask(self, asset: str) -> str:
        """How a machine is, in plain words.

        Raises:
            EdgeAgentError: it cannot be said.
        """

    def activate(self, bundle: str) -> None:
        """Note that another bundle judges from the next start on.

        Raises:
            EdgeAgentError: there is no such bundle, or it fails its checks.
        """

    def check(self) -> None:
        """Look the configuration on disk over.

        Raises:
            EdgeAgentError: it cannot be taken up.
        """


class Spool(Protocol):
    """Commands left beside the journal by whoever has a shell on the gateway. Used by the engine thread only."""

    def waiting(self) -> Sequence[tuple[str, str, bytes]]:
        """Name of the entry, name of the command, payload: oldest first."""

    def done(self, entry: str) -> None:
        """Forget an entry: what it asked for is written."""


class Outbox(Protocol):
    """Read-only view of what is to be sent. Used by the publisher thread only."""

    def pending(self, *, after: frozenset[int], held: frozenset[str] = frozenset(), limit: int) -> list[Queued]:
        """Oldest unsent messages, alarms first, without the ids in `after` and the groups in `held`."""

    def close(self) -> None:
        """Close the connection."""


class Relief(Protocol):
    """Says when a message of QoS 0 need not even be read, because there is no place for it."""

    def full(self) -> str:
        """The cause by which it would be shed; empty while there is a place."""
        ...

    def shed(self, cause: str, count: int) -> None:
        """Count so many that were read past."""


class Link(Protocol):
    """The connection to the broker."""

    @property
    def connected(self) -> bool:
        """Whether the broker has accepted us."""
        ...

    @property
    def epoch(self) -> int:
        """Number of the connection."""
        ...

    @property
    def session_present(self) -> bool:
        """Whether the broker still had our session when we last connected."""
        ...

    def open(self, on_message: Callable[[Arrival], None], on_change: Callable[[bool], None]) -> None:
        """Connect and subscribe in the background; calls back on the network thread."""

    def ack(self, arrivals: Sequence[Arrival]) -> None:
        """Acknowledge QoS 1 messages, but for those whose connection is gone."""

    def publish(self, message: Outgoing, on_done: Callable[[bool, str], None]) -> None:
        """Send; `on_done(delivered, reason)` when acknowledged or given up."""

    def alive(self, now: float) -> bool:
        """Whether the network thread lives (monotonic seconds)."""

    def close(self) -> None:
        """Say goodbye, disconnect and join."""


class Beside(Protocol):
    """A second connection, on which others are told in their own protocol what was committed."""

    def open(self) -> None:
        """Connect in the background."""

    def fault(self) -> BaseException | None:
        """What one of its threads raised unexpectedly, or None."""

    def close(self) -> None:
        """Say what is still to be said, and disconnect."""
