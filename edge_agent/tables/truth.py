"""What is known of the outcome: which rows are labelled as failing, and when assets failed.

Nothing here is shown to the model: `score.py` compares. A row is failing where its label says so, or where a failure
lies no more than `horizon` steps ahead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from edge_agent.core.baseline import Floats
from edge_agent.errors import DataError
from edge_agent.tables.csvfile import Format, open_csv
from edge_agent.tables.series import Dataset, Series, listed, other_time
from edge_agent.tables.table import is_missing, read_table

HORIZON: Final = 30  # steps; what the default bundle was trained to foresee
_TRUE: Final = frozenset(("1", "true", "yes", "t", "y"))
_FALSE: Final = frozenset(("0", "false", "no", "f", "n"))
_MOST_VALUES: Final = 8  # different values of a label shown in an error
_TOLERANCE: Final = 1e-6  # steps; times are floats


@dataclass(frozen=True, slots=True)
class Failure:
    """One failure of an asset."""

    time: float
    mode: str = ""  # ISO 14224 code where it is known


@dataclass(frozen=True, slots=True)
class Episode:
    """A stretch of time in which an alarm is right."""

    start: float
    end: float  # of a failure: when it happened
    mode: str = ""


@dataclass(frozen=True, slots=True)
class Truth:
    """What is known of one asset."""

    labels: Floats  # (rows,) 1 failing, 0 not, NaN unknown
    episodes: tuple[Episode, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TruthSource:
    """Where the caller takes the outcome from; at most one of them."""

    label: str = ""
    positive: tuple[str, ...] = ()  # label values that mean failing
    failure_time: str = ""
    failures: Path | None = None
    run_to_failure: bool = False
    rul: Path | None = None  # one number per asset: steps left after its last row
    horizon: int = HORIZON

    @property
    def failing(self) -> bool:
        """Whether it names failures (with a horizon) rather than labels."""
        return bool(self.failure_time or self.failures or self.run_to_failure or self.rul)


def truths(dataset: Dataset, source: TruthSource, form: Format, notes: list[str]) -> dict[str, Truth]:
    """What is known of each asset of a file; empty where nothing is.

    Raises:
        DataError: the label or the failures cannot be read.
    """
    if source.label:
        return {series.asset: _labelled(dataset, series, source.positive) for series in dataset.series}
    if not source.failing:
        return {}
    failures = _failures(dataset, source, form, notes)
    return {
        one.asset: _foreseen(one, failures.get(one.asset, ()), source.horizon, dataset.step_s) for one in dataset.series
    }


def _labelled(dataset: Dataset, series: Series, positive: tuple[str, ...]) -> Truth:
    column = dataset.table.texts[dataset.roles.label]
    texts = [column[row] for row in series.rows.tolist()]
    labels = np.array([_label(text, positive) for text in texts])
    if np.any(labels == -1.0):
        bad = int(np.flatnonzero(labels == -1.0)[0])
        values = sorted(set(column))
        raise DataError(
            f"{dataset.path}, line {dataset.table.lines[series.rows[bad]]}, column {dataset.roles.label!r}: label"
            f" {texts[bad]!r} is neither 0 nor 1; the column holds {listed(values[:_MOST_VALUES])}",
            hint=f"say which values mean failing: --positive {values[0]!r}",
        )
    return Truth(labels, _runs(labels, series.times))


def _label(text: str, positive: tuple[str, ...]) -> float:
    """1, 0, NaN where missing, -1 where it cannot be told."""
    if positive:
        return 1.0 if text in positive else np.nan if is_missing(text) else 0.0
    if is_missing(text):
        return float("nan")
    word = text.lower().removesuffix(".0")
    return 1.0 if word in _TRUE else 0.0 if word in _FALSE else -1.0


def _runs(labels: Floats, times: Floats) -> tuple[Episode, ...]:
    """The stretches of consecutive rows labelled 1."""
    edges = np.diff(np.concatenate([[0.0], (labels == 1.0).astype(np.float64), [0.0]]))
    starts, ends = np.flatnonzero(edges == 1.0), np.flatnonzero(edges == -1.0) - 1
    return tuple(Episode(float(times[a]), float(times[b])) for a, b in zip(starts, ends, strict=True))


def _foreseen(series: Series, failures: tuple[Failure, ...] | list[Failure], horizon: int, step_s: float) -> Truth:
    labels = np.zeros(len(series.times))
    for failure in failures:
        left = (failure.time - series.times) / step_s
        labels[(left >= -_TOLERANCE) & (left <= horizon + _TOLERANCE)] = 1.0
    episodes = tuple(Episode(f.time - (horizon + _TOLERANCE) * step_s, f.time, f.mode) for f in failures)
    return Truth(labels, episodes)


def _failures(dataset: Dataset, source: TruthSource, form: Format, notes: list[str]) -> Mapping[str, list[Failure]]:
    if source.run_to_failure:
        return {series.asset: [Failure(float(series.times[-1]))] for series in dataset.series}
    if source.rul is not None:
        return _of_rul(dataset, source.rul)
    if source.failures is not None:
        return _of_file(dataset, source.failures, form, notes)
    return _of_column(dataset)


def _of_rul(dataset: Dataset, path: Path) -> dict[str, list[Failure]]:
    file = open_csv(path, Format(header=False))
    left = read_table(file, texts=(), numbers=file.names[:1]).numbers[file.names[0]]
    if len(left) != len(dataset.series) or not np.isfinite(left).all():
        raise DataError(
            f"{path} has {int(np.isfinite(left).sum())} numbers for the {len(dataset.series)} assets of {dataset.path}",
            hint="--rul takes one number a line: steps left after the last row of each asset, in the order of the file",
        )
    return {
        series.asset: [Failure(float(series.times[-1]) + steps * dataset.step_s)]
        for series, steps in zip(dataset.series, left.tolist(), strict=True)
    }


def _of_column(dataset: Dataset) -> dict[str, list[Failure]]:
    found: dict[str, list[Failure]] = {}
    column = dataset.table.texts[dataset.roles.failure_time]
    for series in dataset.series:
        texts = dict.fromkeys(column[row] for row in series.rows.tolist())
        for text in texts:
            time = dataset.time_of(text)
            if time is None:
                line = int(dataset.table.lines[column.index(text)])
                raise other_time(dataset.path, line, text, dataset)
            if not np.isnan(time):
                found.setdefault(series.asset, []).append(Failure(time))
    return found


def _of_file(dataset: Dataset, path: Path, form: Format, notes: list[str]) -> dict[str, list[Failure]]:
    file = open_csv(path, form)
    plain = {name.casefold() for name in file.names}
    alone = len(dataset.series) == 1 and "asset" not in plain
    asset_column = "" if alone else file.column("asset")
    time_column = file.column("time")
    mode_column = file.column("mode") if "mode" in plain else ""
    table = read_table(file, texts=[name for name in (asset_column, time_column, mode_column) if name], numbers=())
    found: dict[str, list[Failure]] = {}
    for i, when in enumerate(table.texts[time_column]):
        time = dataset.time_of(when)
        if time is None or np.isnan(time):
            raise other_time(path, int(table.lines[i]), when, dataset)
        asset = dataset.series[0].asset if alone else table.texts[asset_column][i]
        found.setdefault(asset, []).append(Failure(time, table.texts[mode_column][i].upper() if mode_column else ""))
    strange = [asset for asset in found if not dataset.named(asset)]
    if len(strange) == len(found):
        raise DataError(
            f"{path} names no asset of {dataset.path}: {listed(strange)}",
            hint=f"the file has {listed([one.asset for one in dataset.series])}; --asset COLUMN names their column",
        )
    if strange:
        notes.append(f"{path.name} names assets that are not in the file: {listed(strange)}")
    return {asset: sorted(failures, key=lambda failure: failure.time) for asset, failures in found.items()}
