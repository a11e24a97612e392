"""What is over pages nobody: markers, historical findings, and conditions that still stand (G5)."""

from __future__ import annotations

import json
import math

import pytest

from edge_agent.core.alarm import AlarmState, Delays, Finding, Signal, step
from edge_agent.core.pipeline import NOTHING, Outcome
from edge_agent.core.snapshot import dump_alarms, load_alarms
from edge_agent.core.types import CLOSE, FUTURE, HOLD, LATE, ROLL, SET, AlarmEvent, Reading, Severity, Transition
from tests.core.pump import events, noise, outcomes, pipeline, readings, verdicts

HIGHER, LOWER = Severity(risk=0.8, word="high", number=700), Severity(risk=0.0, word="medium", number=500)
H, M, L = Signal.HIGH, Signal.MIDDLE, Signal.LOW
Played = list[tuple[Transition, bool] | None]


def played(*found: tuple[Signal, bool] | tuple[Signal, bool, Severity], delays: Delays | None = None) -> Played:
    """What findings (signal, whether it is over, severity) tell: transition, and whether to the history only."""
    state, told = AlarmState(), []
    for i, one in enumerate(found):
        severity = one[2] if len(one) == 3 else LOWER
        finding = Finding(
            asset="p1", kind="risk", time=float(i), signal=one[0], severity=severity, historical=one[1]
        )  # fmt: skip
        state, event = step(state, finding, delays or Delays())
        told.append(None if event is None else (event.transition, event.historical))
    return told


RAISED, CLEARED, UPDATED = Transition.RAISED, Transition.CLEARED, Transition.UPDATED
ESCALATED, DEESCALATED = Transition.ESCALATED, Transition.DEESCALATED


def test_raised_and_cleared_in_the_past_is_history() -> None:
    assert played((H, True), (L, True), (L, False)) == [(RAISED, True), (CLEARED, True), None]


@pytest.mark.parametrize("signal", [H, M])
def test_what_still_stands_now_is_raised_for_people_once(signal: Signal) -> None:
    assert played((H, True), (signal, False), (signal, False)) == [(RAISED, True), (RAISED, False), None]


def test_what_is_about_to_end_is_not_raised_for_people() -> None:
    slowly = Delays(off_count=2)

    assert played((H, True), (L, False), (L, False), delays=slowly) == [(RAISED, True), None, (CLEARED, True)]
    assert played((H, True), (L, False), (H, False), delays=slowly) == [(RAISED, True), None, (RAISED, False)]


def test_the_clear_of_an_alarm_people_know_is_told_them_whenever_it_was() -> None:
    assert played((H, False), (L, True)) == [(RAISED, False), (CLEARED, False)]


def test_what_became_of_a_known_alarm_in_the_past_is_told_when_it_still_holds() -> None:
    up = played((H, False), (H, True, HIGHER), (H, False, HIGHER), (H, False, HIGHER))
    down = played((H, False, HIGHER), (H, True), (H, False))
    back = played((H, False), (H, True, HIGHER), (H, False))

    assert up == [(RAISED, False), (ESCALATED, True), (ESCALATED, False), None]
    assert down == [(RAISED, False), (DEESCALATED, True), (DEESCALATED, False)]
    assert back == [(RAISED, False), (ESCALATED, True), (UPDATED, False)]


def test_the_next_episode_is_unknown_to_people_again() -> None:
    assert played((H, False), (L, True), (H, True), (L, True)) == [
        (RAISED, False), (CLEARED, False), (RAISED, True), (CLEARED, True),
    ]  # fmt: skip


def test_conditions_written_before_there_was_a_history_were_told() -> None:
    target = pipeline()
    state = {"phase": "active", "severity": 900, "rev": 2, "id": "a"}
    load_alarms(target, "p1", json.dumps({"limit:vib": state}).encode())

    assert target.alarms["p1", "limit:vib"].told == 900
    written = json.loads(dump_alarms(target, "p1"))["limit:vib"]
    assert (written["told"], written["untold"]) == (900, False)


# --------------------------------------------------------------------------------------------- markers


def held(limit_at: tuple[int, ...] = ()) -> list[Reading]:
    """Thirty healthy minutes but for vibration beyond its limit in some of them."""
    values = noise(30)
    for minute in limit_at:
        values["vib"][minute] = 9.0
    return readings(values)


def told(found: list[AlarmEvent]) -> list[tuple[Transition, bool]]:
    return [(event.transition, event.historical) for event in found]


