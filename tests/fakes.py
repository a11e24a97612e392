"""Fakes of the ports: real classes with the behaviour of the adapters, held to it by tests/contract."""

from __future__ import annotations

from collections.abc import Sequence

from edge_agent.core.types import AlarmEvent, CommandRecord, LogLine, Outgoing, Reading
from edge_agent.errors import StoreError
from edge_agent.ports import Batch, Queued

STATE_LANE = 1


class MemoryJournal:
    """Journal and outbox in memory. While `failing` is set every commit raises; `batches` holds the others."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.failing = False
        self.closed = False
        self.damaged = False
        self._blocks: list[list[Reading]] = []
        self._logs: dict[str, LogLine] = {}
        self._states: dict[str, bytes] = {}
        self._seen: list[list[tuple[int, bytes]]] = []  # a list a commit
        self._outbox: dict[int, Outgoing] = {}  # every row ever, so that a key is known after it was sent
        self._unsent: set[int] = set()
        self._commands: dict[str, CommandRecord] = {}

    def commit(self, batch: Batch) -> None:
        if self.failing:
            raise StoreError("journal in memory: cannot write a batch: told to fail", hint="set `failing` to False")
        self.batches.append(batch)
        if batch.readings:
            self._blocks.append(list(batch.readings))
        for line in batch.logs:
            self._logs.setdefault(line.id, line)
        for command in batch.commands:
            self._commands.setdefault(command.request_id, command)
        self._states.update(batch.states)
        if batch.seen:
            self._seen.append(list(batch.seen))
            while sum(map(len, self._seen[1:])) >= batch.seen_kept and len(self._seen) > 1:
                del self._seen[0]
        self._unsent.difference_update(batch.sent)
        keys = {message.key for message in self._outbox.values()}
        for message in batch.outgoing:
            if message.key not in keys:
                keys.add(message.key)
                row = len(self._outbox) + 1
                self._outbox[row] = message
                self._unsent.add(row)
        if batch.again:
            self._unsent |= set({one.topic: row for row, one in self._outbox.items() if one.retain}.values())
        newest = {self._outbox[row].group: row for row in sorted(self._unsent) if self._outbox[row].lane == STATE_LANE}
        self._unsent = {row for row in self._unsent if self._outbox[row].lane != STATE_LANE or row in newest.values()}

    def seen(self) -> dict[int, bytes]:
        found: dict[int, bytes] = {}
        for mid, mark in (one for block in self._seen for one in block):
            found.pop(mid, None)
            found[mid] = mark
        return found

    def states(self) -> dict[str, bytes]:
        return dict(self._states)

    def readings_since(self, block: int) -> Sequence[tuple[int, list[Reading]]]:
        return list(enumerate(self._blocks, start=1))[block:]

    def last_block(self) -> int:
        return len(self._blocks)

    def recent_logs(self, since: float) -> list[LogLine]:
        return sorted((line for line in self._logs.values() if line.time >= since), key=lambda line: line.time)

    def command(self, request_id: str) -> CommandRecord | None:
        return self._commands.get(request_id)

    def newest_event(self, alarm: str) -> AlarmEvent | None:
        told = [event for batch in self.batches for event in batch.events if event.id == alarm and not event.historical]
        return told[-1] if told else None

    def checkpoint(self) -> None:
        pass

    def prune(self, now: float) -> int:  # noqa: ARG002 - nothing is ever old in memory
        return 0

    def pending(self, *, after: frozenset[int], held: frozenset[str] = frozenset(), limit: int) -> list[Queued]:
        free = (row for row in self._unsent - after if self._outbox[row].group not in held)
        rows = sorted(free, key=lambda row: (self._outbox[row].lane, row))
        return [Queued(row, self._outbox[row]) for row in rows[:limit]]

    def close(self) -> None:
        self.closed = True
