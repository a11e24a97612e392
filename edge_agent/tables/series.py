"""Files → the series of each asset in order of time: what `backtest` judges and `replay` sends.

No judgement and no label belongs here (`truth.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge_agent.core.baseline import Floats
from edge_agent.core.types import LogLine
from edge_agent.errors import DataError
from edge_agent.tables.csvfile import AUTO, Format, bare_name, open_csv
from edge_agent.tables.layout import ClassColumns, Layout, Roles, assign
from edge_agent.tables.presets import Preset
from edge_agent.tables.table import Parse, Table, decimal_sign, is_missing, number_parser, read_table
from edge_agent.tables.times import TimeColumn, Timeline, read_time, read_times, typical_step, zones

BASELINE_STEPS: Final = 60
MIN_BASELINE_STEPS: Final = 20
_BASELINE_SHARE: Final = 0.1  # of the shortest asset
_MIN_COUNTED: Final = 10  # rows; fewer may rise by one each for another reason
_SHOWN: Final = 5  # names in a note, the rest is counted


@dataclass(frozen=True, slots=True)
class Series:
    """The rows of one asset."""

    asset: str
    times: Floats  # (rows,) ascending
    values: Floats  # (rows, channels), NaN where missing
    rows: NDArray[np.int64]  # (rows,) index of each row in the table


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """One file, ready to be judged or sent."""

    path: Path
    name: str
    timeline: Timeline
    step_s: float
    step_given: bool
    channels: tuple[str, ...]  # judged ones, then the operating conditions
    conditions: tuple[str, ...]
    series: tuple[Series, ...]
    roles: Roles
    table: Table
    time_format: str
    parse: Parse
    notes: tuple[str, ...]

    @property
    def rows(self) -> int:
        """Rows that are judged or sent."""
        return sum(len(series.times) for series in self.series)

    def time_of(self, text: str) -> float | None:
        """A time of another file on this one's timeline: NaN where missing, None where it is no time."""
        return read_time(text, self.timeline, self.time_format, self.parse)

    def named(self, asset: str) -> bool:
        """Whether the file holds such an asset."""
        return any(series.asset == asset for series in self.series)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSettings:
    """How files are to be read."""

    form: Format
    layout: Layout
    decimal: str = AUTO
    step_s: float | None = None  # None: the typical step of each file
    preset: Preset | None = None  # the kind of file, where it is a known one


def load(path: Path, how: FileSettings, known: ClassColumns | None = None) -> Dataset:
    """A file as series per asset.

    Raises:
        DataError: the file cannot be read as such; says line, column, value and remedy.
    """
    file = open_csv(path, how.form)
    roles = assign(file, how.layout, known)
    parse = number_parser(decimal_sign(file, how.decimal), file.separator)
    wanted = tuple(dict.fromkeys((*roles.channels, *roles.conditions)))
    table = read_table(file, texts=roles.texts, numbers=wanted, decimal=how.decimal)
    notes = [*table.notes, *roles.notes]
    times, timeline = _times(table, roles, how.layout.time_format, parse)
    if roles.time and len(several := zones(table.texts[roles.time[-1]])) > 1:
        notes.append(f"times are written in several zones and were brought to UTC: {listed(several)}")
    channels = _channels(table, roles, notes)
    series = _by_asset(table, roles, times, (*channels, *roles.conditions), notes)
    step_s = how.step_s if how.step_s is not None else typical_step([one.times for one in series])
    return Dataset(
        path=path, name=bare_name(path), timeline=timeline, step_s=step_s, step_given=how.step_s is not None,
        channels=(*channels, *roles.conditions), conditions=roles.conditions, series=series, roles=roles, table=table,
        time_format=how.layout.time_format, parse=parse, notes=tuple(notes),
    )  # fmt: skip


def _times(table: Table, roles: Roles, form: str, parse: Parse) -> tuple[Floats, Timeline]:
    if not roles.time:
        return np.arange(1, len(table) + 1, dtype=np.float64), Timeline.ROWS
    name = " ".join(roles.time)
    texts = [" ".join(parts) for parts in zip(*(table.texts[column] for column in roles.time), strict=True)]
    return read_times(texts, table.lines, TimeColumn(table.path, name, form), parse)


def _channels(table: Table, roles: Roles, notes: list[str]) -> tuple[str, ...]:
    """The channels that hold numbers; the others are skipped with a note, or refused where they were named."""
    kept, skipped = [], []
    for name in dict.fromkeys((*roles.channels, *roles.conditions)):
        values, stray = table.numbers[name], table.strays[name]
        known = int(np.isfinite(values).sum())
        if not known or stray.count > known:
            if roles.named or name in roles.conditions:
                raise DataError(
                    f"{table.path}: column {name!r} holds no numbers"
                    + (f": line {stray.line} says {stray.value!r}" if stray.count else ""),
                    hint="name a column of numbers, or --decimal , if the file has decimal commas",
                )
            skipped.append(name)
            continue
        if stray.count:
            notes.append(
                f"column {name!r}: {stray.count} value(s) are no numbers and count as missing,"
                f" first {stray.value!r} in line {stray.line}"
            )
        if name not in roles.conditions:
            kept.append(name)
    if skipped:
        notes.append(f"no numbers in, so skipped: {listed(skipped)}")
    if not roles.named and (counters := [name for name in kept if _counts_rows(table.numbers[name])]):
        notes.append(f"counts the rows, so left out: {listed(counters)} (--channel to use it all the same)")
        kept = [name for name in kept if name not in counters]
    if not roles.named and (switches := [name for name in kept if _is_switch(table.numbers[name])]):
        notes.append(f"hold only 0 and 1: {listed(switches)}; --ignore them if they say what is to be found")
    if not kept:
        raise DataError(
            f"{table.path} has no column of numbers to judge",
            hint="--channel COLUMN names the channels, --separator and --decimal say how numbers are written",
        )
    return tuple(kept)


