"""Which column is what: time, asset, label, operating conditions, channels; as told, else guessed by name.

Only names and the first rows are looked at here; the values are read in `table.py`. A guess is always said in a note.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from edge_agent.errors import DataError
from edge_agent.tables.csvfile import CsvFile
from edge_agent.tables.times import looks_like_date

TIME_NAMES: Final = (
    "time", "timestamp", "datetime", "date", "ts", "cycle", "cycles", "date_time", "date time", "date/time",
    "time_in_cycles", "time stamp", "time_stamp",
)  # fmt: skip
ASSET_NAMES: Final = frozenset(
    ("asset", "asset_id", "machine", "machine_id", "machineid", "unit", "unit_id", "unit_number", "unit number",
     "engine", "engine_id", "device", "device_id", "equipment", "equipment_id", "serial", "serial_number", "tag")
)  # fmt: skip
# Columns that hold the answer. As channels they would be read off instead of predicted.
ANSWER_NAMES: Final = frozenset(
    ("label", "labels", "anomaly", "is_anomaly", "anomalous", "changepoint", "failure", "failures", "machine failure",
     "machine_failure", "fault", "fault_type", "broken", "target", "class", "rul", "ttf", "time_to_failure",
     "cycles_to_failure", "machine_status", "attack", "outlier", "failure type", "failure_type")
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What the caller says of the columns; empty where it does not."""

    time: tuple[str, ...] = ()  # several are joined, such as date and time of day
    by_row: bool = False
    time_format: str = ""
    asset: str = ""
    channels: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    label: str = ""
    failure_time: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassColumns:
    """The columns a class reference knows."""

    name: str
    channels: tuple[str, ...]
    conditions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """The column names of one file by what they are for."""

    time: tuple[str, ...]  # empty: the row number
    asset: str
    label: str
    failure_time: str
    channels: tuple[str, ...]
    conditions: tuple[str, ...]
    named: bool  # the caller named the channels: one that is text is an error
    notes: tuple[str, ...]

    @property
    def texts(self) -> tuple[str, ...]:
        """The columns to be kept as text."""
        return tuple(dict.fromkeys(name for name in (*self.time, self.asset, self.label, self.failure_time) if name))


def assign(file: CsvFile, layout: Layout, known: ClassColumns | None = None) -> Roles:
    """The role of every column of a file.

    Raises:
        DataError: a column that was named is not there, or the class needs one that is not there.
    """
    notes: list[str] = []
    time = _time(file, layout, notes)
    asset, label, failure_time = (
        file.column(name) if name else "" for name in (layout.asset, layout.label, layout.failure_time)
    )
    conditions = tuple(file.column(name) for name in layout.conditions)
    if known is not None:
        conditions = tuple(dict.fromkeys((*conditions, *_of_class(file, known))))
    taken = {*time, asset, label, failure_time, *conditions, *(file.column(name) for name in layout.ignore)}
    if layout.channels:
        channels = tuple(dict.fromkeys(file.column(name) for name in layout.channels))
    else:
        rest = [name for name in file.names if name not in taken]
        channels = _unnamed(rest, layout, notes) if known is None else _known(file, rest, known, notes)
    if known is not None and (strange := [name for name in channels if name not in known.channels]):
        raise DataError(
            f"{file.path}: class {known.name!r} has no channel {strange[0]!r}; it knows {', '.join(known.channels)}",
            hint="leave --channel out to take the channels of the class, or --class unknown",
        )
    return Roles(
        time=time, asset=asset, label=label, failure_time=failure_time, channels=channels, conditions=conditions,
        named=bool(layout.channels), notes=tuple(notes),
    )  # fmt: skip


def _time(file: CsvFile, layout: Layout, notes: list[str]) -> tuple[str, ...]:
    if layout.by_row:
        return ()
    if layout.time:
        return tuple(file.column(name) for name in layout.time)
    plain = {name.casefold(): name for name in reversed(file.names)}
    if {"date", "time"} <= set(plain) and not _dated(file, plain["time"]):
        found: tuple[str, ...] = (plain["date"], plain["time"])
    else:
        named = [plain[name] for name in TIME_NAMES if name in plain]
        found = tuple((named or [name for name in file.names if _dated(file, name)])[:1])
    if found:
        notes.append(f"time is column {' and '.join(map(repr, found))}")
    else:
        notes.append("no column of time was found: the row number counts as time (--time COLUMN names one)")
    return found


def _dated(file: CsvFile, name: str) -> bool:
    column = file.names.index(name)
    fields = [row[column].strip() for row in file.sample if len(row) > column and row[column].strip()]
    return bool(fields) and all(looks_like_date(text) for text in fields)


def _of_class(file: CsvFile, known: ClassColumns) -> Sequence[str]:
    missing = [name for name in known.conditions if name not in file.names]
    if missing:
        raise DataError(
            f"{file.path}: class {known.name!r} needs the operating condition {missing[0]!r};"
            f" the columns are: {', '.join(file.names)}",
            hint="name the columns with --columns as the class does, or judge without it: --class unknown",
        )
    return known.conditions


def _known(file: CsvFile, rest: Sequence[str], known: ClassColumns, notes: list[str]) -> tuple[str, ...]:
    """The channels of the class that the file has."""
    channels = tuple(name for name in rest if name in known.channels)
    if not channels:
        raise DataError(
            f"{file.path} has no channel of class {known.name!r}: {', '.join(known.channels)}",
            hint="name the columns with --columns as the class does, or judge without it: --class unknown",
        )
    if left := [name for name in rest if name not in known.channels]:
        notes.append(f"not in class {known.name!r} and left out: {', '.join(left)}")
    return channels


def _unnamed(rest: Sequence[str], layout: Layout, notes: list[str]) -> tuple[str, ...]:
    """The channels where none were named: every column left, but for those that hold an answer or name an asset."""
    answers = [name for name in rest if name.casefold() in ANSWER_NAMES]
    assets = [name for name in rest if name.casefold() in ASSET_NAMES]
    for name in answers:
        advice = "" if layout.label else f"; --label {name!r} scores against it"
        notes.append(f"column {name!r} looks like an answer and was left out{advice} (--channel takes it all the same)")
    for name in assets:
        advice = "" if layout.asset else f"; --asset {name!r} if it names the machines"
        notes.append(f"column {name!r} looks like a name and was left out{advice} (--channel takes it all the same)")
    return tuple(name for name in rest if name not in answers and name not in assets)
