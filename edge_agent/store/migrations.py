"""The schema, one numbered migration per version; sqlite-utils applies each in a transaction of its own.

A migration that has been released is never changed: a new one is added, with a sample of the schema before it in
`tests/data/`. Tables are STRICT. Columns read while searching stand before large ones, because SQLite has to walk
through a row to reach its end. `reading_block`, `verdict` and `outbox` have no index on time: the page it would touch
in every commit adds half as much again to the bytes written to flash (measured: 8.2 → 12.7 kB per commit), and their
rows lie in the order of time but for late ones anyway.
"""

from __future__ import annotations

import sys
import time

from sqlite_utils import Database, Migrations
from sqlite_utils.db import Table

from edge_agent import __version__
from edge_agent.store.records import pack_seen

SET_NAME = "edge_agent.store"
MIGRATIONS_TABLE = Migrations.migrations_table

migrations = Migrations(SET_NAME)


def known() -> tuple[str, ...]:
    """Names of the migrations this agent knows, in order."""
    return _NAMES


def apply(db: Database, *, up_to: int = sys.maxsize) -> None:
    """Bring the database to the newest schema, or to that after the first so many migrations."""
    migrations.apply(db, stop_before=_NAMES[up_to:])


@migrations(name="0001_journal")
def _journal(db: Database) -> None:
    for names in ("asset", "channel"):
        # no index: the one writer knows all names, and an index that disagrees with a flipped name refuses every commit
        _create(db, names, {"id": int, "name": str})
    _create(
        db,
        "reading_block",
        {
            "id": int,
            "asset_count": int,
            "first": float,
            "last": float,
            "clock": str,
            "readings": int,
            "data": bytes,
        },
    )
    _create(
        db,
        "log_line",
        {"id": str, "asset": str, "time": float, "text": str, "author": str, "work_order": str, "clock": str},
        optional={"author", "work_order"},
    ).create_index(["time"])
    _create(
        db,
        "verdict",
        {
            "id": int,
            "time": float,
            "asset": str,
            "risk": float,
            "mode": str,
            "mode_probability": float,
            "status": str,
            "historical": int,
            "clock": str,
            "text": str,
        },
    )
    _create(
        db,
        "alarm_event",
        {
            "alarm_id": str,
            "rev": int,
            "asset": str,
            "kind": str,
            "transition": str,
            "time": float,
            "active": int,
            "severity": str,
            "risk": float,
            "mode": str,
            "summary": str,
            "clock": str,
            "event": str,
        },
        pk=("alarm_id", "rev"),
        optional={"risk"},
    ).create_index(["time"])
    _create(db, "state", {"name": str, "data": bytes}, pk="name")
    _create(
        db,
        "outbox",
        {
            "id": int,
            "key": str,
            "topic": str,
            "qos": int,
            "retain": int,
            "lane": int,
            "grp": str,
            "created": float,
            "sent": float,
            "tries": int,
            "payload": bytes,
        },
        optional={"sent"},
    ).create_index(["key"], unique=True)
    db.execute("CREATE INDEX outbox_unsent ON outbox(lane, id) WHERE sent IS NULL")
    _create(db, "seen", {"mid": int, "digest": "ANY"}, pk="mid")
    _create(db, "meta", {"name": str, "value": str}, pk="name")
    db.table("meta").insert_all(
        [{"name": "created_by", "value": __version__}, {"name": "created", "value": f"{time.time():.0f}"}]
    )


@migrations(name="0002_seen_block")
def _seen_block(db: Database) -> None:
    """One packed row a commit instead of a row a message: its id is the number of the last message in it."""
    _create(db, "seen_block", {"id": int, "data": bytes})
    marks = [(int(mid), bytes(mark)) for mid, mark in db.execute(_OLD_MARKS).fetchall()]
    if marks:
        db.table("seen_block").insert({"id": len(marks), "data": pack_seen(marks)})
    db.table("seen").drop()


@migrations(name="0003_command")
def _command(db: Database) -> None:
    """What people and other programs asked for, and what came of it; an answer bears the asker's correlation data."""
    _create(
        db,
        "command",
        {
            "request_id": str,
            "received": float,
            "issued": float,
            "name": str,
            "asset": str,
            "kind": str,
            "alarm_id": str,
            "actor": str,
            "via": str,
            "accepted": int,
            "answer": str,
            "label": str,
            "comment": str,
            "clock": str,
            "request": str,
        },
        pk="request_id",
    ).create_index(["alarm_id"])
    db.table("outbox").add_column("correlation", bytes)


_NAMES = ("0001_journal", "0002_seen_block", "0003_command")
_OLD_MARKS = "SELECT mid, digest FROM seen WHERE typeof(digest) = 'blob' AND length(digest) = 8 AND mid < 65536"


def _create(
    db: Database,
    name: str,
    columns: dict[str, type | str],
    *,
    pk: str | tuple[str, ...] = "id",
    optional: frozenset[str] | set[str] = frozenset(),
) -> Table:
    keys = {pk} if isinstance(pk, str) else set(pk)
    return db.table(name).create(columns, pk=pk, not_null=set(columns) - optional - keys, strict=True)