def _is_switch(values: Floats) -> bool:
    return set(np.unique(values[np.isfinite(values)]).tolist()) == {0.0, 1.0}


def _counts_rows(values: Floats) -> bool:
    return len(values) >= _MIN_COUNTED and bool(np.all(np.diff(values) == 1.0))


def _by_asset(
    table: Table, roles: Roles, times: Floats, channels: Sequence[str], notes: list[str]
) -> tuple[Series, ...]:
    names = table.texts[roles.asset] if roles.asset else [bare_name(table.path)] * len(table)
    rows_of: dict[str, list[int]] = {}
    nameless = timeless = 0
    for i, (name, placed) in enumerate(zip(names, np.isfinite(times).tolist(), strict=True)):
        if not placed:
            timeless += 1
        elif not name:
            nameless += 1
        else:
            rows_of.setdefault(name, []).append(i)
    if timeless:
        notes.append(f"{timeless} row(s) without a time were left out")
    if nameless:
        notes.append(f"{nameless} row(s) without a value in {roles.asset!r} were left out")
    matrix = np.column_stack([table.numbers[name] for name in channels])  # (rows, channels)
    series, unsorted = [], 0
    for name, indices in rows_of.items():
        rows = np.array(indices, dtype=np.int64)
        order = np.argsort(times[rows], kind="stable")
        unsorted += int(np.any(np.diff(order) < 0))
        rows = rows[order]
        series.append(Series(name, times[rows], matrix[rows], rows))
    if not series:
        raise DataError(
            f"{table.path} has no row with a time and an asset",
            hint="--time and --asset name the columns, --by-row takes the row number as time",
        )
    if unsorted:
        notes.append(f"the rows of {unsorted} asset(s) were not in order of time and have been sorted")
    return tuple(series)


def default_baseline(datasets: Sequence[Dataset]) -> int:
    """Steps of healthy operation to learn from: 60, or a tenth of the shortest asset, at least 20."""
    shortest = min(len(series.times) for dataset in datasets for series in dataset.series)
    return min(BASELINE_STEPS, max(MIN_BASELINE_STEPS, int(shortest * _BASELINE_SHARE)))


def offset(series: Series, dataset: Dataset) -> float:
    """What is added to the times of an asset so that rows lie in the middle of their steps, seconds.

    Steps are cut at multiples of their length. Rows that happen to fall on a cut would, with a little jitter, share a
    step and leave the next one empty. A step that was asked for is not moved: the file is judged as the agent would.
    """
    if dataset.step_given:
        return 0.0
    phases = np.exp(2j * np.pi * np.mod(series.times / dataset.step_s, 1.0))
    middle = round(float(np.angle(phases.mean())) / (2 * np.pi), 6)  # -0.5..0.5, circular mean
    return (0.5 - middle if middle >= 0 else -0.5 - middle) * dataset.step_s


def read_logs(path: Path, dataset: Dataset, form: Format) -> dict[str, list[LogLine]]:
    """The maintenance-log lines of a CSV file (columns asset, time, text) by asset, in order of time.

    Raises:
        DataError: a column is missing, or a time is none.
    """
    file = open_csv(path, form)
    time_column, text_column = file.column("time"), file.column("text")
    alone = len(dataset.series) == 1 and "asset" not in (name.casefold() for name in file.names)
    asset_column = "" if alone else file.column("asset")
    columns = [name for name in (asset_column, time_column, text_column) if name]
    table = read_table(file, texts=columns, numbers=())
    assets = [dataset.series[0].asset] * len(table) if alone else table.texts[asset_column]
    found: dict[str, list[LogLine]] = {}
    for asset, when, text, line in zip(
        assets, table.texts[time_column], table.texts[text_column], table.lines, strict=True
    ):
        time = dataset.time_of(when)
        if time is None or np.isnan(time):
            raise other_time(path, int(line), when, dataset)
        if not is_missing(text):
            found.setdefault(asset, []).append(LogLine(asset, time, text))
    return {asset: sorted(lines, key=lambda line: line.time) for asset, lines in found.items()}


def other_time(path: Path, line: int, value: str, dataset: Dataset) -> DataError:
    """The error about a time in a second file that does not fit the timeline of the first."""
    wanted = "a date" if dataset.timeline is Timeline.DATES else "a number, as the times of the rows are"
    return DataError(
        f"{path}, line {line}: time {value!r} is not {wanted} ({dataset.path})",
        hint="write times in both files alike; --time-format holds for both",
    )


def listed(names: Sequence[str]) -> str:
    """Names for a note: the first few, and how many more there are."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(map(repr, names[:_SHOWN])) + more
