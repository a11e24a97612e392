"""Readings → windows."""

from __future__ import annotations

import math
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.core.baseline import Floats
from edge_agent.core.track import RING
from edge_agent.core.types import ChannelSpec, ClassSpec, Limits, Reading, Window
from edge_agent.core.window import JOINT, MAX_Z, Windower
from tests.core.pump import LOAD, NORMAL, POWER, PUMP, TEMP, noise, pushed, readings, reference, state

BINARY = st.integers(-4096, 4096).map(lambda n: n / 64)  # sums of these are exact in any order
ONE = ClassSpec(name="one", channels=(ChannelSpec(name="x"),), step_s=10.0, baseline_steps=20)
LATENT = replace(PUMP, lateness_s=120.0)
COMPLETE = replace(PUMP, complete=True)


def single(values: Floats) -> list[Window]:
    """The windows of a class with one channel x."""
    windower = Windower(ONE)
    return [*pushed(windower, readings({"x": values}, step_s=10.0)), *windower.flush("p1")]


def changed(name: str, change: Floats, steps: int = 120) -> dict[str, Floats]:
    """Healthy values with something added to the last of one channel."""
    values = noise(steps)
    values[name][-len(change) :] += change
    return values


# --------------------------------------------------------------------------------------------- steps and their order


@given(
    values=st.lists(st.tuples(st.sampled_from(("vib", "temp", "flow")), st.integers(0, 59), BINARY), min_size=1),
    shuffle=st.randoms(use_true_random=False),
)
def test_readings_of_a_step_give_the_same_window_in_any_order(
    values: list[tuple[str, int, float]],
    shuffle: Random,
) -> None:
    step = [Reading("p1", name, float(second), value) for name, second, value in values]
    other = step.copy()
    shuffle.shuffle(other)
    first, second = Windower(PUMP), Windower(PUMP)

    assert [*pushed(first, step), *first.flush("p1")] == [*pushed(second, other), *second.flush("p1")]


def test_a_step_closes_with_the_first_reading_after_it() -> None:
    windower = Windower(PUMP)

    assert pushed(windower, [Reading("p1", "vib", 0.0, 1.0), Reading("p1", "vib", 59.9, 3.0)]) == []
    [closed] = windower.push(Reading("p1", "vib", 60.0, 9.0))
    assert (closed.start, closed.end, closed.index) == (0.0, 60.0, 1)
    assert state(closed, "vib").value == 2.0


@settings(max_examples=20)
@given(extra=st.lists(st.tuples(st.sampled_from(("vib", "temp", "flow")), st.floats(0, 599.9), BINARY), max_size=20))
def test_late_readings_of_closed_steps_change_nothing(extra: list[tuple[str, float, float]]) -> None:
    given_ = readings(noise(25))
    plain, disturbed = Windower(PUMP), Windower(PUMP)
    expected = pushed(plain, given_)
    found = pushed(disturbed, given_[:60])  # 20 steps: everything before 600 s is closed
    late = [Reading("p1", name, time, value) for name, time, value in extra]

    assert all(reading.time < disturbed.judged_until("p1") for reading in late)
    assert pushed(disturbed, late) == []
    assert found + pushed(disturbed, given_[60:]) == expected


def test_nothing_was_judged_or_heard_of_an_asset_never_seen() -> None:
    assert Windower(PUMP).judged_until("p1") == -math.inf
    assert Windower(PUMP).heard("p1") == []
    assert Windower(PUMP).set_time("p1", 60.0) == 0.0
    assert not Windower(PUMP).outdated(Reading("p1", "vib", 0.0, 1.0))


def test_a_reading_is_outdated_when_a_newer_one_of_its_channel_is_known() -> None:
    windower = Windower(PUMP)
    windower.push(Reading("p1", "vib", 30.0, 1.0))

    assert windower.outdated(Reading("p1", "vib", 29.0, 1.0))
    assert not windower.outdated(Reading("p1", "vib", 30.0, 1.0))
    assert not windower.outdated(Reading("p1", "temp", 29.0, 1.0))


