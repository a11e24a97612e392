"""What the systems beside us are told goes the way of our own messages: into the commit, or out at once unrecorded."""

from __future__ import annotations

import json

from edge_agent.core.outputs.flat import Flat
from edge_agent.core.outputs.interpreter import Interpreter
from tests.core.outputs.test_interpreter import Plain
from tests.service.parts import ORIGIN, START, Bench


def bench() -> Bench:
    dialects = (Flat("plant/alarms", ORIGIN.address), Plain())
    return Bench(interpreter=Interpreter(dialects, lambda asset: "pump" if asset.startswith("p") else None, run="r"))


def committed(subject: Bench, topic: str) -> list[bytes]:
    return [m.payload for batch in subject.journal.batches for m in batch.outgoing if m.topic == topic]


def reading(subject: Bench, number: int, temp: float) -> None:
    subject.send("plant/p1/temp", json.dumps({"value": temp, "ts": START + number}).encode())


def test_an_alarm_is_in_the_commit_of_its_raise_in_every_dialect() -> None:
    subject = bench()
    reading(subject, 0, 95.0)
    subject.drain()

    [batch] = [batch for batch in subject.journal.batches if batch.events]
    assert {"pdm/v1/t/s/gw/event", "plant/alarms", "plain/alarm", "plain/p1/who"} <= {m.topic for m in batch.outgoing}


def test_an_asset_is_introduced_with_its_first_reading() -> None:
    subject = bench()
    reading(subject, 0, 60.0)
    reading(subject, 1, 60.0)
    subject.send("plant/x1/temp", b'{"value": 60.0, "ts": 1760000000.0}')
    subject.drain()

    assert committed(subject, "plain/p1/who") == [b'"pump"']
    assert committed(subject, "plain/x1/who") == []


def test_a_risk_is_told_where_our_own_is() -> None:
    subject = bench()
    subject.healthy(12)

    assert len(committed(subject, "plain/risk")) == len(committed(subject, "pdm/v1/t/s/gw/asset/p1/risk")) > 0


def test_a_question_is_answered_with_the_next_commit_and_is_no_reading() -> None:
    subject = bench()
    reading(subject, 0, 60.0)
    arrival = subject.send("plain/status", b"who?")
    subject.drain()

    assert committed(subject, "plain/p1/who") == [b'"pump"'] * 2
    assert arrival in subject.link.acked
    assert dict(subject.engine.numbers.faults) == {}


def test_while_nothing_can_be_written_an_alarm_goes_out_in_every_dialect_marked_and_once() -> None:
    subject = bench()
    subject.journal.failing = True
    reading(subject, 0, 95.0)
    for _ in range(3):
        subject.engine.turn()
    flat = [json.loads(message.payload) for message in subject.urgent if message.topic == "plant/alarms"]
    assert [(alarm["kind"], alarm["unrecorded"]) for alarm in flat] == [("limit:temp", True)]
    assert len({message.key for message in subject.urgent}) == len(subject.urgent)

    subject.journal.failing = False
    subject.drain()
    [recorded] = committed(subject, "plant/alarms")
    assert json.loads(recorded)["unrecorded"] is False
