"""Alarms against failures, by courses made by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from edge_agent.offline.backtest import Alarm, Course
from edge_agent.offline.figures import Scale, figures, mode_name
from edge_agent.tables.truth import Episode

HOUR = 3600.0
DATED = Scale(threshold=0.5, window_s=HOUR, step_s=HOUR, dates=True)
COUNTED = Scale(threshold=0.5, window_s=1.0, step_s=1.0)


def course(  # noqa: PLR0913 - what a test varies
    risk: Sequence[float],
    labels: Sequence[float],
    *,
    alarms: Sequence[Alarm] = (),
    episodes: Sequence[Episode] = (),
    learning: int = 0,
    step: float = 1.0,
    uncertain: Sequence[int] = (),
) -> Course:
    """An asset with a window per step, the first at time 0."""
    n = len(risk)
    times = np.arange(n, dtype=np.float64) * step
    standing = np.array([any(a.raised <= t < a.cleared for a in alarms) for t in times], np.bool_)
    decided = np.array([i >= learning and i not in uncertain for i in range(n)], np.bool_)
    return Course(
        asset="pump", rows=n, shared=0, times=times, risk=np.array(risk, np.float64),
        modes=tuple("VIB" if r >= 0.5 else "none" for r in risk), decided=decided, learning=np.arange(n) < learning,
        standing=standing, labels=np.array(labels, np.float64), episodes=tuple(episodes), alarms=tuple(alarms),
        other_alarms=0,
    )  # fmt: skip


def test_windows_by_hand() -> None:
    """Baseline window left out, undecided window raises nothing though its risk is high."""
    one = course([0.9, 0.1, 0.7, 0.8, 0.9, 0.6], [0, 0, 0, 1, 1, 1], learning=1, uncertain=[4])

    result = figures("pump", [([one], COUNTED)])

    assert (result.windows, result.learning, result.uncertain, result.positives) == (5, 1, 1, 3)
    assert result.prevalence == pytest.approx(0.6)
    counts = {rule.name: rule.counts for rule in result.rules}
    assert (counts["window"].true_alarms, counts["window"].false_alarms) == (2, 1)
    assert (counts["always"].true_alarms, counts["always"].false_alarms) == (3, 2)
    assert result.modes == (("VIB", 3),)


def test_best_threshold_is_stated_only_when_asked() -> None:
    one = course([0.1, 0.2, 0.3, 0.4], [0, 0, 1, 1])

    plain = figures("pump", [([one], COUNTED)])
    best = figures("pump", [([one], Scale(threshold=0.5, best=True))])

    assert [rule.name for rule in plain.rules] == ["window", "alarm", "always"]
    assert [(rule.name, rule.threshold) for rule in best.rules][2] == ("best", 0.3)
    assert best.rules[2].counts.f1 == 1.0


def test_alarm_that_stands_in_the_episode_is_right_and_any_other_is_false() -> None:
    alarms = [Alarm(1.0, 3.0, "VIB", 0.9), Alarm(8.0, math.inf, "OHE", 0.9)]
    one = course([0.0] * 15, [0] * 9 + [1] * 6, alarms=alarms, episodes=[Episode(9.0, 14.0, "OHE")])

    result = figures("pump", [([one], COUNTED)])

    assert (result.alarms, result.false_alarms, result.detected) == (2, 1, 1)
    assert (result.lead, result.delay) == (6.0, -1.0)
    assert (result.early, result.modes_right) == (1, (1, 1))
    assert result.false_per_asset_week is None
    assert result.false_per_1000_windows == pytest.approx(1000 / 15)


def test_alarm_cleared_before_the_episode_does_not_tell_it() -> None:
    one = course(
        [0.0] * 10, [0] * 5 + [1] * 5, alarms=[Alarm(1.0, 5.0, "VIB", 0.9)], episodes=[Episode(5.0, 9.0)]
    )  # fmt: skip

    result = figures("pump", [([one], COUNTED)])

    assert (result.detected, result.false_alarms, result.lead) == (0, 1, None)
    assert [(found.asset, found.detected) for found in result.episodes] == [("pump", False)]


def test_episode_without_a_judged_window_is_hidden() -> None:
    one = course([0.0] * 10, [0] * 10, learning=3, episodes=[Episode(0.0, 2.0), Episode(20.0, 50.0), Episode(4.0, 4.0)])

    result = figures("pump", [([one], COUNTED)])

    assert (len(result.episodes), result.hidden) == (1, 2)


def test_false_alarms_are_counted_per_week_of_all_assets() -> None:
    """Two assets of 84 hours each after the baseline are one week."""
    false = course([0.0] * 94, [0] * 94, alarms=[Alarm(20 * HOUR, 30 * HOUR, "VIB", 0.9)], learning=10, step=HOUR)
    quiet = course([0.0] * 94, [0] * 94, learning=10, step=HOUR)

    result = figures("plant", [([false], DATED), ([quiet], DATED)])

    assert result.false_per_asset_week == pytest.approx(1.0)
    assert result.dates is True


def test_leads_are_seconds_for_dates_and_steps_for_counts() -> None:
    episode = Episode(5 * HOUR, 9 * HOUR)
    one = course([0.0] * 10, [0] * 10, alarms=[Alarm(6 * HOUR, math.inf, "VIB", 0.9)], episodes=[episode], step=HOUR)

    dated = figures("pump", [([one], DATED)])
    counted = figures("pump", [([one], Scale(threshold=0.5, window_s=HOUR, step_s=HOUR))])

    assert (dated.lead, counted.lead) == (3 * HOUR, 3.0)


def test_files_of_dates_and_of_counts_have_no_common_measure() -> None:
    one = course([0.0] * 4, [0] * 4)

    result = figures("all", [([one], DATED), ([one], COUNTED)])

    assert (result.dates, result.false_per_asset_week) == (None, None)


def test_last_window_of_each_asset_can_be_scored_alone() -> None:
    one = course([0.9, 0.9, 0.1], [0, 0, 0])
    other = course([0.1, 0.1, 0.9], [0, 1, 1])

    result = figures("all", [([one, other], Scale(threshold=0.5, last_only=True))])

    assert (result.windows, result.positives, result.pr_auc) == (2, 1, 1.0)
    assert result.rules[0].counts.f1 == 1.0


def test_nothing_is_scored_where_nothing_is_known() -> None:
    one = course([0.9] * 4, [math.nan] * 4, alarms=[Alarm(1.0, math.inf, "VIB", 0.9)])

    result = figures("pump", [([one], COUNTED)])

    assert (result.alarms, result.false_alarms, result.rules, result.pr_auc) == (1, None, (), None)
    assert (result.windows, result.unlabelled, result.prevalence) == (0, 4, None)


def test_modes_have_names_for_people() -> None:
    assert mode_name("VIB") == "vibration (VIB)"