@settings(max_examples=20)
@given(shuffle=st.randoms(use_true_random=False))
def test_within_the_lateness_readings_may_come_in_any_order(shuffle: Random) -> None:
    given_ = readings(noise(12))
    mixed: list[Reading] = []
    for i in range(0, len(given_), 6):  # two steps at a time: nothing is more than two minutes late
        part = given_[i : i + 6]
        shuffle.shuffle(part)
        mixed += part
    first, second = Windower(LATENT), Windower(LATENT)

    assert [*pushed(first, given_), *first.flush("p1")] == [*pushed(second, mixed), *second.flush("p1")]


def test_a_step_stays_open_for_the_lateness() -> None:
    windower = Windower(LATENT)
    closed = pushed(windower, [Reading("p1", "vib", float(t), 1.0) for t in (10, 70, 130, 179)])

    assert closed == []
    assert [w.end for w in windower.push(Reading("p1", "vib", 180.0, 1.0))] == [60.0]


def test_a_complete_step_closes_with_its_last_channel() -> None:
    windower = Windower(COMPLETE)
    seen = [windower.push(reading) for reading in readings({"vib": [1.0], "temp": [2.0], "flow": [3.0]})]

    assert [len(closed) for closed in seen] == [0, 0, 1]


def test_a_complete_step_closes_the_incomplete_ones_before_it() -> None:
    windower = Windower(replace(COMPLETE, lateness_s=600.0))
    closed = pushed(windower, readings({"vib": [1.0, 1.0], "temp": [2.0, 2.0], "flow": [math.nan, 3.0]}))

    assert [w.index for w in closed] == [1, 2]


def test_an_incomplete_step_closes_by_time_all_the_same() -> None:
    windower = Windower(COMPLETE)

    assert len(pushed(windower, readings({"vib": [1.0, 1.0]}))) == 1


def test_a_second_reading_of_a_channel_does_not_complete_a_step() -> None:
    windower = Windower(COMPLETE)

    assert pushed(windower, [Reading("p1", "vib", float(t), 1.0) for t in range(3)]) == []


def test_steps_without_a_reading_are_skipped_and_not_invented() -> None:
    windower = Windower(PUMP)
    closed = pushed(windower, [Reading("p1", "vib", t, 1.0) for t in (0.0, 3600.0, 7200.0)])

    assert [(w.index, w.end) for w in closed] == [(1, 60.0), (2, 3660.0)]


def test_flush_closes_the_open_steps_up_to_a_time() -> None:
    windower = Windower(LATENT)
    pushed(windower, [Reading("p1", "vib", t, 1.0) for t in (0.0, 60.0, 120.0)])

    assert [w.end for w in windower.flush("p1", until=120.0)] == [60.0, 120.0]
    assert [w.end for w in windower.flush("p1")] == [180.0]
    assert windower.flush("p1") == []
    assert windower.flush("never seen") == []


def test_assets_do_not_know_each_other() -> None:
    together, alone = Windower(PUMP), Windower(PUMP)
    first, second = readings(noise(30)), readings(noise(30, seed=2), asset="p2")
    mixed = [reading for pair in zip(first, second, strict=True) for reading in pair]

    assert [w for w in pushed(together, mixed) if w.asset == "p1"] == pushed(alone, first)


def test_a_channel_that_is_not_configured_is_passed_over() -> None:
    windower = Windower(PUMP)

    assert windower.push(Reading("p1", "pressure", 0.0, 1.0)) == []
    assert windower.tracks == {}


# --------------------------------------------------------------------------------------------- missing and silent


def test_a_missing_channel_keeps_its_mean_until_it_is_silent() -> None:
    values = noise(60)
    values["temp"][30:] = np.nan
    closed = pushed(Windower(PUMP), readings(values))

    assert [w.index for w in closed if w.silent] == list(range(40, 60))  # 600 s after 29 min 11 s
    assert all(w.silent in {(), ("temp",)} for w in closed)
    assert "temp" not in {c.name for c in closed[-1].channels}
    held = [state(w, "temp").value for w in closed[30:39]]
    assert held == [pytest.approx(state(closed[29], "temp").baseline, abs=1.0)] * 9
    assert len(set(held)) == 1


