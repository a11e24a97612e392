"""What is told of an alarm after its raise: what moved the risk, and which words stay."""

from __future__ import annotations

import re
from dataclasses import replace

from edge_agent.core import summary
from edge_agent.core.alarm import retell
from edge_agent.core.evidence import MAX_SCORES
from edge_agent.core.facts import facts_of
from edge_agent.core.pipeline import Outcome, Pipeline
from edge_agent.core.report import grammar_of, tell
from edge_agent.core.types import HOLD, ROLL, AlarmEvent, AlarmPolicy, LogLine, Reading, Scores, Transition
from tests.core.pipeline.given_risks import CLEARED, LEARNT, RAISED, in_turn, kinds
from tests.core.pump import PUMP, events, noise, outcomes, pipeline, readings, scores, verdicts
from tests.core.told_facts import walk

# ------------------------------------------------------------------------------------------------ what moved the risk


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


# ------------------------------------------------------------------------------------------------ known words


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
