"""Boosted trees: what teaches has not seen what it teaches."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge_agent.training.examples import Examples
from edge_agent.training.teacher import fit_trees, predict, soft_targets

pytestmark = pytest.mark.train


def part(assets: int, windows: int, seed: int) -> Examples:
    """Examples whose label can be read off their first feature, and an asset number off their second."""
    rng = np.random.default_rng(seed)
    n = assets * windows
    run = np.repeat(np.arange(assets), windows).astype(np.int32)
    features = np.column_stack([rng.normal(size=n), run, rng.normal(size=(n, 3))]).astype(np.float32)
    empty = np.zeros(0)
    return Examples(
        empty.astype(np.int16), empty.astype(np.int32), empty.astype(np.int8), empty.astype(np.int32),
        (features[:, 0] > 1).astype(np.float32), np.zeros(n, np.int8), np.zeros(n), run, np.zeros(n, np.int32),
        np.zeros(n, np.bool_), features,
    )  # fmt: skip


def test_a_soft_target_is_the_mean_of_label_and_prediction() -> None:
    parts = [part(10, 100, 1), part(10, 100, 2)]
    targets = soft_targets(parts)

    for one, target in zip(parts, targets, strict=True):
        assert target.shape == one.risk.shape
        assert ((target > 0.5) == (one.risk > 0.5)).mean() > 0.99
        assert ((target >= 0) & (target <= 1)).all()


def test_what_only_one_asset_shows_is_not_taught_to_it() -> None:
    one = part(20, 100, 3)
    odd = one.run == 7
    label = np.where(odd, 1.0, 0.0).astype(np.float32)  # only the asset number says so
    target = soft_targets([replace(one, risk=label)])[0]

    assert float(predict(fit_trees([replace(one, risk=label)]), one.features)[odd].mean()) > 0.9  # when it may look
    assert float(target[odd].mean()) < 0.6  # when it may not


def test_an_asset_without_others_is_taught_by_its_label() -> None:
    alone = part(1, 100, 4)

    assert np.array_equal(soft_targets([alone])[0], alone.risk)
    assert all(np.isfinite(target).all() for target in soft_targets([part(1, 100, 5), part(2, 100, 6)]))
