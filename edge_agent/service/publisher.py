"""The publisher: sends what lies in the outbox, oldest first, alarms before states before history.

At most `WINDOW` messages are in flight, and never two of one group, so that the events of an alarm arrive in order.
What the broker has acknowledged goes back to the engine, which marks it in its next commit; until then it is kept out
of the next look into the outbox. Unrecorded alarms (nothing can be written) and health messages pass by directly.
"""

from __future__ import annotations

import logging
import queue
import random
import threading
import time
from collections.abc import Callable

from edge_agent.core.backoff import delay
from edge_agent.core.types import Outgoing
from edge_agent.metrics import Metrics
from edge_agent.ports import Link, Outbox, Queued
from edge_agent.service.inbox import Delivered, Inbox

logger = logging.getLogger(__name__)

WINDOW = 16  # paho's own limit is 20; a small window keeps a resend after a cut small
LOOKS = 8  # into the outbox in one turn: so far one group's backlog may hide what others have to send
IDLE_S = 1.0
MAX_DIRECT = 256


class Publisher:
    """Owns the reading side of the outbox."""

    def __init__(self, outbox: Outbox, link: Link, inbox: Inbox, metrics: Metrics) -> None:
        self._outbox, self._link, self._inbox, self._metrics = outbox, link, inbox, metrics
        self._wake = threading.Event()
        self._done: queue.SimpleQueue[tuple[Queued, bool, str]] = queue.SimpleQueue()
        self._marked: queue.SimpleQueue[tuple[int, ...]] = queue.SimpleQueue()
        self._direct: queue.SimpleQueue[Outgoing] = queue.SimpleQueue()
        self._flying: dict[int, str] = {}  # outbox id → group
        self._delivered: set[int] = set()
        self._failures = 0
        self._not_before = 0.0

    # ------------------------------------------------------------------------------------------------ other threads

    def committed(self, sent: tuple[int, ...]) -> None:
        """Engine: a commit is done, these rows are marked as sent; there may be new ones."""
        self._marked.put(sent)
        self._wake.set()

    def direct(self, message: Outgoing) -> None:
        """Any thread: send without the outbox; the oldest are dropped when the broker is away for long."""
        while self._direct.qsize() >= MAX_DIRECT:
            self._direct.get_nowait()
        self._direct.put(message)
        self._wake.set()

    def wake(self) -> None:
        """Any thread: look at once."""
        self._wake.set()

    @property
    def idle(self) -> bool:
        """Whether nothing is in flight or waiting to be sent directly."""
        return not self._flying and self._direct.empty()

    # ------------------------------------------------------------------------------------------------ own thread

    def turn(self) -> None:
        """One turn: settle what came back, send what is due, wait for a reason to look again."""
        self._settle()
        room = WINDOW - len(self._flying)
        sent = 0
        if self._link.connected and time.monotonic() >= self._not_before:
            self._send_direct()
            if room > 0:
                sent = self._send(room)
        if not sent:
            self._wake.wait(IDLE_S)
        self._wake.clear()

    def close(self) -> None:
        """Close the outbox."""
        self._outbox.close()

    def _settle(self) -> None:
        while not self._done.empty():
            queued, delivered, reason = self._done.get_nowait()
            self._flying.pop(queued.id, None)
            if delivered:
                self._failures = 0
                self._delivered.add(queued.id)
                self._metrics.published.inc()
                self._inbox.note(Delivered(queued.id))
            else:
                self._refused(queued, reason)
        while not self._marked.empty():
            self._delivered.difference_update(self._marked.get_nowait())

    def _refused(self, queued: Queued, reason: str) -> None:
        self._metrics.publish_faults.labels(reason).inc()
        self._failures += 1
        if reason != "disconnected":
            self._not_before = time.monotonic() + delay(self._failures, random.random())  # noqa: S311 - jitter
            if self._failures == 1:
                logger.warning("publish_refused topic=%s reason=%s (retried)", queued.message.topic, reason)

    def _send_direct(self) -> None:
        while not self._direct.empty():
            self._link.publish(self._direct.get_nowait(), lambda _delivered, _reason: None)

    def _send(self, room: int) -> int:
        sent, known, groups = 0, self._delivered | self._flying.keys(), set(self._flying.values())
        for _ in range(LOOKS):
            pending = self._outbox.pending(after=frozenset(known), limit=WINDOW)
            for queued in pending:
                known.add(queued.id)
                if sent == room or queued.message.group in groups:
                    continue
                groups.add(queued.message.group)
                self._flying[queued.id] = queued.message.group
                self._link.publish(queued.message, self._answer(queued))
                sent += 1
            if sent == room or len(pending) < WINDOW:
                break
        return sent

    def _answer(self, queued: Queued) -> Callable[[bool, str], None]:
        def on_done(delivered: bool, reason: str) -> None:  # noqa: FBT001 - the port's callback
            self._done.put((queued, delivered, reason))
            self._wake.set()

        return on_done
