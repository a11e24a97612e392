"""Scores → verdict."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.text import render
from edge_agent.core.types import LogLine, Scores, Status
from edge_agent.core.verdict import LOG_REACH, agreed, judge
from tests.core.pump import LABELS, channel, scores, window

WINDOW = window(channel("vib", 3.0))
LOGS = (LogLine("p1", WINDOW.end - 60.0, "all good"),)
LOG_ALONE = render(replace(WINDOW, channels=()), LOGS)
UNSURE = Scores(0.5, (1 / 3, 1 / 3, 1 / 3))
RISK = st.floats(0.0, 1.0)


def with_and_without(logged: Scores, alone: Scores) -> dict[str, Scores]:
    """What a model says of the text with its log line, of the one without, and of the log line alone."""
    return {render(WINDOW, LOGS): logged, render(WINDOW): alone, LOG_ALONE: UNSURE}


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


def test_readings_and_log_name_the_mode_together() -> None:
    read, told = Scores(0.9, (0.1, 0.5, 0.4)), Scores(0.2, (0.1, 0.1, 0.8))
    answers = {render(WINDOW, LOGS): read, render(WINDOW): read, LOG_ALONE: told}

    assert judge(WINDOW, LOGS, answers.__getitem__, LABELS).mode == LABELS[2]
    assert judge(WINDOW, (), answers.__getitem__, LABELS).mode == LABELS[1]


def test_a_window_without_channels_to_tell_is_named_by_its_whole_text() -> None:
    bare = replace(WINDOW, channels=())
    told = scores(0.5, LABELS[2])

    assert judge(bare, LOGS, lambda _: told, LABELS).mode == LABELS[2]


@given(st.lists(st.tuples(RISK, RISK), min_size=2, max_size=9))
def test_what_both_come_to_adds_up_to_one(pairs: list[tuple[float, float]]) -> None:
    read, told = zip(*pairs, strict=True)

    assert sum(agreed(read, told)) == pytest.approx(1.0)


def test_a_log_that_says_nothing_changes_no_mode() -> None:
    assert agreed((0.2, 0.7, 0.1), UNSURE.modes) == pytest.approx((0.2, 0.7, 0.1))
