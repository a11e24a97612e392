"""Blocks as they lie in the database: the dictionaries of names, and a lazy sequence of blocks.

A day of readings does not fit the memory of a small gateway, so a block is read and unpacked when it is asked for, and
no cursor stays open in between (an open one would keep the write-ahead log from being truncated).
"""

from __future__ import annotations

import logging
import sqlite3
from array import array
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import overload

from edge_agent.core.types import Reading
from edge_agent.store import blocks
from edge_agent.store.faults import is_damage, store_error

logger = logging.getLogger(__name__)

_SELECT = {"asset": "SELECT id, name FROM asset", "channel": "SELECT id, name FROM channel"}
_SELECT_BLOCK = "SELECT data FROM reading_block WHERE id = ? AND typeof(data) = 'blob'"  # or a flipped bit made it none
_INSERT = {"asset": "INSERT INTO asset(name) VALUES (?)", "channel": "INSERT INTO channel(name) VALUES (?)"}


def read_names(conn: sqlite3.Connection, table: str) -> dict[int, str]:
    """The names of one dictionary table by their numbers."""
    return {int(row): str(name) for row, name in conn.execute(_SELECT[table]).fetchall()}


class NameTable:
    """The ids of the names in one dictionary table (`asset` or `channel`), as the one writer knows them."""

    def __init__(self, conn: sqlite3.Connection, table: str) -> None:
        self._conn, self._table = conn, table
        self._ids = {name: row for row, name in read_names(conn, table).items()}
        self._fresh: list[str] = []

    def learn(self, names: Iterable[str]) -> Mapping[str, int]:
        """Ids of all names, new ones inserted in the transaction that is open."""
        for name in names:
            if name not in self._ids:
                self._fresh.append(name)
                self._ids[name] = int(self._conn.execute(_INSERT[self._table], (name,)).lastrowid or 0)
        return self._ids

    def settle(self, *, committed: bool) -> None:
        """The transaction is over; without a commit its names are forgotten, or later blocks would point nowhere."""
        if not committed:
            for name in self._fresh:
                self._ids.pop(name, None)
        self._fresh.clear()


class StoredBlocks(Sequence[tuple[int, list[Reading]]]):
    """Blocks by id, each read when it is looked at; one that is damaged or pruned meanwhile has no readings.

    Raises:
        StoreError: on access, when the file cannot be read.
    """

    def __init__(self, conn: sqlite3.Connection, path: Path, ids: Iterable[int]) -> None:
        self._conn, self._path, self._ids = conn, path, array("q", ids)
        self._assets, self._channels = read_names(conn, "asset"), read_names(conn, "channel")

    def __len__(self) -> int:
        """Number of blocks."""
        return len(self._ids)

    @overload
    def __getitem__(self, index: int) -> tuple[int, list[Reading]]: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[tuple[int, list[Reading]]]: ...

    def __getitem__(self, index: int | slice) -> tuple[int, list[Reading]] | Sequence[tuple[int, list[Reading]]]:
        """A block id with its readings."""
        if isinstance(index, slice):
            return [self._load(block) for block in self._ids[index]]
        return self._load(self._ids[index])

    def _load(self, block: int) -> tuple[int, list[Reading]]:
        try:
            rows = self._conn.execute(_SELECT_BLOCK, (block,)).fetchall()
            return block, [r for (data,) in rows for r in blocks.unpack(data, self._assets, self._channels)]
        except sqlite3.Error as error:
            if not is_damage(error):
                raise store_error(error, self._path, f"read block {block}") from error
            reason = str(error)
        except ValueError as error:
            reason = str(error)
        logger.warning("store_block_damaged path=%s block=%d reason=%s", self._path, block, reason)
        return block, []
