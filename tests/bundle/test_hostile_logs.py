"""The shipped model under hostile log lines: its risk stays within the declared reach of what the sensors say (G9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.bundle.load import Bundle, default_bundle, load_bundle, read_golden
from edge_agent.core.text import Parts, clean, parts
from edge_agent.core.types import Scores, Status, Verdict
from edge_agent.core.verdict import LOG_REACH, judge_text
from tests.core.hostile import LINES, lines

AGES = ("<1h", "<8h", "<1d", "<1w", ">1w")
TEXTS = tuple(
    replace(parts(case.text), logs=()) for case in read_golden(default_bundle())
)  # sound and failing machines


@cache
def shipped() -> Bundle:
    """The bundle that comes along."""
    return load_bundle(default_bundle())


@cache
def score(text: str) -> Scores:
    """What its risk model says of a text."""
    return shipped().risk.score(text)


def judged(text: Parts, logs: Sequence[str] = ()) -> Verdict:
    """The verdict on a text with these lines in its log, newest first."""
    told = tuple(f"log {AGES[n]} {clean(line)}" for n, line in enumerate(logs))
    labels = shipped().risk.info.labels
    return judge_text(replace(text, logs=told).text, score, labels, asset="p1", time=0.0)


@given(st.sampled_from(TEXTS), st.lists(lines(), min_size=1, max_size=len(AGES)))
@settings(max_examples=150)
def test_with_any_log_the_risk_is_within_the_reach_of_the_risk_without(text: Parts, logs: list[str]) -> None:
    """And no log makes a decided verdict undecided, or one of a baseline that is still learned count."""
    alone, found = judged(text), judged(text, logs)

    assert abs(found.risk - alone.risk) <= LOG_REACH + 1e-12
    assert 0.0 <= found.risk <= 1.0
    assert alone.status is not Status.DECIDED or found.status is Status.DECIDED
    assert (alone.status is Status.PROVISIONAL) == (found.status is Status.PROVISIONAL)


def test_the_log_is_read_at_all() -> None:
    """Else the reach would be kept for want of trying: hostile lines do move the risk of the shipped model."""
    moves = [abs(judged(text, [line]).risk - judged(text).risk) for text in TEXTS for line in LINES]

    assert max(moves) > 0.02


def test_without_its_reach_a_log_would_move_the_risk_farther() -> None:
    """It is the bound that holds, not the model's good sense: some lines of failures move the bare risk beyond it."""
    said = ("bearing seized, shaft broken, tripped", "smoke from motor, burning smell, stopped at once", *LINES)
    bare = [
        abs(score(replace(text, logs=(f"log <1h {clean(line)}",) * 3).text).risk - score(text.text).risk)
        for text in TEXTS
        for line in said
    ]
    assert max(bare) > LOG_REACH
