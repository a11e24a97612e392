"""Readings and log lines → verdicts and alarm events."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.core import summary
from edge_agent.core.alarm import Signal, retell
from edge_agent.core.baseline import Floats
from edge_agent.core.conditions import MAX_SILENT, Conditions, Judge
from edge_agent.core.evidence import MAX_QUOTES, MAX_SCORES
from edge_agent.core.facts import facts_of
from edge_agent.core.pipeline import CLOSE, MAX_LOGS, NOTHING, Outcome, Pipeline
from edge_agent.core.report import grammar_of, tell
from edge_agent.core.text import clean
from edge_agent.core.types import (
    DEFAULT_SEVERITIES,
    HOLD,
    ROLL,
    AlarmEvent,
    AlarmPolicy,
    ChannelSpec,
    LogLine,
    Reading,
    Scores,
    Severity,
    Status,
    Transition,
)
from tests.core.pump import (
    LABELS,
    NORMAL,
    POWER,
    PUMP,
    events,
    noise,
    outcomes,
    pipeline,
    readings,
    scores,
    verdicts,
)
from tests.core.told_facts import walk

LEARNT = PUMP.baseline_steps  # windows before the first decided verdict
RAISED, CLEARED = Transition.RAISED, Transition.CLEARED


def in_turn(answers: list[Scores]) -> Callable[[str], Scores]:
    """A model that says the next answer of each window it is asked of, and the last one for ever.

    A text that lacks lines of the one before is the same window, looked at for what moved its risk.
    """
    left, lines, said = iter(answers), frozenset[str](), answers[-1]

    def score(text: str) -> Scores:
        nonlocal lines, said
        asked = frozenset(text.splitlines())
        if not asked < lines:
            lines, said = asked, next(left, answers[-1])
        return said

    return score


def by_step(risks: list[float], mode: str = "VIB") -> Callable[[str], Scores]:
    """A model that says the next of the risks of each window, and the last one for ever."""
    return in_turn([scores(risk, mode) for risk in risks])


def told(risks: list[float], policy: AlarmPolicy | None = None) -> list[AlarmEvent]:
    """The events of an asset that has learnt and then is given these risks, one a window."""
    target = pipeline(score=by_step([0.0] * LEARNT + risks), policy=policy)
    return events(outcomes(target, readings(noise(LEARNT + len(risks) + 1))))


def kinds(found: list[AlarmEvent]) -> list[tuple[str, Transition]]:
    """What happened to which alarm."""
    return [(event.kind, event.transition) for event in found]


# --------------------------------------------------------------------------------------------- what is accepted


def test_readings_that_close_no_step_bring_the_same_nothing_which_stays_empty() -> None:
    """One value for all of them: whoever wrote into it would tell every asset."""
    target = pipeline(score=by_step([0.9]))
    found = outcomes(target, readings(noise(LEARNT + 5)))

    assert any(outcome.windows for outcome in found)
    assert {id(outcome) for outcome in found if not outcome.windows} == {id(NOTHING)}
    assert Outcome() == NOTHING


def test_an_asset_without_a_class_is_not_accepted() -> None:
    target = pipeline()

    assert not target.reading(Reading("fan-1", "vib", 0.0, 99.0)).accepted
    assert target.silent("fan-1").events == []
    assert target.alarms == {}


def test_an_asset_whose_class_is_not_configured_is_not_accepted() -> None:
    plain = pipeline()
    target = Pipeline({}, lambda _: "pump", {}, AlarmPolicy(), plain._judge)

    assert not target.reading(Reading("p1", "vib", 0.0, 99.0)).accepted


def test_a_channel_that_is_not_measured_in_the_class_is_not_accepted() -> None:
    target = pipeline(replace(PUMP, channels=(*PUMP.channels, POWER)))

    assert not target.reading(Reading("p1", "pressure", 0.0, 1.0)).accepted
    assert not target.reading(Reading("p1", "power", 0.0, 1.0)).accepted
    assert target.reading(Reading("p1", "vib", 0.0, 1.0)).accepted


def test_the_class_of_an_asset_is_asked_once() -> None:
    asked: list[str] = []

    def class_of(asset: str) -> str:
        asked.append(asset)
        return "pump"

    target = Pipeline({"pump": PUMP}, class_of, {}, AlarmPolicy(), pipeline()._judge)
    outcomes(target, readings(noise(3)))

    assert asked == ["p1"]


# --------------------------------------------------------------------------------------------- hard limits


def test_a_hard_limit_alarms_at_the_reading_that_reaches_it() -> None:
    [calm, over] = outcomes(pipeline(), [Reading("p1", "vib", 1.0, 6.99), Reading("p1", "vib", 2.0, 7.0)])

    [event] = over.events
    assert calm.events == []
    assert (event.kind, event.transition, event.time) == ("limit:vib", RAISED, 2.0)
    assert (event.severity, event.risk, event.summary) == ("critical", None, "vib 7.00 mm/s is at its limit 7.00 mm/s.")
    assert [(f.value, f.limit, f.rule) for f in event.evidence] == [(7.0, 7.0, "limit")]


def test_a_hard_limit_needs_no_model_and_no_baseline() -> None:
    def broken(_text: str) -> Scores:
        raise AssertionError

    [event] = pipeline(score=broken).reading(Reading("p1", "flow", 0.0, 4.0)).events

    assert event.summary == "flow 4.00 m3/h is below its limit 5.00 m3/h."


def test_a_hard_limit_clears_after_its_off_delay_below_the_limit() -> None:
    target = pipeline()
    values = [(0, 9.0), (10, 8.0), (20, 1.0), (70, 1.0), (80, 1.0), (90, 1.0)]
    found = events(outcomes(target, [Reading("p1", "vib", t, v) for t, v in values]))

    assert [(e.transition, e.time) for e in found] == [(RAISED, 0), (CLEARED, 80)]
    assert found[1].summary == "vib is back within its limit."
    assert found[0].id == found[1].id


def test_a_hard_limit_waits_for_its_on_delay() -> None:
    target = pipeline(policy=AlarmPolicy(limit_on_s=30.0))
    values = [(0, 9.0), (20, 9.0), (25, 1.0), (30, 9.0), (50, 9.0), (60, 9.0)]

    assert [e.time for e in events(outcomes(target, [Reading("p1", "vib", t, v) for t, v in values]))] == [60]


def test_a_reading_that_is_over_already_pages_nobody() -> None:
    target = pipeline()
    late = [Reading("p1", "vib", 100.0, 2.0), Reading("p1", "vib", 50.0, 99.0), Reading("p1", "vib", 99.9, 99.0)]

    assert events(outcomes(target, late)) == []
    assert events(outcomes(target, [Reading("p1", "vib", 100.0, 99.0)])) != []


def test_a_backfilled_reading_does_not_clear_a_standing_limit() -> None:
    target = pipeline(policy=AlarmPolicy(limit_off_s=0.0))
    found = outcomes(target, [Reading("p1", "vib", 100.0, 9.0), Reading("p1", "vib", 50.0, 1.0)])

    assert kinds(events(found)) == [("limit:vib", RAISED)]


def test_even_a_forgotten_asset_is_not_paged_for_what_is_over() -> None:
    target = pipeline(policy=AlarmPolicy(limit_off_s=0.0))
    outcomes(target, [Reading("p1", "vib", 100.0, 9.0), Reading("p1", "vib", 110.0, 1.0)])
    target.windowers["pump"].forget("p1")

    assert target.reading(Reading("p1", "vib", 105.0, 9.0)).events == []


def test_another_channels_newer_reading_makes_no_reading_outdated() -> None:
    found = outcomes(pipeline(), [Reading("p1", "temp", 0.5, 60.0), Reading("p1", "vib", 0.4, 9.0)])

    assert kinds(events(found)) == [("limit:vib", RAISED)]


def test_a_derived_channel_alarms_at_the_end_of_the_step_also_while_learning() -> None:
    target = pipeline(replace(PUMP, channels=(*PUMP.channels, POWER)))
    found = events(
        outcomes(target, readings({"temp": [60.0, 90.0, 60.0, 60.0, 60.0], "flow": [20.0, 30.0, 20.0, 20.0, 20.0]}))
    )

    assert [(e.kind, e.transition, e.time) for e in found] == [
        ("limit:power", RAISED, 120.0),
        ("limit:power", CLEARED, 240.0),
    ]
    assert found[0].evidence[0].value == 2700.0


def test_a_derived_channel_without_a_value_raises_and_clears_nothing() -> None:
    target = pipeline(replace(PUMP, channels=(*PUMP.channels, POWER)))

    assert events(outcomes(target, readings({"temp": [60.0] * 5}))) == []


# --------------------------------------------------------------------------------------------- risk


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


# --------------------------------------------------------------------------------------------- what moved the risk


def feverish(text: str) -> Scores:
    """A model that fears a temperature far from its normal, and what a technician calls hot."""
    row = next((line for line in text.splitlines() if line.startswith("temp ")), "")
    fear = 0.75 if "z+6" in row or "z+5" in row or "z+4" in row else 0.0
    return scores(fear + 0.25 * ("hot" in text), "OHE")


def raised() -> tuple[Pipeline, list[AlarmEvent]]:
    """A pump whose temperature has just raised an alarm, and its events until then."""
    values = noise(LEARNT + 4)
    values["temp"][LEARNT + 1 :] += 60.0
    target = pipeline(score=feverish)
    found = events(outcomes(target, readings(values)))
    return target, found


def test_a_raise_does_not_wait_for_what_moved_the_risk() -> None:
    asked = []

    def score(text: str) -> Scores:
        asked.append(text)
        return feverish(text)

    values = noise(LEARNT + 4)
    values["temp"][LEARNT + 1 :] += 60.0
    target = pipeline(score=score)
    found = outcomes(target, readings(values))

    assert kinds(events(found)) == [("risk", RAISED)]
    assert len(asked) == len(verdicts(found))  # a score a window, and no more
    assert {fact.contribution for fact in events(found)[0].evidence} == {None}


def test_what_moved_the_risk_is_told_as_the_next_revision() -> None:
    target, [first] = raised()
    [(asset, outcome)] = target.explain().items()
    [second] = outcome.events

    assert (asset, outcome.conditions_changed) == ("p1", True)
    assert (second.id, second.rev, second.transition) == (first.id, 2, Transition.UPDATED)
    assert (second.time, second.risk, second.severity) == (first.time, first.risk, first.severity)
    assert [(f.channel, f.contribution) for f in second.evidence][:1] == [("temp", 0.75)]
    assert target.alarms["p1", "risk"].rev == 2


def test_what_moved_the_risk_is_told_once() -> None:
    target, _ = raised()
    target.explain()

    assert target.explain() == {}


def test_an_explanation_takes_a_score_at_a_time_and_tells_nothing_before_it_is_whole() -> None:
    target, _ = raised()
    at_once, _ = raised()
    asked = []

    def score(text: str) -> Scores:
        asked.append(text)
        return feverish(text)

    target._judge = replace(target._judge, score=score)
    steps = []
    while target.explaining:
        steps.append(target.explain_on())
        assert len(asked) == len(steps) <= MAX_SCORES

    assert not any(steps[:-1])
    assert steps[-1] == at_once.explain()
    assert target.explain_on() == {}
    assert len(asked) == len(set(asked)) == len(steps) > 1


def test_an_explanation_in_progress_is_dropped_when_the_alarm_moves_on() -> None:
    values = noise(LEARNT + 6)
    values["temp"][LEARNT + 1 :] += 60.0
    target = pipeline(score=feverish)
    outcomes(target, readings(values)[: 3 * (LEARNT + 4)])
    assert target.explain_on() == {}
    target.log(LogLine("p1", (LEARNT + 4) * 60.0, "running hot"))
    [event] = events(outcomes(target, readings(values)[3 * (LEARNT + 4) :]))

    assert (event.rev, target.explaining) == (2, False)


def test_later_revisions_say_at_once_what_moved_the_risk() -> None:
    values = noise(LEARNT + 6)
    values["temp"][LEARNT + 1 :] += 60.0
    target = pipeline(score=feverish)
    outcomes(target, readings(values)[: 3 * (LEARNT + 4)])
    target.log(LogLine("p1", (LEARNT + 4) * 60.0, "running hot"))
    [event] = events(outcomes(target, readings(values)[3 * (LEARNT + 4) :]))

    assert (event.transition, event.rev) == (Transition.ESCALATED, 2)
    assert [(f.channel, f.contribution) for f in event.evidence][:1] == [("temp", 0.75)]
    assert [(q.text, q.contribution) for q in event.quotes] == [("running hot", 0.25)]
    assert target.explain() == {}  # the raise was told again meanwhile


def test_a_cleared_alarm_says_nothing_of_what_moved_the_risk() -> None:
    values = noise(LEARNT + 40)
    values["temp"][LEARNT + 1 : LEARNT + 4] += 60.0
    target = pipeline(score=feverish)
    found = events(outcomes(target, readings(values)))

    assert kinds(found) == [("risk", RAISED), ("risk", CLEARED)]
    assert {fact.contribution for fact in found[-1].evidence} == {None}
    assert target.explain() == {}


# --------------------------------------------------------------------------------------------- known words


def worded(risk: float = 0.9, mode: str = "OHE", **moved: float) -> tuple[AlarmEvent, Outcome]:
    """An alarm of a hot pump in a model's words; and what the next window brings, in which these channels moved."""
    values = noise(LEARNT + 6)
    values["temp"][LEARNT:] += 30.0
    for name, by in moved.items():
        values[name][LEARNT + 2 :] += by
    answers = [*[scores(0.0)] * LEARNT, *[scores(0.6, "OHE")] * 2, scores(risk, mode)]
    target = pipeline(score=in_turn(answers))
    sent = readings(values)
    found = outcomes(target, sent[: 3 * (LEARNT + 2) + 1])
    window = next(outcome.windows[0] for outcome in reversed(found) if outcome.windows)
    [event] = next(outcome.events for outcome in reversed(found) if outcome.events)
    facts = facts_of(event, window)
    walks = (walk(grammar_of(facts), seed) for seed in range(100))
    told = next(told for told in (tell(tokens, facts) for tokens in walks) if told and told.text.startswith("temp "))
    retold = retell(target.alarms["p1", "risk"], event, told)
    assert retold is not None
    target.alarms["p1", "risk"], anew = retold
    [outcome] = [one for one in outcomes(target, sent[3 * (LEARNT + 2) + 1 : 3 * (LEARNT + 3) + 1]) if one.events]
    return anew, outcome


