"""Agents that are broken on purpose, one promise each: what the judge has to find. Put in by `nursery`, in a fork.

Every flaw is a patch at a port's adapter, so that it is the same whatever the engine looks like inside.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count

from edge_agent.core.snapshot import ALARMS
from edge_agent.core.types import Outgoing, Reading
from edge_agent.core.wire import LANE_ALARM
from edge_agent.mqtt.link import PahoLink
from edge_agent.ports import Batch
from edge_agent.store.journal import SqliteJournal


def acknowledge_first() -> None:
    """Each batch is written with the next one: acknowledged before it is on the disk."""
    write, held = SqliteJournal.commit, list[Batch]()

    def commit(self: SqliteJournal, batch: Batch) -> None:
        held.append(batch)
        if len(held) > 1:
            write(self, held.pop(0))

    SqliteJournal.commit = commit  # type: ignore[method-assign]


def forget_seen() -> None:
    """After a start nobody knows which messages were committed but not acknowledged."""

    def seen(self: SqliteJournal) -> dict[int, bytes]:  # noqa: ARG001 - as the method it stands for
        return {}

    SqliteJournal.seen = seen  # type: ignore[method-assign]


def tell_once() -> None:
    """A message counts as delivered once it is handed to the network."""
    send = PahoLink.publish

    def publish(self: PahoLink, message: Outgoing, on_done: Callable[[bool, str], None]) -> None:
        send(self, message, lambda _delivered, _reason: None)
        on_done(True, "")

    PahoLink.publish = publish  # type: ignore[method-assign]


def forget_alarms() -> None:
    """After a start no alarm stands."""
    read = SqliteJournal.states

    def states(self: SqliteJournal) -> dict[str, bytes]:
        return {name: blob for name, blob in read(self).items() if not name.startswith(ALARMS)}

    SqliteJournal.states = states  # type: ignore[method-assign]


def forget_windows() -> None:
    """After a start every machine is new."""

    def readings_since(
        self: SqliteJournal,  # noqa: ARG001 - as the method it stands for
        block: int,  # noqa: ARG001
    ) -> Sequence[tuple[int, list[Reading]]]:
        return ()

    SqliteJournal.readings_since = readings_since  # type: ignore[method-assign]


def lose_messages() -> None:
    """Every third alarm message never gets into the outbox."""
    write, made = SqliteJournal.commit, count(1)

    def commit(self: SqliteJournal, batch: Batch) -> None:
        batch.outgoing = [m for m in batch.outgoing if m.lane != LANE_ALARM or next(made) % 3]
        write(self, batch)

    SqliteJournal.commit = commit  # type: ignore[method-assign]


FLAWS: dict[str, Callable[[], None]] = {
    flaw.__name__: flaw
    for flaw in (acknowledge_first, forget_seen, tell_once, forget_alarms, forget_windows, lose_messages)
}
