"""Alarm events and verdicts → messages in the batch whose commit makes them so; alarms also where none is possible.

Belongs to the engine thread. What is told is decided in the core; here only whether a risk has changed enough to be
said again. Nothing here touches the journal or the broker.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import NamedTuple

from edge_agent.core.nuisance import Watch
from edge_agent.core.outputs.interpreter import Interpreter
from edge_agent.core.types import AlarmEvent, Outgoing, Verdict, Window
from edge_agent.core.wire import Origin, alarm_data, alarm_messages, risk_message, risk_payload
from edge_agent.metrics import Metrics
from edge_agent.ports import Arrival, Batch
from edge_agent.service.clock import ClockWatch

logger = logging.getLogger(__name__)


class _Said(NamedTuple):
    """What was last said of a risk; its text is left out, because this is kept for every asset."""

    risk: float
    time: float
    mode: str
    status: str


class Teller:
    """Remembers what was last said of each asset's risk, and which alarms went out unrecorded."""

    def __init__(  # noqa: PLR0913 - what it needs of the engine's, once
        self,
        origin: Origin,
        clock: ClockWatch,
        metrics: Metrics,
        urgent: Callable[[Outgoing], None],
        *,
        risk_step: float,
        risk_max_age_s: float,
        interpreter: Interpreter,
    ) -> None:
        self._origin, self._clock, self._metrics, self._urgent = origin, clock, metrics, urgent
        self._risk_step, self._risk_max_age_s = risk_step, risk_max_age_s
        self._interpreter = interpreter
        self._said: dict[str, _Said] = {}  # by asset
        self._nuisances = Watch()
        self._urgent_done: set[str] = set()  # keys of the messages that went out unrecorded

    def event(self, event: AlarmEvent, batch: Batch) -> None:
        """Add an alarm event and its messages to the batch."""
        self._metrics.events.labels(event.transition).inc()
        for nuisance in self._nuisances.note(event):
            self._metrics.nuisances.labels(nuisance).inc()
        batch.events.append(event)
        batch.outgoing += self._alarm(event, unrecorded=False)
        logger.info(
            "alarm_%s asset=%s kind=%s severity=%s mode=%s rev=%d id=%s",
            event.transition, event.asset, event.kind, event.severity, event.mode, event.rev, event.id,
        )  # fmt: skip

    def risk(self, verdict: Verdict, batch: Batch) -> None:
        """Add the risk of an asset, by exception: a change worth telling, or the last word is old; never a past one."""
        if verdict.historical:
            return
        said = self._said.get(verdict.asset)
        if said is not None:
            near = abs(verdict.risk - said.risk) < self._risk_step
            alike = (verdict.mode, verdict.status) == (said.mode, said.status)
            if near and alike and abs(verdict.time - said.time) < self._risk_max_age_s:
                return
        self._said[verdict.asset] = _Said(verdict.risk, verdict.time, verdict.mode, verdict.status)
        batch.outgoing.append(risk_message(verdict, self._origin))
        batch.outgoing += self._interpreter.risk(risk_payload(verdict))

    def unjudged(self, window: Window, batch: Batch) -> None:
        """Say why a machine is not judged, if it is not: its risk is what it was before."""
        said, why = self._said.get(window.asset), window.unjudged
        if said is not None and why is not None:
            held = Verdict(window.asset, window.end, "", said.risk, said.mode, 0.0, why)
            self.risk(held, batch)

    def met(self, asset: str, batch: Batch) -> None:
        """Introduce an asset that was heard of to the systems that are told of it, once a run."""
        batch.outgoing += self._interpreter.met(asset)

    def answered(self, arrival: Arrival, batch: Batch) -> bool:
        """Whether a message comes from such a system; then its answer is in the batch."""
        answer = self._interpreter.heard(arrival.topic, arrival.payload, arrival.time)
        if answer is None:
            return False
        batch.outgoing += answer
        return True

    def unrecorded(self, events: Sequence[AlarmEvent]) -> None:
        """Send what is alarming although it could not be written: marked so, and each message once."""
        for event in events:
            for message in self._alarm(event, unrecorded=True):
                if message.key not in self._urgent_done:
                    self._urgent_done.add(message.key)
                    self._metrics.unrecorded.inc()
                    self._urgent(message)

    def recorded(self) -> None:
        """Note that everything told so far is written."""
        self._urgent_done.clear()

    def _alarm(self, event: AlarmEvent, *, unrecorded: bool) -> list[Outgoing]:
        """An alarm event in our own words, and in those of the systems that are told of it."""
        observed, clock = self._clock.now(), self._clock.quality()
        own = alarm_messages(event, self._origin, observed=observed, clock=clock, unrecorded=unrecorded)
        data = alarm_data(event, self._origin, observed=observed, clock=clock, unrecorded=unrecorded)
        return [*own, *self._interpreter.alarm(event, data)]
