"""AI4I 2020 (milling machine, one row a product): stratified folds, fine-tuned from the base in each, beside trees.

Source: S. Matzka, Explainable Artificial Intelligence for Predictive Maintenance Applications, 2020; UCI, CC BY 4.0.
Derived channels are those its author names: power, temperature difference, overstrain. Thresholds are chosen inside the
training folds; the failure-mode flags are never read.
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
from edge_agent.errors import DataError
from edge_agent.tables.csvfile import Format, open_csv
from edge_agent.tables.table import read_table
from edge_agent.training.batches import NO_AUGMENTATION, Source, collate
from edge_agent.training.examples import Examples, subset
from edge_agent.training.fit import Recipe, Say, train
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
_RAD_PER_REV: Final = 2 * math.pi / 60
_INNER_FOLDS: Final = 5  # of the training rows, for the trees' threshold and for soft targets
_FAILING_SHARE: Final = 0.25  # of a batch; 3.4 % of the rows fail
_BATCH: Final = 128
_TREES: Final = {
    "objective": "binary", "learning_rate": 0.05, "num_leaves": 31, "min_data_in_leaf": 10, "lambda_l2": 1.0,
    "verbosity": -1, "seed": 1, "deterministic": True, "force_row_wise": True, "num_threads": 1,
}  # fmt: skip
_ROUNDS: Final = 300
_CANDIDATES: Final = np.linspace(0.02, 0.98, 97)


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


def load(folder: Path) -> Snapshots:
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
    measured = {short: table.numbers[file.column(name)] for short, name in _MEASURED.items()}
    kinds = table.texts[file.column("Type")]
    if strange := set(kinds) - set(_STRAIN_LIMIT):
        raise DataError(f"{path}: Type is {min(strange)!r}, not L, M or H", hint=f"give the {FILE} of UCI")
    limit = np.array([_STRAIN_LIMIT[kind] for kind in kinds])
    derived = {
        "power_w": measured["torque_nm"] * measured["speed_rpm"] * _RAD_PER_REV,
        "cooling_k": measured["process_k"] - measured["air_k"],
        "overstrain": measured["wear_min"] * measured["torque_nm"] / limit,
    }
    channels = {**measured, **derived}
    return Snapshots(
        "milling_machine", tuple(channels), np.column_stack(list(channels.values())),
        table.numbers[file.column(_LABEL)].astype(np.float32),
    )  # fmt: skip


def judge(  # noqa: PLR0913 - from what, on what, how long, and where it is kept
    bundle: Bundle, rows: Snapshots, steps: int, folder: Path, say: Say, seed: int = 1
) -> list[Fold]:
    """All folds, each fine-tuned from the base; a fold that is done lies in `folder` and is not done again."""
    folder.mkdir(parents=True, exist_ok=True)
    start = encoder_of(bundle)
    dealt = StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(rows.values, rows.label)
    folds = []
    for number, (learned, test) in enumerate(dealt, 1):
        path = folder / f"ai4i-{bundle.manifest.files['risk.onnx'][:12]}-{steps}-{seed}-{number}.npz"
        if not path.exists():
            say(f"fold {number}/{FOLDS}: boosted trees, then {steps} steps from the base ...")
            fold = _fold(bundle.risk.encoder, start, rows, learned, test, steps, path.with_suffix(".checkpoint"), say)
            np.savez(path, rows=fold.rows, model=fold.model, trees=fold.trees,
                     thresholds=(fold.threshold, fold.tree_threshold))  # fmt: skip
        with np.load(path) as kept:
            fold = Fold(kept["rows"], kept["model"], kept["trees"], *kept["thresholds"].tolist())
        folds.append(fold)
        ours, theirs = _f1s(fold, rows.label)
        say(f"fold {number}/{FOLDS}: F1 {ours:.3f} at {fold.threshold:.2f}, trees {theirs:.3f} "
            f"at {fold.tree_threshold:.2f}")  # fmt: skip
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


def _fold(  # noqa: PLR0913 - one fold: what is learned from, how, and where it is kept
    encoder: TextEncoder, start: RiskEncoder, rows: Snapshots, learned: Indices, test: Indices, steps: int,
    checkpoint: Path, say: Say,
) -> Fold:  # fmt: skip
    label = rows.label
    made = examples(rows, class_reference(rows, learned), encoder)
    inner = list(StratifiedKFold(_INNER_FOLDS, shuffle=True, random_state=7).split(learned, label[learned]))
    out_of_fold = np.zeros(len(learned))
    for rest, held in inner:
        out_of_fold[held] = _trees(rows.values[learned[rest]], label[learned[rest]])(rows.values[learned[held]])
    tree_threshold = _best(label[learned], out_of_fold)
    trees = _trees(rows.values[learned], label[learned])(rows.values[test])
    kept = np.zeros(len(learned), dtype=np.bool_)
    kept[inner[0][1]] = True  # a fifth of the training rows, for the encoder's threshold
    sources = []
    for failing, share in ((True, _FAILING_SHARE), (False, 1.0 - _FAILING_SHARE)):
        some = np.flatnonzero(~kept & ((label[learned] > 0) == failing))
        target = 0.5 * (label[learned[some]] + out_of_fold[some])
        sources.append(Source(subset(made, learned[some]), target.astype(np.float32), share))
    recipe = Recipe(steps=steps, batch=_BATCH)
    model = train(sources, encoder, start.shape, recipe, checkpoint, say, NO_AUGMENTATION, start).model
    threshold = _best(label[learned[kept]], _risks(model, encoder, made, learned[kept]))
    return Fold(test, _risks(model, encoder, made, test), trees, threshold, tree_threshold)


def _trees(values: Floats, label: NDArray[np.float32]) -> Callable[[Floats], Floats]:
    booster = lightgbm.train(_TREES, lightgbm.Dataset(values, label), _ROUNDS)
    return lambda x: np.asarray(booster.predict(x, num_threads=1), dtype=np.float64)


def _best(label: NDArray[np.float32], risk: Floats) -> float:
    """The threshold of best F1; the middle of its flat top."""
    curve = np.array([f1_score(label > 0, risk >= c, zero_division=0.0) for c in _CANDIDATES])
    return float(np.mean(_CANDIDATES[curve >= curve.max() - 1e-9]))


def _risks(model: RiskEncoder, encoder: TextEncoder, made: Examples, rows: Indices) -> Floats:
    """The model's risks, float, (len(rows),)."""
    out = []
    for some in np.array_split(rows, max(1, len(rows) // _BATCH)):
        lines = [made.lines(n) for n in some.tolist()]
        batch = collate(lines, encoder, made.risk[some], made.mode[some].astype(np.int64))
        with torch.no_grad():
            out.append(torch.sigmoid(model(*(torch.from_numpy(part) for part in batch[:3]))[:, 0]).numpy())
    return np.concatenate(out).astype(np.float64)
