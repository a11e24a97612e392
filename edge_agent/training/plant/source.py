"""One's own plant, from CSV files or from the agent's journal → rows, failures and log lines as they were recorded.

Reading and naming only; what is repaired, left out or refused is decided in `own_plant.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from edge_agent.core.nuisance import failures as failures_in
from edge_agent.core.types import FUTURE, LATE, MARKERS, LogLine
from edge_agent.errors import DataError
from edge_agent.store.pasts import pasts
from edge_agent.store.queries import log_lines, open_readonly, unpack
from edge_agent.tables.csvfile import Format, open_csv
from edge_agent.tables.layout import ASSET_NAMES, Roles
from edge_agent.tables.series import Dataset, FileSettings, Series, load, read_logs
from edge_agent.tables.table import Table, number_parser
from edge_agent.tables.times import Timeline, typical_step
from edge_agent.tables.truth import Failure, TruthSource, truths

_FAR: Final = 1e15  # Unix seconds after any reading


@dataclass(frozen=True, slots=True)
class History:
    """What a plant recorded."""

    dataset: Dataset
    failures: Mapping[str, Sequence[Failure]]  # by asset, oldest first
    logs: Mapping[str, Sequence[LogLine]]
    notes: tuple[str, ...]


def read_files(path: Path, failures: Path, logs: Path | None, how: FileSettings) -> History:
    """The history in CSV files; the asset's column is guessed by name where it is not told.

    Raises:
        DataError: a file cannot be read as such, or the failures name no asset of it.
    """
    notes: list[str] = []
    if not how.layout.asset:
        found = [name for name in open_csv(path, how.form).names if name.casefold() in ASSET_NAMES]
        if found:
            how = replace(how, layout=replace(how.layout, asset=found[0]))
            notes.append(f"asset is column {found[0]!r}")
    dataset = load(path, how)
    form = Format(encoding=how.form.encoding)
    notes += dataset.notes
    known = _failures(dataset, failures, form, notes)
    lines = {} if logs is None else read_logs(logs, dataset, form)
    if logs is not None:
        notes.append(_told(logs.name, lines, dataset))
    return History(dataset, known, lines, tuple(notes))


def read_journal(path: Path, failures: Path | None, step_s: float | None) -> History:
    """The history in an agent's journal.

    Failures come from a file, or else are the alarms that people called real, and the hard limits that were reached and
    nobody called anything: an alarm by risk alone is the model's own opinion, and nothing to learn from.

    Raises:
        StoreError: the journal cannot be read.
        DataError: it holds no readings, or neither it nor the file a failure.
    """
    values: dict[str, dict[float, dict[str, float]]] = {}
    with closing(open_readonly(path)) as db:
        for reading in unpack(db, -_FAR, _FAR):
            if reading.channel not in MARKERS and not reading.channel.startswith(FUTURE):
                at = values.setdefault(reading.asset, {}).setdefault(reading.time, {})
                at[reading.channel.removeprefix(LATE)] = reading.value
        lines = list(log_lines(db))
        raised = failures_in(pasts(db, -_FAR))
    if not values:
        raise DataError(f"{path} holds no readings", hint="let the agent run first, or give --data FILE.csv")
    dataset = _dataset(path, values, step_s)
    notes: list[str] = []
    logs: dict[str, list[LogLine]] = {}
    for line in lines:
        logs.setdefault(line.asset, []).append(line)
    notes.append(_told("the journal", logs, dataset))
    if failures is not None:
        return History(dataset, _failures(dataset, failures, Format(), notes), logs, tuple(notes))
    limits: dict[str, list[Failure]] = {}
    for alarm in sorted(raised, key=lambda alarm: alarm.raised):
        limits.setdefault(alarm.asset, []).append(Failure(alarm.raised))
    if not limits:
        raise DataError(
            f"{path} holds no alarm that was called real and none of a hard limit, so it tells of no failure",
            hint="give --failures FILE.csv with asset,time[,mode]: when machines failed",
        )
    notes.append(
        f"{len(raised)} alarm(s) called real or of a hard limit count as failures;"
        " --failures FILE.csv names them instead"
    )
    return History(dataset, limits, logs, tuple(notes))


def _failures(dataset: Dataset, path: Path, form: Format, notes: list[str]) -> dict[str, list[Failure]]:
    known = truths(dataset, TruthSource(failures=path), form, notes)
    return {asset: [Failure(episode.end, episode.mode) for episode in truth.episodes] for asset, truth in known.items()}


def _told(name: str, lines: Mapping[str, Sequence[LogLine]], dataset: Dataset) -> str:
    """How many log lines are about the assets, for the reader to see that the names agree."""
    ours = sum(len(some) for asset, some in lines.items() if dataset.named(asset))
    strange = sum(len(some) for asset, some in lines.items() if not dataset.named(asset))
    return f"{ours} log line(s) from {name}" + (f", {strange} more about unknown assets left out" if strange else "")


def _dataset(path: Path, values: Mapping[str, Mapping[float, Mapping[str, float]]], step_s: float | None) -> Dataset:
    """Readings as a table with a row per asset and time, NaN where a channel has none."""
    channels = tuple(sorted({name for rows in values.values() for row in rows.values() for name in row}))
    series = []
    for asset, rows in sorted(values.items()):
        times = sorted(rows)
        matrix = np.array([[rows[time].get(name, np.nan) for name in channels] for time in times])
        series.append(Series(asset, np.array(times), matrix, np.arange(len(times))))
    roles = Roles(
        time=("time",), asset="asset", label="", failure_time="", channels=channels, conditions=(), named=True, notes=()
    )
    return Dataset(
        path=path, name=path.stem, timeline=Timeline.DATES,
        step_s=typical_step([one.times for one in series]) if step_s is None else step_s, step_given=step_s is not None,
        channels=channels, conditions=(), series=tuple(series), roles=roles,
        table=Table(path, np.arange(sum(len(one.times) for one in series)), {}, {}, {}), time_format="",
        parse=number_parser(".", ","), notes=(),
    )  # fmt: skip