def unnumbered(text: str) -> str:
    """A text without its numbers."""
    return re.sub(r"[0-9.]+", "0", text)


def test_while_mode_and_leading_evidence_stay_an_alarm_stays_in_the_words_it_was_told_in() -> None:
    before, outcome = worded(temp=7.0)
    [after] = outcome.events
    temp = next(fact for fact in after.evidence if fact.channel == "temp")

    assert (after.rev, after.transition, after.summary_source) == (before.rev + 1, Transition.ESCALATED, "model")
    assert unnumbered(after.summary) == unnumbered(before.summary)
    assert f"{summary.figure(temp.value)} degC" in after.summary
    assert after.summary != before.summary
    assert outcome.tellable == []


def test_another_failure_mode_is_told_by_template_and_asks_for_new_words() -> None:
    _, outcome = worded(mode="VIB")
    [after] = outcome.events

    assert after.summary == summary.of_risk("VIB", after.evidence, after.quotes)
    assert after.summary_source == "template"
    assert [event for event, _ in outcome.tellable] == [after]


def test_other_leading_evidence_is_told_by_template_and_asks_for_new_words() -> None:
    _, outcome = worded(flow=200.0)
    [after] = outcome.events

    assert after.evidence[0].channel == "flow"
    assert after.summary == summary.of_risk("OHE", after.evidence, after.quotes)
    assert [event for event, _ in outcome.tellable] == [after]


