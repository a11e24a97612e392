"""One flat JSON object per alarm revision on one topic, for Node-RED, Telegraf, a spreadsheet: nothing to unpack."""

from __future__ import annotations

from collections.abc import Sequence

from edge_agent.core.outputs.dialect import said
from edge_agent.core.outputs.payloads import FlatPayload
from edge_agent.core.topics import Address
from edge_agent.core.types import AlarmEvent, Outgoing
from edge_agent.core.wire import LANE_ALARM, AlarmData, AlarmValues, RiskPayload


class Flat:
    """Says alarms on one topic, nothing else."""

    name = "flat"
    listens: tuple[str, ...] = ()

    def __init__(self, topic: str, address: Address) -> None:
        self._topic, self._address = topic, address

    def introduced(self, asset: str, asset_class: str, occasion: str) -> Sequence[Outgoing]:  # noqa: ARG002 - the port's
        """Nothing: who watches the topic hears of an asset by its first alarm."""
        return ()

    def standing(self, asset: str, alarms: Sequence[AlarmEvent], occasion: str) -> Sequence[Outgoing]:  # noqa: ARG002
        """Nothing: every revision was said."""
        return ()

    def alarm(self, alarm: AlarmData) -> Sequence[Outgoing]:
        """What is single-valued in the payload, where it comes from, and the first piece of its evidence."""
        fact = alarm.evidence[0] if alarm.evidence else None
        payload = FlatPayload(
            **{name: getattr(alarm, name) for name in AlarmValues.model_fields},
            site=self._address.site,
            gateway=self._address.gateway,
            channel=None if fact is None else fact.channel,
            component=None if fact is None else fact.component,
            value=None if fact is None else fact.value,
            unit=None if fact is None else fact.unit,
            baseline=None if fact is None else fact.baseline,
            limit=None if fact is None else fact.limit,
        )
        body, occasion = payload.model_dump(mode="json"), f"{alarm.alarm} {alarm.rev}"
        return (said(self.name, alarm.asset, occasion, self._topic, body, lane=LANE_ALARM, group=alarm.alarm),)

    def risk(self, risk: RiskPayload) -> Sequence[Outgoing]:  # noqa: ARG002
        """Nothing: a risk is no alarm."""
        return ()

    def asks(self, topic: str, payload: bytes) -> bool:  # noqa: ARG002
        """Never."""
        return False
