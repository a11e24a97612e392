"""The state of each component of the hydraulic rig: the encoder fine-tuned from the base in each fold, beside trees.

The encoder's head is put aside for a reading of places with a group of outputs per component; everything else starts
from the base. Targets are the mean of the truth and of boosted trees that did not see that block. Blocks are few and
trees find sharp limits, so most of a batch are invented cycles near those it learns from, which boosted trees judge.
Class reference, targets and weights of a fold come from its training blocks alone. The recipe, the same in all, was
chosen on inner blocks of two folds, which are test blocks of others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import lightgbm
import numpy as np
import torch
from torch.nn import functional

from edge_agent.bundle.encode import TextEncoder
from edge_agent.bundle.load import Bundle
from edge_agent.bundle.manifest import RISK
from edge_agent.training.batches import Augmentation, Augmenter, Batch, collate
from edge_agent.training.examples import Examples, subset
from edge_agent.training.fit import Say
from edge_agent.training.folds import Arrays, digest_of, kept, logits_of_rows
from edge_agent.training.hydraulic import STATES, Rig, deal
from edge_agent.training.learning import Checkpoint, Loss, Pace, learn
from edge_agent.training.model import RiskEncoder
from edge_agent.training.places import PlaceReader, Slots, places_of, slots_of
from edge_agent.training.scoring import Floats, Indices, Interval, bootstrapped, macro_f1
from edge_agent.training.snapshots import Snapshots, class_reference, examples
from edge_agent.training.weights import encoder_of

FOLDS: Final = 5
_INNER_FOLDS: Final = 4  # of the training blocks, for soft targets
_SIZES: Final = [len(states) for states in STATES.values()]
_SPANS: Final = [slice(end - size, end) for size, end in zip(_SIZES, np.cumsum(_SIZES).tolist(), strict=True)]
_AUGMENTATION: Final = Augmentation(0, 2, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)  # two channels left out; values stay
_INVENTED: Final = 6  # cycles for each that is learned from
_INVENTED_SHARE: Final = 0.75  # of a batch
_EXCHANGED: Final = 0.1  # chance that an invented cycle has a channel of another one
_BLUR: Final = 0.15  # deviations by which half of its values are off
_BATCH: Final = 32
_HEAD_STEPS: Final = 3  # of the reading of places alone, for each step of the whole
_HEAD_RATE: Final = 2e-3
_HEAD_DECAY: Final = 0.05
_RATE: Final = 1e-3
_DECAY: Final = 0.01
_AVERAGE: Final = 0.01
_TREES: Final = {
    "objective": "multiclass", "learning_rate": 0.1, "num_leaves": 15, "min_data_in_leaf": 10, "feature_fraction": 0.3,
    "bagging_fraction": 0.7, "bagging_freq": 1, "lambda_l2": 1.0, "verbosity": -1, "seed": 1, "deterministic": True,
    "force_row_wise": True, "num_threads": 1,
}  # fmt: skip
_ROUNDS: Final = 120


@dataclass(frozen=True, slots=True)
class Fold:
    """What was said of the cycles of one fold: the likeliest state of each component, (k, components)."""

    rows: Indices
    model: Indices
    trees: Indices


@dataclass(frozen=True, slots=True)
class Found:
    """Macro-F1 over all cycles, by component and `mean`; intervals are bootstrapped by block."""

    model: dict[str, Interval]
    trees: dict[str, Interval]
    difference: dict[str, Interval]
    folds: tuple[tuple[float, float], ...]  # mean macro-F1 of model and trees in each fold
    blocks: int


@dataclass(frozen=True, slots=True)
class _Lessons:
    """What is learned from: examples with the states that are wanted of them, (N, all states)."""

    examples: Examples
    target: Floats


@dataclass(frozen=True, slots=True)
class _Task:
    """One fold: rows to learn from and to judge, and how long to learn."""

    learned: Indices
    test: Indices
    steps: int
    seed: int


def judge(  # noqa: PLR0913 - from what, on what, how long, and where it is kept
    bundle: Bundle, rig: Rig, steps: int, folder: Path, say: Say, seed: int = 1
) -> list[Fold]:
    """All folds, each fine-tuned from the base; a fold that is done lies in `folder` and is not done again."""
    start = encoder_of(bundle)
    dealt = deal(rig.states, rig.block, FOLDS, seed)
    settings = repr(
        (
            _AUGMENTATION,
            _INVENTED,
            _INVENTED_SHARE,
            _EXCHANGED,
            _BLUR,
            _BATCH,
            _HEAD_STEPS,
            _HEAD_RATE,
            _HEAD_DECAY,
            _RATE,
            _DECAY,
            _AVERAGE,
            _TREES,
            _ROUNDS,
        )
    )
    said = digest_of(bundle.manifest.files[RISK], rig.rows.values, rig.states, settings)
    folds = []
    for number in range(FOLDS):
        task = _Task(np.flatnonzero(dealt != number), np.flatnonzero(dealt == number), steps, seed)
        path = folder / f"hydraulic-{said}-{steps}-{seed}-{number + 1}.npz"
        name = f"fold {number + 1}/{FOLDS}"

        def answers(task: _Task = task, path: Path = path, name: str = name) -> Arrays:
            blocks = len(np.unique(rig.block[task.test]))
            say(f"{name}, {blocks} blocks: boosted trees, then {task.steps} steps from the base ...")
            return _answers(bundle.risk.encoder, start, rig, task, path.with_suffix(".checkpoint"), say)

        stored = kept(path, answers)
        fold = Fold(task.test, stored["model"].astype(np.int64), stored["trees"].astype(np.int64))
        ours, theirs = (mean_f1(rig.states[fold.rows], said_of) for said_of in (fold.model, fold.trees))
        say(f"{name}: mean macro-F1 {ours:.3f}, trees {theirs:.3f}")
        folds.append(fold)
    return folds


def summarise(rig: Rig, folds: Sequence[Fold]) -> Found:
    """The folds pooled."""
    rows = np.concatenate([fold.rows for fold in folds])
    truth = rig.states[rows].astype(np.float64)
    both = np.concatenate([np.hstack([fold.model, fold.trees]) for fold in folds]).astype(np.float64)
    count = len(STATES)

    def interval(of: Callable[[Floats, Floats], float], sign: tuple[int, int]) -> Interval:
        def metric(true: Floats, answered: Floats) -> float:
            return sign[0] * of(true, answered[:, :count]) + sign[1] * of(true, answered[:, count:])

        return bootstrapped(metric, truth, both, rig.block[rows])

    metrics: dict[str, Callable[[Floats, Floats], float]] = {name: _f1_of(k) for k, name in enumerate(STATES)}
    metrics["mean"] = mean_f1
    model, trees, difference = (
        {name: interval(metric, sign) for name, metric in metrics.items()} for sign in ((1, 0), (0, 1), (1, -1))
    )
    each = tuple(
        (mean_f1(rig.states[fold.rows], fold.model), mean_f1(rig.states[fold.rows], fold.trees)) for fold in folds
    )
    return Found(model, trees, difference, each, int(rig.block.max()) + 1)


def invented(rig: Rig, learned: Indices, scale: Floats, count: int, seed: int) -> Snapshots:
    """Cycles that could have been, near those of `learned`, without labels; `scale` is the deviation of each column.

    Some channels are those of another cycle, and half of the values are a little off.
    """
    rng = np.random.default_rng(seed)
    cycles = rig.rows.values.reshape(len(rig.rows), len(rig.rows.channels), -1)  # (N, channels, statistics)
    made, other = cycles[rng.choice(learned, count)], cycles[rng.choice(learned, count)]
    exchanged = rng.random(made.shape[:2]) < _EXCHANGED
    made[exchanged] = other[exchanged]
    off = rng.random(made.shape) < 0.5  # noqa: PLR2004
    made += _BLUR * scale.reshape(made.shape[1:]) * rng.standard_normal(made.shape) * off
    return Snapshots(
        rig.rows.asset_class, rig.rows.channels, made.reshape(count, -1), np.zeros(count, np.float32)
    )  # fmt: skip


def mean_f1(truth: Floats | Indices, said: Floats | Indices) -> float:
    """The mean of the components' macro-F1, of states (k, components)."""
    return float(np.mean([_f1_of(k)(truth, said) for k in range(truth.shape[1])]))


