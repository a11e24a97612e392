"""What is said of a risk, and how often."""

from __future__ import annotations

import json
from dataclasses import replace

from edge_agent.core.outputs.interpreter import Interpreter
from edge_agent.core.types import Misread, Outgoing, Status, Verdict, Window
from edge_agent.metrics import Metrics
from edge_agent.ports import Batch
from edge_agent.service.clock import ClockWatch
from edge_agent.service.teller import Teller
from tests.service.parts import ORIGIN, START


def teller() -> Teller:
    sent: list[Outgoing] = []
    return Teller(
        ORIGIN, ClockWatch(wall=lambda: START), Metrics(), sent.append, risk_step=0.05, risk_max_age_s=900.0,
        interpreter=Interpreter((), lambda _asset: None),
    )  # fmt: skip


def verdict(number: int, risk: float = 0.7) -> Verdict:
    return Verdict("p1", START + 60.0 * number, "pump\nvib ...", risk, "VIB", 0.8, Status.DECIDED)


def standing(number: int) -> Window:
    end = START + 60.0 * number
    return Window("p1", "pump", number, end - 60.0, end, None, (), (), learning=False, standing=True)


def said(batch: Batch) -> list[tuple[float, str]]:
    """Risk and status of the messages in a batch."""
    return [(body["risk"], body["status"]) for body in (json.loads(message.payload) for message in batch.outgoing)]


def test_a_machine_that_stands_is_said_to_stand_once_with_the_risk_it_had() -> None:
    subject, batch = teller(), Batch()
    subject.risk(verdict(0), batch)
    for number in (1, 2, 3):
        subject.unjudged(standing(number), batch)

    assert said(batch) == [(0.7, "decided"), (0.7, "standing")]
    assert json.loads(batch.outgoing[-1].payload)["text"] == ""
    assert batch.verdicts == []


def test_the_first_verdict_after_a_standstill_is_told_although_the_risk_is_the_same() -> None:
    subject, batch = teller(), Batch()
    subject.risk(verdict(0), batch)
    subject.unjudged(standing(1), batch)
    subject.risk(verdict(2), batch)

    assert said(batch)[-1] == (0.7, "decided")


def test_that_a_machine_stands_is_said_again_when_the_last_word_is_old() -> None:
    subject, batch = teller(), Batch()
    subject.risk(verdict(0), batch)
    for number in range(1, 20):
        subject.unjudged(standing(number), batch)

    assert said(batch)[1:] == [(0.7, "standing")] * 2


def test_a_machine_that_is_misread_is_said_to_be_misconfigured() -> None:
    part = Misread(
        "temp", "motor", "degC", "degF", settled=False, value=140.0, normal=60.0, expected=140.0, confirmed=False
    )  # fmt: skip
    subject, batch = teller(), Batch()
    subject.risk(verdict(0), batch)
    subject.unjudged(replace(standing(1), standing=False, misread=(part,)), batch)
    subject.unjudged(replace(standing(2), standing=False), batch)

    assert said(batch) == [(0.7, "decided"), (0.7, "misconfigured")]


def test_of_a_standing_machine_whose_risk_nobody_was_told_nothing_is_said() -> None:
    batch = Batch()
    teller().unjudged(standing(1), batch)

    assert batch.outgoing == []
