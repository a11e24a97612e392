"""Boosted trees on the same statistics: teacher of the encoder, and what it is compared with.

Everything is out of fold by asset: a teacher that has seen an engine teaches it nothing new.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import lightgbm
import numpy as np
from numpy.typing import NDArray

from edge_agent.training.examples import Examples
from edge_agent.training.features import Features

FOLDS = 5
_PARAMETERS = {
    "objective": "binary", "learning_rate": 0.05, "num_leaves": 15, "min_data_in_leaf": 40, "bagging_fraction": 0.5,
    "bagging_freq": 1, "feature_fraction": 0.3, "lambda_l2": 5.0, "verbosity": -1, "seed": 1,
    "deterministic": True, "force_row_wise": True,
}  # fmt: skip
ROUNDS = 300
_LARGE = 50_000  # rows from which a second thread pays; below, threads wait for each other
Trees = lightgbm.Booster


def fit_trees(parts: Sequence[Examples]) -> Trees:
    """Boosted trees for the risk, learned from all parts (of one class)."""
    x = np.concatenate([part.features for part in parts])
    y = np.concatenate([part.risk for part in parts])
    return _fit(x, y)


def _fit(x: Features, y: NDArray[np.float32]) -> Trees:
    threads = (os.cpu_count() or 1) if len(x) > _LARGE else 1
    return lightgbm.train(_PARAMETERS | {"num_threads": threads}, lightgbm.Dataset(x, y), ROUNDS)


def predict(trees: Trees, features: Features) -> NDArray[np.float32]:
    """The risk of each row, (N, F) → (N,)."""
    threads = (os.cpu_count() or 1) if len(features) > _LARGE else 1
    return np.asarray(trees.predict(features, num_threads=threads), dtype=np.float32)


def soft_targets(parts: Sequence[Examples]) -> list[NDArray[np.float32]]:
    """Per part (N,) the mean of label and out-of-fold prediction; the folds never split an asset.

    An asset that is alone has its label: there is no other to learn from.
    """
    x = np.concatenate([part.features for part in parts])
    y = np.concatenate([part.risk for part in parts])
    assets = np.concatenate([part.run + 100_000 * k for k, part in enumerate(parts)])
    unique, number = np.unique(assets, return_inverse=True)
    fold = (np.random.default_rng(1).permutation(len(unique)) % FOLDS)[number]
    predicted = y.copy()
    for k in range(min(FOLDS, len(unique)) if len(unique) > 1 else 0):
        trees = _fit(x[fold != k], y[fold != k])
        predicted[fold == k] = predict(trees, x[fold == k])
    target = 0.5 * (y + predicted)
    return [part.astype(np.float32) for part in np.split(target, np.cumsum([len(part) for part in parts])[:-1])]
