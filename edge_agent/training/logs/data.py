"""Labelled log lines of files → cleaned texts with their classes, and folds. Every repair is counted; no model here.

A text reaches nothing but `core.text.clean`, as everywhere: control characters, other alphabets and 100 KB become at
most 160 harmless characters. Rows that repeat a text stay in one fold, or a model would be asked what it was told.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold

from edge_agent.core.text import clean
from edge_agent.errors import DataError, UsageError
from edge_agent.tables.csvfile import Format, open_csv

Indices = NDArray[np.int64]

FEWEST_CLASSES: Final = 2  # to learn from; a test file may hold a single one
_SHOWN: Final = 60  # characters of a line in an error
_LONGEST_LABEL: Final = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Where text and label stand: in named columns, or before and after the last comma of lines without a header."""

    text: str = "text"
    label: str = "label"
    last_comma: bool = False


@dataclass(frozen=True, slots=True)
class LabelledTexts:
    """N log lines with their classes."""

    texts: tuple[str, ...]  # cleaned, none empty
    classes: tuple[str, ...]  # the names, sorted
    label: Indices  # (N,) index into classes
    notes: tuple[str, ...] = ()  # what was repaired or is worth knowing, in words

    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True, slots=True)
class Fold:
    """Rows to learn from and rows to be judged on; no row is in both."""

    train: Indices
    test: Indices


def read_labelled(paths: Sequence[Path], columns: Columns, form: Format, fewest: int = FEWEST_CLASSES) -> LabelledTexts:
    """The rows of all files, one after the other; rows without a text or without a label are left out and counted.

    Raises:
        DataError: a file cannot be read, has no such column, or all files together hold fewer than `fewest` classes.
    """
    texts: list[str] = []
    names: list[str] = []
    notes: list[str] = []
    lacking: Counter[str] = Counter()
    for path in paths:
        for text, label in _last_comma_rows(path) if columns.last_comma else _named_rows(path, columns, form, notes):
            cleaned, name = clean(text), _printable(label)
            if cleaned and name:
                texts.append(cleaned)
                names.append(name)
            else:
                lacking["label" if cleaned else "text"] += 1
    classes = tuple(sorted(set(names)))
    if len(classes) < fewest:
        said = f"only the class {classes[0]!r}" if classes else "no row with a text and a label"
        raise DataError(
            f"{', '.join(map(str, paths))}: {said}: there is nothing to tell apart",
            hint="name the column of the labels with --label-column, or --last-comma for lines of the form text,label",
        )
    notes += [f"{count} rows without a {what} were left out" for what, count in sorted(lacking.items())]
    if repeated := len(texts) - len(set(texts)):
        notes.append(f"{repeated} rows repeat a text of another row; rows with one text stay together in one fold")
    number = {name: k for k, name in enumerate(classes)}
    return LabelledTexts(tuple(texts), classes, np.array([number[name] for name in names]), tuple(notes))


def with_test(train: LabelledTexts, test: LabelledTexts) -> tuple[LabelledTexts, Fold]:
    """Both sets as one, with the single fold train → test."""
    classes = tuple(sorted({*train.classes, *test.classes}))
    number = {name: k for k, name in enumerate(classes)}
    names = [one.classes[k] for one in (train, test) for k in one.label.tolist()]
    notes = [*(f"train: {note}" for note in train.notes), *(f"test: {note}" for note in test.notes)]
    if known := len(set(test.texts) & set(train.texts)):
        notes.append(f"{known} texts of the test file are in the training files as well")
    if unseen := sorted(set(test.classes) - set(train.classes)):
        notes.append(f"classes of the test file that are not in the training files, never right: {', '.join(unseen)}")
    both = LabelledTexts(
        (*train.texts, *test.texts), classes, np.array([number[name] for name in names]), tuple(notes)
    )  # fmt: skip
    return both, Fold(np.arange(len(train)), np.arange(len(train), len(both)))


def stratified_folds(data: LabelledTexts, count: int, seed: int) -> list[Fold]:
    """Folds with classes spread evenly, by distinct text; a text is stratified by the label of its first row.

    Raises:
        UsageError: no class has as many distinct texts as there are folds, or a fold would learn from one class alone.
    """
    _, first, place = np.unique(np.array(data.texts), return_index=True, return_inverse=True)
    order = np.argsort(first)  # distinct texts in the order of the file
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    group = rank[place]  # (N,) number of the row's text
    label = data.label[first[order]]  # (distinct,)
    largest = int(np.bincount(label).max())
    if largest < count:
        raise UsageError(
            f"--folds {count}: the largest class has {largest} distinct texts",
            hint=f"--folds {largest}, or more labelled rows" if largest > 1 else "give more rows per class",
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of rare classes, which `rare_classes` says in our words
        parts = list(StratifiedKFold(count, shuffle=True, random_state=seed).split(label, label))
    folds = [Fold(np.flatnonzero(np.isin(group, train)), np.flatnonzero(np.isin(group, test))) for train, test in parts]
    if any(len(set(data.label[fold.train].tolist())) < FEWEST_CLASSES for fold in folds):
        raise UsageError(
            f"--folds {count}: a fold would learn from rows of one class alone", hint="give more rows of the others"
        )
    return folds


def rare_classes(data: LabelledTexts, count: int) -> dict[str, int]:
    """Classes with fewer distinct texts than folds, and how many: in some folds they are only learned or only asked."""
    distinct = {(text, k) for text, k in zip(data.texts, data.label.tolist(), strict=True)}
    sizes = Counter(k for _, k in distinct)
    return {data.classes[k]: sizes[k] for k in sorted(sizes) if sizes[k] < count}


def _named_rows(path: Path, columns: Columns, form: Format, notes: list[str]) -> Iterator[tuple[str, str]]:
    """Text and label of every row; what reading has repaired is added to the notes at the end."""
    file = open_csv(path, form)
    text, label = (file.names.index(file.column(name)) for name in (columns.text, columns.label))
    for _, fields in file.rows():
        yield fields[text], fields[label]
    notes += [f"{path.name}: {note}" for note in file.notes]


def _last_comma_rows(path: Path) -> Iterator[tuple[str, str]]:
    try:
        rows = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}", hint="--last-comma takes a UTF-8 text file") from error
    for number, row in enumerate(rows, start=1):
        if not row.strip():
            continue
        text, comma, label = row.rpartition(",")
        if not comma:
            raise DataError(
                f"{path}, line {number}: no comma between text and label in {row[:_SHOWN]!r}",
                hint="write the line as text,label; or leave --last-comma out for a file with a header",
            )
        yield text, label


def _printable(label: str) -> str:
    """A label as one short line that a terminal can show."""
    plain = "".join(character if character.isprintable() else " " for character in label)
    return " ".join(plain.split())[:_LONGEST_LABEL]
