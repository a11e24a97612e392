"""Messages → what they bring; what of them is refused, counted by reason and said once.

Belongs to the engine thread. Nothing is decided here about machines: a refused input changes no window and no alarm.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from edge_agent.core.decode import MAX_PAYLOAD, Decoded, Decoder, Reason
from edge_agent.metrics import Metrics
from edge_agent.ports import Arrival

logger = logging.getLogger(__name__)

NOTHING = Decoded()


class Opener:
    """Decodes messages, and keeps count of what was refused."""

    def __init__(self, decoder: Decoder, metrics: Metrics, *, first_faults: int) -> None:
        self._decoder, self._metrics, self._first_faults = decoder, metrics, first_faults
        self._faults: dict[str, int] = {}

    @property
    def faults(self) -> tuple[tuple[str, int], ...]:
        """How often inputs were refused, by reason."""
        return tuple(sorted(self._faults.items()))

    def restore(self, states: Mapping[str, bytes]) -> None:
        """Know again what senders had said of themselves before the last stop."""
        self._decoder.sparkplug.restore(states)

    def open(self, arrival: Arrival) -> Decoded:
        """Readings, log lines and work orders of a message."""
        if arrival.left_out:
            detail = f"{arrival.left_out} bytes; payloads of {MAX_PAYLOAD} are read"
            self.refuse(Reason.TOO_LARGE, arrival.topic, detail)
            return NOTHING
        if arrival.retain and self._decoder.sessional(arrival.topic):
            self.refuse("retained", arrival.topic, "Sparkplug retains nothing: it is of a session that may be over")
            return NOTHING
        decoded = self._decoder.decode(arrival.topic, arrival.payload, arrival.time)
        if arrival.retain:
            decoded = self._dated(arrival, decoded)
        for fault in decoded.faults:
            self.refuse(fault.reason, arrival.topic, fault.detail)
        return decoded

    def refuse(self, reason: str, topic: str, detail: str) -> None:
        """Count an input that was refused; the first of each reason are logged."""
        self._metrics.faults.labels(reason).inc()
        self._faults[reason] = self._faults.get(reason, 0) + 1
        if self._faults[reason] <= self._first_faults:
            logger.warning("input_refused reason=%s topic=%s detail=%s (counted from here on)", reason, topic, detail)

    def _dated(self, arrival: Arrival, decoded: Decoded) -> Decoded:
        """What of a retained message bears a time of its own; nobody can say how old the rest is."""
        later = self._decoder.decode(arrival.topic, arrival.payload, arrival.time + 1.0)  # own is what stays the same
        readings = tuple(a for a, b in zip(decoded.readings, later.readings, strict=False) if a.time == b.time)
        logs = tuple(a for a, b in zip(decoded.logs, later.logs, strict=False) if a.time == b.time)
        orders = tuple(a for a, b in zip(decoded.orders, later.orders, strict=False) if a.time == b.time)
        came = len(decoded.readings) + len(decoded.logs) + len(decoded.orders)
        for _ in range(came - len(readings) - len(logs) - len(orders)):
            self.refuse("retained", arrival.topic, "without a time of its own nobody knows how old it is")
        return decoded._replace(readings=readings, logs=logs, orders=orders)
