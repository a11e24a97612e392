"""The gateway API of ThingsBoard."""

from __future__ import annotations

import json
from dataclasses import replace

from edge_agent.core.outputs.thingsboard import ThingsBoard
from edge_agent.core.types import AlarmEvent, Outgoing
from edge_agent.core.wire import LANE_ALARM, LANE_STATE, risk_payload
from tests.core.outputs.told import CLEARED, CRITICAL, NOON, RAISED, VERDICT, data_of

BOARD = ThingsBoard("v1/gateway")


def body(message: Outgoing) -> dict[str, object]:
    found: dict[str, object] = json.loads(message.payload)
    return found


def attributes(*alarms: AlarmEvent) -> Outgoing:
    [message] = BOARD.standing("p1", alarms, "r1")
    return message


def telemetry(message: Outgoing, asset: str = "p1") -> tuple[int, dict[str, object]]:
    """Timestamp and values of the one point in a message."""
    found = json.loads(message.payload)
    assert list(found) == [asset]
    [point] = found[asset]
    assert set(point) == {"ts", "values"}
    return point["ts"], point["values"]


def test_an_asset_is_connected_with_its_class_as_profile() -> None:
    [message] = BOARD.introduced("p1", "pump", "r1")

    assert message.topic == "v1/gateway/connect"
    assert body(message) == {"device": "p1", "type": "pump"}


def test_a_revision_of_an_alarm_is_telemetry_at_its_event_time() -> None:
    [message] = BOARD.alarm(data_of(RAISED))
    ts, values = telemetry(message)

    assert (message.topic, message.lane, message.retain) == ("v1/gateway/telemetry", LANE_ALARM, False)
    assert ts == (NOON + 60) * 1000
    assert values == {
        "alarm": "00aa", "alarm_kind": "risk", "alarm_rev": 1, "alarm_transition": "raised", "alarm_active": True,
        "alarm_acked": False, "alarm_severity": "high", "alarm_severity_number": 700, "alarm_mode": "VIB",
        "alarm_mode_name": "vibration", "alarm_summary": RAISED.summary, "alarm_unrecorded": False,
    }  # fmt: skip


def test_a_risk_is_telemetry_at_the_end_of_its_window() -> None:
    [message] = BOARD.risk(risk_payload(VERDICT))

    assert telemetry(message) == (
        (NOON + 60) * 1000, {"risk": 0.8765, "risk_status": "decided", "mode": "VIB", "mode_name": "vibration"},
    )  # fmt: skip


def test_the_worst_alarm_that_stands_is_in_the_attributes() -> None:
    message = attributes(CRITICAL, RAISED)

    assert message.topic == "v1/gateway/attributes"
    assert body(message) == {
        "p1": {
            "problem": True, "problem_count": 2, "problem_kind": "limit:temp", "problem_severity": "critical",
            "problem_severity_number": 900, "problem_mode_name": "no failure mode", "problem_summary": CRITICAL.summary,
        }
    }  # fmt: skip
    assert body(attributes())["p1"] == {
        "problem": False, "problem_count": 0, "problem_kind": "none", "problem_severity": "none",
        "problem_severity_number": 0, "problem_mode_name": "none", "problem_summary": "none",
    }  # fmt: skip


def test_no_value_is_null_or_nested() -> None:
    for event in (RAISED, CRITICAL, CLEARED):
        values = telemetry(BOARD.alarm(data_of(event))[0])[1]
        assert {type(value) for value in values.values()} <= {str, int, float, bool}


def test_messages_of_two_assets_on_one_topic_do_not_supersede_each_other() -> None:
    of = {asset: BOARD.risk(risk_payload(replace(VERDICT, asset=asset)))[0] for asset in ("p1", "p2")}
    kinds = (*BOARD.introduced("p1", "pump", "r1"), attributes(), of["p1"])

    assert of["p1"].group != of["p2"].group
    assert {message.lane for message in kinds} == {LANE_STATE}
    assert len({message.group for message in kinds}) == len(kinds)


def test_a_bridge_may_put_another_topic_in_place_of_the_gateway_s() -> None:
    assert ThingsBoard("tb/gateway").alarm(data_of(RAISED))[0].topic == "tb/gateway/telemetry"


def test_it_asks_nothing() -> None:
    assert (BOARD.listens, BOARD.asks("v1/gateway/rpc", b"{}")) == ((), False)