def test_a_mere_update_in_the_words_of_the_template_asks_for_better_ones_too() -> None:
    _, outcome = worded(risk=0.75, mode="VIB")
    [(event, _)] = outcome.tellable

    assert event.transition is Transition.UPDATED


def test_of_what_is_over_nobody_is_told_what_moved_the_risk_or_in_better_words() -> None:
    asked = []

    def score(text: str) -> Scores:
        asked.append(text)
        return feverish(text)

    values = noise(LEARNT + 30)
    values["temp"][LEARNT + 1 : LEARNT + 4] += 60.0
    target, sent = pipeline(score=score), readings(values)
    outcomes(target, [Reading("p1", HOLD, 0.0, 0.0), *sent])
    rolled = target.reading(Reading("p1", ROLL, sent[-1].time, 1.0))

    assert [(event.transition, event.historical) for event in rolled.events] == [(RAISED, True), (CLEARED, True)]
    assert (rolled.tellable, target.explaining) == ([], False)
    assert len(asked) == len(rolled.verdicts)


def test_every_event_says_who_judged() -> None:
    target, _ = raised()
    voiced = Pipeline({PUMP.name: PUMP}, lambda _: PUMP.name, {}, AlarmPolicy(), replace(target._judge, voice="choir"))
    values = noise(LEARNT + 4)
    values["temp"][LEARNT + 1 :] += 60.0
    values["vib"][-1] = 99.0
    found = events(outcomes(voiced, readings(values)))
    told = [event for outcome in voiced.explain().values() for event in outcome.events]

    assert {event.kind for event in found} == {"risk", "limit:vib"}
    assert {event.voice for event in found + told} == {"choir"}


