"""A plant's runs → what is learned from, what sets the threshold, and what is measured on: by asset, else by time.

No window of one part may know of another: an asset belongs to one part, or a moment in time parts them and the windows
whose failure lies beyond it are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge_agent.core.baseline import Floats
from edge_agent.errors import DataError
from edge_agent.training.runs import Run
from edge_agent.training.scoring import Indices

Bools = NDArray[np.bool_]

LEARN, CHECK, TEST = range(3)
PARTS: Final = ("to learn from", "for threshold and calibration", "to measure on")
MIN_FAILING_ASSETS: Final = 6  # fewer, and a part would hold one failing asset or none
_SHARES: Final = (0.6, 0.8)  # where the parts end
_BLOCK_HORIZONS: Final = 2  # length of a block of windows that are drawn together, where assets are too few
_LEFT_OUT: Final = -1


@dataclass(frozen=True, slots=True)
class Split:
    """Which step belongs where. `part` and `group` have an array per run, (steps,) each."""

    part: tuple[NDArray[np.int8], ...]  # LEARN, CHECK, TEST, or -1 for left out
    group: tuple[Indices, ...]  # steps of one number are no independent draws
    said: str

    def learned(self, runs: Sequence[Run]) -> list[Run]:
        """The runs, or their beginnings, that may shape the class reference."""
        return [
            cut(run, int(np.flatnonzero(part == LEARN)[-1]) + 1)
            for run, part in zip(runs, self.part, strict=True)
            if (part == LEARN).any()
        ]


def cut(run: Run, steps: int) -> Run:
    """The first steps of a run."""
    return Run(
        asset=run.asset, group=run.group, spec=run.spec, times=run.times[:steps], values=run.values[:steps],
        left=run.left[:steps], modes=run.modes[:steps], logs=run.logs, horizon=run.horizon,
    )  # fmt: skip


def split(runs: Sequence[Run], seed: int = 1) -> Split:
    """The parts of a plant.

    Raises:
        DataError: a part would hold no window before a failure, or nothing else; or there are too few failures.
    """
    failing = np.array([bool(run.risky.any()) for run in runs])
    by_asset = int(failing.sum()) >= MIN_FAILING_ASSETS
    found = _by_asset(runs, failing, seed) if by_asset else _by_time(runs, int(failing.sum()))
    risky, part = np.concatenate([run.risky for run in runs]), np.concatenate(found.part)
    for number, what in enumerate(PARTS):
        inside = risky[part == number]
        if not inside.any() or inside.all():
            raise DataError(
                f"of {len(inside)} steps {what}, {int(inside.sum())} lie before a failure ({found.said})",
                hint="more failures or more assets are needed: a part without both kinds says nothing",
            )
    return found


def _by_asset(runs: Sequence[Run], failing: Bools, seed: int) -> Split:
    rng = np.random.default_rng(seed)
    place = np.zeros(len(runs), dtype=np.int8)
    for kind in (failing, ~failing):  # failing assets and sound ones are dealt apart, so that each part gets both
        members = rng.permutation(np.flatnonzero(kind))
        ends = np.round(np.array(_SHARES) * len(members)).astype(int)
        for number, some in enumerate(np.split(members, ends)):
            place[some] = number
    counts = ", ".join(f"{int((place == number).sum())} {what}" for number, what in enumerate(PARTS))
    return Split(
        tuple(np.full(len(run.times), place[i], dtype=np.int8) for i, run in enumerate(runs)),
        tuple(np.full(len(run.times), i, dtype=np.int64) for i, run in enumerate(runs)),
        f"split by asset: {counts}",
    )


def _by_time(runs: Sequence[Run], failing: int) -> Split:
    """Learn from what was first; the borders lie between failures, so that each part has some."""
    ends = np.unique(np.concatenate([_failure_times(run) for run in runs]))
    count = len(ends)
    if count < len(PARTS):
        raise DataError(
            f"failures at {count} different time(s): each of the {len(PARTS)} parts of a split by time needs one",
            hint="give a longer record, or more assets",
        )
    first = min(max(round(_SHARES[0] * count), 1), count - 2)
    second = min(max(round(_SHARES[1] * count), first + 1), count - 1)
    borders = [float(ends[k - 1] + ends[k]) / 2 for k in (first, second)]
    parts, groups = [], []
    for number, run in enumerate(runs):
        part = np.searchsorted(borders, run.times).astype(np.int8)
        step_s = run.spec.step_s
        for k, border in enumerate(borders):
            beyond = (run.left <= run.horizon) & (run.times + run.left * step_s > border)
            part[(part == k) & beyond] = _LEFT_OUT
        parts.append(part)
        groups.append(number * 1_000_000 + np.arange(len(run.times)) // (_BLOCK_HORIZONS * run.horizon))
    return Split(
        tuple(parts), tuple(groups),
        f"split by time, because only {failing} asset(s) failed: the first {first} of {count} times of failure "
        f"{PARTS[LEARN]}, then {second - first} {PARTS[CHECK]}, the last {count - second} {PARTS[TEST]}",
    )  # fmt: skip


def _failure_times(run: Run) -> Floats:
    """The times of the failures of a run, from the steps that are left."""
    known = np.isfinite(run.left)
    times = run.times[known] + run.left[known] * run.spec.step_s
    return np.unique(np.round(times / run.spec.step_s)) * run.spec.step_s
