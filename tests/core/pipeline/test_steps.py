"""What a reading brings: who is accepted, when a window has a verdict, what is written, what a marker closes."""

from __future__ import annotations

from dataclasses import replace

from edge_agent.core.pipeline import CLOSE, NOTHING, Outcome, Pipeline
from edge_agent.core.types import AlarmPolicy, ChannelSpec, Reading
from tests.core.pipeline.given_risks import LEARNT, by_step
from tests.core.pump import POWER, PUMP, noise, outcomes, pipeline, readings, verdicts


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


def test_verdicts_may_be_given_every_few_steps() -> None:
    found = verdicts(outcomes(pipeline(replace(PUMP, verdict_every=5)), readings(noise(23))))

    assert [v.time for v in found] == [300.0, 600.0, 900.0, 1200.0]


def test_a_window_without_channels_has_no_verdict() -> None:
    load = ChannelSpec(name="load", condition=True)
    found = outcomes(pipeline(replace(PUMP, channels=(load,))), readings({"load": [1.0, 2.0, 3.0]}))

    assert [len(o.windows) for o in found] == [0, 1, 1]
    assert verdicts(found) == []


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
