"""Damaged files: how one is recognised, and how it is set aside so that work goes on (promise G4).

A file is checked when it was not closed cleanly, which a write-ahead log with content shows. Damage met later, while
running, leaves a marker beside the file, so that the next start need not find it again. Nothing here opens a journal
for writing, and nothing here deletes the newest evidence.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import time
from pathlib import Path
from typing import NamedTuple

from edge_agent.errors import StoreError
from edge_agent.store.durable import sync_folder
from edge_agent.store.unsaved import leave_note

logger = logging.getLogger(__name__)

CHECKED_BYTES = 64 << 20  # larger files are not checked at start: reading them would cost more than the 3 s to READY
CHECK_S = 2.0  # an unfinished check counts as passed
KEPT = 3  # files set aside; a dying card must not fill itself with them
_SIBLINGS = ("-wal", "-shm", "-journal")
_VERSIONS = slice(18, 20)  # bytes of the head: write and read version
_PROGRESS_STEPS = 10_000  # virtual machine steps between two looks at the clock, some milliseconds


class SetAside(NamedTuple):
    """A damaged file that makes way no more."""

    path: Path
    reason: str


def closed_cleanly(path: Path) -> bool:
    """Whether the last writer closed the file: nothing is left in its write-ahead log."""
    wal = _sibling(path, "-wal")
    return not (wal.exists() and wal.stat().st_size)


def half_made(path: Path) -> bool:
    """Whether a rollback journal lies beside the file: its maker was stopped before the write-ahead log was on.

    A connection that cannot write is refused such a file (SQLITE_READONLY_ROLLBACK).
    """
    return _sibling(path, "-journal").exists()


def worth_checking(path: Path) -> bool:
    """Whether the file was not closed cleanly and is small enough to be checked at start."""
    if closed_cleanly(path):
        return False
    return path.stat().st_size + _sibling(path, "-wal").stat().st_size <= CHECKED_BYTES


def header_damage(path: Path) -> str:
    """What is wrong with the format numbers in the file's head; empty where they are SQLite's.

    SQLite opens a file with a write version it does not know read-only, which looks like a lack of rights. Worth a look
    only after an opening has failed: a sound head may still lie in the log. Source: sqlite.org/fileformat2.html, 1.3.3.
    """
    try:
        with path.open("rb") as file:
            versions = set(file.read(_VERSIONS.stop)[_VERSIONS])
    except OSError:
        return ""  # not made, or not ours to read: what SQLite said is the better answer
    return f"file format {max(versions)}" if versions - {1, 2} else ""


def quick_check(conn: sqlite3.Connection, limit_s: float = CHECK_S) -> str:
    """What SQLite's quick check found wrong first; empty for a sound file or when the time ran out.

    Raises:
        sqlite3.DatabaseError: the file is damaged beyond checking.
    """
    deadline = time.monotonic() + limit_s
    conn.set_progress_handler(lambda: int(time.monotonic() > deadline), _PROGRESS_STEPS)
    try:
        finding = str(conn.execute("PRAGMA quick_check(1)").fetchall()[0][0])
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
        return ""
    finally:
        conn.set_progress_handler(None, 0)
    return "" if finding == "ok" else finding


def mark_damaged(path: Path) -> None:
    """Leave word for the next start; a disk that takes no marker takes no journal either."""
    with contextlib.suppress(OSError):
        _marker(path).touch()


def marked_damaged(path: Path) -> bool:
    """Whether a run before this one met damage in the file; a marker without its file is dropped."""
    marker = _marker(path)
    if marker.exists() and not path.exists():
        marker.unlink()
    return marker.exists()


def set_aside(path: Path, reason: str) -> SetAside:
    """The damaged file where it lies now: `<path>.bad-<UTC time>`, its siblings with it.

    Raises:
        StoreError: it cannot be moved.
    """
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    bad = path.with_name(f"{path.name}.bad-{stamp}")
    again = 2
    while bad.exists():
        bad = path.with_name(f"{path.name}.bad-{stamp}-{again}")
        again += 1
    try:
        _forget_oldest(path)
        leave_note(path, bad, reason)
        path.replace(bad)
        for suffix in _SIBLINGS:
            if _sibling(path, suffix).exists():
                _sibling(path, suffix).replace(_sibling(bad, suffix))
        sync_folder(path.parent)  # or a power cut could leave the new file's name, and none for this one
        _marker(path).unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(
            f"journal {path} is damaged ({reason}) and cannot be set aside: {error}",
            hint="move the file away by hand, or give the agent's user write access to its folder",
        ) from error
    logger.warning("store_quarantined path=%s bad=%s reason=%s", path, bad, reason)
    return SetAside(bad, reason)


def files_set_aside(path: Path) -> list[Path]:
    """The damaged files that lie beside the journal, without their siblings.

    Raises:
        OSError: the folder cannot be read.
    """
    begin = f"{path.name}.bad-"
    return [p for p in path.parent.iterdir() if p.name.startswith(begin) and not p.name.endswith(_SIBLINGS)]


def _forget_oldest(path: Path) -> None:
    """Make room among the files set aside for one more."""
    bad = files_set_aside(path)
    bad.sort(key=lambda p: p.stat().st_mtime_ns)
    for old in bad[: max(len(bad) - (KEPT - 1), 0)]:
        old.unlink()
        for suffix in _SIBLINGS:
            _sibling(old, suffix).unlink(missing_ok=True)


def _sibling(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _marker(path: Path) -> Path:
    return path.with_name(f"{path.name}.damaged")
