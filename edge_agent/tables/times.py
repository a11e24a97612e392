"""Columns of time → numbers: dates as Unix seconds UTC, counts (cycles, seconds of a run) as they are, or row numbers.

No clock and no time zone of this computer belongs here: a date without a zone is taken as UTC.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge_agent.core.baseline import Floats
from edge_agent.core.timestamps import TimeUnit, parse_time
from edge_agent.errors import DataError
from edge_agent.tables.table import Parse, is_missing

_YEAR_FIRST: Final = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ]+(.+))?")
_ZONE: Final = re.compile(r"(?<=\d)\s*(Z|[+-]\d{2}:?\d{2})$", re.IGNORECASE)
_SHORT_HOUR: Final = re.compile(r"\d:")
_PER_SECOND: Final = {TimeUnit.S: 1.0, TimeUnit.MS: 1e3, TimeUnit.US: 1e6}


class Timeline(StrEnum):
    """What the time of a file means."""

    DATES = "dates"  # Unix seconds
    COUNTS = "counts"  # a number that grows, unit unknown
    ROWS = "rows"  # the number of the row


@dataclass(frozen=True, slots=True)
class TimeColumn:
    """Where times come from, for messages, and how they are written."""

    path: Path
    name: str
    form: str = ""  # strptime format; empty: numbers or ISO 8601


def read_times(
    texts: Sequence[str], lines: NDArray[np.int64], column: TimeColumn, parse: Parse
) -> tuple[Floats, Timeline]:
    """The time of every row, NaN where there is none, and what it means.

    Raises:
        DataError: a value is neither a number nor a date of the format.
    """
    first = next((text for text in texts if not is_missing(text)), None)
    if first is None:
        raise DataError(
            f"{column.path}: column {column.name!r} holds no time",
            hint="--time COLUMN names another column, --by-row takes the row number",
        )
    if column.form or parse(first) is None:
        _zones_agree(texts, lines, column)
        return _read(texts, lines, column, parse, Timeline.DATES), Timeline.DATES
    numbers = _read(texts, lines, column, parse, Timeline.COUNTS)
    seconds = _unix_seconds(numbers)
    return (numbers, Timeline.COUNTS) if seconds is None else (seconds, Timeline.DATES)


def zones(texts: Sequence[str]) -> tuple[str, ...]:
    """The time zones that dates are written with, in order of first appearance."""
    found = (_ZONE.search(text) for text in texts if ":" in text)
    return tuple(dict.fromkeys(match[1].upper() for match in found if match is not None))


def _zones_agree(texts: Sequence[str], lines: NDArray[np.int64], column: TimeColumn) -> None:
    """Check that all dates carry a time zone, or none does: where some do, nobody knows what the others mean.

    Raises:
        DataError: some do and some do not.
    """
    if not zones(texts):
        return
    timed = [(int(line), text) for line, text in zip(lines, texts, strict=True) if ":" in text]
    bare = next(((line, text) for line, text in timed if _ZONE.search(text) is None), None)
    if bare is not None:
        zoned = next((line, text) for line, text in timed if _ZONE.search(text) is not None)
        raise DataError(
            f"{column.path}, column {column.name!r}: line {zoned[0]} has a time zone ({zoned[1]!r}), line {bare[0]} "
            f"has none ({bare[1]!r})",
            hint="write all times with their zone, or all in UTC without one",
        )


def read_time(text: str, timeline: Timeline, form: str, parse: Parse) -> float | None:
    """One time as the timeline writes it, NaN where missing; None where it is none."""
    if is_missing(text):
        return math.nan
    number = None if form else parse(text)
    if timeline is not Timeline.DATES:
        return number
    if number is not None:
        return parse_time(number)
    return _date(text, form)


def _read(
    texts: Sequence[str], lines: NDArray[np.int64], column: TimeColumn, parse: Parse, timeline: Timeline
) -> Floats:
    out = np.empty(len(texts))
    for i, text in enumerate(texts):
        time: float | None
        if is_missing(text):
            time = math.nan
        else:
            time = parse(text) if timeline is Timeline.COUNTS else _date(text, column.form)
        if time is None:
            wanted = f"a date like {column.form!r}" if column.form else "a number or a date like 2024-05-31 12:00:00"
            raise DataError(
                f"{column.path}, line {lines[i]}, column {column.name!r}: {text!r} is not {wanted}",
                hint="--time-format '%d.%m.%Y %H:%M:%S' describes other dates, --by-row takes the row number as time",
            )
        out[i] = time
    return out


def _date(text: str, form: str) -> float | None:
    """Unix seconds of a date."""
    try:
        moment = datetime.strptime(text, form) if form else datetime.fromisoformat(_iso(text))  # noqa: DTZ007 - next line
    except ValueError:
        return None
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()


def _iso(text: str) -> str:
    """A date with the year first as ISO 8601 writes it: `2024/5/1 7:05` becomes `2024-05-01 07:05`."""
    match = _YEAR_FIRST.fullmatch(text)
    if match is None:
        return text
    year, month, day, rest = match.groups()
    clock = "" if rest is None else f" {'0' if _SHORT_HOUR.match(rest) else ''}{rest.strip()}"
    return f"{year}-{month:0>2}-{day:0>2}{clock}"


def looks_like_date(text: str) -> bool:
    """Whether a field is a date that needs no format to be read."""
    return _YEAR_FIRST.fullmatch(text) is not None and _date(text, "") is not None


def _unix_seconds(numbers: Floats) -> Floats | None:
    """The numbers as Unix seconds where all of them are seconds, milliseconds or microseconds of 2000 to 2100."""
    known = numbers[np.isfinite(numbers)]
    low, high = float(known.min()), float(known.max())
    for unit, per_second in _PER_SECOND.items():
        if parse_time(low, unit) is not None and parse_time(high, unit) is not None:
            return numbers / per_second
    return None


def typical_step(series: Sequence[Floats]) -> float:
    """The median difference between neighbouring distinct times of the same asset; 1 where there is none."""
    differences = [np.diff(np.unique(times)) for times in series]
    joined = np.concatenate(differences) if differences else np.zeros(0)
    return float(np.median(joined)) if len(joined) else 1.0
