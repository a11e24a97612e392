"""ThingsBoard: every asset a device behind the gateway; risks and alarms its telemetry, what stands its attributes.

Values are flat, because its rules look at one key, and never null, which it refuses.
Source: thingsboard.io, Gateway API (connect, telemetry, attributes).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from edge_agent.core.modes import mode
from edge_agent.core.outputs.dialect import said
from edge_agent.core.types import AlarmEvent, Outgoing
from edge_agent.core.wire import LANE_ALARM, LANE_STATE, AlarmData, RiskPayload


class ThingsBoard:
    """Speaks the gateway API under a prefix, which is `v1/gateway` where no bridge puts another in its place."""

    name = "thingsboard"
    listens: tuple[str, ...] = ()

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def introduced(self, asset: str, asset_class: str, occasion: str) -> Sequence[Outgoing]:
        """That the device is there; its class is the name of the device profile."""
        body = {"device": asset, "type": asset_class}
        return (self._said(asset, occasion, "connect", body, lane=LANE_STATE, group="connect"),)

    def standing(self, asset: str, alarms: Sequence[AlarmEvent], occasion: str) -> Sequence[Outgoing]:
        """The worst alarm that stands, and how many there are, as client attributes."""
        worst = alarms[0] if alarms else None
        values = {
            "problem": worst is not None,
            "problem_count": len(alarms),
            "problem_kind": "none" if worst is None else worst.kind,
            "problem_severity": "none" if worst is None else worst.severity,
            "problem_severity_number": 0 if worst is None else worst.severity_number,
            "problem_mode_name": "none" if worst is None else mode(worst.mode).name,
            "problem_summary": "none" if worst is None else worst.summary,
        }
        return (self._said(asset, occasion, "attributes", {asset: values}, lane=LANE_STATE, group="attributes"),)

    def alarm(self, alarm: AlarmData) -> Sequence[Outgoing]:
        """The revision as telemetry at its event time."""
        plain = alarm.model_dump(
            mode="json",
            include={
                "kind", "rev", "transition", "active", "acked", "severity", "severity_number", "mode", "mode_name",
                "summary", "unrecorded",
            },
        )  # fmt: skip
        values = {"alarm": alarm.alarm, **{f"alarm_{key}": value for key, value in plain.items()}}
        body = _telemetry(alarm.asset, alarm.time, values)
        occasion = f"{alarm.alarm} {alarm.rev}"
        return (self._said(alarm.asset, occasion, "telemetry", body, lane=LANE_ALARM, group="alarm"),)

    def risk(self, risk: RiskPayload) -> Sequence[Outgoing]:
        """The risk as telemetry at the end of its window."""
        values = {"risk": risk.risk, "risk_status": risk.status, "mode": risk.mode, "mode_name": risk.mode_name}
        body = _telemetry(risk.asset, risk.time, values)
        return (self._said(risk.asset, risk.time, "telemetry", body, lane=LANE_STATE, group="risk"),)

    def asks(self, topic: str, payload: bytes) -> bool:  # noqa: ARG002 - the port's
        """Never: it keeps what it was told."""
        return False

    def _said(self, asset: str, occasion: str, topic: str, body: object, *, lane: int, group: str) -> Outgoing:  # noqa: PLR0913
        """A message of one asset's group: the topics are shared by all of them."""
        return said(self.name, asset, occasion, f"{self._prefix}/{topic}", body, lane=lane, group=f"{asset}/{group}")


def _telemetry(asset: str, time: str, values: Mapping[str, object]) -> object:
    """Values of one moment; the timestamp is Unix milliseconds."""
    return {asset: [{"ts": round(datetime.fromisoformat(time).timestamp() * 1000), "values": dict(values)}]}
