"""Risks of windows raise, change and clear an alarm by the levels and words of the policy."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge_agent.core.alarm import Signal
from edge_agent.core.conditions import Conditions, Judge
from edge_agent.core.types import AlarmPolicy, Severity, Status, Transition
from tests.core.pipeline.given_risks import CLEARED, LEARNT, RAISED, by_step, in_turn, kinds, told
from tests.core.pump import LABELS, events, noise, outcomes, pipeline, readings, scores, verdicts


def test_two_risky_windows_raise_and_three_calm_ones_clear() -> None:
    found = told([0.9, 0.9, 0.9, 0.1, 0.1, 0.1, 0.1])

    assert kinds(found) == [("risk", RAISED), ("risk", CLEARED)]
    assert [e.time for e in found] == [(LEARNT + n) * 60.0 for n in (2, 6)]


def test_one_risky_window_raises_nothing() -> None:
    assert told([0.99, 0.0, 0.99, 0.0, 0.99]) == []


def test_between_clear_and_raise_level_an_alarm_stays_as_it_is() -> None:
    low, raise_at = 0.3, 0.5  # 0.6 of the model's threshold

    assert kinds(told([raise_at, raise_at, *[low] * 5])) == [("risk", RAISED), ("risk", Transition.UPDATED)]
    assert told([low + 0.1] * 5) == []
    assert kinds(told([0.5, 0.5, 0.299, 0.299, 0.299]))[-1] == ("risk", CLEARED)


def test_the_policy_may_set_its_own_levels() -> None:
    policy = AlarmPolicy(raise_at=0.8, clear_at=0.75, update_step=1.0)

    assert told([0.79] * 4, policy) == []
    assert kinds(told([0.8, 0.8, 0.76, 0.76, 0.76, 0.74, 0.74, 0.74], policy)) == [("risk", RAISED), ("risk", CLEARED)]


@pytest.mark.parametrize(
    ("risk", "word"),
    [(0.5, "medium"), (0.79, "medium"), (0.8, "high"), (0.949, "high"), (0.95, "critical"), (1.0, "critical")],
)
def test_severity_is_looked_up_in_the_table(risk: float, word: str) -> None:
    assert [e.severity for e in told([risk, risk])] == [word]


def test_a_risk_below_every_row_of_the_table_has_the_lowest() -> None:
    policy = AlarmPolicy(
        severities=(Severity(risk=0.9, word="red", number=900), Severity(risk=0.7, word="amber", number=600))
    )

    assert [e.severity for e in told([0.6, 0.6], policy)] == ["amber"]


def test_severity_rises_at_once_and_falls_only_past_a_deadband() -> None:
    policy = AlarmPolicy(update_step=0.05)
    found = told([0.79, 0.79, 0.80, 0.76, 0.74, 0.96, 0.91, 0.89, 0.5], policy)
    severities = [(e.transition, e.severity) for e in found if e.transition is not Transition.UPDATED]

    assert severities == [
        (RAISED, "medium"),
        (Transition.ESCALATED, "high"),
        (Transition.DEESCALATED, "medium"),
        (Transition.ESCALATED, "critical"),
        (Transition.DEESCALATED, "high"),
        (Transition.DEESCALATED, "medium"),
    ]


def test_a_severity_that_left_the_table_is_looked_up_anew() -> None:
    target = pipeline(score=by_step([0.0] * LEARNT + [0.9]))
    given_ = readings(noise(LEARNT + 8))
    outcomes(target, given_[: 3 * (LEARNT + 4)])
    state = target.alarms["p1", "risk"]
    target.alarms["p1", "risk"] = replace(state, severity=999)

    assert [e.severity for e in events(outcomes(target, given_[3 * (LEARNT + 4) :]))] == ["high"]


def test_while_learning_risk_is_shown_and_raises_nothing() -> None:
    target = pipeline(score=by_step([0.99]))
    found = outcomes(target, readings(noise(LEARNT + 1)))

    assert {v.status for v in verdicts(found)} == {Status.PROVISIONAL}
    assert len(verdicts(found)) == LEARNT
    assert events(found) == []


def test_an_undecided_verdict_raises_nothing_and_clears_nothing() -> None:
    answers = [*[scores(0.0)] * LEARNT, *[scores(0.9)] * 2, scores(0.0, undecided=True)]
    raised = outcomes(pipeline(score=in_turn(answers)), readings(noise(LEARNT + 12)))
    never = outcomes(pipeline(score=lambda _: scores(0.99, undecided=True)), readings(noise(LEARNT + 12)))

    assert kinds(events(raised)) == [("risk", RAISED)]
    assert events(never) == []
    assert {v.status for v in verdicts(never)[LEARNT:]} == {Status.UNCERTAIN}


def test_a_risk_event_rests_on_the_channels_that_moved_and_names_its_mode() -> None:
    values = noise(LEARNT + 10)
    values["temp"][LEARNT:] += 30.0
    [event] = events(outcomes(pipeline(score=by_step([0.0] * LEARNT + [0.9], "OHE")), readings(values)))

    assert (event.mode, event.risk, event.evidence[0].channel) == ("OHE", 0.9, "temp")
    assert event.summary.startswith("Likely overheating (OHE) at motor: temp 89.2 degC, above its normal 60.0 degC")


def test_signals_follow_the_levels() -> None:
    target = pipeline(policy=AlarmPolicy(raise_at=0.5, clear_at=0.4))

    assert [target._signal(r) for r in (0.5, 0.49, 0.4, 0.39)] == [
        Signal.HIGH,
        Signal.MIDDLE,
        Signal.MIDDLE,
        Signal.LOW,
    ]


def test_an_asset_of_no_known_class_is_judged_by_the_threshold_for_strangers() -> None:
    strict = Conditions(
        AlarmPolicy(), Judge(score=lambda _text: scores(0.0), labels=LABELS, threshold=0.8, stranger_threshold=0.3)
    )
    alike = Conditions(AlarmPolicy(), Judge(score=lambda _text: scores(0.0), labels=LABELS, threshold=0.8))
    given = Conditions(
        AlarmPolicy(raise_at=0.5),
        Judge(score=lambda _text: scores(0.0), labels=LABELS, threshold=0.8, stranger_threshold=0.3),
    )

    assert (strict._signal(0.4, stranger=True), strict._signal(0.4)) == (Signal.HIGH, Signal.LOW)
    assert alike._signal(0.4, stranger=True) is Signal.LOW
    assert given._signal(0.4, stranger=True) is Signal.MIDDLE
