"""A slice of the long run of `make fuzz`, and that its rules find decoders that break them."""

from __future__ import annotations

import math

import pytest

from edge_agent.core.decode import Decoded, Fault, Format, Kind, Reason
from edge_agent.core.types import LogLine, Reading
from tests.fuzz.entries import ENTRIES
from tests.fuzz.inputs import Inputs
from tests.fuzz.judge import NOW, ROUND, BrokenRuleError, Decodes, decoder, judge_round

SLICE = 25  # rounds: two seconds


def test_any_topic_and_bytes_have_an_answer_and_every_refusal_a_reason() -> None:
    """Each reason is met, so the inputs come as far as decode goes."""
    seen = {what for number in range(SLICE) for what in judge_round(f"slice/{number}", decoder()).elements()}

    assert seen == {"readings", "log lines", "work orders", *(reason.value for reason in Reason)}


def test_every_kind_and_format_of_source_is_fuzzed() -> None:
    assert {entry.spec.kind for entry in ENTRIES} == {*Kind}
    assert {entry.spec.format for entry in ENTRIES} == {*Format}


def test_the_recorded_samples_are_read_as_they_are() -> None:
    """Every source takes something of what is sent to it; else nothing behind its first check would be tried."""
    for entry in ENTRIES:
        found = [decoder().decode(topic, sample, NOW) for topic in entry.topics for sample in entry.samples]

        assert any(one.readings or one.logs or one.orders for one in found), entry.spec.topic


def test_a_seed_gives_the_same_inputs_again() -> None:
    first, again, other = Inputs("7"), Inputs("7"), Inputs("8")
    drawn = [first.draw() for _ in range(200)]

    assert drawn == [again.draw() for _ in range(200)]
    assert drawn != [other.draw() for _ in range(200)]


class Answers:
    """A decoder that gives one answer to everything."""

    def __init__(self, answer: Decoded) -> None:
        self._answer = answer

    def decode(self, topic: str, payload: bytes, arrival: float) -> Decoded:  # noqa: ARG002 - the signature fuzzed
        return self._answer


class Forgetful:
    """A decoder that says something else the second time."""

    def __init__(self) -> None:
        self._count = 0

    def decode(self, topic: str, payload: bytes, arrival: float) -> Decoded:  # noqa: ARG002 - the signature fuzzed
        self._count += 1
        return Decoded(faults=(Fault(Reason.EMPTY, str(self._count)),))


class Trusting:
    """A decoder that takes every payload for text."""

    def decode(self, topic: str, payload: bytes, arrival: float) -> Decoded:
        return Decoded(logs=(LogLine(topic, arrival, payload.decode()),))


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (Trusting(), "raised UnicodeDecodeError|asset"),
        (Answers(Decoded()), "no reason"),
        (Answers(Decoded((Reading("p1", "vib", NOW, math.nan),))), "value nan"),
        (Answers(Decoded((Reading("a/+/b", "vib", NOW, 1.0),))), r"asset 'a/\+/b'"),
        (Answers(Decoded((Reading("p1", "", NOW, 1.0),))), "no channel"),
        (Answers(Decoded((Reading("p1", "vib", 0.0, 1.0),))), r"time 0\.0"),
        (Answers(Decoded((), (LogLine("p1", NOW, "x" * 4001),))), "4001 characters of log"),
        (Answers(Decoded((), (LogLine("p1", NOW, "x", "a" * 101),))), "author"),
        (Answers(Decoded((), (), (Fault(Reason.EMPTY, "a\nb"),))), "fault"),
        (Answers(Decoded((), (), (Fault(Reason.EMPTY, ""),) * 17)), "17 faults"),
        (Answers(Decoded((Reading("p1", "vib", NOW, 1.0),))), "over the bound"),
        (Forgetful(), "a different answer"),
    ],
)
def test_a_decoder_that_breaks_a_rule_is_found(broken: Decodes, said: str) -> None:
    with pytest.raises(BrokenRuleError, match=said) as failure:
        judge_round("broken", broken, 20 * ROUND)

    assert "seed 'broken', input" in str(failure.value)
