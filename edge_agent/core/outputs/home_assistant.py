"""Home Assistant: every asset a device that is discovered by itself, with a problem, a risk, and what is known of them.

One retained message per asset makes the device known (device-based discovery, from Home Assistant 2024.11). Its states
are read from our own retained topics: the gateway's state, the asset's risk, and the alarms that stand, which no topic
of ours holds in one place and which is therefore said here.
Source: home-assistant.io, MQTT, "Device discovery payload"; home-assistant/core, components/mqtt/schemas.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from edge_agent.core.modes import MODES, mode
from edge_agent.core.outputs.dialect import said
from edge_agent.core.outputs.payloads import AlarmsPayload, StandingPayload
from edge_agent.core.types import AlarmEvent, Outgoing
from edge_agent.core.wire import LANE_STATE, AlarmData, Origin, RiskPayload, evidence_payload, stamp

BIRTH: Final = "homeassistant/status"  # where it says that it has started, unless it is told to elsewhere
_ONLINE: Final = b"online"
_MAX_STATE: Final = 255  # characters; Source: home-assistant/core, const.py, MAX_LENGTH_STATE_STATE

_ALIVE: Final = "{{ 'online' if value_json.state == 'online' else 'offline' }}"
_ANY: Final = "{{ 'ON' if value_json.alarms else 'OFF' }}"
_WHOLE: Final = "{{ value_json | tojson }}"
_PERCENT: Final = "{{ (value_json.risk * 100) | round(1) }}"
_JUDGED: Final = "{{ {'status': value_json.status, 'time': value_json.time} | tojson }}"
_SEVERITY: Final = "{{ value_json.alarms[0].severity if value_json.alarms else 'none' }}"
_SUMMARY: Final = (
    "{{ (value_json.alarms[0].summary if value_json.alarms else 'no alarm')"
    f" | truncate({_MAX_STATE}, true, '…', 0) }}}}"
)


class HomeAssistant:
    """Announces assets, and says which of their alarms stand."""

    name = "home_assistant"

    def __init__(self, prefix: str, origin: Origin) -> None:
        """Speak to the Home Assistant that looks for devices under `prefix`."""
        self._prefix, self._address, self._agent = prefix, origin.address, origin.agent
        self.listens = tuple(dict.fromkeys((f"{prefix}/status", BIRTH)))

    def introduced(self, asset: str, asset_class: str, occasion: str) -> Sequence[Outgoing]:
        """The retained discovery message of the device."""
        node = f"{self._address.path.replace('/', '__')}__{asset}"
        body = {
            "dev": {"identifiers": [node], "name": asset, "model": asset_class},
            "o": {"name": "edge-agent", "sw_version": self._agent},
            "cmps": {
                key: {
                    "platform": platform,
                    "unique_id": f"{node}__{key}",
                    "default_entity_id": f"{platform}.{asset.replace('-', '_')}_{key}",
                    **words,
                }
                for key, (platform, words) in self._entities(asset).items()
            },
            "availability": [
                {
                    "topic": self._address.state,
                    "value_template": _ALIVE,
                    "payload_available": "online",
                    "payload_not_available": "offline",
                }
            ],
            "qos": 1,
        }
        topic = f"{self._prefix}/device/{node}/config"
        return (self._state(asset, occasion, topic, body),)

    def standing(self, asset: str, alarms: Sequence[AlarmEvent], occasion: str) -> Sequence[Outgoing]:
        """The retained list of the alarms that stand; empty where none does."""
        payload = AlarmsPayload(asset=asset, alarms=tuple(map(_standing, alarms)))
        return (self._state(asset, occasion, self._address.alarms(asset), payload.model_dump(mode="json")),)

    def alarm(self, alarm: AlarmData) -> Sequence[Outgoing]:  # noqa: ARG002 - the port's
        """Nothing beyond what stands."""
        return ()

    def risk(self, risk: RiskPayload) -> Sequence[Outgoing]:  # noqa: ARG002
        """Nothing: it reads our own topic."""
        return ()

    def asks(self, topic: str, payload: bytes) -> bool:  # noqa: ARG002
        """Whether it has just started."""
        return payload.strip() == _ONLINE

    def _state(self, asset: str, occasion: str, topic: str, body: object) -> Outgoing:
        return said(self.name, asset, occasion, topic, body, lane=LANE_STATE, group=topic, retain=True)

    def _entities(self, asset: str) -> dict[str, tuple[str, Mapping[str, object]]]:
        """Platform and options of the entities of an asset, by key."""
        alarms, risk = self._address.alarms(asset), self._address.risk(asset)
        return {
            "problem": (
                "binary_sensor",
                {
                    "name": "Problem",
                    "device_class": "problem",
                    "state_topic": alarms,
                    "value_template": _ANY,
                    "json_attributes_topic": alarms,
                    "json_attributes_template": _WHOLE,
                },
            ),
            "failure_risk": (
                "sensor",
                {
                    "name": "Failure risk",
                    "state_topic": risk,
                    "value_template": _PERCENT,
                    "unit_of_measurement": "%",
                    "state_class": "measurement",
                    "icon": "mdi:gauge",
                    "json_attributes_topic": risk,
                    "json_attributes_template": _JUDGED,
                },
            ),
            "failure_mode": (
                "sensor",
                {
                    "name": "Failure mode",
                    "device_class": "enum",
                    "options": [known.name for known in MODES.values()],
                    "state_topic": risk,
                    "value_template": "{{ value_json.mode_name }}",
                },
            ),
            "alarm_severity": (
                "sensor",
                {"name": "Alarm severity", "state_topic": alarms, "value_template": _SEVERITY},
            ),
            "alarm_summary": (
                "sensor",
                {"name": "Alarm summary", "state_topic": alarms, "value_template": _SUMMARY},
            ),
        }  # fmt: skip


def _standing(event: AlarmEvent) -> StandingPayload:
    """The payload of an alarm that stands."""
    return StandingPayload(
        alarm=event.id,
        kind=event.kind,
        rev=event.rev,
        acked=event.acked,
        severity=event.severity,
        severity_number=event.severity_number,
        mode=mode(event.mode).code,
        mode_name=mode(event.mode).name,
        first=stamp(event.first),
        time=stamp(event.time),
        summary=event.summary,
        evidence=tuple(map(evidence_payload, event.evidence)),
    )
