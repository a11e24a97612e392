"""Devices and entities in Home Assistant."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from fastjsonschema import JsonSchemaValueException

from edge_agent.core.modes import MODES
from edge_agent.core.outputs.home_assistant import HomeAssistant
from edge_agent.core.topics import Address
from edge_agent.core.types import AlarmEvent, Outgoing
from edge_agent.core.wire import LANE_STATE, risk_message, risk_payload, state_message
from tests.core.outputs.home import discovered, rendered, state
from tests.core.outputs.told import ADDRESS, CRITICAL, ORIGIN, RAISED, VERDICT, data_of

HOME = HomeAssistant("homeassistant", ORIGIN)
CONFIG = "homeassistant/device/acme__plant-1__gw-3__pump-7/config"


def announced(asset: str = "pump-7", occasion: str = "r1", home: HomeAssistant = HOME) -> Outgoing:
    [message] = home.introduced(asset, "pump", occasion)
    return message


def stands(*alarms: AlarmEvent, occasion: str = "r1") -> Outgoing:
    [message] = HOME.standing("p1", alarms, occasion)
    return message


def shown(*alarms: AlarmEvent) -> dict[str, str | None]:
    """What the entities of a machine show, with these alarms and a risk."""
    told = (stands(*alarms), risk_message(VERDICT, ORIGIN), state_message(ORIGIN, "online"))
    retained = {message.topic: message.payload for message in told}
    return {key: state(entity, retained) for key, entity in discovered(announced("p1").payload).items()}


# ---------------------------------------------------------------------------------------------------- the device


def test_an_asset_is_one_device_that_the_recorded_schema_accepts() -> None:
    message = announced()
    body = json.loads(message.payload)

    assert discovered(message.payload).keys() == body["cmps"].keys()
    assert (message.topic, message.retain, message.qos, message.lane) == (CONFIG, True, 1, LANE_STATE)
    assert body["dev"] == {"identifiers": ["acme__plant-1__gw-3__pump-7"], "name": "pump-7", "model": "pump"}
    assert body["o"] == {"name": "edge-agent", "sw_version": "0.1.0"}


def test_entities_are_told_apart_over_assets_and_gateways() -> None:
    other = HomeAssistant("homeassistant", replace(ORIGIN, address=Address("acme", "plant-1", "gw-4")))
    devices = (announced(), announced("p1"), announced(home=other))
    ids = [entity["unique_id"] for device in devices for entity in discovered(device.payload).values()]

    assert len(set(ids)) == len(ids)
    assert len({device.topic for device in devices}) == 3


def test_an_entity_id_names_machine_and_entity() -> None:
    entities = discovered(announced().payload)

    assert entities["problem"]["default_entity_id"] == "binary_sensor.pump_7_problem"
    assert entities["failure_risk"]["default_entity_id"] == "sensor.pump_7_failure_risk"


def test_the_schema_refuses_what_home_assistant_would_drop_or_refuse() -> None:
    good = json.loads(announced().payload)
    for entity, option, value in (
        ("problem", "object_id", "x"),
        ("problem", "device_class", "alarm"),
        ("failure_risk", "device_class", "battery"),
        ("failure_mode", "unit_of_measurement", "%"),
        ("alarm_summary", "options", ["a"]),
        ("alarm_summary", "state_topic", "a/+"),
    ):
        bad = json.loads(json.dumps(good))
        bad["cmps"][entity][option] = value
        with pytest.raises(JsonSchemaValueException):
            discovered(json.dumps(bad).encode())


# ---------------------------------------------------------------------------------------------------- what is shown


def test_a_machine_without_an_alarm_shows_its_risk_and_no_problem() -> None:
    assert shown() == {
        "problem": "OFF", "failure_risk": "87.6", "failure_mode": "vibration", "alarm_severity": "none",
        "alarm_summary": "no alarm",
    }  # fmt: skip


def test_with_alarms_it_shows_a_problem_and_the_worst_of_them() -> None:
    found = shown(CRITICAL, RAISED)

    assert (found["problem"], found["alarm_severity"]) == ("ON", "critical")
    assert found["alarm_summary"] == CRITICAL.summary


def test_a_summary_longer_than_a_state_may_be_is_cut_to_its_size() -> None:
    text = shown(replace(RAISED, summary="é" * 300))["alarm_summary"]
    whole = shown(replace(RAISED, summary="é" * 255))["alarm_summary"]

    assert text == "é" * 254 + "…"
    assert whole == "é" * 255


def test_every_failure_mode_is_among_the_options() -> None:
    assert set(discovered(announced().payload)["failure_mode"]["options"]) == {mode.name for mode in MODES.values()}


def test_the_problem_has_the_evidence_as_attributes() -> None:
    message = stands(CRITICAL, RAISED)
    entity = discovered(announced("p1").payload)["problem"]
    attributes = json.loads(rendered(entity["json_attributes_template"], message.payload))

    assert entity["json_attributes_topic"] == message.topic == "pdm/v1/acme/plant-1/gw-3/asset/p1/alarms"
    assert attributes == json.loads(message.payload)
    assert [alarm["kind"] for alarm in attributes["alarms"]] == ["limit:temp", "risk"]
    assert attributes["alarms"][1]["evidence"] == [
        {
            "channel": "vib", "component": "drive-end bearing", "value": 7.25, "unit": "mm/s", "baseline": 2.5,
            "shift": 9.5, "limit": None, "rule": "deviation", "contribution": 0.4,
        }
    ]  # fmt: skip


def test_the_risk_says_what_kind_of_verdict_it_is_and_of_when() -> None:
    entity = discovered(announced("p1").payload)["failure_risk"]
    attributes = json.loads(rendered(entity["json_attributes_template"], risk_message(VERDICT, ORIGIN).payload))

    assert attributes == {"status": "decided", "time": "2024-06-01T12:01:00.000Z"}


@pytest.mark.parametrize("gone", ["stopped", "offline"])
def test_an_agent_that_is_gone_makes_all_entities_unavailable(gone: str) -> None:
    told = (stands(RAISED), state_message(ORIGIN, gone))  # type: ignore[arg-type]  # one of the two
    retained = {message.topic: message.payload for message in told}

    assert {state(entity, retained) for entity in discovered(announced("p1").payload).values()} == {"unavailable"}


# ---------------------------------------------------------------------------------------------------- when


def test_what_stands_is_a_retained_state_of_its_own_group() -> None:
    message = stands(RAISED)

    assert (message.retain, message.qos, message.lane) == (True, 1, LANE_STATE)
    assert message.topic == ADDRESS.alarms("p1")
    assert message.group != announced("p1").group


def test_keys_are_those_of_the_occasion() -> None:
    assert announced() == announced()
    assert announced().key != announced(occasion="r2").key
    assert stands(RAISED, occasion="a 1").key != stands(RAISED, occasion="a 2").key


def test_home_assistant_asks_when_it_has_started() -> None:
    assert HOME.listens == ("homeassistant/status",)
    assert HOME.asks("homeassistant/status", b"online")
    assert not HOME.asks("homeassistant/status", b"offline")
    assert HomeAssistant("ha", ORIGIN).listens == ("ha/status", "homeassistant/status")


def test_alarms_and_risks_are_read_from_topics_that_are_there() -> None:
    assert (HOME.alarm(data_of(RAISED)), HOME.risk(risk_payload(VERDICT))) == ((), ())
