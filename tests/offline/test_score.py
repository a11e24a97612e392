"""Figures against values worked out by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.offline.score import Counts, average_precision, best_threshold, count, roc_auc

TRUTH = np.array([False, False, True, True])
SCORE = np.array([0.1, 0.4, 0.35, 0.8])
ROWS = st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9])), min_size=2, max_size=30)


def test_average_precision_by_hand() -> None:
    """Recall 0.5 at precision 1, then recall 1 at precision 2/3."""
    assert average_precision(TRUTH, SCORE) == pytest.approx(0.5 * 1.0 + 0.5 * 2 / 3)


def test_roc_auc_by_hand() -> None:
    """Of four pairs three are in order."""
    assert roc_auc(TRUTH, SCORE) == pytest.approx(0.75)


def test_ties_count_half_and_are_one_step() -> None:
    truth, score = np.array([True, False, True, False]), np.array([0.9, 0.9, 0.2, 0.1])

    assert average_precision(truth, score) == pytest.approx(0.5 * 1 / 2 + 0.5 * 2 / 3)
    assert roc_auc(truth, score) == pytest.approx((0.5 + 1 + 0 + 1) / 4)


def test_perfect_order_scores_one_and_reversed_order_zero() -> None:
    assert average_precision(TRUTH, np.array([1.0, 2.0, 3.0, 4.0])) == 1.0
    assert roc_auc(TRUTH, np.array([1.0, 2.0, 3.0, 4.0])) == 1.0
    assert roc_auc(TRUTH, np.array([4.0, 3.0, 2.0, 1.0])) == 0.0


def test_score_without_information_gives_the_prevalence() -> None:
    truth = np.array([True] + [False] * 9)

    assert average_precision(truth, np.full(10, 0.3)) == pytest.approx(0.1)
    assert roc_auc(truth, np.full(10, 0.3)) == pytest.approx(0.5)


def test_one_kind_of_truth_defines_nothing() -> None:
    assert average_precision(np.zeros(3, np.bool_), np.arange(3.0)) is None
    assert roc_auc(np.zeros(3, np.bool_), np.arange(3.0)) is None
    assert roc_auc(np.ones(3, np.bool_), np.arange(3.0)) is None
    assert best_threshold(np.zeros(3, np.bool_), np.arange(3.0)) is None


@given(ROWS)
def test_roc_auc_is_the_share_of_pairs_in_order(rows: list[tuple[bool, float]]) -> None:
    truth, score = np.array([t for t, _ in rows]), np.array([s for _, s in rows])
    pairs = [(a > b) + 0.5 * (a == b) for a, b in itertools.product(score[truth], score[~truth])]

    assert roc_auc(truth, score) == (pytest.approx(np.mean(pairs)) if pairs else None)


@given(ROWS)
def test_average_precision_is_the_sum_over_thresholds(rows: list[tuple[bool, float]]) -> None:
    truth, score = np.array([t for t, _ in rows]), np.array([s for _, s in rows])
    if not truth.any():
        return
    total, recall = 0.0, 0.0
    for threshold in sorted(set(score.tolist()), reverse=True):
        said = count(truth, score >= threshold)
        total += ((said.recall or 0.0) - recall) * (said.precision or 0.0)
        recall = said.recall or 0.0

    assert average_precision(truth, score) == pytest.approx(total)


@given(ROWS)
def test_no_threshold_beats_the_best(rows: list[tuple[bool, float]]) -> None:
    truth, score = np.array([t for t, _ in rows]), np.array([s for _, s in rows])
    best = best_threshold(truth, score)
    if best is None:
        return
    f1 = [count(truth, score >= threshold).f1 or 0.0 for threshold in score]

    assert count(truth, score >= best).f1 == pytest.approx(max(f1))


def test_counts_by_hand() -> None:
    said = count(np.array([True, True, True, False, False]), np.array([True, False, True, True, False]))

    assert said == Counts(true_alarms=2, false_alarms=1, missed=1, quiet=1)
    assert said.precision == pytest.approx(2 / 3)
    assert said.recall == pytest.approx(2 / 3)
    assert said.f1 == pytest.approx(2 / 3)
    assert said.false_percent == pytest.approx(50.0)
    assert said.missed_percent == pytest.approx(100 / 3)


def test_counts_without_an_alarm_or_a_failure() -> None:
    silent, sound = Counts(0, 0, 3, 7), Counts(0, 2, 0, 8)

    assert (silent.precision, silent.recall, silent.f1, silent.missed_percent) == (None, 0.0, 0.0, 100.0)
    assert (sound.precision, sound.recall, sound.f1, sound.missed_percent) == (0.0, None, None, None)
