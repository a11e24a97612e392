"""Which QoS 1 messages the newest commits brought: a row of marks a commit, each behind the number of its last message.

A row that is no longer worth anything is written over in its place. Deleting it and adding another touches two pages
more and takes new ones from the file: measured 20 kB instead of 12 for a commit of a hundred readings.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Sequence

from edge_agent.core.identity import MARK_BYTES
from edge_agent.store import records

_NUMBER = 0  # packet id of the first mark, which is the number of the last message: no message has this id


class SeenBlocks:
    """The rows of marks, oldest first."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        """Look at what is there.

        Raises:
            sqlite3.Error: it cannot be read.
        """
        self._conn = conn
        rows = sorted((number, row, len(marks)) for number, row, marks in self._load())
        self._newest = rows[-1][0] if rows else 0  # number of the last message
        self._rows = deque((row, count) for _, row, count in rows)  # id, marks in it
        self._written: tuple[int, int, bool] | None = None  # row, marks, whether the oldest was written over

    def add(self, seen: Sequence[tuple[int, bytes]], kept: int) -> None:
        """Write the marks of a commit inside its transaction; at least the newest `kept` stay."""
        others = sum(count for _, count in self._rows) + len(seen)
        again = bool(self._rows) and others - self._rows[0][1] >= kept
        row = self._rows[0][0] if again else max((row for row, _ in self._rows), default=0) + 1
        number = (self._newest + len(seen)).to_bytes(MARK_BYTES, "big")
        self._conn.execute(records.WRITE_SEEN, (row, records.pack_seen([(_NUMBER, number), *seen])))
        self._written = row, len(seen), again

    def settle(self, *, committed: bool) -> None:
        """Take note of how the transaction ended."""
        if committed and self._written is not None:
            row, count, again = self._written
            if again:
                self._rows.popleft()
            self._rows.append((row, count))
            self._newest += count
        self._written = None

    def read(self) -> dict[int, bytes]:
        """Packet id → mark of the newest messages, oldest first.

        Raises:
            sqlite3.Error: they cannot be read.
        """
        found: dict[int, bytes] = {}
        for _, _, marks in sorted(self._load()):
            for mid, mark in marks:
                found.pop(mid, None)  # what was seen last stands last
                found[mid] = mark
        return found

    def _load(self) -> list[tuple[int, int, list[tuple[int, bytes]]]]:
        """Number of the last message, row id and marks of each row; rows without a number are of the agent before."""
        loaded = []
        for row, data in self._conn.execute(records.SELECT_SEEN).fetchall():
            marks, number = records.unpack_seen(data), row
            if marks and marks[0][0] == _NUMBER:
                number = int.from_bytes(marks.pop(0)[1], "big")
            loaded.append((number, row, marks))
        return loaded
