"""Readings put aside: what has come of an asset on hold, to be judged in order of event time.

Eighteen bytes a reading: the buffer of a long outage of a whole site is kept so.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from edge_agent.core.baseline import Floats


class Entry(NamedTuple):
    """One reading of the asset."""

    column: int  # of its channel in the class
    time: float
    value: float
    newest: bool  # of its channel, among all that is aside


class Aside:
    """The readings of one asset that wait."""

    __slots__ = ("_columns", "_times", "_values", "newest")

    def __init__(self) -> None:
        self.newest = -math.inf  # newest event time that ever waited here
        self._columns, self._times, self._values = array("H"), array("d"), array("d")

    def __len__(self) -> int:
        """How many wait."""
        return len(self._times)

    def add(self, column: int, time: float, value: float) -> None:
        """Put one reading aside."""
        self._columns.append(column)
        self._times.append(time)
        self._values.append(value)
        self.newest = max(self.newest, time)

    @property
    def oldest(self) -> float:
        """Oldest event time that waits; infinite where none does."""
        return min(self._times, default=math.inf)

    def take(self, until: float) -> Iterator[Entry]:
        """Those up to a time, oldest first and whatever order they came in; what was sent twice comes once."""
        columns, times, values = self._arrays()
        last = {int(column): float(times[columns == column].max()) for column in np.unique(columns)}
        order = np.lexsort((values, columns, times))
        due = order[times[order] <= until]
        rest = np.sort(order[times[order] > until])
        self._columns, self._times, self._values = (
            array("H", columns[rest].tolist()),
            array("d", times[rest].tolist()),
            array("d", values[rest].tolist()),
        )
        before: tuple[int, float, float] | None = None
        for row in due.tolist():
            column, time, value = now = int(columns[row]), float(times[row]), float(values[row])
            if now != before:
                yield Entry(column, time, value, newest=time == last[column])
            before = now

    def dump(self) -> Floats:
        """All that waits, in the order in which it came: column, time and value, (n, 3)."""
        return np.column_stack([part.astype(float) for part in self._arrays()])

    @classmethod
    def of(cls, rows: Floats, newest: float) -> Aside:
        """What `dump` gave, and the newest time that ever waited."""
        aside = cls()
        for column, time, value in rows.tolist():
            aside.add(int(column), time, value)
        aside.newest = newest
        return aside

    def _arrays(self) -> tuple[np.ndarray, Floats, Floats]:
        return (
            np.frombuffer(self._columns, dtype=np.uint16).copy() if self._columns else np.zeros(0, np.uint16),
            np.array(self._times),
            np.array(self._values),
        )
