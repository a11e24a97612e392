"""The queue between the network thread and the engine: the only place where inputs wait.

QoS 0 messages are shed when it is full; QoS 1 messages never are, because the broker sends no more than the receive
maximum before we acknowledge. Notes from the publisher (what the broker has acknowledged) always fit.
"""

from __future__ import annotations

import queue
from typing import NamedTuple

from edge_agent.core.types import AlarmEvent
from edge_agent.ports import Arrival


class Delivered(NamedTuple):
    """An outbox row the broker has acknowledged."""

    id: int


class Summary(NamedTuple):
    """An alarm event in a model's words."""

    event: AlarmEvent
    text: str


Item = Arrival | Delivered | Summary


class Inbox:
    """A bounded queue with one reader."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._queue: queue.SimpleQueue[Item | None] = queue.SimpleQueue()

    def offer(self, arrival: Arrival) -> bool:
        """Put a message in; False when it was shed."""
        if arrival.qos == 0 and self._queue.qsize() >= self.capacity:
            return False
        self._queue.put(arrival)
        return True

    def note(self, delivered: Delivered) -> None:
        """Put a note of the publisher in."""
        self._queue.put(delivered)

    def tell(self, summary: Summary) -> None:
        """Put better words of the reporter in; they always fit, because so few can wait there."""
        self._queue.put(summary)

    def wake(self) -> None:
        """Let a waiting reader return."""
        self._queue.put(None)

    def take(self, timeout_s: float) -> Item | None:
        """The oldest item, or None after the timeout or a wake."""
        try:
            return self._queue.get(timeout=max(timeout_s, 0.0)) if timeout_s > 0 else self._queue.get_nowait()
        except queue.Empty:
            return None

    def __len__(self) -> int:
        return self._queue.qsize()