def test_a_channel_never_seen_is_silent_only_after_its_time() -> None:
    closed = pushed(Windower(PUMP), readings({"vib": noise(20)["vib"]}))

    assert closed[0].silent == ()
    assert next(w.index for w in closed if w.silent) == 11
    assert closed[-1].silent == ("temp", "flow")


def test_a_channel_that_appears_after_the_baseline_is_shown_but_not_judged() -> None:
    values = noise(60)
    values["temp"][:40] = np.nan
    last = pushed(Windower(PUMP), readings(values))[-1]

    late = state(last, "temp")
    assert (late.shift, late.trend, late.slope, late.spread) == (0.0, 0.0, 0.0, 0.0)
    assert late.baseline == late.value


def test_a_channel_is_heard_while_it_is_not_silent_beside_the_newest() -> None:
    windower = Windower(PUMP)
    pushed(windower, [Reading("p1", "vib", 100.0, 1.0), Reading("p1", "temp", 101.0, 1.0)])
    assert windower.judged_until("p1") == -math.inf
    pushed(windower, [Reading("p1", "temp", 701.0, 1.0)])

    assert windower.heard("p1") == ["temp"]
    assert windower.judged_until("p1") == 120.0


@pytest.mark.parametrize("leap", [-86400.0, 86400.0])
def test_a_clock_that_was_set_makes_nobody_silent_and_loses_no_baseline(leap: float) -> None:
    """Means go on, the step that was open ends nowhere, and a channel silent for a while stays so for that while."""
    values = noise(60)
    values["temp"][35:] = np.nan
    plain, leapt = Windower(PUMP), Windower(PUMP)
    given_ = readings(values)
    before = len([r for r in given_ if r.time < 40 * 60.0])
    expected = pushed(plain, given_)
    found = pushed(leapt, given_[:before])
    at = given_[before].time + leap
    assert leapt.set_time("p1", at) == pytest.approx(leap + 60.0, abs=5.0)
    found += pushed(leapt, [r._replace(time=r.time + leap) for r in given_[before:]])

    assert [w.index for w in found] == [w.index for w in expected if w.index != 40]  # what was open made no window
    assert [w.channels for w in found if w.index > 46] == [w.channels for w in expected if w.index > 46]
    silent = [w.index for w in expected if w.silent]
    assert [w.index for w in found if w.silent] == silent[1:]  # the minute of the leap is not counted
    assert found[-1].end == expected[-1].end + leap


# --------------------------------------------------------------------------------------------- derived channels


def test_a_derived_channel_is_computed_from_the_means_of_the_step() -> None:
    spec = replace(PUMP, channels=(*PUMP.channels, POWER))
    windower = Windower(spec)
    pushed(windower, [Reading("p1", n, t, v) for t, n, v in ((0, "temp", 60), (1, "temp", 70), (2, "flow", 20))])

    assert state(windower.flush("p1")[0], "power").value == 65.0 * 20.0


def test_a_derived_channel_does_not_keep_a_step_from_being_complete() -> None:
    windower = Windower(replace(COMPLETE, channels=(*PUMP.channels, POWER)))

    assert len(pushed(windower, readings({"vib": [1.0], "temp": [2.0], "flow": [3.0]}))) == 1


def test_a_derived_channel_without_its_sources_is_missing_and_one_of_silent_sources_is_left_out() -> None:
    twice = replace(POWER, name="kilowatts", expression="power / 1000")
    values = noise(60)
    values["flow"][30:] = np.nan
    closed = pushed(Windower(replace(PUMP, channels=(*PUMP.channels, POWER, twice))), readings(values))

    assert state(closed[35], "power").value == pytest.approx(1200.0, rel=0.05)
    names = {c.name for c in closed[-1].channels}
    assert {"vib", "temp"} <= names
    assert names.isdisjoint({"flow", "power", "kilowatts"})


def test_a_division_by_zero_in_a_derived_channel_is_a_missing_value() -> None:
    ratio = replace(POWER, name="ratio", expression="vib / flow")
    windower = Windower(replace(PUMP, channels=(*PUMP.channels, ratio)))
    pushed(windower, readings({"vib": [1.0], "temp": [2.0], "flow": [0.0]}))

    assert "ratio" not in {c.name for c in windower.flush("p1")[0].channels}


