"""MODEL_CARD.md, written from a run's own figures: nobody types a number."""

from __future__ import annotations

import datetime as dt
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import onnxruntime

from edge_agent.bundle.manifest import CARD, Manifest
from edge_agent.core.modes import MODES
from edge_agent.training.figures import Figure, table
from edge_agent.training.fit import Recipe
from edge_agent.training.model import Shape


@dataclass(frozen=True, slots=True)
class Pruned:
    """From how many inner units, and how the rest was repaired."""

    inner: int
    repair: Recipe


@dataclass(frozen=True, slots=True)
class Making:
    """How the bundle came about."""

    command: str
    shape: Shape
    recipe: Recipe
    refine: Recipe | None
    settle: Recipe | None
    minutes: float
    modes: frozenset[str]  # failure modes that occurred in training
    pruned: Pruned | None = None
    weights: str | None = None  # the bundle whose weights were taken, trained by the same steps


def machine() -> str:
    """The machine in words: processor, cores, runtime."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    model = next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine()
    )
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}, onnxruntime {onnxruntime.__version__}"


def write_card(folder: Path, manifest: Manifest, figures: Sequence[Figure], making: Making) -> None:
    """Write the card of the bundle in `folder`."""
    shape, recipe, conformal = making.shape, making.recipe, manifest.conformal
    text = _CARD.format(
        manifest=manifest,
        shape=shape,
        recipe=recipe,
        refined=_refined(making.refine) + _settled(making.settle) + _pruned(making),
        strangers=_strangers(manifest),
        conformal=conformal,
        today=dt.datetime.now(tz=dt.UTC).date().isoformat(),
        training=f"{making.minutes:.0f} min of training"
        if making.weights is None
        else f"with the weights of {making.weights}, trained by the same steps; nothing was trained anew",
        machine=machine(),
        command=making.command,
        table=table(figures),
        data="\n".join(f"| {one.name} | {one.licence} | {one.use} |" for one in manifest.data),
        learned=", ".join(f"{code} ({MODES[code].name})" for code in manifest.labels if code in making.modes),
        rest=", ".join(code for code in manifest.labels if code not in making.modes),
        coverage=f"{1 - conformal.alpha:.0%}",
        horizon=manifest.horizon.removeprefix("fails within "),
    )
    (folder / CARD).write_text(text, encoding="utf-8")


def _refined(refine: Recipe | None) -> str:
    if refine is None:
        return ""
    return (
        f" Then {refine.steps} more steps at\n{refine.rate:g}, from the averaged weights, with less augmentation and a "
        "larger share of C-MAPSS."
    )


def _settled(settle: Recipe | None) -> str:
    if settle is None:
        return ""
    return (
        f" Then {settle.steps} steps at\n{settle.rate:g} in which an eighth of a batch are windows with log lines, all "
        "failure modes alike, the newest line often in the\nwords of a real work order of that mode, and another "
        "eighth are rigs: simulated machines of no class, on which\nsomething steps, creeps, swings or stands still."
    )


def _strangers(manifest: Manifest) -> str:
    if manifest.stranger_calibration is None or manifest.stranger_conformal is None:
        return ""
    calibration, conformal = manifest.stranger_calibration, manifest.stranger_conformal
    return (
        f"\n\nOf an asset whose class has no reference the risk is that a fault shows:\nsigmoid(logit / "
        f"{calibration.temperature:g} {calibration.bias:+g}), sound up to {conformal.sound_to:g}, failing from "
        f"{conformal.failing_from:g}; threshold {manifest.stranger_threshold:g}, which 2 %"
        " of\nthe sound held-out windows reach."
    )


def _pruned(making: Making) -> str:
    if making.pruned is None:
        return ""
    repair = making.pruned.repair
    return (
        f" Then pruned: of {making.pruned.inner} inner\nunits per layer the {making.shape.inner} of the largest effect "
        f"stayed (mean activation times outgoing weight), repaired\nby {repair.steps} steps at {repair.rate:g}."
    )


_CARD: Final = """\
# Model card: {manifest.name} {manifest.version}

Reads one asset's recent past as text (`{manifest.text}`) and says how likely it {manifest.horizon}, and by which
ISO 14224 failure mode. An int8 encoder: {shape.layers} pre-norm layers of {shape.dim}
({shape.heads} heads, {shape.inner} inner), vocabulary {shape.vocabulary}.
Every value token carries its channel's name and its statistic inside the graph (third input
`channel_of`).

Written by the training command from its own figures on {today} ({training}) on {machine}:

    {command}

## Figures

{table}

Intervals are 95 %, bootstrapped by asset. PR-AUC stands beside the prevalence, because a model that knows nothing
scores the prevalence. Boosted trees (lightgbm) read the same statistics as numbers and learned from the same assets; on
C-MAPSS they also taught the encoder, out of fold. "Class unknown" means that no class reference was given: no levels,
only the asset's own past.

## Data

| set | licence | use |
|---|---|---|
{data}

Split by asset, always: 15 % of the engines of each C-MAPSS training set were held out for calibration, threshold and
the choice of quantisation; test files and FD004 are read by the evaluation alone. Simulated fleets have their own
seeds for training, calibration and test.

## Learning

AdamW {recipe.rate:g} one-cycle, {recipe.steps} steps of {recipe.batch} windows, gradient clip 1, bf16, weights averaged
({recipe.average:g}). Ordinal embeddings start as a thermometer code. Targets on C-MAPSS are the mean of label and
boosted trees' out-of-fold prediction. Texts are augmented: ordinals jittered by 3 steps, up to 5 channels dropped,
order permuted, channels renamed, class forgotten, levels or logs left out.{refined}

## Calibration

risk = sigmoid(logit / {manifest.calibration.temperature:g} {manifest.calibration.bias:+g}); threshold
{manifest.threshold:g}, of best F1 on held-out assets. Class-conditional conformal bounds at {coverage}:
sound up to {conformal.sound_to:g}, failing from {conformal.failing_from:g};
where both or neither holds, the verdict is `uncertain`.{strangers}

## Limits

- C-MAPSS is a simulation of turbofans, and the other machines are this project's own simulation. No figure here is from
  a real plant, and none from a Raspberry Pi or Jetson. Expect less on a machine of a class without reference.
- The risk is about {horizon}, whatever a step is in the class: a cycle here, a minute there.
- Log lines and values of the simulator come from one program, so its figures overstate what logs are worth.
- Modes learned: {learned}. Never seen in training, so never to be expected: {rest}.
- The model proposes; hard limits, severity words and recipients come from tables and the configuration.
"""
