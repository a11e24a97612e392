"""The reporter: puts standing risk alarms into better words, after they were told.

The engine asks when an alarm was raised, explained or changed its severity; the answer goes back through the inbox and
becomes the alarm's next revision there. An alarm never waits for it: the queue is short, what does not fit is dropped
and counted, and whatever goes wrong here leaves the template's words standing. Between two words it gives way to the
engine: both compute in the same process, and prose holds no promise on time.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from typing import NamedTuple

from edge_agent.core.facts import facts_of
from edge_agent.core.types import AlarmEvent, Window
from edge_agent.metrics import Metrics
from edge_agent.ports import ReportModel
from edge_agent.service.inbox import Inbox, Summary

logger = logging.getLogger(__name__)

MAX_WAITING = 64  # alarms; a summary takes milliseconds, so more can only wait in a flood
IDLE_S = 1.0
GIVE_WAY_S = 2.0  # of one summary; an engine that is never idle shall not keep alarms from being told for ever


class _Request(NamedTuple):
    event: AlarmEvent
    window: Window


class Reporter:
    """Owns the report model."""

    def __init__(self, model: ReportModel, inbox: Inbox, metrics: Metrics, engine_idle: threading.Event) -> None:
        self._model, self._inbox, self._metrics = model, inbox, metrics
        self._engine_idle = engine_idle
        self._waiting: queue.Queue[_Request | None] = queue.Queue(MAX_WAITING)
        self._faulty = False

    def ask(self, event: AlarmEvent, window: Window) -> None:
        """Engine: this event, made from this window, may be told in other words."""
        try:
            self._waiting.put_nowait(_Request(event, window))
        except queue.Full:
            self._metrics.summaries.labels("dropped").inc()

    def wake(self) -> None:
        """Any thread: let an idle turn end at once."""
        if self._waiting.empty():
            self._waiting.put(None)

    def turn(self) -> None:
        """One turn: take the oldest request, write, hand the summary to the engine."""
        try:
            request = self._waiting.get(timeout=IDLE_S)
        except queue.Empty:
            return
        if request is None:
            return
        event, window = request
        until = time.monotonic() + GIVE_WAY_S
        try:
            told = self._model.tell(facts_of(event, window), lambda: self._give_way(until))
        except Exception as error:  # noqa: BLE001 - a fault in prose must not stop the alarms; said once, then counted
            self._metrics.summaries.labels("failed").inc()
            if not self._faulty:
                logger.error("summary_failed id=%s error=%s (templates speak; counted from here on)", event.id, error)  # noqa: TRY400 - said in one line
            self._faulty = True
            return
        if told is None:
            self._metrics.summaries.labels("template").inc()
        else:
            self._inbox.tell(Summary(event, told))

    def _give_way(self, until: float) -> None:
        """Wait until the engine has nothing to decide, at most until this monotonic time."""
        left = until - time.monotonic()
        if left > 0:
            self._engine_idle.wait(left)
