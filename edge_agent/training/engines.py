"""FD001 by its usual protocol: fine-tuned from the base on that fleet alone, with several seeds, beside boosted trees.

The question is asked once for each engine, at its last cycle: fails within 30 cycles, or not. Threshold and calibration
come from the training engines that neither the base nor the fine-tuning learned from; no seed is chosen, all are shown.
Source: A. Saxena et al., Damage Propagation Modeling for Aircraft Engine Run-to-Failure Simulation, PHM 2008.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch

from edge_agent.bundle.encode import TextEncoder
from edge_agent.bundle.load import Bundle
from edge_agent.bundle.manifest import RISK
from edge_agent.errors import BundleError
from edge_agent.simulate.turbofan import SPEC
from edge_agent.training import cmapss, teacher
from edge_agent.training.batches import Augmentation, Batch, Source
from edge_agent.training.calibrate import FEWEST_STEPS, LONGEST_LEFT, fit_threshold, sigmoid
from edge_agent.training.examples import Examples, last_windows, subset
from edge_agent.training.fit import Recipe, Say, train
from edge_agent.training.folds import Arrays, digest_of, kept, logits_of_rows
from edge_agent.training.model import RiskEncoder
from edge_agent.training.recipe import Task, build_all, cache_of, split_engines
from edge_agent.training.runs import HORIZON_STEPS
from edge_agent.training.scoring import Floats, Interval, bootstrapped, f1
from edge_agent.training.weights import encoder_of

SET: Final = "FD001"
_LEARNED, _HELD_OUT, _TEST = "learned", "held-out", "test"
_AUGMENTATION: Final = Augmentation(  # as fine-tuning on a plant has it, but for log lines, of which there are none
    jitter=2, drop=2, rename=0.02, rename_one=0.01, forget_class=0.05, forget_levels=0.02, drop_logs=0.0, logs_only=0.0
)
_BATCH: Final = 128
_RATE: Final = 5e-4
_RESAMPLES: Final = 2000


@dataclass(frozen=True, slots=True)
class Engines:
    """The last windows of N engines as model and trees judge them, each with its threshold."""

    label: Floats  # (N,) 1 where the engine fails within the horizon
    risk: Floats  # (N,)
    threshold: float


@dataclass(frozen=True, slots=True)
class Found:
    """F1 of every seed, their mean, and that of boosted trees, over the same engines."""

    seeds: tuple[Interval, ...]
    mean: Interval
    trees: Interval
    engines: int
    failing: int


def judge(  # noqa: PLR0913 - from what, on what, how long, and where it is kept
    bundle: Bundle, data: Path, seeds: Sequence[int], steps: int, folder: Path, say: Say
) -> tuple[list[Engines], Engines]:
    """Every seed's answers, and those of boosted trees; a seed that is done lies in `folder` and is not done again.

    Args:
        bundle: the base.
        data: folder of the C-MAPSS tables.
        seeds: of what is drawn while learning.
        steps: of the fine-tuning.
        folder: for windows, checkpoints and answers.
        say: told of progress.

    Raises:
        BundleError: the bundle does not know the class of these engines.
        DataError: a table is missing, or is no such table.
    """
    reference = bundle.references.get(SPEC.name)
    if reference is None:
        raise BundleError(
            f"bundle {bundle.manifest.name!r} does not know the class {SPEC.name!r}",
            hint="start from a bundle that learned from C-MAPSS, such as models/default",
        )
    encoder, start = bundle.risk.encoder, encoder_of(bundle)
    learned, held = split_engines(cmapss.load_train(data, SET))  # as the base's: it did not learn from those held out
    runs = {_LEARNED: learned, _HELD_OUT: held, _TEST: cmapss.load_test(data, SET)}
    cache = cache_of(folder, encoder, bundle.references)
    parts = build_all(
        {
            part: (cache / f"{part}-{SET}-engines.npz", Task(part, tuple(some), reference))
            for part, some in runs.items()
        },
        encoder, say,
    )  # fmt: skip
    settings = repr((_AUGMENTATION, _BATCH, _RATE))
    said = digest_of(bundle.manifest.files[RISK], *(part.features for part in parts.values()), settings)
    trees = kept(folder / f"engines-{said}-trees.npz", lambda: _trees(parts))
    found = []
    for number, seed in enumerate(seeds, 1):
        path = folder / f"engines-{said}-{steps}-{seed}.npz"
        say(f"seed {seed}, {number} of {len(seeds)}: {steps} steps from the base ...")

        def answers(seed: int = seed, path: Path = path) -> Arrays:
            recipe = Recipe(steps=steps, batch=_BATCH, rate=_RATE, seed=seed)
            source = Source(parts[_LEARNED], trees["target"].astype(np.float32), 1.0)
            checkpoint = path.with_suffix(".checkpoint")
            model = train([source], encoder, start.shape, recipe, checkpoint, say, _AUGMENTATION, start).model
            return _answers(lambda some: _risk(model, encoder, some), parts)

        found.append(_engines(parts[_TEST], kept(path, answers)))
    return found, _engines(parts[_TEST], trees)


def summarise(seeds: Sequence[Engines], trees: Engines) -> Found:
    """F1 of all; intervals are bootstrapped by engine, the mean's with the same engines in every seed."""
    asset = np.arange(len(trees.label))
    flags = [(one.risk >= one.threshold).astype(np.float64) for one in (*seeds, trees)]
    packed = np.sum([flag * 2.0**k for k, flag in enumerate(flags)], axis=0)  # one number, so that all are drawn alike

    def of(*which: int) -> Interval:
        return bootstrapped(
            lambda truth, said: float(np.mean([f1(truth > 0, (said.astype(np.int64) >> k & 1) > 0) for k in which])),
            trees.label, packed, asset, _RESAMPLES,
        )  # fmt: skip

    return Found(
        tuple(of(k) for k in range(len(seeds))), of(*range(len(seeds))), of(len(seeds)),
        len(trees.label), int(trees.label.sum()),
    )  # fmt: skip