def test_verdicts_may_be_given_every_few_steps() -> None:
    found = verdicts(outcomes(pipeline(replace(PUMP, verdict_every=5)), readings(noise(23))))

    assert [v.time for v in found] == [300.0, 600.0, 900.0, 1200.0]


def test_a_window_without_channels_has_no_verdict() -> None:
    load = ChannelSpec(name="load", condition=True)
    found = outcomes(pipeline(replace(PUMP, channels=(load,))), readings({"load": [1.0, 2.0, 3.0]}))

    assert [len(o.windows) for o in found] == [0, 1, 1]
    assert verdicts(found) == []


# --------------------------------------------------------------------------------------------- standing

SPEED = ChannelSpec(name="speed", unit="rpm", condition=True)
RUNS = replace(PUMP, channels=(*PUMP.channels, SPEED), running="speed > 100")


def running(steps: int, *stops: int) -> dict[str, Floats]:
    """A pump that stands in these steps, cold and still."""
    values = {**noise(steps), "speed": np.full(steps, 1450.0)}
    for name, idle in (("vib", 0.0), ("temp", 20.0), ("flow", 10.0), ("speed", 0.0)):
        values[name][list(stops)] = idle
    return values


def test_a_standing_machine_is_not_judged() -> None:
    found = outcomes(pipeline(RUNS, by_step([0.9])), readings(running(30, 10, 11, 12)))

    assert [window.standing for outcome in found for window in outcome.windows] == [10 <= i < 13 for i in range(29)]
    assert [round(v.time / 60) - 1 for v in verdicts(found)] == [i for i in range(29) if not 10 <= i < 13]