def test_on_hold_nothing_is_judged_until_it_is_rolled() -> None:
    target = pipeline()
    given_ = held()
    assert set(map(id, outcomes(target, [Reading("p1", HOLD, 0.0, 0.0), *given_]))) == {id(NOTHING)}
    outcome = target.reading(Reading("p1", ROLL, given_[-1].time, 1.0))

    assert [window.historical for window in outcome.windows] == [True] * 28 + [False]
    assert [verdict.historical for verdict in outcome.verdicts] == [True] * 28 + [False]
    assert target.aside == {}
    assert not target.reading(given_[-1]._replace(time=1860.0)).windows[0].historical


def test_rolled_in_parts_or_at_once_gives_the_same_but_for_the_last_part() -> None:
    at_once, in_parts = pipeline(), pipeline()
    given_ = held(limit_at=(3, 4, 29))
    for target in (at_once, in_parts):
        outcomes(target, [Reading("p1", HOLD, 0.0, 0.0), *given_])
    end = given_[-1].time
    whole = outcomes(at_once, [Reading("p1", ROLL, end, 1.0)])
    parts = outcomes(in_parts, [Reading("p1", ROLL, t, 0.0) for t in (300.0, 900.0)])
    assert in_parts.aside
    parts += outcomes(in_parts, [Reading("p1", ROLL, end, 1.0)])

    assert verdicts(parts) == verdicts(whole)
    assert events(parts) == events(whole)
    assert told(events(whole)) == [(RAISED, True), (CLEARED, True), (RAISED, False)]


def test_a_second_hold_keeps_what_was_put_aside() -> None:
    target = pipeline()
    hold = Reading("p1", HOLD, 0.0, 0.0)
    outcomes(target, [hold, *held()[:9], hold, *held()[9:]])

    assert len(target.aside["p1"]) == 90


def test_a_roll_of_nothing_does_nothing_but_end_the_hold() -> None:
    target = pipeline()
    roll = Reading("p1", ROLL, math.inf, 1.0)
    assert target.reading(roll) == Outcome()
    target.reading(Reading("p1", HOLD, 0.0, 0.0))

    assert target.reading(roll) == Outcome()
    assert target.aside == {}


def test_a_rebuild_rolls_without_judging() -> None:
    target = pipeline()
    target.judging = False
    found = outcomes(target, [Reading("p1", HOLD, 0.0, 0.0), *held(limit_at=(3,)), Reading("p1", ROLL, math.inf, 1.0)])

    assert events(found) == []
    assert verdicts(found) == []
    assert target.windowers["pump"].tracks["p1"].steps == 29


def test_unjudged_readings_change_nothing_and_markers_are_no_channels() -> None:
    target = pipeline()

    assert target.reading(Reading("p1", LATE + "vib", 0.0, 99.0)) is NOTHING
    assert target.reading(Reading("p1", FUTURE + "vib", 1e10, 99.0)) is NOTHING
    assert not target.reading(Reading("p1", LATE + "pressure", 0.0, 1.0)).accepted
    assert target.windowers["pump"].tracks == {}
    assert target.channel("p1", "vib") is not None
    assert target.channel("p1", HOLD) is None
    assert target.channel("fan-1", "vib") is None


def test_a_clock_that_was_set_moves_the_conditions_with_the_windows() -> None:
    target = pipeline()
    outcomes(target, [*held(), Reading("p1", "vib", 1800.0, 9.0), Reading("p1", "vib", 1801.0, 2.0)])
    before = target.alarms["p1", "limit:vib"]
    assert target.reading(Reading("p1", SET, 101801.0, 0.0)).conditions_changed
    after = target.alarms["p1", "limit:vib"]

    assert (after.time - before.time, after.since - before.since) == (100000.0, 100000.0)
    [cleared] = events(outcomes(target, [Reading("p1", "vib", 101861.0, 2.0)]))
    assert cleared.transition is CLEARED


def test_a_clock_that_was_set_changes_no_condition_where_there_is_none() -> None:
    target = pipeline()
    outcomes(target, held())

    assert not target.reading(Reading("p1", SET, 101801.0, 0.0)).conditions_changed


def test_a_silence_is_cleared_no_earlier_than_it_was_noticed() -> None:
    target = pipeline()
    outcomes(target, held())
    [raised] = target.silent("p1").events
    after = readings(noise(3, seed=2), first=31)
    [cleared] = events(outcomes(target, after))

    assert (raised.transition, cleared.transition) == (RAISED, CLEARED)
    assert cleared.time == raised.time


def test_a_quiet_asset_closes_its_steps_on_hold_as_well() -> None:
    target = pipeline()
    outcomes(target, [*held(), Reading("p1", HOLD, 0.0, 0.0)])

    assert len(target.reading(Reading("p1", CLOSE, 1800.0, 0.0)).windows) == 1
