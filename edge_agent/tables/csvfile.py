"""A CSV file as it lies on disk → header and rows of text: encoding, compression, separator, ragged lines.

No meaning belongs here: numbers are made in `table.py`, and what a column is for is decided in `layout.py`.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import itertools
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final, TextIO, cast

from edge_agent.errors import DataError

AUTO: Final = "auto"
WHITESPACE: Final = " "
SAMPLE_ROWS: Final = 200  # rows looked at before anything is decided
NAMED_SEPARATORS: Final = {
    "tab": "\t",
    "\\t": "\t",
    "whitespace": WHITESPACE,
    "space": WHITESPACE,
    "comma": ",",
    "semicolon": ";",
}
_SEPARATORS: Final = (";", "\t", "|", ",")  # `;` first: such files may hold decimal commas
_AGREEMENT: Final = 0.8  # share of sample rows that must have the same number of fields
_UTF16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
_EXCEL_LINE: Final = re.compile(r"sep=(.)", re.IGNORECASE)  # a first line by which Excel names the separator
_NUMBER: Final = re.compile(r"[+-]?[\d.,]*\d[\d.,]*([eE][+-]?\d+)?|nan", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """How a file is written, as far as the caller knows."""

    separator: str = AUTO
    header: bool = True
    columns: tuple[str, ...] = ()  # names for a file without a header
    encoding: str = "utf-8"


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A file whose shape is known; rows are read anew on every call."""

    path: Path
    names: tuple[str, ...]
    separator: str
    encoding: str
    skipped: int  # lines with content before the first row of data
    sample: tuple[tuple[str, ...], ...]  # first rows
    notes: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The file name without its extensions."""
        return bare_name(self.path)

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Line number and fields of every row, as many fields as there are names.

        Raises:
            DataError: a line has another number of fields, or the file cannot be read.
        """
        width = len(self.names)
        with _opened(self.path, self.encoding) as stream:
            rows = itertools.islice(_records(stream, self.separator), self.skipped, None)
            for line, fields in rows:
                if len(fields) > width and not any(field.strip() for field in fields[width:]):
                    del fields[width:]
                if len(fields) == width:
                    yield line, fields
                elif len(fields) < width and next(rows, None) is None:
                    self.notes.append(f"line {line} is cut off ({len(fields)} of {width} fields) and was left out")
                else:
                    raise DataError(
                        f"{self.path}, line {line}: {len(fields)} fields, {width} expected: {_quoted(fields)}",
                        hint="correct the line, or name the separator with --separator",
                    )

    def column(self, wanted: str) -> str:
        """The name of a column as the file writes it, upper and lower case aside.

        Raises:
            DataError: there is no such column.
        """
        if wanted in self.names:
            return wanted
        alike = [name for name in self.names if name.casefold() == " ".join(wanted.split()).casefold()]
        if len(alike) == 1:
            return alike[0]
        raise DataError(
            f"{self.path} has no column {wanted!r}; its columns are: {', '.join(self.names)}",
            hint="name one of these, or --columns a,b,c and --no-header for a file without a header",
        )


def bare_name(path: Path) -> str:
    """The file name without `.gz` and the extension before it."""
    name = path.name.removesuffix(".gz")
    return name.rsplit(".", 1)[0] or name


def open_csv(path: Path, form: Format) -> CsvFile:
    """The shape of a file: separator, names of the columns, first rows.

    Raises:
        DataError: the file is empty, unreadable, not text, or has no header where one is expected.
    """
    encoding = _encoding(path, form.encoding)
    with _opened(path, encoding) as stream:
        lines = [line for line in itertools.islice(stream, SAMPLE_ROWS) if line.strip()]
    excel = _EXCEL_LINE.fullmatch(lines[0].strip()) if lines else None
    separator = NAMED_SEPARATORS.get(form.separator, form.separator)
    if separator == AUTO:
        separator = excel[1] if excel else _separator(lines)
    if len(separator) != 1:
        raise DataError(
            f"{form.separator!r} is no separator", hint="--separator takes one character, tab, whitespace or auto"
        )
    skipped = 1 if excel else 0
    with _opened(path, encoding) as stream:
        records = itertools.islice(_records(stream, separator), skipped, SAMPLE_ROWS)
        sample = [tuple(fields) for _, fields in records]
    if not sample:
        raise DataError(f"{path} is empty", hint="the file needs a line per row of values")
    first = sample[0]
    if form.columns:
        names = _named(form.columns)
    elif form.header:
        if all(_NUMBER.fullmatch(field.strip()) for field in first if field.strip()):
            raise DataError(
                f"{path} has no header: its first line holds only numbers ({_quoted(first)})",
                hint="--no-header, or --columns a,b,c to name the columns (--preset cmapss for C-MAPSS files)",
            )
        names, skipped = _named(first), skipped + 1
    else:
        names = tuple(f"c{i}" for i in range(1, len(_stripped(first)) + 1))
    rows = sample[1:] if form.header and not form.columns else sample
    if not rows:
        raise DataError(f"{path} has a header and no rows", hint="the file needs a line per row of values")
    return CsvFile(path, names, separator, encoding, skipped, tuple(rows))


