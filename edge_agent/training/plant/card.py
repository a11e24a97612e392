"""MODEL_CARD.md of a fine-tuned bundle, written from the run's own figures: nobody types a number."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_agent.bundle.manifest import CARD, Manifest
from edge_agent.training.card import machine
from edge_agent.training.fit import Recipe
from edge_agent.training.plant.figures import Row, drawn
from edge_agent.training.plant.histories import Plant


@dataclass(frozen=True, slots=True)
class Tuning:
    """How the bundle came about."""

    command: str
    base: Manifest
    plant: Plant
    split: str
    recipe: Recipe
    mix: float


def write_card(folder: Path, tuning: Tuning, rows: Sequence[Row]) -> None:
    """Write the card of the bundle in `folder`."""
    plant, recipe = tuning.plant, tuning.recipe
    mixed = f"; {tuning.mix:.0%} of each batch are simulated machines" if tuning.mix else ""
    text = _CARD.format(
        name=plant.spec.name,
        base=f"{tuning.base.name} {tuning.base.version}",
        today=dt.datetime.now(tz=dt.UTC).date().isoformat(),
        machine=machine(),
        command=tuning.command,
        assets=len(plant.runs),
        failures=plant.failures,
        steps=sum(len(run.times) for run in plant.runs),
        step_s=f"{plant.spec.step_s:g}",
        channels=", ".join(channel.name for channel in plant.spec.channels),
        horizon=plant.runs[0].horizon,
        split=tuning.split,
        learning=f"AdamW {recipe.rate:g} one-cycle, {recipe.steps} steps of {recipe.batch} windows{mixed}",
        table="\n".join(f"    {line}" for line in drawn(rows)),
        notes="\n".join(f"- {note}" for note in plant.notes) or "- none",
    )
    (folder / CARD).write_text(text, encoding="utf-8")


_CARD: Final = """\
# Model card: fine-tuned for {name}

Fine-tuned from {base} on a plant's own history, on {today}, on {machine}:

    {command}

Reads a window of class `{name}` and says how likely the asset fails within {horizon} steps of {step_s} s.

## Data

{assets} assets, {steps} steps, {failures} failures; channels: {channels}.

What was repaired or left out:

{notes}

## Figures

{split}. Measured on the last of these parts alone; intervals are 95 %, bootstrapped by asset, or by block of time where
the split is by time. The base does not know the class: it judges by each asset's own past.

{table}

## Learning

{learning}. Targets are the mean of label and boosted trees' out-of-fold prediction. int8 scales, calibration and
threshold were chosen on the second part.
"""