def _engines(test: Examples, stored: Arrays) -> Engines:
    label = (test.left[last_windows(test, FEWEST_STEPS)] <= HORIZON_STEPS).astype(np.float64)
    return Engines(label, stored["risk"].astype(np.float64), float(stored["threshold"][0]))


def _answers(risk_of: Callable[[Examples], Floats], parts: Mapping[str, Examples]) -> Arrays:
    """The risk of the last windows of the test engines, and the threshold by the held-out training engines."""
    held = parts[_HELD_OUT]
    fits = subset(held, np.flatnonzero((held.left <= LONGEST_LEFT) & (held.step >= FEWEST_STEPS)))
    threshold, _ = fit_threshold(risk_of(fits), fits.risk, fits.run.astype(np.int64))
    asked = subset(parts[_TEST], last_windows(parts[_TEST], FEWEST_STEPS))
    return {"risk": risk_of(asked), "threshold": np.array([threshold])}


def _risk(model: RiskEncoder, encoder: TextEncoder, part: Examples) -> Floats:
    def forward(batch: Batch) -> torch.Tensor:
        logits: torch.Tensor = model(*(torch.from_numpy(one) for one in batch[:3]))
        return logits

    return sigmoid(logits_of_rows(forward, encoder, part, np.arange(len(part)))[:, 0])


def _trees(parts: Mapping[str, Examples]) -> Arrays:
    """The same of boosted trees; and what the encoder learns by, the mean of the truth and of trees out of fold."""
    [target] = teacher.soft_targets([parts[_LEARNED]])
    trees = teacher.fit_trees([parts[_LEARNED]])
    answers = _answers(lambda some: teacher.predict(trees, some.features).astype(np.float64), parts)
    return {**answers, "target": target}
