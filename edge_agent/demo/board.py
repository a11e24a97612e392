"""What came over MQTT, put together: machines, alarms and health as the agent has told them.

A `Board` is filled from messages alone and read by the view and by the account. No clock, no terminal, no script.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from edge_agent.core.topics import Address
from edge_agent.core.wire import AlarmData, CloudEvent, HealthPayload, RiskPayload, StatePayload

_P = TypeVar("_P", bound=BaseModel)


@dataclass(slots=True)
class Row:
    """One machine."""

    name: str
    asset_class: str
    risk: RiskPayload | None = None
    log: str = ""  # newest line of its maintenance log
    trail: list[tuple[float, float]] = field(default_factory=list)  # event time and risk, as they were told
    standing: dict[str, AlarmData] = field(default_factory=dict)  # alarms that stand, by id

    @property
    def alarm(self) -> AlarmData | None:
        """The most severe alarm that stands."""
        return max(self.standing.values(), key=lambda data: data.severity_number, default=None)


class Board:
    """Everything received so far."""

    def __init__(self, address: Address, machines: Sequence[tuple[str, str, str]]) -> None:
        """Begin empty; `machines` are (asset id, name, class)."""
        self.rows = {asset: Row(name, asset_class) for asset, name, asset_class in machines}
        self.events: list[AlarmData] = []
        self.health: HealthPayload | None = None
        self.state = "not connected"
        self._address = address
        self._known: set[str] = set()
        self._by_name = {name: asset for asset, name, _ in machines}

    def take(self, topic: str, payload: bytes) -> AlarmData | None:
        """Take a message; the alarm event, if it brought a new one. What is not understood changes nothing."""
        address = self._address
        levels = topic.split("/")
        if topic == address.event:
            return self._event(payload)
        if topic == address.state:
            state = _parsed(StatePayload, payload)
            self.state = self.state if state is None else state.state
        elif topic == address.health:
            self.health = _parsed(HealthPayload, payload) or self.health
        elif levels[-1] == "risk" and topic.startswith(f"{address.root}/asset/"):
            risk = _parsed(RiskPayload, payload)
            if risk is not None and risk.asset in self.rows:
                row = self.rows[risk.asset]
                row.risk = risk
                row.trail.append((seconds(risk.time), risk.risk))
        elif levels[-1] == "log" and not topic.startswith(f"{address.root}/"):
            self._log(levels[-2] if len(levels) > 1 else "", payload)
        return None

    def _event(self, payload: bytes) -> AlarmData | None:
        envelope = _parsed(CloudEvent, payload)
        if envelope is None or envelope.id in self._known:  # at least once: a repeat is known by its id
            return None
        self._known.add(envelope.id)
        data = envelope.data
        self.events.append(data)
        row = self.rows.get(data.asset)
        if row is not None:
            if data.active:
                row.standing[data.alarm] = data
            else:
                row.standing.pop(data.alarm, None)
        return data

    def _log(self, name: str, payload: bytes) -> None:
        try:
            fields = json.loads(payload)
        except ValueError:
            return
        row = self.rows.get(self._by_name.get(name, ""))
        if row is not None and isinstance(fields, dict):
            row.log = str(fields.get("text", ""))


def seconds(stamped: str) -> float:
    """Unix seconds of a time as the agent writes it."""
    return datetime.fromisoformat(stamped).timestamp()


def _parsed(model: type[_P], body: bytes) -> _P | None:
    try:
        return model.model_validate_json(body)
    except ValidationError:
        return None
