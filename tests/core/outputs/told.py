"""Alarms and a risk, as dialects and hosts are told of them; other alarms are made from these by `replace`."""

from __future__ import annotations

from dataclasses import replace

from edge_agent.core.topics import Address
from edge_agent.core.types import AlarmEvent, Evidence, Quote, Status, Transition, Verdict
from edge_agent.core.wire import AlarmData, ModelPayload, Origin, alarm_data

NOON = 1717243200.0
ADDRESS = Address("acme", "plant-1", "gw-3")
ORIGIN = Origin(
    address=ADDRESS,
    model=ModelPayload(name="base", version="1.2", sha256="ab" * 32),
    horizon="fails within 30 steps",
    config="c0ffee",
    boot_id="b001",
    agent="0.1.0",
)
VIBRATION = Evidence("vib", "drive-end bearing", 7.25, "mm/s", 2.5, 9.5, None, "deviation", 0.4)
RAISED = AlarmEvent(
    id="00aa",
    asset="p1",
    kind="risk",
    episode=1,
    rev=1,
    transition=Transition.RAISED,
    time=NOON + 60,
    first=NOON,
    active=True,
    acked=False,
    severity="high",
    severity_number=700,
    risk=0.875,
    mode="VIB",
    evidence=(VIBRATION,),
    quotes=(Quote("bb", NOON - 60, "noisy <b>bearing</b>", None),),
    summary="Vibration of the drive-end bearing is 2.9 times its normal.",
    summary_source="template",
)
CRITICAL = replace(
    RAISED, id="00cc", kind="limit:temp", time=NOON + 120, first=NOON + 120, severity="critical", severity_number=900,
    risk=None, mode="none", evidence=(Evidence("temp", "", 95.0, "°C", None, None, 90.0, "limit"),), quotes=(),
    summary="temp is 95 °C, limit 90 °C.",
)  # fmt: skip
CLEARED = replace(
    RAISED, rev=3, transition=Transition.CLEARED, time=NOON + 300, active=False, risk=0.1, mode="none", evidence=(),
    quotes=(), summary="The risk is back at 0.10.",
)  # fmt: skip
VERDICT = Verdict("p1", NOON + 60, "pump\nvib q99", 0.87654, "VIB", 0.75, Status.DECIDED)


def data_of(event: AlarmEvent, *, unrecorded: bool = False) -> AlarmData:
    """The payload of an event decided half a second after noon."""
    return alarm_data(event, ORIGIN, observed=NOON + 0.5, clock="synced", unrecorded=unrecorded)
