"""A bundle and the data → the windows it learned from, was calibrated on and never saw, rendered as it reads them.

The splits are those of the recipe; nothing is judged here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_agent.bundle.load import Bundle
from edge_agent.simulate.turbofan import SPEC
from edge_agent.training import cmapss, fleet
from edge_agent.training.examples import Examples
from edge_agent.training.recipe import (
    LEARNED,
    STRANGE,
    TRANSFER,
    Say,
    Scale,
    Task,
    build_all,
    by_group,
    cache_of,
    split_engines,
    strangers,
)
from edge_agent.training.runs import Run

SIMULATOR: Final = "simulator"
TURBOFANS: Final = (*LEARNED, TRANSFER)


@dataclass(frozen=True, slots=True)
class Splits:
    """Windows by set: `FD001`, `pump`, and in `held_out` also `<name>?` without class reference."""

    learned: Mapping[str, Examples]
    held_out: Mapping[str, Examples]
    unseen: Mapping[str, Examples]  # test engines, FD004, simulated machines of a seed of their own
    cache: Path


def class_of(name: str) -> str:
    """The asset class of a set."""
    plain = name.rstrip("?")
    return SPEC.name if plain in TURBOFANS else plain


def shown_as(name: str) -> str:
    """The data set that a set is reported under: the simulated classes are one."""
    return name if name in TURBOFANS else SIMULATOR


def splits_of(bundle: Bundle, data: Path | None, folder: Path, scale: Scale, say: Say) -> Splits:
    """All splits; those of C-MAPSS need `data` and a bundle that knows turbofans. Rendered windows are cached."""
    learned = by_group(fleet.load_fleet(fleet.TRAINING_SEED, scale.train_runs))
    held = by_group(fleet.load_fleet(fleet.VALIDATION_SEED, scale.held_out_runs))
    tests = by_group(fleet.load_fleet(fleet.TEST_SEED, scale.held_out_runs))
    transfer: dict[str, list[Run]] = {}
    if data is not None and (data / "cmapss").is_dir() and SPEC.name in bundle.references:
        for name in LEARNED:
            learned[name], held[name] = split_engines(cmapss.load_train(data / "cmapss", name))
            tests[name] = cmapss.load_test(data / "cmapss", name)
        transfer[TRANSFER] = cmapss.load_train(data / "cmapss", TRANSFER)
    cache = cache_of(folder, bundle.risk.encoder, bundle.references)

    def built(part: str, groups: Mapping[str, Sequence[Run]]) -> dict[str, Examples]:
        tasks = {
            name: (cache / f"{part}-{name}.npz", Task(name, tuple(runs), bundle.references[runs[0].spec.name]))
            for name, runs in groups.items()
        }
        return build_all(tasks, bundle.risk.encoder, say)

    strange = {
        f"{name}?": (cache / f"held-out-{name}-strange.npz", Task(f"{name}?", tuple(runs[::STRANGE]), None))
        for name, runs in held.items()
    }
    unknown = {name: strangers(part) for name, part in build_all(strange, bundle.risk.encoder, say).items()}
    held_out = built("held-out", held) | unknown
    return Splits(built("learned", learned), held_out, built("test", tests) | built("transfer", transfer), cache)
