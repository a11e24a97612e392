"""The publisher's look at what is to be sent: a connection of its own that cannot write."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

from edge_agent.core.types import Outgoing
from edge_agent.ports import Queued
from edge_agent.store import records
from edge_agent.store.database import connect_readonly
from edge_agent.store.faults import store_error


def open_outbox(path: Path) -> SqliteOutbox:
    """The outbox of the journal at `path`, which is opened first: that makes the file.

    Raises:
        StoreError: the file is missing or cannot be read.
    """
    try:
        return SqliteOutbox(connect_readonly(path), path)
    except sqlite3.Error as error:
        raise store_error(error, path, "read its outbox") from error


class SqliteOutbox:
    """What lies in the outbox of an SQLite journal. Used by one thread at a time."""

    def __init__(self, conn: sqlite3.Connection, path: Path) -> None:
        self._conn, self._path = conn, path

    def pending(self, *, after: frozenset[int], held: frozenset[str] = frozenset(), limit: int) -> list[Queued]:
        """Oldest unsent messages, alarms first, without the ids in `after` and the groups in `held`.

        Raises:
            StoreError: the file cannot be read.
        """
        try:
            left_out = json.dumps(sorted(after)), json.dumps(sorted(held))
            rows = self._conn.execute(records.SELECT_PENDING, (*left_out, limit)).fetchall()
        except sqlite3.Error as error:
            raise store_error(error, self._path, "read its outbox") from error
        return [
            Queued(row, Outgoing(key, topic, payload, qos, bool(retain), lane, group, correlation or b""))
            for row, key, topic, payload, qos, retain, lane, group, correlation in rows
        ]

    def close(self) -> None:
        """Close the connection."""
        self._conn.close()
