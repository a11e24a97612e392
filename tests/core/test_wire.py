"""Events → payloads and messages."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from edge_agent.core import evidence, summary
from edge_agent.core.conditions import MAX_SILENT
from edge_agent.core.modes import MODES
from edge_agent.core.text import MAX_LOG_CHARACTERS, clean
from edge_agent.core.topics import Address
from edge_agent.core.types import AlarmEvent, Evidence, Outgoing, Quote, Status, Transition, Verdict
from edge_agent.core.wire import (
    LANE_ALARM,
    LANE_HISTORY,
    LANE_STATE,
    MAX_PAYLOAD,
    CloudEvent,
    HealthPayload,
    ModelPayload,
    Origin,
    RiskPayload,
    StatePayload,
    alarm_messages,
    health_message,
    risk_message,
    stamp,
    state_message,
)

NOON = 1717243200.0
ORIGIN = Origin(
    address=Address("acme", "plant-1", "gw-3"),
    model=ModelPayload(name="base", version="1.2", sha256="ab" * 32),
    horizon="30 steps",
    config="cafe",
    boot_id="b1",
    agent="0.1.0",
)
LONGEST = replace(
    ORIGIN,
    address=Address("t" * 64, "s" * 64, "g" * 64),
    model=ModelPayload(name="m" * 64, version="v" * 64, sha256="f" * 64),
)
FACT = Evidence("vib", "drive-end bearing", 6.82, "mm/s", 2.0, 12.3456, None, "deviation", 0.456789)
EVENT = AlarmEvent(
    id="0123456789abcdef", asset="p1", kind="risk", episode=2, rev=3, transition=Transition.ESCALATED, time=NOON,
    first=NOON - 60.0, active=True, acked=False, severity="high", severity_number=700, risk=0.876543, mode="VIB",
    evidence=(FACT,), quotes=(Quote("q1", NOON - 5.5, "noisy", -0.0123456),), summary="why", summary_source="template",
)  # fmt: skip
VERDICT = Verdict("p1", NOON, "pump\nvib …", 0.123456, "VIB", 0.8, Status.DECIDED)
HEALTH = HealthPayload(
    time=stamp(NOON), boot_id="b1", uptime_s=1.0, rss_bytes=1, inbox=0, outbox=0, oldest_unsent_s=0.0, assets=1,
    readings=1, verdicts=1, alarms_active=0, faults={"empty": 1}, shed=0, bundle="base@1.2", clock="synced",
)  # fmt: skip


def sent(event: AlarmEvent = EVENT, origin: Origin = ORIGIN, *, unrecorded: bool = False) -> tuple[Outgoing, ...]:
    """The messages of an event decided half a second after noon."""
    return alarm_messages(event, origin, observed=NOON + 0.5, clock="synced", unrecorded=unrecorded)


# --------------------------------------------------------------------------------------------- alarms


def test_what_is_historical_goes_to_the_history_alone_and_behind_the_present() -> None:
    for event in (replace(EVENT, historical=True), replace(EVENT, historical=True, active=False)):
        [message] = alarm_messages(event, ORIGIN, observed=NOON, clock="synced")
        assert (message.topic, message.lane, message.retain) == (ORIGIN.address.history, LANE_HISTORY, False)
        assert CloudEvent.model_validate_json(message.payload).data.historical
        live = alarm_messages(replace(event, historical=False), ORIGIN, observed=NOON, clock="synced")
        assert message.key not in {other.key for other in live}
        assert message.group not in {other.group for other in live}


def test_an_event_goes_to_the_fleet_and_stands_retained_at_its_alarm() -> None:
    event, alarm = sent()

    assert (event.topic, event.retain) == ("pdm/v1/acme/plant-1/gw-3/event", False)
    assert (alarm.topic, alarm.retain) == ("pdm/v1/acme/plant-1/gw-3/asset/p1/alarm/0123456789abcdef", True)
    assert event.payload == alarm.payload
    assert {(m.qos, m.lane, m.group) for m in (event, alarm)} == {(1, LANE_ALARM, EVENT.id)}


def test_an_alarm_that_cleared_stays_retained_until_it_is_acknowledged() -> None:
    event, alarm = sent(replace(EVENT, transition=Transition.CLEARED, active=False))

    assert alarm.payload == event.payload


def test_a_closed_alarm_empties_its_retained_message_and_still_tells_the_fleet() -> None:
    event, alarm = sent(replace(EVENT, transition=Transition.CLEARED, active=False, open=False))

    assert alarm.payload == b""
    assert alarm.retain
    assert CloudEvent.model_validate_json(event.payload).data.transition is Transition.CLEARED


def test_a_payload_is_a_cloud_event_that_its_own_model_accepts() -> None:
    event = sent()[0]
    envelope = CloudEvent.model_validate_json(event.payload)

    assert envelope.model_dump_json().encode() == event.payload
    assert (envelope.specversion, envelope.type) == ("1.0", "io.edge-agent.alarm.v1")
    assert (envelope.source, envelope.subject) == ("/acme/plant-1/gw-3", "p1/risk")
    assert event.key == f"{envelope.id}-event"


def test_the_data_are_those_of_the_event() -> None:
    data = CloudEvent.model_validate_json(sent()[0].payload).data

    assert (data.alarm, data.episode, data.rev, data.transition) == (EVENT.id, 2, 3, Transition.ESCALATED)
    assert (data.severity, data.severity_number, data.active, data.acked) == ("high", 700, True, False)
    assert (data.risk, data.mode, data.mode_name, data.horizon) == (0.8765, "VIB", "vibration", "30 steps")
    assert (data.first, data.time) == ("2024-06-01T11:59:00.000Z", "2024-06-01T12:00:00.000Z")
    assert (data.observed, data.clock, data.config) == ("2024-06-01T12:00:00.500Z", "synced", "cafe")
    assert data.evidence[0].model_dump() == {
        "channel": "vib", "component": "drive-end bearing", "value": 6.82, "unit": "mm/s", "baseline": 2.0,
        "shift": 12.35, "limit": None, "rule": "deviation", "contribution": 0.4568,
    }  # fmt: skip
    assert data.log[0].model_dump() == {
        "id": "q1", "time": "2024-06-01T11:59:54.500Z", "text": "noisy", "contribution": -0.0123,
    }  # fmt: skip
    assert (data.summary, data.summary_source, data.model) == ("why", "template", ORIGIN.model)


def test_an_event_without_risk_or_shift_says_null() -> None:
    limit = replace(FACT, shift=None, baseline=None, limit=7.0, rule="limit", contribution=None)
    data = json.loads(sent(replace(EVENT, risk=None, mode="none", evidence=(limit,)))[0].payload)["data"]

    [fact] = data["evidence"]
    assert (data["risk"], fact["shift"], fact["contribution"], fact["limit"]) == (None, None, None, 7.0)


@pytest.mark.parametrize("unrecorded", [False, True])
def test_an_event_that_could_not_be_written_says_so(unrecorded: bool) -> None:  # noqa: FBT001 - a table
    assert {json.loads(m.payload)["data"]["unrecorded"] for m in sent(unrecorded=unrecorded)} == {unrecorded}


def test_keys_are_the_same_for_the_same_revision_whenever_it_is_sent() -> None:
    later = alarm_messages(EVENT, ORIGIN, observed=NOON + 900.0, clock="jumped", unrecorded=True)

    assert [m.key for m in later] == [m.key for m in sent()]
    assert len({m.key for rev in (1, 2, 3) for m in sent(replace(EVENT, rev=rev))}) == 6


def test_a_mode_outside_the_table_is_sent_as_other() -> None:
    data = CloudEvent.model_validate_json(sent(replace(EVENT, mode="<script>"))[0].payload).data

    assert (data.mode, data.mode_name) == ("OTH", "other")


LONG_FACT = Evidence("c" * 64, "\U0001f527" * 64, -1.2345678901234567e-300, "\U0001f527" * 32, -1.2345678901234567e-300,
                     -999.99, -1.2345678901234567e-300, "deviation", -0.123456)  # fmt: skip
LONG_QUOTE = Quote("f" * 16, NOON, clean("\U00020000" * 2 * MAX_LOG_CHARACTERS), -0.123456)


def test_the_longest_risk_alarm_fits_into_its_payload() -> None:
    facts, quotes = (LONG_FACT,) * evidence.MAX_EVIDENCE, (LONG_QUOTE,) * evidence.MAX_QUOTES
    assert len(LONG_QUOTE.text.encode()) == 4 * MAX_LOG_CHARACTERS
    texts = [summary.of_risk(code, facts, quotes) for code in MODES]
    longest = replace(
        EVENT, asset="a" * 64, severity="s" * 64, evidence=facts, quotes=quotes, summary=max(texts, key=len)
    )

    assert all(len(m.payload) < MAX_PAYLOAD for m in sent(longest, LONGEST, unrecorded=True))


def test_the_longest_silence_alarm_fits_into_its_payload() -> None:
    facts = (replace(LONG_FACT, rule="silence"),) * MAX_SILENT
    longest = replace(EVENT, asset="a" * 64, evidence=facts, summary=summary.of_silence(facts, more=True))

    assert all(len(m.payload) < MAX_PAYLOAD for m in sent(longest, LONGEST))


@pytest.mark.parametrize(
    "broken",
    [
        replace(EVENT, severity_number=0),
        replace(EVENT, severity_number=1001),
        replace(EVENT, summary_source="oracle"),
        replace(EVENT, evidence=(replace(FACT, rule="hunch"),)),
        replace(EVENT, evidence=(replace(FACT, value=float("nan")),)),
        replace(EVENT, risk=float("inf")),
    ],
)
def test_what_no_consumer_could_read_is_never_sent(broken: AlarmEvent) -> None:
    with pytest.raises(ValidationError):
        sent(broken)


def test_a_payload_with_a_field_too_many_is_refused() -> None:
    body = json.loads(sent()[0].payload)
    body["data"]["extra"] = 1

    with pytest.raises(ValidationError, match="extra"):
        CloudEvent.model_validate(body)


# --------------------------------------------------------------------------------------------- state of things


def test_the_risk_of_an_asset_is_retained_under_its_name() -> None:
    message = risk_message(VERDICT, ORIGIN)
    payload = RiskPayload.model_validate_json(message.payload)

    assert message.topic == "pdm/v1/acme/plant-1/gw-3/asset/p1/risk"
    assert (message.qos, message.retain, message.lane, message.group) == (1, True, LANE_STATE, message.topic)
    assert (payload.risk, payload.status, payload.mode_name) == (0.1235, "decided", "vibration")
    assert (payload.text, payload.time) == (VERDICT.text, "2024-06-01T12:00:00.000Z")


def test_the_key_of_a_risk_names_asset_and_time() -> None:
    keys = {
        risk_message(v, ORIGIN).key for v in (VERDICT, replace(VERDICT, asset="p2"), replace(VERDICT, time=NOON + 1))
    }

    assert len(keys) == 3
    assert risk_message(replace(VERDICT, risk=0.9), ORIGIN).key in keys


@pytest.mark.parametrize("state", ["online", "stopped", "offline"])
def test_the_state_of_the_gateway_is_retained(state: str) -> None:
    message = state_message(ORIGIN, state)  # type: ignore[arg-type]  # the parameters are its literals

    assert StatePayload.model_validate_json(message.payload).state == state
    assert (message.topic, message.retain, message.qos) == ("pdm/v1/acme/plant-1/gw-3/state", True, 1)


def test_the_health_of_the_gateway_is_retained() -> None:
    message = health_message(HEALTH, ORIGIN)

    assert HealthPayload.model_validate_json(message.payload) == HEALTH
    assert (message.topic, message.retain, message.lane) == ("pdm/v1/acme/plant-1/gw-3/health", True, LANE_STATE)


@given(time=st.floats(0.0, 4102444800.0))
def test_a_stamp_is_utc_with_milliseconds(time: float) -> None:
    text = stamp(time)

    assert len(text) == len("2024-06-01T12:00:00.000Z")
    assert text.endswith("Z")
