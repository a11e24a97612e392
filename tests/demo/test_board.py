"""What the board makes of messages, good and bad."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.types import Transition
from edge_agent.core.wire import state_message
from edge_agent.demo.settings import ADDRESS
from tests.demo.stories import ORIGIN, START, board, event, health, risk


def test_the_newest_risk_is_shown_and_all_are_remembered() -> None:
    shown = board()
    shown.take(*risk("p-101", 10, 0.2))
    shown.take(*risk("p-101", 11, 0.6, "VIB"))
    row = shown.rows["p-101"]
    assert row.risk is not None
    assert (row.risk.risk, row.risk.mode) == (0.6, "VIB")
    assert row.trail == [(START + 600.0, 0.2), (START + 660.0, 0.6)]
    assert shown.rows["m-201"].risk is None


def test_an_alarm_stands_from_its_raise_to_its_clear() -> None:
    shown = board()
    raised = shown.take(*event("p-101", 100, Transition.RAISED))
    assert raised is not None
    assert shown.rows["p-101"].alarm == raised
    shown.take(*event("p-101", 120, Transition.CLEARED, rev=2))
    assert shown.rows["p-101"].alarm is None
    assert [data.transition for data in shown.events] == [Transition.RAISED, Transition.CLEARED]


def test_the_most_severe_standing_alarm_is_shown() -> None:
    shown = board()
    shown.take(*event("p-101", 100, Transition.RAISED, kind="limit:vib", severity="critical"))
    shown.take(*event("p-101", 101, Transition.RAISED, severity="medium"))
    alarm = shown.rows["p-101"].alarm
    assert alarm is not None
    assert alarm.severity == "critical"


def test_an_event_that_comes_twice_is_one_event() -> None:
    shown = board()
    assert shown.take(*event("p-101", 100, Transition.RAISED)) is not None
    assert shown.take(*event("p-101", 100, Transition.RAISED)) is None
    assert len(shown.events) == 1


def test_state_health_and_log_lines_are_taken() -> None:
    shown = board()
    state = state_message(ORIGIN, "online")
    shown.take(state.topic, state.payload)
    shown.take(*health(500))
    shown.take("plant/M-201/log", json.dumps({"text": "greased", "ts": START}).encode())
    assert shown.state == "online"
    assert shown.health is not None
    assert shown.health.readings == 500
    assert (shown.rows["m-201"].log, shown.rows["p-101"].log) == ("greased", "")


def test_messages_of_another_gateway_change_nothing() -> None:
    shown = board()
    topic, payload = event("p-101", 100, Transition.RAISED)
    assert shown.take(topic.replace("/gateway/", "/other/"), payload) is None
    topic, payload = risk("p-101", 10, 0.2)
    shown.take(topic.replace("/gateway/", "/other/"), payload)
    assert shown.rows["p-101"].risk is None


@given(
    topic=st.sampled_from(
        [ADDRESS.event, ADDRESS.state, ADDRESS.health, ADDRESS.risk("p-101"), "plant/P-101/log", "log", "risk", ""]
    ),
    payload=st.one_of(st.binary(max_size=40), st.sampled_from([b"{}", b"[]", b'{"text": 3}', b"null"])),
)
def test_no_payload_is_able_to_stop_the_board(topic: str, payload: bytes) -> None:
    shown = board()
    assert shown.take(topic, payload) is None
    assert shown.events == []