def test_an_alarm_of_a_standing_machine_stays_until_it_runs_again() -> None:
    stops = range(LEARNT + 5, LEARNT + 15)
    risks = [0.0] * LEARNT + [0.9] * 5 + [0.1] * 9
    found = events(outcomes(pipeline(RUNS, by_step(risks)), readings(running(LEARNT + 25, *stops))))

    assert kinds(found) == [("risk", RAISED), ("risk", CLEARED)]
    assert found[-1].time == (LEARNT + 15 + 3) * 60.0  # the off-delay counts windows in which it ran


def test_a_machine_that_stands_raises_nothing_but_its_hard_limits() -> None:
    values = running(LEARNT + 10, *range(LEARNT, LEARNT + 10))
    values["vib"][LEARNT + 5] = 9.0
    found = events(outcomes(pipeline(RUNS, by_step([0.0] * LEARNT + [0.9])), readings(values)))

    assert kinds(found) == [("limit:vib", RAISED), ("limit:vib", CLEARED)]


def test_standing_is_not_learned_as_normal() -> None:
    stops = [*range(8), *range(15, 25)]
    found = outcomes(pipeline(RUNS), readings(running(LEARNT + 25, *stops)))
    windows = [window for outcome in found for window in outcome.windows]
    ready = next(window for window in windows if not window.learning)

    assert ready.end / 60 >= LEARNT + len(stops)
    assert {channel.name: round(channel.baseline) for channel in ready.channels if channel.name in NORMAL} == {
        name: round(usual) for name, (usual, _) in NORMAL.items()
    }


