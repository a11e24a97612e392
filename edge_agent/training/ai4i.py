"""AI4I 2020 (milling machine, one row a product): stratified folds, fine-tuned from the base in each, beside trees.

Source: S. Matzka, Explainable Artificial Intelligence for Predictive Maintenance Applications, 2020; UCI, CC BY 4.0.
Derived channels are those its author names: power, temperature difference, overstrain. The failure-mode flags are never
read. A row of 29 fails, which is too little for an encoder to learn sharp limits from: beside the rows it learns from
invented ones near them, which boosted trees judge. Trees, targets and threshold come from the training folds alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import lightgbm
import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, f1_score
from sklearn.model_selection import StratifiedKFold

from edge_agent.bundle.encode import TextEncoder
from edge_agent.bundle.load import Bundle
from edge_agent.bundle.manifest import RISK
from edge_agent.errors import DataError
from edge_agent.tables.csvfile import Format, open_csv
from edge_agent.tables.table import read_table
from edge_agent.training.batches import NO_AUGMENTATION, Batch, Source
from edge_agent.training.calibrate import sigmoid
from edge_agent.training.examples import subset
from edge_agent.training.fit import Recipe, Say, train
from edge_agent.training.folds import Arrays, digest_of, kept, logits_of_rows
from edge_agent.training.model import RiskEncoder
from edge_agent.training.scoring import Floats, Indices, Interval, bootstrapped
from edge_agent.training.snapshots import Snapshots, class_reference, examples
from edge_agent.training.weights import encoder_of

FILE: Final = "ai4i2020.csv"
FOLDS: Final = 5
_MEASURED: Final = {
    "air_k": "Air temperature [K]", "process_k": "Process temperature [K]", "speed_rpm": "Rotational speed [rpm]",
    "torque_nm": "Torque [Nm]", "wear_min": "Tool wear [min]",
}  # fmt: skip
_LABEL: Final = "Machine failure"
_STRAIN_LIMIT: Final = {"L": 11_000.0, "M": 12_000.0, "H": 13_000.0}  # min N·m by quality of the product
_DECIMALS: Final = (1, 1, 0, 1, 0)  # in which the channels are measured
_RAD_PER_REV: Final = 2 * math.pi / 60
_INNER_FOLDS: Final = 5  # of the training rows, for threshold and soft targets
_ODD: Final = 0.08  # of the rows, those of greatest risk out of fold: about where limits are to be learned
_ODD_SHARE: Final = 0.2  # of a batch; as many are of the other rows, the rest is invented
_INVENTED: Final = 2.5  # rows for each that is learned from
_EXCHANGED: Final = 0.25  # chance that an invented row has the wear, the climate or the load of another row
_BLUR: Final = 0.3  # deviations by which half of its values are off
_BATCH: Final = 128
_TREES: Final = {
    "objective": "binary", "learning_rate": 0.05, "num_leaves": 31, "min_data_in_leaf": 10, "lambda_l2": 1.0,
    "verbosity": -1, "seed": 1, "deterministic": True, "force_row_wise": True, "num_threads": 1,
}  # fmt: skip
_ROUNDS: Final = 300
_CANDIDATES: Final = np.linspace(0.02, 0.98, 97)


@dataclass(frozen=True, slots=True)
class Mill:
    """N products."""

    rows: Snapshots
    strain_limit: Floats  # (N,) wear by torque in min N·m beyond which a product of this quality fails


@dataclass(frozen=True, slots=True)
class Fold:
    """Risks of the test rows of one fold, (k,) each, and the thresholds chosen without them."""

    rows: Indices
    model: Floats
    trees: Floats
    threshold: float
    tree_threshold: float


@dataclass(frozen=True, slots=True)
class Found:
    """What the folds came to, over all rows."""

    f1: Interval
    f1_trees: Interval
    difference: Interval  # of F1, model less trees, in the same rows
    ap: float
    ap_trees: float
    folds: tuple[tuple[float, float], ...]  # F1 of model and trees in each fold
    prevalence: float


def load(folder: Path) -> Mill:
    """The rows of `ai4i2020.csv` with the derived channels.

    Raises:
        DataError: the file is missing, or no such table.
    """
    path = folder / FILE
    if not path.exists():
        raise DataError(f"{path} is not there", hint=f"--data takes the folder that holds {FILE}")
    file = open_csv(path, Format())
    table = read_table(
        file,
        texts=[file.column("Type")],
        numbers=[file.column(name) for name in (*_MEASURED.values(), _LABEL)],
    )
    kinds = table.texts[file.column("Type")]
    if strange := set(kinds) - set(_STRAIN_LIMIT):
        raise DataError(f"{path}: Type is {min(strange)!r}, not L, M or H", hint=f"give the {FILE} of UCI")
    limit = np.array([_STRAIN_LIMIT[kind] for kind in kinds])
    measured = np.column_stack([table.numbers[file.column(name)] for name in _MEASURED.values()])
    label = table.numbers[file.column(_LABEL)].astype(np.float32)
    if min(failing := int((label > 0).sum()), len(label) - failing) < FOLDS * _INNER_FOLDS:
        raise DataError(
            f"{path}: {failing} of {len(label)} rows fail: too few of a kind for {FOLDS} folds",
            hint=f"give the {FILE} of UCI, all rows",
        )
    return Mill(_rows(measured, limit, label), limit)


def _rows(measured: Floats, limit: Floats, label: NDArray[np.float32]) -> Snapshots:
    """Rows of the measured channels, (N, 5), with those derived from them."""
    air, process, speed, torque, wear = measured.T
    derived = {
        "power_w": torque * speed * _RAD_PER_REV,
        "cooling_k": process - air,
        "overstrain": wear * torque / limit,
    }
    values = np.column_stack([measured, *derived.values()])
    return Snapshots("milling_machine", (*_MEASURED, *derived), values, label)


def invented(mill: Mill, near: Indices, like: Indices, count: int, seed: int) -> Snapshots:
    """Rows that could have been: half of them near rows of `near`, the others near rows of `like`; without labels.

    Each has, perhaps, the wear, the climate or the load of another row of `like`, and values a little off.
    """
    rng = np.random.default_rng(seed)
    origin = np.where(rng.random(count) < 0.5, rng.choice(near, count), rng.choice(like, count))  # noqa: PLR2004
    width = len(_MEASURED)
    measured = mill.rows.values[origin, :width]
    for together in (slice(0, 2), slice(2, 4), slice(4, 5)):  # climate, load, wear
        other = mill.rows.values[rng.choice(like, count), :width]
        exchanged = rng.random(count) < _EXCHANGED
        measured[exchanged, together] = other[exchanged, together]
    off = rng.random(measured.shape) < 0.5  # noqa: PLR2004
    measured += _BLUR * mill.rows.values[like, :width].std(axis=0) * rng.standard_normal(measured.shape) * off
    measured = np.column_stack([np.round(part, digits) for part, digits in zip(measured.T, _DECIMALS, strict=True)])
    measured[:, -1] = np.maximum(measured[:, -1], 0.0)
    return _rows(measured, mill.strain_limit[rng.choice(like, count)], np.zeros(count, np.float32))


def judge(  # noqa: PLR0913 - from what, on what, how long, and where it is kept
    bundle: Bundle, mill: Mill, steps: int, folder: Path, say: Say, seed: int = 1
) -> list[Fold]:
    """All folds, each fine-tuned from the base; a fold that is done lies in `folder` and is not done again."""
    start, rows = encoder_of(bundle), mill.rows
    settings = repr((_ODD, _ODD_SHARE, _INVENTED, _EXCHANGED, _BLUR, _BATCH, _TREES, _ROUNDS))
    said = digest_of(bundle.manifest.files[RISK], rows.values, rows.label, settings)
    dealt = StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(rows.values, rows.label)
    folds = []
    for number, (learned, test) in enumerate(dealt, 1):
        path = folder / f"ai4i-{said}-{steps}-{seed}-{number}.npz"
        name = f"fold {number}/{FOLDS}"

        def answers(learned: Indices = learned, test: Indices = test, path: Path = path, name: str = name) -> Arrays:
            say(f"{name}: boosted trees, then {steps} steps from the base ...")
            return _answers(
                bundle.risk.encoder, start, mill, learned, test, steps, path.with_suffix(".checkpoint"), say
            )

        stored = kept(path, answers)
        threshold, tree_threshold = stored["thresholds"].tolist()
        fold = Fold(
            test, stored["model"].astype(np.float64), stored["trees"].astype(np.float64), threshold, tree_threshold
        )
        folds.append(fold)
        ours, theirs = _f1s(fold, rows.label)
        say(f"{name}: F1 {ours:.3f} at {threshold:.2f}, trees {theirs:.3f} at {tree_threshold:.2f}")
    return folds


def summarise(rows: Snapshots, folds: Sequence[Fold]) -> Found:
    """The folds pooled; intervals are bootstrapped by row, since every row is a product of its own."""
    order = np.concatenate([fold.rows for fold in folds])
    label = rows.label[order].astype(np.float64)
    said = np.concatenate([fold.model >= fold.threshold for fold in folds]).astype(np.float64)
    trees = np.concatenate([fold.trees >= fold.tree_threshold for fold in folds]).astype(np.float64)
    both = said + 2.0 * trees  # one number, so that a resample draws the answers of both together
    ours, theirs = _flagged(1), _flagged(2)
    rank = np.concatenate([fold.model for fold in folds]), np.concatenate([fold.trees for fold in folds])
    return Found(
        bootstrapped(ours, label, both, np.arange(len(label))),
        bootstrapped(theirs, label, both, np.arange(len(label))),
        bootstrapped(lambda t, b: ours(t, b) - theirs(t, b), label, both, np.arange(len(label))),
        float(average_precision_score(label, rank[0])), float(average_precision_score(label, rank[1])),
        tuple(_f1s(fold, rows.label) for fold in folds), float(label.mean()),
    )  # fmt: skip


def _flagged(bit: int) -> Callable[[Floats, Floats], float]:
    return lambda truth, both: float(f1_score(truth > 0, both.astype(int) & bit > 0, zero_division=0.0))


def _f1s(fold: Fold, label: NDArray[np.float32]) -> tuple[float, float]:
    truth = label[fold.rows] > 0
    return (
        float(f1_score(truth, fold.model >= fold.threshold, zero_division=0.0)),
        float(f1_score(truth, fold.trees >= fold.tree_threshold, zero_division=0.0)),
    )


def _answers(  # noqa: PLR0913 - one fold: what is learned from, how, and where it is kept
    encoder: TextEncoder, start: RiskEncoder, mill: Mill, learned: Indices, test: Indices, steps: int,
    checkpoint: Path, say: Say,
) -> Arrays:  # fmt: skip
    """Risks of the test rows by model and trees, and their thresholds, chosen out of fold in the learned rows."""
    rows, label = mill.rows, mill.rows.label[learned]
    values = rows.values[learned]
    out_of_fold, forests = np.zeros(len(learned)), []
    for rest, held in StratifiedKFold(_INNER_FOLDS, shuffle=True, random_state=7).split(values, label):
        forests.append(_trees(values[rest], label[rest]))
        out_of_fold[held] = forests[-1](values[held])
    threshold = _best(label, out_of_fold)
    odd = out_of_fold >= np.quantile(out_of_fold, 1.0 - _ODD)
    more = invented(mill, learned[odd], learned, round(_INVENTED * len(learned)), seed=7)
    reference = class_reference(rows, learned)
    made, made_up = examples(rows, reference, encoder), examples(more, reference, encoder)
    target = (0.5 * (label + out_of_fold)).astype(np.float32)
    judged = np.mean([forest(more.values) for forest in forests], axis=0).astype(np.float32)
    parts = (np.flatnonzero(odd), np.flatnonzero(~odd))
    sources = [Source(subset(made, learned[part]), target[part], _ODD_SHARE) for part in parts]
    sources.append(Source(made_up, judged, 1.0 - 2 * _ODD_SHARE))
    recipe = Recipe(steps=steps, batch=_BATCH)
    model = train(sources, encoder, start.shape, recipe, checkpoint, say, NO_AUGMENTATION, start).model

    def forward(batch: Batch) -> torch.Tensor:
        logits: torch.Tensor = model(*(torch.from_numpy(part) for part in batch[:3]))
        return logits

    return {
        "model": sigmoid(logits_of_rows(forward, encoder, made, test)[:, 0]),
        "trees": _trees(values, label)(rows.values[test]),
        "thresholds": np.array([threshold, threshold]),
    }


def _trees(values: Floats, label: NDArray[np.float32]) -> Callable[[Floats], Floats]:
    booster = lightgbm.train(_TREES, lightgbm.Dataset(values, label), _ROUNDS)
    return lambda x: np.asarray(booster.predict(x, num_threads=1), dtype=np.float64)


def _best(label: NDArray[np.float32], risk: Floats) -> float:
    """The threshold of best F1; the middle of its flat top."""
    curve = np.array([f1_score(label > 0, risk >= c, zero_division=0.0) for c in _CANDIDATES])
    return float(np.mean(_CANDIDATES[curve >= curve.max() - 1e-9]))
