"""One message of every kind that the contract names, made by today's code.

`python -m tests.wire.samples` records the payloads and schemas that tests/data/wire/v1 does not have yet. What is
recorded was released: it is never written anew, and `test_compatibility.py` holds the code to it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from docs import contract
from edge_agent.core.commands import CommandResult, answer_topic
from edge_agent.core.notice import Notice, NoticeData, notice_message
from edge_agent.core.outputs.flat import Flat
from edge_agent.core.outputs.home_assistant import HomeAssistant
from edge_agent.core.properties import Reply
from edge_agent.core.topics import Address
from edge_agent.core.types import AlarmEvent, Evidence, Outgoing, Quote, Status, Transition, Verdict
from edge_agent.core.wire import (
    LANE_ALARM,
    HealthPayload,
    ModelPayload,
    Origin,
    alarm_data,
    alarm_messages,
    health_message,
    risk_message,
    stamp,
    state_message,
)

RECORDED = Path(__file__).parents[1] / "data" / "wire" / "v1"
AT = 1_760_000_040.0
ORIGIN = Origin(
    address=Address("acme", "plant-1", "gw-3"),
    model=ModelPayload(name="default", version="1.2.0", sha256="5f" * 32),
    horizon="fails within 30 steps",
    config="0f1e2d3c4b5a6978",
    boot_id="3b9ac9ff0a1b",
    agent="0.1.0",
)
EVENT = AlarmEvent(
    id="9a1f4c0d2b7e6358", asset="pump-07", kind="risk", episode=2, rev=3, transition=Transition.ESCALATED, time=AT,
    first=AT - 120.0, active=True, acked=False, severity="high", severity_number=700, risk=0.8765, mode="VIB",
    evidence=(
        Evidence("vib_de_mms", "drive-end bearing", 6.82, "mm/s", 2.03, 12.35, None, "deviation", 0.4568),
        Evidence("bearing_temp_de_c", "drive-end bearing", 71.5, "degC", 52.0, 4.1, None, "deviation", None),
    ),
    quotes=(Quote("c0ffee0123456789", AT - 5400.0, "de brg noisy, hot to touch", 0.0312),),
    summary=(
        'Likely vibration (VIB) at drive-end bearing: vib_de_mms 6.82 mm/s, above its normal 2.03 mm/s; log: "de brg '
        'noisy, hot to touch". Check bearing condition, lubrication, balance and alignment.'
    ),
    summary_source="template",
)  # fmt: skip
HISTORICAL = AlarmEvent(
    id="1b2c3d4e5f607182", asset="pump-07", kind="limit:vib_de_mms", episode=1, rev=2, transition=Transition.CLEARED,
    time=AT - 86400.0, first=AT - 87000.0, active=False, acked=False, severity="critical", severity_number=900,
    risk=None, mode="none",
    evidence=(Evidence("vib_de_mms", "drive-end bearing", 3.1, "mm/s", None, None, None, "limit"),), quotes=(),
    summary="vib_de_mms is back within its limit.", summary_source="template", historical=True,
)  # fmt: skip
VERDICT = Verdict(
    "pump-07", AT, "pump cond 0\nvib_de_mms q97 q95 q91 z+35 z+12 z+15 z+01\nlog <8h de brg noisy, hot to touch",
    0.8765, "VIB", 0.81, Status.DECIDED,
)  # fmt: skip
HEALTH = HealthPayload(
    time=stamp(AT), boot_id=ORIGIN.boot_id, uptime_s=86400.0, rss_bytes=118_000_000, inbox=0, outbox=2,
    oldest_unsent_s=0.4, assets=5, readings=864_000, verdicts=7200, alarms_active=1, faults={"not_finite": 3}, shed=0,
    bundle="default@1.2.0", clock="synced",
)  # fmt: skip
NOTICE = NoticeData(
    notice=Notice.JOURNAL_SET_ASIDE, about="/var/lib/edge-agent/edge-agent.db.bad-20251009T085400Z",
    reason="file is not a database", remedy="look at the disk", time=stamp(AT), clock="synced",
    boot_id=ORIGIN.boot_id, agent=ORIGIN.agent,
)  # fmt: skip
REQUEST: dict[str, object] = {
    "version": 1, "request_id": "r-1", "time": stamp(AT), "actor": "kim", "comment": "seen at the round",
}  # fmt: skip
REQUESTS: dict[str, dict[str, object]] = {
    "ack": {"alarm": EVENT.id, "label": "real"},
    "shelve": {"asset": "pump-07", "kind": "risk", "duration_s": 28800},
    "unshelve": {"alarm": EVENT.id},
    "suppress": {"asset": "pump-07", "kind": "*"},
    "unsuppress": {"asset": "pump-07", "kind": "limit:vib_de_mms"},
    "baseline-reset": {"asset": "pump-07"},
    "reload": {},
    "model-activate": {"bundle": "default-1.2.0"},
    "ask": {"asset": "pump-07"},
}
RESULT = CommandResult(
    request_id="r-1", command="ack", accepted=True, answer="done", detail="acknowledged", time=stamp(AT),
    alarm=EVENT.id, asset="pump-07",
)  # fmt: skip
ANSWER = Outgoing(  # as service/commander.py makes it
    "r-1", answer_topic(Reply(), RESULT.request_id, ORIGIN.address), RESULT.model_dump_json().encode(), 1,
    retain=False, lane=LANE_ALARM, group="r-1",
)  # fmt: skip


def by_channel() -> dict[str, tuple[Outgoing, ...]]:
    """What goes to each channel."""
    event, alarm = alarm_messages(EVENT, ORIGIN, observed=AT + 0.5, clock="synced")
    data = alarm_data(EVENT, ORIGIN, observed=AT + 0.5, clock="synced")
    return {
        "state": tuple(state_message(ORIGIN, state) for state in ("online", "stopped", "offline")),
        "health": (health_message(HEALTH, ORIGIN),),
        "risk": (risk_message(VERDICT, ORIGIN),),
        "alarm": (alarm,),
        "alarms": tuple(HomeAssistant("homeassistant", ORIGIN).standing("pump-07", (EVENT,), "")),
        "event": (event, notice_message(NOTICE, ORIGIN)),
        "history": alarm_messages(HISTORICAL, ORIGIN, observed=AT, clock="synced"),
        "flat": tuple(Flat("alarms", ORIGIN.address).alarm(data)),
        "cmd-result": (ANSWER,),
    }


def payloads() -> dict[str, bytes]:
    """One payload of every message, by its name."""
    sent = by_channel()
    [alarm] = sent["alarm"]
    _, notice = sent["event"]
    return {
        "alarm": alarm.payload,
        "notice": notice.payload,
        "risk": sent["risk"][0].payload,
        "state": sent["state"][0].payload,
        "health": sent["health"][0].payload,
        "alarms": sent["alarms"][0].payload,
        "flat": sent["flat"][0].payload,
        "cmd-result": ANSWER.payload,
        **{f"cmd-{name}": json.dumps({**REQUEST, **body}).encode() for name, body in REQUESTS.items()},
    }


def record(folder: Path = RECORDED) -> list[str]:
    """Write what is not recorded yet; its names."""
    sent = payloads()
    new = []
    for message in contract.messages():
        for path, body in (
            (folder / f"{message.name}.json", json.loads(sent[message.name])),
            (folder / f"{message.name}.schema.json", contract.schema(message)),
        ):
            if not path.exists():
                path.write_text(json.dumps(body, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
                new.append(path.name)
    return new


if __name__ == "__main__":
    sys.stdout.write("".join(f"recorded {name}\n" for name in record()) or "all is recorded\n")