def test_what_a_machine_shows_while_it_stands_is_no_past_of_the_running_one() -> None:
    stops = range(LEARNT + 5, LEARNT + 30)
    found = outcomes(pipeline(RUNS), readings(running(LEARNT + 40, *stops)))
    back = [window for outcome in found for window in outcome.windows if window.end / 60 > stops[-1] + 1]
    shifts = {c.name: max(abs(c.shift), abs(c.trend)) for c in back[0].channels if c.name in NORMAL}

    assert not back[0].standing
    assert max(shifts.values()) < 3.0


def test_where_a_step_does_not_tell_the_machine_is_taken_to_go_on_as_before() -> None:
    values = running(20, *range(5, 10))
    values["speed"][[0, 6, 7, 12, 13]] = np.nan  # told by exception
    found = outcomes(pipeline(RUNS), readings(values))

    assert [window.standing for outcome in found for window in outcome.windows] == [5 <= i < 10 for i in range(19)]


def test_a_machine_without_a_condition_always_runs() -> None:
    found = outcomes(pipeline(replace(RUNS, running="")), readings(running(10, 3, 4)))

    assert not any(window.standing for outcome in found for window in outcome.windows)
    assert len(verdicts(found)) == 9


# --------------------------------------------------------------------------------------------- random models (G8)

ALARMING = AlarmPolicy(on_windows=1, off_windows=1, raise_at=0.3, clear_at=0.2)


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


# --------------------------------------------------------------------------------------------- logs


def logged(*lines: LogLine) -> AlarmEvent:
    """The alarm of a pump that has these lines in its log."""
    target = pipeline(score=by_step([0.0] * 200 + [0.9]), policy=ALARMING)
    for line in lines:
        target.log(line)
    target._judge = replace(target._judge, score=lambda _: scores(0.9))
    return events(outcomes(target, readings(noise(LEARNT + 3))))[0]


END = (LEARNT + 1) * 60.0


def test_a_log_line_sent_twice_is_one_line() -> None:
    target = pipeline()
    line = LogLine("p1", 100.0, "noisy")

    assert target.log(line)
    assert not target.log(line)
    assert not target.log(line._replace(author="someone else"))
    assert target.log(line._replace(time=101.0))
    assert target.log(line._replace(asset="p2"))


def test_an_alarm_quotes_the_newest_lines_harmlessly() -> None:
    hostile = "bearing q99 noisy\n<script>alert(1)</script>"
    event = logged(LogLine("p1", 5.0, "oldest"), LogLine("p1", 900.0, hostile), LogLine("p1", 600.0, "greased"))

    assert [q.text for q in event.quotes] == [clean(hostile), "greased"]
    assert len(event.quotes) == MAX_QUOTES
    assert f'log: "{clean(hostile)}"' in event.summary


def test_lines_of_the_future_of_long_ago_and_of_other_assets_are_not_read() -> None:
    event = logged(
        LogLine("p1", END + 1.0, "not yet"), LogLine("p1", END - PUMP.log_horizon_s - 1.0, "long ago"),
        LogLine("p2", 100.0, "another pump"), LogLine("p1", END, "now"),
    )  # fmt: skip

    assert [q.text for q in event.quotes] == ["now"]


def test_a_text_reads_as_many_lines_as_the_class_allows() -> None:
    target = pipeline(replace(PUMP, log_lines=2))
    for i in range(5):
        target.log(LogLine("p1", float(i), f"line {'abcde'[i]}"))
    text = verdicts(outcomes(target, readings(noise(2))))[0].text

    assert text.split("\n")[-2:] == ["log <1h line e", "log <1h line d"]


