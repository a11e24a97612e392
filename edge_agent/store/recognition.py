"""Whose a file is: a journal of ours in which schema, a foreign database, or ours but damaged in its schema.

Only reads. One flipped bit in the text of the schema leaves a sound SQLite file whose columns have other names, which
no check of SQLite's finds; so tables and columns are compared with those that the migrations make.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sqlite_utils import Database

from edge_agent.errors import ForeignStoreError
from edge_agent.store import migrations
from edge_agent.store.faults import primary_code

_COLUMNS = """
SELECT tables.name, columns.name FROM sqlite_master AS tables JOIN pragma_table_info(tables.name) AS columns
WHERE tables.type = 'table' AND tables.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
"""
_APPLIED = "SELECT name FROM _sqlite_migrations WHERE migration_set = ?"

Columns = dict[str, set[str]]


@dataclass(frozen=True, slots=True)
class Recognised:
    """A file that is ours, or empty."""

    current: bool  # in the newest schema
    damage: str  # what is wrong with its schema, empty when nothing is


def recognise(conn: sqlite3.Connection, path: Path) -> Recognised:
    """What the file is.

    Raises:
        ForeignStoreError: it belongs to something else, or to a newer agent.
        sqlite3.Error: it cannot be read.
    """
    try:
        found = _columns(conn)
    except UnicodeDecodeError:  # Python cannot even say what SQLite found wrong
        return Recognised(current=False, damage="the schema is not text")
    except sqlite3.OperationalError as error:
        if primary_code(error) != sqlite3.SQLITE_ERROR:
            raise
        return Recognised(current=False, damage=str(error))  # no fault of so plain a query: the head is damaged
    known = migrations.known()
    ours = _our_columns(len(known))
    applied: set[str] = set()
    if ours[migrations.MIGRATIONS_TABLE] <= found.get(migrations.MIGRATIONS_TABLE, set()):
        applied = {str(name) for (name,) in conn.execute(_APPLIED, (migrations.SET_NAME,)).fetchall()}
    if newer := sorted(applied.difference(known)):
        if applied.issuperset(known):
            raise ForeignStoreError(
                f"journal {path} was written by a newer agent (schema {newer[-1]}, this one knows {known[-1]})",
                hint="install the newer version again, or move the file away to begin a new one",
            )
        return Recognised(current=False, damage=f"unknown migration {newer[-1]!r}")
    if applied:
        return Recognised(current=applied.issuperset(known), damage=_mismatch(found, applied))
    others = found.keys() - {migrations.MIGRATIONS_TABLE}
    if others:
        if len(others & ours.keys()) > len(others) / 2:
            return Recognised(current=False, damage="the list of migrations is lost")
        raise ForeignStoreError(
            f"{path} is a database, but not a journal of this agent (tables: {', '.join(sorted(others)[:5])})",
            hint="change `path` of [store] to a file of its own",
        )
    return Recognised(current=False, damage="")


def _mismatch(found: Columns, applied: set[str]) -> str:
    """What of the schema disagrees with the list of migrations; empty when nothing does."""
    known = migrations.known()
    if applied != set(known[: len(applied)]):
        return "a migration is lost from the list"
    ours = _our_columns(len(applied))
    if early := sorted(found.keys() & (_our_columns(len(known)).keys() - ours.keys())):
        return f"table {early[0]} is there before its migration"
    for table, columns in ours.items():
        if table not in found:
            return f"table {table} is lost"
        if lost := sorted(columns - found[table]):
            return f"table {table} has lost its column {lost[0]}"
    return ""


@cache
def _our_columns(count: int) -> Columns:
    """Tables and columns as the first so many migrations make them, in memory."""
    db = Database(memory=True, execute_plugins=False, strict=True)
    try:
        migrations.apply(db, up_to=count)
        return _columns(db.conn)
    finally:
        db.close()


def _columns(conn: sqlite3.Connection) -> Columns:
    found: Columns = {}
    for table, column in conn.execute(_COLUMNS).fetchall():
        found.setdefault(table, set()).add(column)
    return found
