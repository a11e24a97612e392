"""Scores → verdict."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.text import render
from edge_agent.core.types import LogLine, Scores, Status
from edge_agent.core.verdict import LOG_REACH, judge
from tests.core.pump import LABELS, channel, scores, window

WINDOW = window(channel("vib", 3.0))
LOGS = (LogLine("p1", WINDOW.end - 60.0, "all good"),)
RISK = st.floats(0.0, 1.0)


def with_and_without(logged: Scores, alone: Scores) -> dict[str, Scores]:
    """What a model says of the text with its log line and of the one without."""
    return {render(WINDOW, LOGS): logged, render(WINDOW): alone}


@given(logged=RISK, alone=RISK)
def test_a_log_moves_the_risk_only_so_far(logged: float, alone: float) -> None:
    answers = with_and_without(scores(logged), scores(alone))

    verdict = judge(WINDOW, LOGS, answers.__getitem__, LABELS)

    assert abs(verdict.risk - alone) <= LOG_REACH + 1e-12
    if abs(logged - alone) <= LOG_REACH:
        assert verdict.risk == logged


@given(risk=RISK)
def test_without_logs_the_risk_is_the_models(risk: float) -> None:
    assert judge(WINDOW, (), lambda _: scores(risk), LABELS).risk == risk


def test_a_text_without_logs_is_scored_once() -> None:
    seen: list[str] = []

    def score(text: str) -> Scores:
        seen.append(text)
        return scores(0.5)

    judge(WINDOW, (), score, LABELS)
    assert seen == [render(WINDOW)]


def test_the_verdict_keeps_the_text_that_was_read_with_its_logs() -> None:
    verdict = judge(WINDOW, LOGS, lambda _: scores(0.5), LABELS)

    assert verdict.text == render(WINDOW, LOGS)
    assert (verdict.asset, verdict.time) == (WINDOW.asset, WINDOW.end)


@pytest.mark.parametrize("label", LABELS)
def test_the_mode_is_the_likeliest_label(label: str) -> None:
    verdict = judge(WINDOW, (), lambda _: scores(0.5, label), LABELS)

    assert (verdict.mode, verdict.mode_probability) == (label, 0.8)


@pytest.mark.parametrize(
    ("learning", "undecided", "status"),
    [
        (False, False, Status.DECIDED),
        (False, True, Status.UNCERTAIN),
        (True, False, Status.PROVISIONAL),
        (True, True, Status.PROVISIONAL),
    ],
)
def test_a_verdict_counts_only_when_learned_and_decided(learning: bool, undecided: bool, status: Status) -> None:  # noqa: FBT001 - a table
    verdict = judge(window(learning=learning), (), lambda _: scores(0.9, undecided=undecided), LABELS)

    assert verdict.status is status


@pytest.mark.parametrize(
    ("logged", "alone", "status"),
    [
        (True, False, Status.DECIDED),
        (False, True, Status.DECIDED),
        (True, True, Status.UNCERTAIN),
    ],
)
def test_a_log_cannot_make_a_decided_verdict_undecided(logged: bool, alone: bool, status: Status) -> None:  # noqa: FBT001 - a table
    answers = with_and_without(scores(0.9, undecided=logged), scores(0.9, undecided=alone))

    assert judge(WINDOW, LOGS, answers.__getitem__, LABELS).status is status


def test_a_historical_window_gives_a_historical_verdict() -> None:
    assert judge(window(historical=True), (), lambda _: scores(0.9), LABELS).historical