# --------------------------------------------------------------------------------------------- regimes


def loaded(steps: int, loads: Floats) -> dict[str, Floats]:
    """Healthy values that rise with the load as the class reference says."""
    values = {name: series * (1.0 + loads / 100.0) for name, series in noise(steps).items()}
    return {"load": loads, **values}


REGIMES = replace(PUMP, channels=(LOAD, *PUMP.channels))


def test_a_change_of_set_point_is_no_shift_where_the_class_knows_it() -> None:
    loads = np.repeat([0.0, 50.0, 0.0, 50.0], 30)
    known = pushed(Windower(REGIMES, reference(loads=(0.0, 50.0))), readings(loaded(120, loads)))
    unknown = pushed(Windower(REGIMES), readings(loaded(120, loads)))

    assert [w.regime for w in known[25:35]] == [0] * 5 + [1] * 5
    assert max(abs(state(w, n).shift) for w in known[30:] for n in ("temp", "vib", "flow")) < 5.0
    assert max(abs(state(w, "temp").shift) for w in unknown[30:]) > 15.0


def test_value_and_baseline_are_told_in_the_unit_of_the_channel_within_the_regime() -> None:
    loads = np.repeat([0.0, 50.0], 40)
    closed = pushed(Windower(REGIMES, reference(loads=(0.0, 50.0))), readings(loaded(80, loads)))

    assert state(closed[30], "temp").baseline == pytest.approx(60.0, abs=1.0)
    assert state(closed[-1], "temp").baseline == pytest.approx(90.0, abs=1.0)
    assert state(closed[-1], "temp").value == pytest.approx(90.0, abs=6.0)


def test_a_missing_value_is_told_as_the_mean_within_the_regime() -> None:
    values = loaded(40, np.full(40, 50.0))
    values["temp"][-2:] = np.nan

    assert state(pushed(Windower(REGIMES, reference(loads=(0.0, 50.0))), readings(values))[-1], "temp").value == (
        pytest.approx(90.0, abs=2.0)
    )


def test_condition_channels_are_not_judged_themselves() -> None:
    closed = pushed(Windower(REGIMES, reference(loads=(0.0, 50.0))), readings(loaded(5, np.zeros(5))))

    assert {c.name for w in closed for c in w.channels} == {"vib", "temp", "flow"}


def test_a_set_point_holds_until_another_is_reported() -> None:
    values = loaded(60, np.full(60, 50.0))
    every = pushed(Windower(REGIMES, reference(loads=(0.0, 50.0))), readings(values))
    values["load"] = np.where(np.arange(60) % 10 == 0, values["load"], np.nan)
    seldom = pushed(Windower(REGIMES, reference(loads=(0.0, 50.0))), readings(values))

    assert seldom == every


def test_before_a_set_point_is_known_nothing_is_judged_or_learned() -> None:
    values = loaded(60, np.full(60, 50.0))
    values["load"][:20] = np.nan
    closed = pushed(Windower(replace(REGIMES, silent_after_s=3600.0), reference(loads=(0.0, 50.0))), readings(values))

    assert {(w.regime, len(w.channels)) for w in closed[:20]} == {(None, 0)}
    assert [w.learning for w in closed].index(False) == 39  # the first unknown step, then 20 steps but one
    assert abs(state(closed[-1], "temp").shift) < 3.0


def test_a_reference_that_does_not_fit_the_class_is_not_used() -> None:
    closed = pushed(Windower(PUMP, reference(("vib", "temp"))), readings(noise(5)))

    assert {c.levels for w in closed for c in w.channels} == {None}


def test_levels_say_where_a_value_stands_in_the_class() -> None:
    values = noise(40)
    values["temp"] += 2.0  # two healthy deviations: the reference's grid is uniform over eight
    last = pushed(Windower(PUMP, reference()), readings(values))[-1]

    levels = state(last, "temp").levels
    assert levels is not None
    assert levels == pytest.approx((0.75, 0.75, 0.75), abs=0.1)
    assert state(last, "vib").levels == pytest.approx((0.5, 0.5, 0.5), abs=0.1)


