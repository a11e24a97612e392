"""The queue between the network thread and the engine: the only place where inputs wait. Bounded in number and bytes.

QoS 0 messages are shed when it is full, counted by cause; QoS 1 messages never are, because the link stops reading at
the receive maximum and at its bound of unacknowledged bytes. Notes from the publisher (what the broker has
acknowledged), the reporter and the link always fit.
"""

from __future__ import annotations

import queue
from collections.abc import Callable
from typing import NamedTuple

from edge_agent.core.commands import Command
from edge_agent.core.report import Told
from edge_agent.core.types import AlarmEvent
from edge_agent.ports import Arrival

MAX_BYTES = 32 << 20  # of payloads: a hundred of the largest that are decoded
NEARLY = 0.9  # of the bytes: from here on there is no place for any
FULL, FULL_BYTES = "inbox_full", "inbox_bytes"  # causes


class Delivered(NamedTuple):
    """An outbox row the broker has acknowledged."""

    id: int


class Summary(NamedTuple):
    """An alarm event in a model's words."""

    event: AlarmEvent
    told: Told


class Forgotten(NamedTuple):
    """The broker has no session of ours: what it was given to keep may be gone as well."""

    epoch: int


class ErrandDone(NamedTuple):
    """What came of a command that took its time."""

    asked: Command
    refusal: str = ""  # why it was not done
    text: str = ""  # answer to a question
    reload: bool = False  # the agent has to begin anew for it


Item = Arrival | Delivered | Summary | Forgotten | ErrandDone


class Inbox:
    """A bounded queue with one reader; messages come from one thread, notes from any."""

    def __init__(
        self,
        capacity: int,
        max_bytes: int = MAX_BYTES,
        on_shed: Callable[[str, int], None] = lambda _cause, _count: None,
    ) -> None:
        """An empty inbox.

        Args:
            capacity: from so many items on, QoS 0 messages are shed.
            max_bytes: the same for the bytes of the payloads that wait.
            on_shed: told why messages were shed, and how many, on the network thread.
        """
        self.capacity, self.max_bytes = capacity, max_bytes
        self._on_shed = on_shed
        self._queue: queue.SimpleQueue[Item | None] = queue.SimpleQueue()
        self._put_bytes = self._taken_bytes = 0  # each is written by one thread only: no lock for a message

    def offer(self, arrival: Arrival) -> bool:
        """Put a message in; False when it was shed."""
        if arrival.qos == 0:
            cause = self.full()
            if not cause and self.waiting_bytes + len(arrival.payload) > self.max_bytes:
                cause = FULL_BYTES
            if cause:
                self.shed(cause, 1)
                return False
        self._put_bytes += len(arrival.payload)
        self._queue.put(arrival)
        return True

    def full(self) -> str:
        """The cause by which any message of QoS 0 is shed now; empty while there is a place.

        By bytes a little below the bound: else payloads that do not quite fill it would be refused one by one.
        """
        if self._queue.qsize() >= self.capacity:
            return FULL
        return FULL_BYTES if self.waiting_bytes >= NEARLY * self.max_bytes else ""

    def shed(self, cause: str, count: int) -> None:
        """Count messages of QoS 0 that found no place."""
        self._on_shed(cause, count)

    def note(self, note: Delivered | Forgotten | ErrandDone) -> None:
        """Put in what the publisher, the link or the clerk has to say; it always fits: so little can wait."""
        self._queue.put(note)

    def tell(self, summary: Summary) -> None:
        """Put better words of the reporter in; they always fit, because so few can wait there."""
        self._queue.put(summary)

    def wake(self) -> None:
        """Let a waiting reader return."""
        self._queue.put(None)

    def take(self, timeout_s: float) -> Item | None:
        """The oldest item, or None after the timeout or a wake."""
        try:
            item = self._queue.get(timeout=max(timeout_s, 0.0)) if timeout_s > 0 else self._queue.get_nowait()
        except queue.Empty:
            return None
        if isinstance(item, Arrival):
            self._taken_bytes += len(item.payload)
        return item

    @property
    def waiting_bytes(self) -> int:
        """Bytes of the payloads that wait."""
        return self._put_bytes - self._taken_bytes

    def __len__(self) -> int:
        return self._queue.qsize()