def _encoding(path: Path, encoding: str) -> str:
    try:
        codecs.lookup(encoding)
    except LookupError as error:
        raise DataError(f"{error}", hint="--encoding takes names such as utf-8, cp1252, utf-16") from error
    with _opened_bytes(path) as stream:
        start = stream.read(2)
    if start in _UTF16_MARKS:
        return "utf-16"
    return "utf-8-sig" if encoding.lower().replace("_", "-") in {"utf-8", "utf8"} else encoding


@contextmanager
def _faults(path: Path) -> Iterator[None]:
    """Foreign errors of reading as a DataError."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not {error.encoding} text: byte 0x{error.object[error.start]:02x}",
            hint="--encoding cp1252 for files of Western Windows, or save the file as UTF-8",
        ) from error
    except csv.Error as error:
        raise DataError(f"{path}: {error}", hint="a quotation mark is probably not closed; correct the file") from error
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(
            f"{path} cannot be read: {error}", hint="check the path, and that .gz files are complete"
        ) from error


@contextmanager
def _opened_bytes(path: Path) -> Iterator[BinaryIO]:
    with _faults(path), path.open("rb") as stream:
        if path.suffix != ".gz":
            yield stream
            return
        with gzip.GzipFile(fileobj=stream) as unpacked:
            yield cast("BinaryIO", unpacked)


@contextmanager
def _opened(path: Path, encoding: str) -> Iterator[TextIO]:
    with _opened_bytes(path) as stream, io.TextIOWrapper(stream, encoding=encoding, newline="") as text:
        yield text


def _records(stream: Iterable[str], separator: str) -> Iterator[tuple[int, list[str]]]:
    """Line number and fields of every line with content."""
    if separator == WHITESPACE:
        yield from ((n, fields) for n, line in enumerate(stream, 1) if (fields := line.split()))
        return
    reader = csv.reader(stream, delimiter=separator, skipinitialspace=True)
    for fields in reader:
        if len(fields) > 1 or (fields and fields[0].strip()):
            yield reader.line_num, fields


def _separator(lines: Sequence[str]) -> str:
    """The separator that cuts most lines into the same number of fields, more than one."""
    best, agreement = ",", 0.0
    for candidate in (*_SEPARATORS, WHITESPACE):
        widths = Counter(len(_stripped(fields)) for _, fields in _records(lines, candidate))
        width, count = widths.most_common(1)[0] if widths else (0, 0)
        share = count / max(widths.total(), 1)
        if width > 1 and share >= _AGREEMENT and share > agreement:
            best, agreement = candidate, share
    return best


def _stripped(fields: Sequence[str]) -> Sequence[str]:
    """The fields without an empty last one: many loggers end a line with a separator."""
    return fields[:-1] if len(fields) > 1 and not fields[-1].strip() else fields


def _named(fields: Sequence[str]) -> tuple[str, ...]:
    """Column names: one line each, none empty, no two alike."""
    names: list[str] = []
    for number, raw in enumerate(_stripped(fields), 1):
        name = plain = " ".join(raw.split()) or f"column {number}"
        copy = 1
        while name in names:
            copy += 1
            name = f"{plain} ({copy})"
        names.append(name)
    return tuple(names)


def _quoted(fields: Sequence[str]) -> str:
    shown = ", ".join(fields)
    return f"{shown[:80]}…" if len(shown) > 80 else shown  # noqa: PLR2004 - a line of the terminal