@given(order=st.permutations(range(MAX_LOGS + 8)))
@settings(max_examples=10)
def test_the_newest_lines_are_kept_in_whatever_order_they_come(order: list[int]) -> None:
    target = pipeline()
    for i in order:
        target.log(LogLine("p1", float(i // 2), str(i)))

    assert [int(line.text) for line in target.logs["p1"]] == sorted(
        range(8, MAX_LOGS + 8), key=lambda i: (i // 2, str(i))
    )


# --------------------------------------------------------------------------------------------- what must be written


def test_a_condition_that_moves_without_an_event_must_be_written_down() -> None:
    target = pipeline(score=by_step([0.0] * LEARNT + [0.9, 0.9, 0.9, 0.0, 0.0, 0.9]))
    found = outcomes(target, readings(noise(LEARNT + 7)))

    changed = [(o.conditions_changed, bool(o.events)) for o in found if o.verdicts][LEARNT:]
    rising, raised, standing, falling, falling_on, active = changed
    assert (rising, raised, standing) == ((True, False), (True, True), (False, False))
    assert (falling, falling_on, active) == ((True, False), (True, False), (True, False))


def test_readings_that_move_no_condition_leave_nothing_to_write() -> None:
    target = pipeline()
    outcomes(target, [Reading("p1", "vib", t, v) for t, v in ((0.0, 9.0), (1.0, 1.0), (90.0, 1.0))])

    assert {o.conditions_changed for o in outcomes(target, readings(noise(5), first=2))} == {False}


# --------------------------------------------------------------------------------------------- silence and CLOSE


def test_a_close_marker_closes_the_open_steps_up_to_its_time_and_no_others() -> None:
    target = pipeline(replace(PUMP, lateness_s=600.0))
    outcomes(target, readings(noise(3)))

    assert [w.end for w in target.reading(Reading("p1", CLOSE, 120.0, 0.0)).windows] == [60.0, 120.0]
    assert [w.end for w in target.reading(Reading("p1", CLOSE, 180.0, 0.0)).windows] == [180.0]
    again = target.reading(Reading("p1", CLOSE, 180.0, 0.0))
    assert (again.windows, again.accepted) == ([], True)


def test_a_close_marker_of_an_unknown_asset_is_not_accepted() -> None:
    assert not pipeline().reading(Reading("fan-1", CLOSE, 60.0, 0.0)).accepted


def test_a_window_closed_by_a_marker_is_judged_like_any_other() -> None:
    given_ = readings(noise(2))
    by_marker, by_reading = pipeline(), pipeline()
    closed = outcomes(by_marker, [*given_[:3], Reading("p1", CLOSE, 60.0, 0.0)])

    assert verdicts(closed) == verdicts(outcomes(by_reading, given_[:4])) != []


def test_a_silent_channel_alarms_and_its_return_clears() -> None:
    values = noise(40)
    values["temp"][10:25] = np.nan
    found = events(outcomes(pipeline(), readings(values)))

    assert kinds(found) == [("silence", RAISED), ("silence", CLEARED)]
    assert (found[0].severity, found[0].summary) == (
        "low",
        "No readings from temp. Check the sensor, its cable and the gateway's connection.",
    )
    assert found[1].summary == "Readings are back."
    assert (found[0].time, found[1].time) == (1200.0, 1560.0)


def test_an_asset_gone_silent_alarms_once_and_clears_when_it_is_back() -> None:
    target = pipeline()
    outcomes(target, readings(noise(3)))
    [raised] = target.silent("p1").events

    assert target.silent("p1").events == []
    assert (raised.kind, raised.time) == ("silence", 132.0 + PUMP.silent_after_s)
    assert raised.summary.startswith("No readings from any channel. ")
    assert kinds(events(outcomes(target, readings(noise(3), first=60)))) == [("silence", CLEARED)]


def test_an_asset_never_heard_of_cannot_go_silent() -> None:
    assert pipeline().silent("p1").events == []


def test_an_alarm_names_a_bounded_number_of_silent_channels() -> None:
    many = tuple(ChannelSpec(name=f"c{i}") for i in range(MAX_SILENT + 5))
    target = pipeline(replace(PUMP, channels=many))
    found = events(outcomes(target, readings({"c0": [1.0] * 20})))

    assert [f.channel for f in found[0].evidence] == [f"c{i + 1}" for i in range(MAX_SILENT)]
    assert " and others. " in found[0].summary


# --------------------------------------------------------------------------------------------- whole streams


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
