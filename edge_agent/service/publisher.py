"""The publisher: sends what lies in the outbox, oldest first, alarms before states before history.

At most `WINDOW` messages are in flight, never two of one group, so that the events of an alarm arrive in order, and no
more than `per_s` a second, so that a backlog after an outage does not run the broker or a thin line over. A message
that is refused holds its own group up, the others go on; a broker that says it has too much holds up all.

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
from contextlib import suppress
from typing import NamedTuple

from edge_agent.core.backoff import delay
from edge_agent.core.budget import full
from edge_agent.core.types import Outgoing
from edge_agent.core.wire import LANE_ALARM
from edge_agent.metrics import Metrics
from edge_agent.ports import Link, Outbox, Queued
from edge_agent.service.inbox import Delivered, Inbox

logger = logging.getLogger(__name__)

WINDOW = 16  # paho's own limit is 20; a small window keeps a resend after a cut small
LOOKS = 8  # into the outbox in one turn: so many groups' backlogs may hide what others have to send
IDLE_S = 1.0
MAX_DIRECT = 256
REDO_S = 5.0  # until an unrecorded alarm that did not get through is tried again
MAX_HOLDS = 10_000
PER_S = 200.0
BURST_S = 1.0  # so many seconds' worth may go at once: the messages of a bad moment, but no backlog
TOO_MUCH = frozenset({"quota_exceeded", "queue_full", "receive_maximum_exceeded", "message_rate_too_high"})
DISCONNECTED = "disconnected"
DIRECT = "direct_full"  # cause


class _Hold(NamedTuple):
    """A group whose oldest message was refused."""

    refusals: int  # in a row
    until: float  # monotonic seconds


class Publisher:
    """Owns the reading side of the outbox."""

    def __init__(  # noqa: PLR0913 - the composition root names each part once
        self, outbox: Outbox, link: Link, inbox: Inbox, metrics: Metrics, *, per_s: float = PER_S, retry_s: float = 1.0
    ) -> None:
        """Send what the outbox holds; at most `per_s` a second, a refused one again after `retry_s` and then longer."""
        self._outbox, self._link, self._inbox, self._metrics = outbox, link, inbox, metrics
        self._wake = threading.Event()
        self._done: queue.SimpleQueue[tuple[Queued, bool, str]] = queue.SimpleQueue()
        self._marked: queue.SimpleQueue[tuple[int, ...]] = queue.SimpleQueue()
        self._direct: queue.SimpleQueue[Outgoing] = queue.SimpleQueue()
        self._undone: queue.SimpleQueue[Outgoing] = queue.SimpleQueue()  # unrecorded alarms that did not get through
        self._redo_at = 0.0
        self._flying: dict[int, str] = {}  # outbox id → group
        self._delivered: set[int] = set()
        self._holds: dict[str, _Hold] = {}
        self._failures, self._retry_s = 0, retry_s
        self._not_before = 0.0
        self._pace, self._paced_at = full(max(per_s * BURST_S, 1.0), per_s), time.monotonic()

    # ------------------------------------------------------------------------------------------------ other threads

    def committed(self, sent: tuple[int, ...]) -> None:
        """Engine: a commit is done, these rows are marked as sent; there may be new ones."""
        self._marked.put(sent)
        self._wake.set()

    def direct(self, message: Outgoing) -> None:
        """Any thread: send without the outbox; the oldest are dropped, counted, when the broker is away for long."""
        self._keep(self._direct, message)
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
        now = time.monotonic()
        self._pace, self._paced_at = self._pace.after(now - self._paced_at), now
        sent, wait_s = 0, IDLE_S
        if self._link.connected and now >= self._not_before:
            self._send_direct(now)
            room = min(WINDOW - len(self._flying), int(self._pace.level))
            if room > 0:
                sent = self._send(room, now)
            elif self._pace.level < 1.0:
                wait_s = min((1.0 - self._pace.level) / self._pace.refill, IDLE_S)
        if not sent:
            self._wake.wait(wait_s)
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
                self._holds.pop(queued.message.group, None)
                self._delivered.add(queued.id)
                self._metrics.published.inc()
                self._inbox.note(Delivered(queued.id))
            else:
                self._refused(queued.message, reason)
        while not self._marked.empty():
            self._delivered.difference_update(self._marked.get_nowait())

    def _refused(self, message: Outgoing, reason: str) -> None:
        """Let a refused message wait, longer each time; one whose connection broke may go at once."""
        self._metrics.publish_faults.labels(reason).inc()
        self._failures += 1
        if reason == DISCONNECTED:
            return
        if self._failures == 1:
            logger.warning("publish_refused topic=%s reason=%s (retried)", message.topic, reason)
        now, chance = time.monotonic(), random.random()  # noqa: S311 - jitter
        if reason in TOO_MUCH:
            self._not_before = now + delay(self._failures, chance, self._retry_s)
            return
        if len(self._holds) >= MAX_HOLDS:
            self._holds.clear()
        refusals = self._holds.get(message.group, _Hold(0, 0.0)).refusals + 1
        self._holds[message.group] = _Hold(refusals, now + delay(refusals, chance, self._retry_s))

    def _send_direct(self, now: float) -> None:
        if now >= self._redo_at and not self._undone.empty():
            self._redo_at = now + REDO_S
            for _ in range(self._undone.qsize()):
                self._keep(self._direct, self._undone.get_nowait())
        for _ in range(self._direct.qsize()):
            message = self._direct.get_nowait()
            self._link.publish(message, self._direct_answer(message))

    def _direct_answer(self, message: Outgoing) -> Callable[[bool, str], None]:
        """What becomes of it: an alarm that nobody has written down is not given up, a state will be told anew."""

        def on_done(delivered: bool, _reason: str) -> None:  # noqa: FBT001 - the port's callback
            if not delivered and message.lane == LANE_ALARM:
                self._keep(self._undone, message)

        return on_done

    def _keep(self, waiting: queue.SimpleQueue[Outgoing], message: Outgoing) -> None:
        """Put a message into a bounded queue; the oldest makes room, counted."""
        with suppress(queue.Empty):  # another thread may have taken it meanwhile
            while waiting.qsize() >= MAX_DIRECT:
                waiting.get_nowait()
                self._metrics.shed.labels(DIRECT).inc()
        waiting.put(message)

    def _send(self, room: int, now: float) -> int:
        sent, known = 0, self._delivered | self._flying.keys()
        held = {group for group, hold in self._holds.items() if hold.until > now} | set(self._flying.values())
        for _ in range(LOOKS):
            pending = self._outbox.pending(after=frozenset(known), held=frozenset(held), limit=WINDOW)
            for queued in pending:
                if sent == room or queued.message.group in held:
                    continue
                held.add(queued.message.group)
                self._flying[queued.id] = queued.message.group
                self._pace = self._pace.spend(1.0)
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