def _f1_of(component: int) -> Callable[[Floats | Indices, Floats | Indices], float]:
    """Macro-F1 of one component over the states that occur."""

    def metric(truth: Floats | Indices, said: Floats | Indices) -> float:
        true, answered = truth[:, component], said[:, component]
        return macro_f1(true, answered)

    return metric


def _answers(  # noqa: PLR0913 - one fold: what is learned from, how, and where it is kept
    encoder: TextEncoder, start: RiskEncoder, rig: Rig, task: _Task, checkpoint: Path, say: Say
) -> Arrays:
    """The likeliest states of the fold's test cycles, by the encoder and by boosted trees, (k, components) each."""
    learned, values = task.learned, rig.rows.values
    reference = class_reference(rig.rows, learned)
    made = examples(rig.rows, reference, encoder)
    inner = deal(rig.states[learned], rig.block[learned], _INNER_FOLDS, task.seed)
    target = np.concatenate([np.eye(size)[rig.states[learned, k]] for k, size in enumerate(_SIZES)], axis=1)
    for number in range(_INNER_FOLDS):
        rest, held = learned[inner != number], learned[inner == number]
        target[inner == number] += _trees(values[rest], rig.states[rest], values[held])
    more = invented(rig, learned, reference.scale[0], _INVENTED * len(learned), task.seed)
    judged = _trees(values[learned], rig.states[learned], np.concatenate([values[task.test], more.values]))
    trees, of_more = np.split(judged, [len(task.test)])
    lessons = (
        _Lessons(subset(made, learned), 0.5 * target),
        _Lessons(examples(more, reference, encoder), of_more),
    )
    slots = slots_of(made)
    model = _fine_tuned(start, encoder, lessons, slots, task, checkpoint, say)
    ours = logits_of_rows(lambda batch: _outputs(model, batch, slots), encoder, made, task.test)
    return {"model": _likeliest(ours), "trees": _likeliest(trees)}


