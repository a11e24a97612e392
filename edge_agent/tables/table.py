"""Rows of text → typed columns: numbers with their missing values, and the columns kept as text.

What a column is for is decided in `layout.py`. Decimal commas, thousands signs and the many words for "no value" are
dealt with here and nowhere else.
"""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge_agent.core.baseline import Floats
from edge_agent.errors import DataError
from edge_agent.tables.csvfile import AUTO, CsvFile

MISSING: Final = frozenset(
    ("", "na", "n/a", "#n/a", "nan", "null", "none", "nil", "-", "--", "?", ".", "missing", "inf", "+inf", "-inf")
)
_COMMA_NUMBER: Final = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?")
_DOT_NUMBER: Final = re.compile(r"[+-]?\d*\.\d+([eE][+-]?\d+)?")
_DOT_GROUPS: Final = re.compile(r"[+-]?[1-9]\d{0,2}(\.\d{3})+(,\d+)?")
_COMMA_GROUPS: Final = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?")

Parse = Callable[[str], float | None]


@dataclass(slots=True)
class Strays:
    """Values of a column that are neither numbers nor missing."""

    count: int = 0
    line: int = 0
    value: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """The columns of a file that were asked for."""

    path: Path
    lines: NDArray[np.int64]  # (rows,) line in the file
    texts: dict[str, list[str]]
    numbers: dict[str, Floats]  # (rows,) each, NaN where missing
    strays: dict[str, Strays]
    notes: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.lines)


def is_missing(text: str) -> bool:
    """Whether a field says that there is no value."""
    return text.strip().lower() in MISSING


def decimal_sign(file: CsvFile, wanted: str = AUTO) -> str:
    """`.` or `,`: as wanted, else as the first rows are written."""
    if wanted in {".", ","}:
        return wanted
    if wanted != AUTO:
        raise DataError(f"{wanted!r} is no decimal sign", hint="--decimal takes . or , or auto")
    fields = [text.strip() for row in file.sample for text in row]
    commas = [text for text in fields if _COMMA_NUMBER.fullmatch(text)]
    if file.separator == ",":
        commas = [text for text in commas if not _COMMA_GROUPS.fullmatch(text)]
    dots = any(_DOT_NUMBER.fullmatch(text) and not _DOT_GROUPS.fullmatch(text) for text in fields)
    return "," if commas and not dots else "."


def number_parser(decimal: str, separator: str) -> Parse:
    """A function text → number, NaN where missing, None where it is something else."""
    groups = _COMMA_GROUPS if separator == "," else re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+\.\d+")

    def with_dot(text: str) -> float | None:
        try:
            return float(text) if "_" not in text else None
        except ValueError:
            text = text.strip()
        if text.lower() in MISSING:
            return math.nan
        if groups.fullmatch(text):
            return float(text.replace(",", ""))
        return float(text.replace(",", ".")) if _COMMA_NUMBER.fullmatch(text) else None

    def with_comma(text: str) -> float | None:
        text = text.strip()
        if _DOT_GROUPS.fullmatch(text):
            text = text.replace(".", "")
        try:
            return float(text.replace(",", ".")) if "_" not in text else None
        except ValueError:
            return math.nan if text.lower() in MISSING else None

    return with_comma if decimal == "," else with_dot


def read_table(file: CsvFile, *, texts: Collection[str], numbers: Sequence[str], decimal: str = AUTO) -> Table:
    """The named columns of a file.

    Raises:
        DataError: the file is damaged or has no rows.
    """
    sign = decimal_sign(file, decimal)
    parse = number_parser(sign, file.separator)
    place = {name: i for i, name in enumerate(file.names)}
    kept: dict[str, list[str]] = {name: [] for name in texts}
    read = {name: array("d") for name in numbers}
    strays = {name: Strays() for name in numbers}
    text_columns = [(place[name], kept[name]) for name in kept]
    number_columns = [(place[name], read[name], strays[name]) for name in read]
    lines = array("q")
    for line, fields in file.rows():
        lines.append(line)
        for i, into in text_columns:
            into.append(fields[i].strip())
        for i, values, stray in number_columns:
            value = parse(fields[i])
            if value is None:
                if not stray.count:
                    stray.line, stray.value = line, fields[i].strip()
                stray.count += 1
                value = math.nan
            values.append(value)
    if not lines:
        raise DataError(f"{file.path} has no complete row", hint="the file needs a line per row of values")
    columns = {name: np.frombuffer(values, dtype=np.float64).copy() for name, values in read.items()}
    for column in columns.values():
        column[~np.isfinite(column)] = np.nan
    notes = [*file.notes, *(["numbers are written with a decimal comma"] if sign == "," else [])]
    return Table(file.path, np.frombuffer(lines, dtype=np.int64).copy(), kept, columns, strays, notes)
