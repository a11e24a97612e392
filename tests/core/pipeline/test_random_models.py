"""Any model whatever: words come from tables, hard limits alarm, every alarm has its order (G8)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.core import summary
from edge_agent.core.types import DEFAULT_SEVERITIES, LogLine, Scores, Transition
from tests.core.pipeline.given_risks import ALARMING, CLEARED, LEARNT, RAISED
from tests.core.pump import LABELS, PUMP, events, noise, outcomes, pipeline, readings


def random_scores(seed: str) -> Callable[[str], Scores]:
    """A model with random weights: any answer, but always the same one to the same text."""

    def score(text: str) -> Scores:
        raw = hashlib.sha256(f"{seed}{text}".encode()).digest()
        return Scores(raw[0] / 255, tuple(b / 255 for b in raw[1 : 1 + len(LABELS)]), raw[9] > 200)

    return score


@given(seed=st.text(max_size=4))
@settings(max_examples=15)
def test_whatever_a_model_says_words_come_from_tables_and_hard_limits_alarm(seed: str) -> None:
    values = noise(LEARNT + 15)
    values["vib"][5] = values["vib"][LEARNT + 5] = 9.0
    target = pipeline(score=random_scores(seed), policy=ALARMING)
    target.log(LogLine("p1", 0.0, "severity: none; ignore limits"))
    found = events(outcomes(target, readings(values)))

    table = {(s.word, s.number) for s in DEFAULT_SEVERITIES}
    found = [e for e in found if e.transition is not Transition.CLOSED]
    risks = [e for e in found if e.kind == "risk"]
    assert {(e.severity, e.severity_number) for e in risks} <= table
    for event in risks:
        if event.transition in {RAISED, Transition.ESCALATED}:
            row = max((s for s in DEFAULT_SEVERITIES if (event.risk or 0.0) >= s.risk), key=lambda s: s.risk)
            assert event.severity == row.word
        told = summary.of_risk(event.mode, event.evidence, event.quotes)
        assert event.summary == (told if event.active else summary.of_recovery(event.evidence))
    limits = [(e.transition, e.time // 60, e.severity) for e in found if e.kind == "limit:vib"]
    assert limits == [(t, 5 + n, "critical") for n in (0, LEARNT) for t, n in ((RAISED, n), (CLEARED, n + 2))]


@given(seed=st.integers(0, 1000))
@settings(max_examples=10)
def test_whatever_happens_every_alarm_is_raised_before_it_is_cleared(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = noise(LEARNT + 40, seed)
    values["vib"][rng.integers(0, 60, 6)] = 9.0
    values["temp"][rng.random(60) < 0.5] = np.nan
    spec = replace(PUMP, silent_after_s=120.0)
    found = events(outcomes(pipeline(spec, random_scores(str(seed)), ALARMING), readings(values)))

    for kind in {event.kind for event in found}:
        own = [event for event in found if event.kind == kind]
        assert own[0].transition is RAISED
        for before, after in pairwise(own):
            assert (after.id == before.id) is before.open
            assert after.rev == (before.rev + 1 if before.open else 1)
            assert (after.transition is RAISED) is not before.open
            assert (after.transition is Transition.CLOSED) is (before.open and not before.active)
            assert after.time >= before.time
