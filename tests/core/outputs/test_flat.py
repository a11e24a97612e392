"""One flat object per revision."""

from __future__ import annotations

import json

from edge_agent.core.outputs.flat import Flat
from edge_agent.core.types import AlarmEvent
from edge_agent.core.wire import LANE_ALARM, risk_payload
from tests.core.outputs.told import ADDRESS, CLEARED, CRITICAL, RAISED, VERDICT, data_of

FLAT = Flat("plant/alarms", ADDRESS)


def body(event: AlarmEvent, *, unrecorded: bool = False) -> dict[str, object]:
    [message] = FLAT.alarm(data_of(event, unrecorded=unrecorded))
    found: dict[str, object] = json.loads(message.payload)
    return found


def test_a_revision_is_one_object_without_anything_inside_it() -> None:
    said = body(RAISED)

    assert {type(value) for value in said.values()} <= {str, int, float, bool, type(None)}
    assert {key: said[key] for key in ("asset", "alarm", "rev", "transition", "severity", "risk", "mode_name")} == {
        "asset": "p1", "alarm": "00aa", "rev": 1, "transition": "raised", "severity": "high", "risk": 0.875,
        "mode_name": "vibration",
    }  # fmt: skip
    assert (said["time"], said["site"], said["gateway"]) == ("2024-06-01T12:01:00.000Z", "plant-1", "gw-3")
    assert (said["channel"], said["component"], said["value"], said["unit"]) == (
        "vib", "drive-end bearing", 7.25, "mm/s",
    )  # fmt: skip


def test_every_revision_has_the_same_keys() -> None:
    assert set(body(RAISED)) == set(body(CLEARED)) == set(body(CRITICAL))
    assert (body(CLEARED)["channel"], body(CLEARED)["value"], body(CRITICAL)["limit"]) == (None, None, 90.0)


def test_an_alarm_that_could_not_be_written_says_so_under_the_same_key() -> None:
    assert body(RAISED)["unrecorded"] is False
    assert body(RAISED, unrecorded=True)["unrecorded"] is True
    assert FLAT.alarm(data_of(RAISED))[0].key == FLAT.alarm(data_of(RAISED, unrecorded=True))[0].key


def test_it_is_sent_as_an_alarm_in_order_apart_from_our_own() -> None:
    [message] = FLAT.alarm(data_of(RAISED))

    assert (message.topic, message.qos, message.retain, message.lane) == ("plant/alarms", 1, False, LANE_ALARM)
    assert message.group == FLAT.alarm(data_of(CLEARED))[0].group != RAISED.id
    assert message.key != FLAT.alarm(data_of(CLEARED))[0].key


def test_nothing_else_is_said_on_it() -> None:
    assert (FLAT.introduced("p1", "pump", "r"), FLAT.standing("p1", (RAISED,), "r")) == ((), ())
    assert FLAT.risk(risk_payload(VERDICT)) == ()
    assert (FLAT.listens, FLAT.asks("plant/alarms", b"")) == ((), False)