# --------------------------------------------------------------------------------------------- baseline


@pytest.mark.parametrize("steps", [1, 5, 20])
def test_an_asset_learns_for_the_steps_of_its_class(steps: int) -> None:
    closed = pushed(Windower(replace(PUMP, baseline_steps=steps)), readings(noise(30)))

    assert [w.learning for w in closed] == [True] * steps + [False] * (29 - steps)


def test_the_baseline_is_that_of_the_first_steps_and_then_frozen() -> None:
    values = noise(200)
    expected = float(np.median(values["temp"][:20]))
    values["temp"][20:] += 30.0
    closed = pushed(Windower(PUMP), readings(values))

    assert {state(w, "temp").baseline for w in closed[19:]} == {expected}


def test_while_learning_the_baseline_is_what_was_seen_so_far() -> None:
    closed = pushed(Windower(replace(PUMP, baseline_steps=100)), readings(noise(40)))

    assert all(w.learning for w in closed)
    assert max(abs(c.shift) for w in closed[8:] for c in w.channels) < 4.0


def test_a_forgotten_baseline_is_learned_anew() -> None:
    windower = Windower(PUMP)
    values = noise(60)
    pushed(windower, readings(values))
    values["temp"] += 30.0
    windower.forget("p1")
    windower.forget("never seen")
    closed = pushed(windower, readings(values, first=60))

    assert [w.learning for w in closed] == [True] * 20 + [False] * 39
    assert abs(state(closed[-1], "temp").shift) < 3.0


# --------------------------------------------------------------------------------------------- statistics


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_drift_shows_in_shift_trend_and_slope_with_its_sign(sign: float) -> None:
    drift = sign * np.linspace(0.0, 10.0, 40)
    before, after = (pushed(Windower(PUMP), readings(changed("temp", d)))[-1] for d in (0 * drift, drift))

    assert abs(state(before, "temp").shift) < 3.0
    for statistic in ("shift", "trend", "slope"):
        assert sign * getattr(state(after, "temp"), statistic) > 3.0
    assert abs(state(after, "vib").shift) < 3.0


def test_slope_is_the_change_over_twenty_steps_in_healthy_deviations() -> None:
    ramp = np.concatenate([np.resize([-1.0, 1.0], 60), np.arange(40) * 0.5])
    baseline = 1.4826  # robust deviation of an even split between -1 and 1
    last = single(ramp)[-1]

    assert state(last, "x").slope == pytest.approx(RING * 0.5 / baseline)


def test_trend_of_a_step_change_fades_and_its_shift_stays() -> None:
    closed = single(np.concatenate([np.resize([-1.0, 1.0], 60), np.full(100, 8.0)]))

    assert max(state(w, "x").trend for w in closed[60:75]) > 2.0
    assert state(closed[-1], "x").trend == pytest.approx(0.0, abs=0.02)
    assert state(closed[-1], "x").shift == pytest.approx(8.0 / 1.4826, rel=0.01)


def test_spread_is_one_more_where_the_deviation_doubles() -> None:
    rng = np.random.default_rng(7)
    values = rng.normal(0.0, 1.0, 2000)
    values[1000:] *= 2.0
    spread = np.array([state(w, "x").spread for w in single(values)])

    assert spread[1100:].mean() - spread[100:1000].mean() == pytest.approx(1.0, abs=0.1)


@settings(max_examples=20)
@given(value=st.floats(-1e6, 1e6, width=32))
def test_a_constant_channel_has_not_moved(value: float) -> None:
    last = state(single(np.full(60, value))[-1], "x")

    assert (last.shift, last.trend, last.slope) == pytest.approx((0.0, 0.0, 0.0), abs=1e-3)
    assert last.value == last.baseline == value


@settings(max_examples=20)
@given(values=st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=25, max_size=45))
def test_statistics_are_bounded_whatever_the_values(values: list[float]) -> None:
    for window in single(np.array(values)):
        for c in window.channels:
            assert max(abs(c.shift), abs(c.trend), abs(c.slope), abs(c.spread)) <= MAX_Z
            assert math.isfinite(c.value)
            assert math.isfinite(c.baseline)


