"""A plant's history → runs to learn from, one per asset: steps, steps to the next failure, and what had to be repaired.

Nothing is dropped in silence: every row, channel or asset that is left out, averaged or cut is counted in a note, and
what cannot be repaired is an error that says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from edge_agent.core.baseline import Floats
from edge_agent.core.modes import MODES as KNOWN_MODES
from edge_agent.core.types import ChannelSpec, ClassSpec, LogLine
from edge_agent.errors import DataError
from edge_agent.tables.series import Dataset, Series, listed, offset
from edge_agent.tables.truth import Failure
from edge_agent.training.plant.source import History
from edge_agent.training.runs import MODES, UNKNOWN, Run

MIN_FAILURES: Final = 3  # one each to learn from, to set the threshold by, and to measure on
_GAP_STEPS: Final = 10  # missing steps that count as a gap
_SPARSE: Final = 0.5  # share of missing values from which a channel is named
_HEALTHY_HORIZONS: Final = 3  # horizons before a failure beyond which nothing is taken to be wrong
_EARLY: Final = 0.25  # where a step's rows are put within it: safe from rounding at either end
_TOLERANCE: Final = 1e-6  # steps; times are floats
_SILENT_STEPS: Final = 60  # as `backtest`


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantSettings:
    """How a history is to be taken."""

    asset_class: str
    horizon: int  # steps
    baseline_steps: int


@dataclass(frozen=True, slots=True)
class Plant:
    """What is learned from."""

    name: str
    spec: ClassSpec
    runs: tuple[Run, ...]
    failures: int  # that lie in the record or within the horizon after it
    notes: tuple[str, ...]


def plant_of(history: History, settings: PlantSettings) -> Plant:
    """The runs of a history.

    Raises:
        DataError: no channel varies, no asset is long enough or ever sound, or there are too few failures.
    """
    dataset, notes = history.dataset, list(history.notes)
    _missing(dataset, notes)
    keep = _varying(dataset, notes)
    channels = tuple(dataset.channels[i] for i in keep)
    spec = ClassSpec(
        name=settings.asset_class,
        channels=tuple(ChannelSpec(name=name, condition=name in dataset.conditions) for name in channels),
        step_s=dataset.step_s,
        baseline_steps=settings.baseline_steps,
        silent_after_s=_SILENT_STEPS * dataset.step_s,
    )
    _modes(history, notes)
    tally = _Tally()
    runs = []
    for series in dataset.series:
        failures = history.failures.get(series.asset, ())
        run = _run(dataset, series, keep, failures, history.logs.get(series.asset, ()), spec, settings.horizon, tally)
        if run is not None:
            runs.append(run)
    notes += tally.notes(settings)
    return _checked(Plant(dataset.name, spec, tuple(runs), tally.failures, tuple(notes)), dataset, settings)


@dataclass(slots=True)
class _Tally:
    """What was repaired or left out, over all assets."""

    failures: int = 0
    empty: int = 0
    strange_failures: int = 0
    shared: int = 0
    gaps: int = 0
    longest: int = 0
    unhealthy: int = 0
    open_ended: int = 0
    assets_cut: int = 0
    short: list[str] = field(default_factory=list)

    def notes(self, settings: PlantSettings) -> list[str]:
        """The notes of what there is to say."""
        horizon, baseline = settings.horizon, settings.baseline_steps
        said = {
            f"{self.empty} row(s) hold no value of any channel and were left out": self.empty,
            f"{self.shared} row(s) share a step with another of the same asset and were averaged with it": self.shared,
            f"{self.gaps} gap(s) of more than {_GAP_STEPS} steps, the longest {self.longest}: left empty": self.gaps,
            f"{self.unhealthy} step(s) left out: a failure lay within the baseline or the {horizon} steps after it, "
            "and a baseline is learned from healthy steps": self.unhealthy,
            f"{self.open_ended} step(s) at the end of {self.assets_cut} asset(s) left out: the record ends before it "
            f"is known whether they fail within {horizon} steps": self.open_ended,
            f"{self.strange_failures} failure(s) lie outside the record of their asset and count for nothing":
                self.strange_failures,
            f"too short for {baseline} steps of baseline, left out: {listed(self.short)} (--baseline N)":
                len(self.short),
        }  # fmt: skip
        return [note for note, count in said.items() if count]


def _missing(dataset: Dataset, notes: list[str]) -> None:
    values = np.concatenate([series.values for series in dataset.series])
    share = np.isnan(values).mean(axis=0)
    if share.any():
        notes.append(f"{int(np.isnan(values).sum())} of {values.size} values are missing and stay missing")
    if sparse := [name for name, part in zip(dataset.channels, share, strict=True) if part > _SPARSE]:
        notes.append(f"more than half of the values are missing in: {listed(sparse)}")


def _varying(dataset: Dataset, notes: list[str]) -> list[int]:
    """The columns that hold more than one value."""
    values = np.concatenate([series.values for series in dataset.series])
    with np.errstate(all="ignore"):
        low, high = np.fmin.reduce(values, axis=0), np.fmax.reduce(values, axis=0)
    constant = [name for name, a, b in zip(dataset.channels, low, high, strict=True) if not a < b]
    if len(constant) == len(dataset.channels):
        raise DataError(
            f"{dataset.path}: no channel varies: {listed(constant)}", hint="name others with --channel COLUMN"
        )
    if constant:
        notes.append(f"never change, so left out: {listed(constant)}")
    return [i for i, name in enumerate(dataset.channels) if name not in constant]


def _modes(history: History, notes: list[str]) -> None:
    """A note where failures carry codes outside ISO 14224."""
    named = {failure.mode for failures in history.failures.values() for failure in failures if failure.mode}
    if strange := sorted(named - set(KNOWN_MODES)):
        notes.append(
            f"failure modes that are no ISO 14224 code, taken as unknown: {listed(strange)}; known are "
            + ", ".join(code for code in MODES if code != MODES[0])
        )


def _run(  # noqa: PLR0913 - one asset, everything known of it, and where to count
    dataset: Dataset, series: Series, keep: Sequence[int], failures: Sequence[Failure], logs: Sequence[LogLine],
    spec: ClassSpec, horizon: int, tally: _Tally,
) -> Run | None:  # fmt: skip
    """The run of an asset; None where it is too short."""
    moved, step_s = offset(series, dataset), dataset.step_s
    rows = series.values[:, list(keep)]
    filled = np.isfinite(rows).any(axis=1)
    tally.empty += int((~filled).sum())
    if not filled.any():
        tally.short.append(series.asset)
        return None
    rows, times = rows[filled], series.times[filled]
    numbers = np.floor((times + moved) / step_s)
    steps, first = np.unique(numbers, return_index=True)
    newest = times[np.append(first[1:], len(numbers)) - 1]  # (steps,) time of the newest row
    values = _step_means(rows, first)
    tally.shared += len(numbers) - len(steps)
    holes = np.diff(steps) - 1
    tally.gaps += int((holes > _GAP_STEPS).sum())
    tally.longest = max(tally.longest, int(holes.max(initial=0.0)) if (holes > _GAP_STEPS).any() else 0)
    inside = [f for f in failures if newest[0] <= f.time <= newest[-1] + (horizon + _TOLERANCE) * step_s]
    tally.failures += len(inside)
    tally.strange_failures += len(failures) - len(inside)
    left, modes = _outlook(newest, inside, horizon, step_s)
    start = _healthy_start(newest, [f.time for f in inside], spec.baseline_steps, horizon * step_s)
    known = np.isfinite(left) | (newest < newest[-1] - (horizon - _TOLERANCE) * step_s)
    end = int(np.flatnonzero(known)[-1]) + 1 if known.any() else 0
    if end - start < spec.baseline_steps + 1:
        tally.short.append(series.asset)
        return None
    tally.unhealthy += start
    tally.open_ended += len(steps) - end
    tally.assets_cut += end < len(steps)
    part = slice(start, end)
    return Run(
        asset=series.asset, group=spec.name, spec=spec, times=(steps[part] + _EARLY) * step_s, values=values[part],
        left=left[part], modes=modes[part], logs=tuple(line._replace(time=line.time + moved) for line in logs),
        horizon=horizon,
    )  # fmt: skip


def _step_means(values: Floats, first: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Floats:
    """Means of the rows of each step, NaN passed over, (rows, n) → (steps, n); rounded as the agent rounds."""
    seen = np.isfinite(values)
    total = np.add.reduceat(np.where(seen, values.astype(np.float32).astype(np.float64), 0.0), first, axis=0)
    count = np.add.reduceat(seen.astype(np.float64), first, axis=0)
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)


def _outlook(
    newest: Floats, failures: Sequence[Failure], horizon: int, step_s: float
) -> tuple[Floats, np.ndarray[tuple[int], np.dtype[np.int8]]]:
    """Steps to the next failure, inf where none comes, and the failure mode to be learned, (steps,) each."""
    left = np.full(len(newest), np.inf)
    modes = np.zeros(len(newest), dtype=np.int8)
    for failure in reversed(failures):
        ahead = (failure.time - newest) / step_s
        before = ahead >= -_TOLERANCE
        left[before] = np.maximum(ahead[before], 0.0)
        modes[before & (ahead <= _HEALTHY_HORIZONS * horizon)] = UNKNOWN
        modes[before & (ahead > _HEALTHY_HORIZONS * horizon)] = 0
        if failure.mode in KNOWN_MODES:
            modes[before & (ahead <= horizon + _TOLERANCE)] = MODES.index(failure.mode)
    return left, modes


def _healthy_start(newest: Floats, failures: Sequence[float], baseline: int, horizon_s: float) -> int:
    """The first step from which the baseline and the horizon after it hold no failure."""
    start = 0
    for time in failures:
        last = newest[min(start + baseline, len(newest)) - 1]
        if newest[min(start, len(newest) - 1)] <= time <= last + horizon_s:
            start = int(np.searchsorted(newest, time, side="right"))
    return start


def _checked(plant: Plant, dataset: Dataset, settings: PlantSettings) -> Plant:
    """The plant, where there is something to learn."""
    if not plant.runs:
        raise DataError(
            f"{dataset.path}: no asset has {settings.baseline_steps} steps and no failure within {settings.horizon} "
            "steps after them: nothing is known to be sound",
            hint="--baseline N learns from fewer healthy steps, --horizon N looks less far ahead",
        )
    risky = np.concatenate([run.risky for run in plant.runs])
    if plant.failures < MIN_FAILURES or not risky.any():
        raise DataError(
            f"{dataset.path}: {plant.failures} failure(s) in the record, and {int(risky.sum())} of {len(risky)} steps "
            f"lie within {settings.horizon} steps before one",
            hint=f"at least {MIN_FAILURES} failures are needed; until then the default bundle judges by each "
            "machine's own baseline",
        )
    return plant
