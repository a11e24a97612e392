"""Opening the file: who may, with which pragmas, and what happens to one that is damaged, foreign or newer.

Every connection is made here. `max_page_count` is set on each of them, because it is not stored and a disk that is
really full cannot be healed from inside the write-ahead log (measured); the log may add some megabytes to `max_bytes`.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlite_utils import Database

from edge_agent.errors import StoreError
from edge_agent.store import migrations, quarantine
from edge_agent.store.durable import sync_folder
from edge_agent.store.faults import WRITE_ACCESS, is_damage, store_error
from edge_agent.store.recognition import recognise

DAY_S = 86400.0
BUSY_S = 5.0  # how long to wait for another connection's lock
WAL_BYTES = 4 << 20  # the log is cut back to this after a checkpoint
WAL_PAGES = 4000  # 16 MB in the log: then a commit does the checkpoint itself, which `SqliteJournal.checkpoint` avoids


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSettings:
    """Where the journal lies, how large it may grow, and how long what is kept.

    The defaults hold two weeks of 100 readings a second and of a verdict on each of ten assets a minute (45 and 10 MB a
    day, measured); with more, the size limit acts first.
    """

    path: Path
    max_bytes: int = 1 << 30
    retention_readings_s: float = 14 * DAY_S
    retention_verdicts_s: float = 30 * DAY_S
    retention_events_s: float = 365 * DAY_S  # alarm events and log lines
    reserve_bytes: int = 64 << 20  # free disk that only a batch with an alarm may use
    outbox_rows: int = 100_000  # messages that wait for the broker; beyond it states and history are shed
    outbox_bytes: int = 128 << 20  # the same for their payloads


def open_database(settings: StoreSettings) -> tuple[Database, quarantine.SetAside | None]:
    """The database, migrated and ready to write; and the damaged one that was set aside, if there was one.

    Raises:
        StoreError: the file belongs to something else or to a newer agent, or cannot be opened for writing.
    """
    path = settings.path
    try:
        _make_folder(path.parent)
        damage = _find_damage(path)
    except OSError as error:
        raise StoreError(
            f"journal {path}: its folder cannot be made or entered: {error}",
            hint="make the folder and give it to the agent's user, or change `path` of [store]",
        ) from error
    bad = quarantine.set_aside(path, damage) if damage else None
    try:
        return _connect(settings), bad
    except sqlite3.Error as error:
        damage = str(error) if is_damage(error) else quarantine.header_damage(path)
        if not damage:
            raise store_error(error, path, "open it for writing") from error
        bad = quarantine.set_aside(path, damage)
    try:
        return _connect(settings), bad
    except sqlite3.Error as error:
        raise store_error(error, path, "begin a new one") from error


def connect_readonly(path: Path) -> sqlite3.Connection:
    """A connection that cannot write; it may move between threads, used by one at a time.

    Raises:
        sqlite3.Error: the file is missing or cannot be read.
    """
    conn = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_S, check_same_thread=False)
    conn.text_factory = readable
    conn.execute("PRAGMA query_only = ON")
    return conn


def readable(text: bytes) -> str:
    """The text of a column; a flipped bit in it is shown, instead of making the whole table unreadable."""
    return text.decode(errors="replace")


@contextmanager
def transaction(conn: sqlite3.Connection) -> Iterator[None]:
    """A context that commits as a whole or leaves nothing behind, the connection usable in both cases.

    IMMEDIATE, because a deferred transaction that first reads fails at once when somebody else has written since,
    whatever the timeout (measured).
    """
    conn.execute("BEGIN IMMEDIATE")
    try:
        yield
        conn.execute("COMMIT")
    except BaseException:
        if conn.in_transaction:  # SQLite has ended it already after some errors, such as a full disk
            conn.rollback()
        raise


def page_numbers(conn: sqlite3.Connection) -> tuple[int, int]:
    """Pages of the file that are in use, and that are free."""
    pages, free = (int(conn.execute(f"PRAGMA {name}").fetchall()[0][0]) for name in ("page_count", "freelist_count"))
    return pages - free, free


def cap_pages(conn: sqlite3.Connection, max_bytes: int) -> int:
    """Pages that the file may have, from now on enforced; a file that is larger already grows no further."""
    page_bytes = int(conn.execute("PRAGMA page_size").fetchall()[0][0])
    most = max(max_bytes // page_bytes, 1)
    conn.execute(f"PRAGMA max_page_count = {most}").fetchall()
    return most


def _make_folder(folder: Path) -> None:
    """Make a folder that is missing, for its owner only, so that no power cut takes it away with all that is in it.

    SQLite syncs the folder of the file, but not the folders above it.

    Raises:
        OSError: it cannot be made.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for made in missing:
        sync_folder(made.parent)


def _find_damage(path: Path) -> str:
    """What is wrong with an existing file; empty when it looks sound. Reads only: a newer agent's file stays untouched.

    Raises:
        StoreError: the file belongs to something else or to a newer agent, or cannot be read.
        OSError: the folder cannot be entered.
    """
    if quarantine.marked_damaged(path):
        return "met while running"
    if not path.exists():
        return ""
    _require_writable_file(path)
    check = quarantine.worth_checking(path)
    try:
        if quarantine.half_made(path):
            _roll_back(path)
        with closing(connect_readonly(path)) as conn:
            damage = recognise(conn, path).damage
            return damage or (quarantine.quick_check(conn) if check else "")
    except sqlite3.Error as error:
        if is_damage(error):
            return str(error)
        raise store_error(error, path, "read it") from error


def _roll_back(path: Path) -> None:
    """Undo what a cut has left half done before the write-ahead log was switched on, as any reader of the file would.

    Raises:
        sqlite3.Error: the file is damaged or cannot be written.
    """
    with closing(sqlite3.connect(path, timeout=BUSY_S)) as conn:
        conn.execute("SELECT count(*) FROM sqlite_master").fetchall()


def _require_writable_file(path: Path) -> None:
    """Refuse early what SQLite would open read-only: it would leave a log and an index behind that nobody may write.

    Raises:
        StoreError: this is no file, or may not be written.
    """
    if not path.is_file():
        raise StoreError(f"journal {path}: this is not a file", hint="change `path` of [store] to that of a file")
    if not os.access(path, os.W_OK, effective_ids=True):
        raise StoreError(f"journal {path}: the file is read-only for this user", hint=WRITE_ACCESS)


def _connect(settings: StoreSettings) -> Database:
    """A writing connection, the schema brought up to date.

    It may move between threads (opened by the main thread, used by the engine), but is used by one at a time: with two,
    the rollback of one would take the rows of the other along (measured).
    """
    conn = sqlite3.connect(settings.path, timeout=BUSY_S, check_same_thread=False)
    conn.text_factory = readable
    try:
        db = Database(conn, execute_plugins=False, strict=True)
        conn.execute("PRAGMA auto_vacuum = INCREMENTAL")  # before the log and the first table, or it stays 0 (measured)
        conn.execute("PRAGMA journal_mode = WAL")
        conn.execute("PRAGMA synchronous = FULL")
        conn.execute(f"PRAGMA journal_size_limit = {WAL_BYTES}")
        conn.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")
        conn.execute("PRAGMA temp_store = MEMORY")
        cap_pages(conn, settings.max_bytes)
        migrations.apply(db)
    except BaseException:
        conn.close()
        raise
    return db
