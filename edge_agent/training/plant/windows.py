"""A plant's windows as examples: rendered for the new model and for the base, with the parts they belong to.

Nothing is learned or chosen here. What is rendered is kept in the folder of the run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from edge_agent.bundle.encode import TextEncoder
from edge_agent.bundle.load import Bundle
from edge_agent.bundle.references import rounded
from edge_agent.core.baseline import Reference
from edge_agent.core.text import render
from edge_agent.errors import DataError
from edge_agent.training import fleet, references
from edge_agent.training.examples import Examples, cached
from edge_agent.training.plant.histories import Plant
from edge_agent.training.plant.split import CHECK, Split
from edge_agent.training.recipe import by_group
from edge_agent.training.runs import Run, recent_logs, step_values, windows_of
from edge_agent.training.scoring import Indices

Bar = Callable[[int, str], AbstractContextManager[Callable[[], None]]]

_GOLDEN: Final = 6


@dataclass(frozen=True, slots=True)
class Windows:
    """A plant's windows, rendered with its own class reference; rows of the parts and their groups."""

    examples: Examples
    part: Indices  # (N,)
    group: Indices  # (N,)

    def rows(self, part: int, most: int) -> Indices:
        """At most so many judged windows of a part, evenly spaced."""
        found = np.flatnonzero((self.part == part) & ~self.examples.learning)
        return found[np.unique(np.linspace(0, len(found) - 1, min(most, len(found))).astype(np.int64))]


@dataclass(frozen=True, slots=True)
class Seen:
    """Examples and the rows of them that are meant."""

    examples: Examples
    rows: Indices


def class_reference(plant: Plant, parts: Split) -> Reference:
    """The class reference of the plant, from the runs to learn from."""
    runs = parts.learned(plant.runs)
    values = np.concatenate([step_values(run)[0] for run in runs])
    names = [c.name for c in plant.spec.channels if not c.condition]
    if empty := [name for name, seen in zip(names, np.isfinite(values).any(axis=0), strict=True) if not seen]:
        raise DataError(
            f"channel {empty[0]!r} has no value in the part to learn from ({parts.said})",
            hint=f"leave it out: --ignore {empty[0]}",
        )
    return rounded(references.fit(runs, plant.spec.baseline_steps))


def rendered(  # noqa: PLR0913 - what to render, how, and where to keep it
    plant: Plant, parts: Split, reference: Reference, encoder: TextEncoder, work: Path, bar: Bar
) -> Windows:
    """All windows of the plant, with its own class reference."""
    with bar(sum(len(run.times) for run in plant.runs), "rendering") as step:
        examples = cached(work / "own.npz", plant.runs, reference, encoder, step)
    return Windows(examples, np.concatenate(parts.part).astype(np.int64), np.concatenate(parts.group))


def simulated(bundle: Bundle, seed: int, lives: int, work: Path, bar: Bar) -> dict[str, Examples]:
    """Windows of simulated machines of the classes that the base knows, by class."""
    groups = by_group(fleet.load_fleet(seed, lives))
    known = {name: runs for name, runs in groups.items() if name in bundle.references}
    with bar(sum(len(run.times) for runs in known.values() for run in runs), "rendering simulated machines") as step:
        return {
            name: cached(
                work / f"simulated-{seed}-{name}.npz", runs, bundle.references[name], bundle.risk.encoder, step
            )
            for name, runs in known.items()
        }


def golden_texts(plant: Plant, parts: Split, reference: Reference) -> list[str]:
    """Texts of windows that were not learned from, for the golden cases."""
    texts: list[str] = []
    for run, part in zip(plant.runs, parts.part, strict=True):
        place = np.flatnonzero(part == CHECK)
        if not len(place) or len(texts) >= _GOLDEN:
            continue
        wanted = set(place[np.linspace(0, len(place) - 1, _GOLDEN // 2).astype(int)].tolist())
        for k, window in enumerate(windows_of(run, reference)):
            if k in wanted and window.channels:
                texts.append(render(window, recent_logs(run.logs, window, run.spec)))
    return texts[:_GOLDEN]


def seen_by_base(  # noqa: PLR0913 - as `rendered`
    plant: Plant, windows: Windows, rows: Indices, bundle: Bundle, work: Path, bar: Bar
) -> Seen:
    """The chosen windows as the base reads them: the class is unknown to it, unless it holds one of that name."""
    needed = np.unique(windows.examples.run[rows])
    runs: Sequence[Run] = [plant.runs[i] for i in needed.tolist()]
    with bar(sum(len(run.times) for run in runs), "rendering for the base") as step:
        reference = bundle.references.get(plant.spec.name)
        seen = cached(work / "own-for-base.npz", runs, reference, bundle.risk.encoder, step)
    starts = np.searchsorted(seen.run, np.arange(len(needed)))  # first window of each run
    first = np.searchsorted(windows.examples.run, needed)
    place = np.searchsorted(needed, windows.examples.run[rows])
    return Seen(seen, rows - first[place] + starts[place])
