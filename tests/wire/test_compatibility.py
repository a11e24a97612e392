"""Payloads of released versions are still understood, and readers of those versions still understand ours."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from docs import contract
from tests.wire import samples
from tests.wire.compatibility import broken

MESSAGES = {message.name: message for message in contract.messages()}
RECORDED = sorted(path.stem for path in samples.RECORDED.glob("*.json") if not path.stem.endswith(".schema"))


def snapshot(name: str) -> dict[str, Any]:
    """The schema of a payload as it was released."""
    text = (samples.RECORDED / f"{name}.schema.json").read_text(encoding="utf-8")
    recorded: dict[str, Any] = json.loads(text)
    return recorded


def test_every_payload_is_recorded_and_none_that_was_recorded_is_gone() -> None:
    """`python -m tests.wire.samples` records a new one; it is part of the contract from then on."""
    assert sorted(MESSAGES) == RECORDED


@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_payload_is_accepted(name: str) -> None:
    text = (samples.RECORDED / f"{name}.json").read_text(encoding="utf-8")
    found = MESSAGES[name].model.model_validate_json(text)

    assert _covers(json.loads(found.model_dump_json()), json.loads(text))


@pytest.mark.parametrize("name", RECORDED)
def test_no_field_of_a_recorded_schema_is_gone_or_of_another_type(name: str) -> None:
    assert broken(snapshot(name), contract.schema(MESSAGES[name]), taken=MESSAGES[name].taken) == []


def _covers(now: object, before: object) -> bool:
    """Whether everything of the one is in the other."""
    if isinstance(now, dict) and isinstance(before, dict):
        return all(key in now and _covers(now[key], value) for key, value in before.items())
    if isinstance(now, list) and isinstance(before, list):
        return len(now) == len(before) and all(map(_covers, now, before))
    return now == before


# ------------------------------------------------------------------------------------------------ the comparison

ALARM = snapshot("alarm")
REQUIRED = ALARM["$defs"]["AlarmData"]["required"]


def changed(*path: str, to: object) -> dict[str, Any]:
    """The schema of an alarm with one part changed; None takes it away."""
    schema = copy.deepcopy(ALARM)
    place = schema
    for key in path[:-1]:
        place = place[key]
    if to is None:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return schema


PROPERTIES = ("$defs", "AlarmData", "properties")


@pytest.mark.parametrize(
    ("later", "said"),
    [
        (changed(*PROPERTIES, "risk", to=None), ["data.risk: is gone"]),
        (changed(*PROPERTIES, "rev", to={"type": "string"}), ["data.rev: was integer, is string"]),
        (
            changed(*PROPERTIES, "asset", to={"anyOf": [{"type": "string"}, {"type": "null"}]}),
            ["data.asset: was string, is null or string"],
        ),
        (changed("$defs", "AlarmData", "required", to=REQUIRED[1:]), [f"data.{REQUIRED[0]}: may be left out now"]),
        (
            changed("$defs", "EvidencePayload", "properties", "rule", "enum", to=["deviation", "limit"]),
            ["data.evidence[].rule: no longer silence"],
        ),
        (
            changed("properties", "type", "const", to="io.edge-agent.alarm.v2"),
            ["type: no longer io.edge-agent.alarm.v1"],
        ),
        (changed("type", to="array"), ["payload: was object, is array"]),
    ],
)
def test_what_a_reader_would_no_longer_understand_is_found(later: dict[str, Any], said: list[str]) -> None:
    assert broken(ALARM, later) == said


@pytest.mark.parametrize(
    "later",
    [
        ALARM,
        changed(*PROPERTIES, "shelved", to={"type": "boolean", "default": False}),
        changed(*PROPERTIES, "risk", to={"type": "number"}),
        changed("$defs", "Transition", "enum", to=[*ALARM["$defs"]["Transition"]["enum"], "shelved"]),
        changed(*PROPERTIES, "asset", "description", to="which machine"),
    ],
)
def test_what_is_added_or_said_more_narrowly_breaks_nothing(later: dict[str, Any]) -> None:
    assert broken(ALARM, later) == []


def test_the_values_of_a_table_keep_their_type() -> None:
    schema = snapshot("health")
    later = copy.deepcopy(schema)
    later["properties"]["faults"]["additionalProperties"] = {"type": "string"}

    assert broken(schema, later) == ["faults.*: was integer, is string"]


ACK = snapshot("cmd-ack")


@pytest.mark.parametrize(
    ("later", "said"),
    [
        ({**ACK, "required": [*ACK["required"], "actor"]}, ["actor: must be given now"]),
        ({**ACK, "required": []}, []),
        ({**ACK, "properties": {**ACK["properties"], "why": {"type": "string"}}}, []),
        ({**ACK, "properties": {**ACK["properties"], "alarm": {"type": "integer"}}}, ["alarm: was string, is integer"]),
        (
            {**ACK, "properties": {key: value for key, value in ACK["properties"].items() if key != "comment"}},
            ["comment: is gone"],
        ),
    ],
)
def test_of_what_is_sent_to_us_more_may_be_taken_and_nothing_more_asked_for(
    later: dict[str, Any], said: list[str]
) -> None:
    assert broken(ACK, later, taken=True) == said