def test_gaps_do_not_change_the_slope_of_a_straight_line() -> None:
    ramp = np.concatenate([np.resize([-1.0, 1.0], 60), np.arange(40) * 0.5])
    gaps = ramp.copy()
    gaps[[85, 86, 91, 95]] = np.nan
    windower = Windower(replace(ONE, channels=(ChannelSpec(name="x"), ChannelSpec(name="y"))))
    last = pushed(windower, readings({"x": gaps, "y": np.zeros(101)}, step_s=10.0))[-1]

    assert state(last, "x").slope == pytest.approx(state(single(ramp)[-1], "x").slope)


def test_slope_and_spread_are_not_stated_of_a_few_values() -> None:
    values = {"x": np.where(np.arange(120) % 30 < 4, 50.0 + np.arange(120), np.nan), "y": np.arange(120.0)}
    windower = Windower(replace(ONE, channels=(ChannelSpec(name="x"), ChannelSpec(name="y")), silent_after_s=1e6))
    x = state(pushed(windower, readings(values, step_s=10.0))[-1], "x")

    assert (x.slope, x.spread) == (0.0, 0.0)


def test_a_zone_follows_the_limits_of_the_channel() -> None:
    values = {"x": np.array([1.0, 5.0, 9.0, 1.0])}
    bounded = ChannelSpec(name="x", limits=Limits(high_warning=4.0, high_alarm=8.0))
    closed = pushed(Windower(replace(ONE, channels=(bounded,))), readings(values, step_s=10.0))

    assert [state(w, "x").zone for w in closed] == ["normal", "warning", "alarm"]


# --------------------------------------------------------------------------------------------- joint channels

PAIR = ClassSpec(name="pair", channels=(ChannelSpec(name="x"), ChannelSpec(name="y")), step_s=10.0, baseline_steps=60)


def pair(steps: int, *, broken: int = 0) -> dict[str, Floats]:
    """Two channels that move together but in the last `broken` steps, where y goes the other way."""
    rng = np.random.default_rng(8)
    x = rng.normal(0.0, 1.0, steps)
    y = x + rng.normal(0.0, 0.05, steps)
    y[steps - broken :] = -x[steps - broken :] + rng.normal(0.0, 0.05, broken)
    return {"x": x, "y": y}


def test_joint_channels_appear_with_the_baseline_and_not_before() -> None:
    closed = pushed(Windower(PAIR), readings(pair(80), step_s=10.0))

    shown = [w.index for w in closed if {c.name for c in w.channels} >= set(JOINT)]
    assert shown == list(range(61, 80))


def test_joint_channels_never_appear_where_the_baseline_is_short() -> None:
    short = replace(PUMP, baseline_steps=14)  # five steps per channel are needed
    closed = pushed(Windower(short), readings(noise(60)))

    assert {c.name for w in closed for c in w.channels} == set(NORMAL)


def test_a_broken_correlation_moves_a_joint_channel_where_no_single_channel_moves() -> None:
    healthy, broken = (pushed(Windower(PAIR), readings(pair(140, broken=n), step_s=10.0))[-1] for n in (0, 20))

    assert abs(state(healthy, "joint_spe").shift) < 2.0
    assert state(broken, "joint_spe").shift > 3.0
    assert max(abs(state(broken, name).shift) for name in ("x", "y")) < 2.0


def test_joint_channels_tell_the_distance_itself_and_its_healthy_value() -> None:
    last = pushed(Windower(PAIR), readings(pair(100), step_s=10.0))[-1]

    assert state(last, "joint_t2").value > 0.0
    assert 0.0 < state(last, "joint_t2").baseline < 5.0


def test_the_unit_and_component_of_a_channel_reach_the_window() -> None:
    last = pushed(Windower(PUMP), readings(noise(3)))[-1]

    assert (state(last, "temp").unit, state(last, "temp").component) == (TEMP.unit, TEMP.component)
    assert (last.asset, last.asset_class) == ("p1", "pump")