def _outputs(read: Callable[..., torch.Tensor], batch: Batch, slots: Slots) -> torch.Tensor:
    """The outputs of all states, (B, all states), by the whole model or by its reading of places alone."""
    return read(*(torch.from_numpy(part) for part in (*batch[:3], places_of(batch, slots))))


def _likeliest(outputs: Floats) -> Indices:
    """The greatest output of each component, (k, all states) → (k, components)."""
    return np.column_stack([outputs[:, span].argmax(axis=1) for span in _SPANS])


def _trees(values: Floats, states: Indices, asked: Floats) -> Floats:
    """Probabilities of all states by boosted trees, a forest per component, (k, all states)."""
    parts = []
    for k, size in enumerate(_SIZES):
        booster = lightgbm.train(_TREES | {"num_class": size}, lightgbm.Dataset(values, states[:, k]), _ROUNDS)
        parts.append(np.asarray(booster.predict(asked, num_threads=1), dtype=np.float64))
    return np.concatenate(parts, axis=1)


def _fine_tuned(  # noqa: PLR0913 - what learns, from what, and where it is kept
    start: RiskEncoder, encoder: TextEncoder, lessons: tuple[_Lessons, _Lessons], slots: Slots, task: _Task,
    checkpoint: Path, say: Say,
) -> PlaceReader:  # fmt: skip
    """The encoder with outputs of all states, learned from real cycles and from invented ones.

    First the reading of places alone, then everything: what the base knows is not torn down by a head that knows
    nothing yet. Source: Kumar et al., Fine-Tuning Can Distort Pretrained Features, ICLR 2022.
    """
    torch.manual_seed(task.seed)
    model = PlaceReader(start, len(slots), sum(_SIZES))
    counts = _BATCH - round(_INVENTED_SHARE * _BATCH), round(_INVENTED_SHARE * _BATCH)
    unused = np.zeros(_BATCH, np.float32), np.zeros(_BATCH, np.int64)  # risk and failure mode

    def losses(read: Callable[..., torch.Tensor], done: int) -> Iterator[Loss]:
        rng = np.random.default_rng(task.seed + done)
        augmenter = Augmenter(encoder, _AUGMENTATION, rng)
        while True:
            drawn = [rng.integers(len(one.target), size=count) for one, count in zip(lessons, counts, strict=True)]
            lines = [
                augmenter.lines(one.examples.lines(n))
                for one, rows in zip(lessons, drawn, strict=True) for n in rows.tolist()
            ]  # fmt: skip
            wanted = torch.from_numpy(
                np.concatenate([one.target[rows] for one, rows in zip(lessons, drawn, strict=True)]).astype(np.float32)
            )
            batch = collate(lines, encoder, *unused)
            with torch.autocast("cpu", torch.bfloat16):
                outputs = _outputs(read, batch, slots)
            said = outputs.float()
            loss = torch.stack([functional.cross_entropy(said[:, span], wanted[:, span]) for span in _SPANS]).sum()
            yield Loss(loss, {"loss": loss.item()})

    head = Pace(
        steps=_HEAD_STEPS * task.steps, rate=_HEAD_RATE, decay=_HEAD_DECAY, average=_AVERAGE, said_every=200
    )  # fmt: skip
    first = Checkpoint(checkpoint.with_suffix(".head.checkpoint"), {"pace": asdict(head), "data": checkpoint.stem})
    model = learn(model, head, lambda learning, done: losses(learning.apart, done), first, say).averaged
    pace = Pace(steps=task.steps, rate=_RATE, decay=_DECAY, average=_AVERAGE)
    then = Checkpoint(checkpoint, {"pace": asdict(pace), "data": checkpoint.stem})
    return learn(model, pace, losses, then, say).averaged
