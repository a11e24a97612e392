"""One flat JSON object per alarm revision on one topic, for Node-RED, Telegraf, a spreadsheet: nothing to unpack."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from edge_agent.core.outputs.dialect import said
from edge_agent.core.topics import Address
from edge_agent.core.types import AlarmEvent, Outgoing
from edge_agent.core.wire import LANE_ALARM, AlarmData, RiskPayload

_FACT: Final = ("channel", "component", "value", "unit", "baseline", "limit")  # of the first piece of evidence


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
        whole = alarm.model_dump(mode="json")
        body = {key: value for key, value in whole.items() if not isinstance(value, dict | list)}
        body |= {"site": self._address.site, "gateway": self._address.gateway}
        body |= dict.fromkeys(_FACT) | {key: whole["evidence"][0][key] for key in _FACT if whole["evidence"]}
        occasion = f"{alarm.alarm} {alarm.rev}"
        return (said(self.name, alarm.asset, occasion, self._topic, body, lane=LANE_ALARM, group=alarm.alarm),)

    def risk(self, risk: RiskPayload) -> Sequence[Outgoing]:  # noqa: ARG002
        """Nothing: a risk is no alarm."""
        return ()

    def asks(self, topic: str, payload: bytes) -> bool:  # noqa: ARG002
        """Never."""
        return False
