"""Judging a line by the learned lines it is near to."""

from __future__ import annotations

import numpy as np
import pytest

from edge_agent.training.logs.kernel import KernelModel, fit

pytestmark = pytest.mark.train

TEXTS = ("pump leaking", "hose leaking oil", "seal leaks", "motor running hot", "gearbox hot", "bearing overheats")
LABEL = np.array([0, 0, 0, 1, 1, 1])


def vectors(label: list[int]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """A vector that gives the class away, with a little noise."""
    return np.eye(4)[label] + 0.05 * np.random.default_rng(1).standard_normal((len(label), 4))


def test_a_misspelt_word_is_near_by_its_ngrams() -> None:
    model = KernelModel(TEXTS, LABEL, 2, np.zeros((6, 4)))

    assert model.probabilities(["valve leeking", "fan runing hott"], np.zeros((2, 4))).argmax(axis=1).tolist() == [0, 1]


def test_a_line_of_other_words_is_near_by_its_vector() -> None:
    model = KernelModel(TEXTS, LABEL, 2, vectors(LABEL.tolist()))
    asked = ["drips", "drips"]

    assert model.probabilities(asked, vectors([0, 1])).argmax(axis=1).tolist() == [0, 1]


def test_shares_add_up_and_a_class_that_was_not_learned_has_none() -> None:
    shares = KernelModel(TEXTS, LABEL, 4, vectors(LABEL.tolist())).probabilities(["hot seal", ""], vectors([0, 1]))

    assert np.allclose(shares.sum(axis=1), 1.0)
    assert (shares[:, 2:] == 0.0).all()
    assert (shares[:, :2] > 0.0).all()


def test_what_a_row_is_called_without_itself_is_what_the_regression_on_the_others_says() -> None:
    rng = np.random.default_rng(2)
    points, target = rng.standard_normal((12, 3)), rng.standard_normal((12, 2))
    whole = np.exp(-((points[:, None] - points[None]) ** 2).sum(axis=2))
    strength = 3.0
    found = fit(whole, target, [1.0, strength])[1]
    for left_out in range(12):
        rest = np.arange(12) != left_out
        weights = np.linalg.solve(whole[np.ix_(rest, rest)] + np.eye(11) / strength, target[rest])
        assert np.allclose(found.without[left_out], whole[left_out, rest] @ weights)


def test_the_length_of_a_vector_says_nothing() -> None:
    given = vectors(LABEL.tolist())
    one = KernelModel(TEXTS, LABEL, 2, given).probabilities(["valve"], given[:1])
    two = KernelModel(TEXTS, LABEL, 2, 7.0 * given).probabilities(["valve"], 3.0 * given[:1])

    assert np.allclose(one, two)


def test_of_too_many_rows_some_are_drawn() -> None:
    label = np.arange(200) % 2
    texts = [f"{'leaking' if k == 0 else 'hot'} {n}" for n, k in enumerate(label.tolist())]
    model = KernelModel(texts, label, 2, np.zeros((200, 4)), most=40)

    assert model._weights.shape == (40, 2)
    assert model.probabilities(["leaking 999"], np.zeros((1, 4))).argmax() == 0
