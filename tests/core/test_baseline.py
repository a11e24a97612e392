"""What is normal: the class reference and the own baseline."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.baseline import (
    MAX_REGIMES,
    MAX_U,
    MIN_VALUES,
    SHRINKAGE_STEPS,
    Floats,
    Reference,
    fit_principal,
    fit_regimes,
    floored,
    leader_clusters,
    learn,
    robust,
)
from tests.core.pump import reference

SANE = st.floats(-1e6, 1e6)


def correlated(steps: int, seed: int = 3) -> Floats:
    """Three channels of which the third is the sum of the others, but for a little noise, (steps, 3)."""
    rng = np.random.default_rng(seed)
    free = rng.normal(size=(steps, 2))
    return np.column_stack([free, free.sum(axis=1) + rng.normal(0, 0.05, steps)])


# --------------------------------------------------------------------------------------------- robust statistics


def test_outliers_and_missing_values_do_not_move_the_robust_centre_and_scale() -> None:
    values = np.random.default_rng(1).normal(10.0, 2.0, (1000, 1))
    spoilt = values.copy()
    spoilt[:100] = 1e9
    spoilt[100:200] = np.nan

    center, scale = robust(spoilt)

    assert center[0] == pytest.approx(10.0, abs=0.5)
    assert scale[0] == pytest.approx(2.0, abs=0.5)


def test_a_channel_on_a_coarse_grid_has_its_standard_deviation_as_scale() -> None:
    values = np.array([[5.0]] * 8 + [[6.0]] * 2)

    assert robust(values)[1][0] == pytest.approx(0.4)


def test_a_column_never_seen_has_centre_and_scale_zero() -> None:
    center, scale = robust(np.array([[1.0, np.nan], [3.0, np.nan]]))

    assert center.tolist() == [2.0, 0.0]
    assert scale[1] == 0.0


@given(scale=st.floats(0, 1e6), center=SANE)
def test_a_floored_scale_can_be_divided_by(scale: float, center: float) -> None:
    found = floored(np.array([scale]), np.array([center]))[0]

    assert found >= max(scale, abs(center) * 1e-6, 1e-9)


# --------------------------------------------------------------------------------------------- class reference


def test_the_regime_is_the_nearest_set_point() -> None:
    loads = reference(loads=(20.0, 50.0, 100.0))

    assert [loads.regime(np.array([load])) for load in (0.0, 30.0, 60.0, 90.0)] == [0, 0, 1, 2]


def test_a_class_without_conditions_has_one_regime() -> None:
    assert reference().regime(np.zeros(0)) == 0


def test_an_unknown_condition_does_not_count_in_the_distance() -> None:
    r = reference()
    two = Reference(
        r.channels, ("load", "speed"), np.array([[0.0, 5.0], [9.0, 6.0]]), np.ones(2), r.center, r.scale, r.grid
    )

    assert two.regime(np.array([np.nan, 6.1])) == 1


def test_u_is_zero_at_the_centre_of_the_regime_and_bounded_far_out() -> None:
    loads = reference(loads=(0.0, 100.0))

    assert loads.normalise(np.array([4.0, 120.0, 40.0]), 1).tolist() == [0.0, 0.0, 0.0]
    assert loads.normalise(np.array([2.1, np.nan, -1e30]), 0) == pytest.approx([1.0, np.nan, -MAX_U], nan_ok=True)


@given(first=st.floats(-30, 30), second=st.floats(-30, 30))
def test_the_level_never_falls_when_the_value_rises(first: float, second: float) -> None:
    low, high = sorted((first, second))
    levels = reference(("vib",)).level(np.array([[low], [high]]))

    assert levels[0, 0] <= levels[1, 0]


def test_levels_are_quantiles_within_the_class_and_scales_beyond_it() -> None:
    r = reference(("vib",))
    inside = r.level(np.array([[-2.0], [0.0], [2.0]]))[:, 0]
    outside = r.level(np.array([[r.grid[0, 0] - 1.5], [r.grid[0, -1] + 2.5]]))[:, 0]

    assert inside == pytest.approx([0.25, 0.5, 0.75])
    assert outside == pytest.approx([-1.5, 3.5])


def test_a_value_shared_by_many_stands_in_the_middle_of_its_share() -> None:
    r = reference(("vib",))
    constant = Reference(r.channels, (), r.regimes, r.condition_scale, r.center, r.scale, np.zeros_like(r.grid))

    assert constant.level(np.zeros(1)) == pytest.approx([0.5])


def test_a_missing_value_has_no_level() -> None:
    assert np.isnan(reference(("vib",)).level(np.array([np.nan])))[0]


# --------------------------------------------------------------------------------------------- regimes


def test_six_set_points_are_found_as_six_regimes() -> None:
    rng = np.random.default_rng(2)
    points = np.array([[0, 0], [10, 0.25], [20, 0.7], [25, 0.62], [35, 0.84], [42, 0.84]])
    conditions = points[rng.integers(0, 6, 600)] + rng.normal(0, [0.05, 0.001], (600, 2))

    centres, scale = fit_regimes(conditions)

    assert len(centres) == 6
    assert sorted((centres * scale)[:, 0]) == pytest.approx([0, 10, 20, 25, 35, 42], abs=0.1)


def test_set_points_without_end_are_merged_into_a_bounded_number_of_regimes() -> None:
    centres = leader_clusters(np.linspace(0, 100, 500)[:, None], radius=0.1)

    assert 1 < len(centres) <= MAX_REGIMES


def test_a_class_without_condition_channels_has_one_empty_regime() -> None:
    centres, scale = fit_regimes(np.zeros((10, 0)))

    assert centres.shape == (1, 0)
    assert scale.shape == (0,)


def test_a_condition_that_never_changes_gives_one_regime() -> None:
    assert len(fit_regimes(np.full((50, 1), 1480.0))[0]) == 1


# --------------------------------------------------------------------------------------------- own baseline


def test_one_channel_or_too_few_steps_have_no_principal_components() -> None:
    assert fit_principal(np.ones((100, 1))) is None
    assert fit_principal(correlated(14)) is None
    assert fit_principal(correlated(15)) is not None


def test_a_broken_correlation_shows_in_the_prediction_error_though_no_single_value_is_unusual() -> None:
    found = fit_principal(correlated(300))
    assert found is not None
    t2_kept, spe_kept = found.distances(np.array([1.0, -1.0, 0.0]))
    t2_broken, spe_broken = found.distances(np.array([1.0, 1.0, -1.0]))

    assert spe_broken > spe_kept + 3.0  # logarithms
    assert t2_broken < t2_kept + 3.0


def test_a_baseline_without_a_class_is_the_assets_own_centre_and_deviation() -> None:
    baseline = learn(np.random.default_rng(4).normal([5.0, -80.0], [0.5, 3.0], (400, 2)), None)

    assert baseline.center == pytest.approx([5.0, -80.0], rel=0.02)
    assert baseline.scale == pytest.approx([0.5, 3.0], rel=0.2)
    assert baseline.z(np.array([6.0, -80.0])) == pytest.approx([2.0, 0.0], abs=0.5)


@pytest.mark.parametrize("steps", [5, 20, 500])
def test_a_young_assets_scale_is_shrunk_towards_the_class(steps: int) -> None:
    quiet = np.random.default_rng(5).normal(0.0, 0.1, (steps, 1))
    own = robust(quiet)[1][0]

    scale = learn(quiet, reference(("vib",))).scale[0]

    assert own < scale < 1.0
    assert scale**2 == pytest.approx((steps * own**2 + SHRINKAGE_STEPS) / (steps + SHRINKAGE_STEPS))


def test_a_channel_that_never_moves_in_the_class_is_not_given_a_scale_by_it() -> None:
    r = reference(("vib",))
    still = Reference(r.channels, (), r.regimes, r.condition_scale, r.center, np.zeros_like(r.scale), r.grid)

    assert learn(np.zeros((30, 1)), still).scale[0] == pytest.approx(1e-9)


def test_a_channel_with_hardly_a_value_has_no_baseline_of_its_own() -> None:
    history = np.random.default_rng(6).normal(3.0, 1.0, (50, 3))
    history[:, 1] = np.nan
    history[MIN_VALUES - 1 :, 2] = np.nan

    baseline = learn(history, None)

    assert np.isfinite(baseline.center).tolist() == [True, False, False]
    assert np.isfinite(baseline.scale).tolist() == [True, False, False]


def test_a_channel_with_hardly_a_value_is_measured_against_its_class() -> None:
    history = np.full((50, 2), np.nan)
    history[:, 0] = 0.0

    baseline = learn(history, reference(("vib", "temp")))

    assert baseline.center[1] == 0.0
    assert baseline.scale[1] == pytest.approx(math.sqrt(100 / 150))


def test_a_channel_that_stands_still_takes_no_part_in_the_joint_distances() -> None:
    history = np.column_stack([correlated(100), np.full(100, 7.0)])

    baseline = learn(history, None)

    assert baseline.principal is not None
    assert baseline.principal.axes[:, 3].tolist() == [0.0] * len(baseline.principal.axes)


def test_a_machine_that_stands_still_has_no_joint_distances() -> None:
    assert learn(np.full((100, 3), 7.0), None).principal is None


def test_joint_distances_of_healthy_steps_lie_around_their_own_centre() -> None:
    history = correlated(400)

    baseline = learn(history, None)

    assert baseline.principal is not None
    distances = np.array([baseline.principal.distances(baseline.z(row)) for row in history])
    z = (distances - baseline.joint_center) / baseline.joint_scale
    assert np.median(z, axis=0) == pytest.approx([0.0, 0.0], abs=0.01)
    assert (np.abs(z) < 4).mean() > 0.95


@given(st.lists(st.lists(st.one_of(SANE, st.just(math.nan)), min_size=3, max_size=3), min_size=1, max_size=20))
def test_any_history_gives_a_scale_that_is_positive_where_the_centre_is_known(rows: list[list[float]]) -> None:
    baseline = learn(np.array(rows), None)

    assert (np.isfinite(baseline.scale) == np.isfinite(baseline.center)).all()
    assert (baseline.scale[np.isfinite(baseline.center)] > 0).all()
    assert np.isfinite(baseline.joint_scale).all()
    assert (baseline.joint_scale > 0).all()
