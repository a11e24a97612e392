"""Commands: what is accepted, what is refused, where answers go."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.commands import (
    MAX_PAYLOAD,
    REQUESTS,
    Command,
    CommandResult,
    Label,
    Refusal,
    answer_topic,
    command,
    record_of,
)
from edge_agent.core.properties import Reply
from edge_agent.core.shelving import MAX_AHEAD_S
from edge_agent.core.topics import Address

NOON = 1_717_243_200.0
HERE = Address("acme", "plant-1", "gw-3")
OWN = "pdm/v1/acme/plant-1/gw-3/cmd-result/"


def asked(name: str, payload: object, received: float = NOON) -> Command | Refusal:
    """The command in a payload of JSON or bytes."""
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return command(name, data, Reply(), received=received, via="mqtt")


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("ack", {"alarm": "4f1c", "label": "false", "actor": "anna", "comment": "seal was wet"}),
        ("shelve", {"alarm": "4f1c", "duration_s": 3600}),
        ("shelve", {"asset": "pump-7", "kind": "limit:vib", "duration_s": 60, "time": "2024-06-01T12:00:00Z"}),
        ("unshelve", {"asset": "pump-7"}),
        ("suppress", {"asset": "pump-7", "kind": "silence"}),
        ("unsuppress", {"asset": "pump-7", "version": 1}),
        ("baseline-reset", {"asset": "pump-7"}),
        ("reload", {}),
        ("reload", b""),
        ("model-activate", {"bundle": "pump@3"}),
        ("ask", {"asset": "pump-7"}),
    ],
)
def test_what_may_be_asked(name: str, payload: object) -> None:
    found = asked(name, payload)

    assert isinstance(found, Command)
    assert found.name == name


@pytest.mark.parametrize(
    ("name", "payload", "answer"),
    [
        ("shutdown", {}, "unknown_command"),
        ("ack", {}, "invalid"),
        ("ack", {"alarm": "4f1c", "label": "nonsense"}, "invalid"),
        ("ack", {"alarm": "4f1c", "topic": "elsewhere"}, "invalid"),
        ("ack", {"alarm": "a/b"}, "invalid"),
        ("shelve", {"asset": "pump-7"}, "invalid"),
        ("shelve", {"asset": "pump-7", "duration_s": 0}, "invalid"),
        ("shelve", {"asset": "pump-7", "duration_s": float("inf")}, "invalid"),
        ("shelve", {"asset": "pump-7", "alarm": "4f1c", "duration_s": 1}, "invalid"),
        ("unshelve", {}, "invalid"),
        ("suppress", {"asset": "pump-7", "kind": "limit:*"}, "invalid"),
        ("suppress", {"asset": "+"}, "invalid"),
        ("model-activate", {"bundle": "../../etc"}, "invalid"),
        ("ask", b"\xff", "invalid"),
        ("ask", b"[]", "invalid"),
        ("ack", {"alarm": "4f1c", "request_id": "a b"}, "invalid"),
        ("ack", {"alarm": "4f1c", "time": "yesterday"}, "invalid"),
        ("ack", b"{" + b" " * MAX_PAYLOAD + b"}", "too_large"),
    ],
)
def test_what_is_refused_and_with_which_word(name: str, payload: object, answer: str) -> None:
    found = asked(name, payload)

    assert isinstance(found, Refusal)
    assert (found.answer, bool(found.detail)) == (answer, True)


def test_two_requests_without_an_id_are_two() -> None:
    first, second = asked("reload", {}), asked("reload", {}, NOON + 1)

    assert first.request_id != second.request_id
    assert asked("reload", {"request_id": "r-1"}).request_id == "r-1"


def test_an_asker_whose_clock_is_far_ahead_does_not_overrule_what_follows() -> None:
    found = asked("ack", {"alarm": "4f1c", "time": NOON + 86400})

    assert isinstance(found, Command)
    assert found.issued == NOON + MAX_AHEAD_S


@given(st.sampled_from(sorted(REQUESTS)), st.binary(max_size=80))
def test_any_payload_has_an_answer(name: str, payload: bytes) -> None:
    assert isinstance(asked(name, payload), Command | Refusal)


@pytest.mark.parametrize(
    ("topic", "expected"),
    [
        ("", OWN + "r-1"),
        ("desk/answers", "desk/answers"),
        ("desk/{not}/captured", OWN + "r-1"),
        ("desk/+", OWN + "r-1"),
        ("desk/#", OWN + "r-1"),
        ("$SYS/broker", OWN + "r-1"),
        ("pdm/v1/acme/plant-1/gw-3/asset/pump-7/risk", OWN + "r-1"),
        ("pdm/v1/acme/plant-1/gw-4/event", OWN + "r-1"),
        (OWN + "mine", OWN + "mine"),
        ("desk\x00", OWN + "r-1"),
    ],
)
def test_an_answer_goes_to_its_response_topic_but_never_onto_ours_or_the_brokers(topic: str, expected: str) -> None:
    assert answer_topic(Reply(topic), "r-1", HERE) == expected


def test_a_record_holds_who_asked_for_what_and_what_came_of_it() -> None:
    found = asked("ack", {"alarm": "4f1c", "label": "false", "actor": "anna", "comment": "wet", "request_id": "r-1"})
    assert isinstance(found, Command)
    result = CommandResult(
        request_id="r-1", command="ack", accepted=True, answer="done", detail="done", time="t", alarm="4f1c", asset="p1"
    )
    record = record_of(found, result, kind="risk")

    assert (record.request_id, record.name, record.alarm, record.asset, record.kind) == (
        "r-1",
        "ack",
        "4f1c",
        "p1",
        "risk",
    )
    assert (record.actor, record.label, record.comment, record.via) == ("anna", Label.FALSE, "wet", "mqtt")
    assert (record.accepted, record.answer, record.received, record.issued) == (True, "done", NOON, NOON)
    assert json.loads(record.request)["comment"] == "wet"
