"""SQLite's errors in the words of our own: what failed, where, and what its reader can do.

The one place that knows SQLite result codes. Source: sqlite.org/rescode.html (the low byte is the primary code).
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from edge_agent.errors import StoreError

_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
WRITE_ACCESS = "give the agent's user write access to the file and its folder"
_HINTS = {
    sqlite3.SQLITE_FULL: "free space on the disk, or raise `max_mb` of [store], or shorten its retention",
    sqlite3.SQLITE_READONLY: WRITE_ACCESS,
    sqlite3.SQLITE_CANTOPEN: WRITE_ACCESS,
    sqlite3.SQLITE_PERM: WRITE_ACCESS,
    sqlite3.SQLITE_CORRUPT: "restart the agent: it sets the damaged file aside and begins a new one",
    sqlite3.SQLITE_NOTADB: "restart the agent: it sets the damaged file aside and begins a new one",
    sqlite3.SQLITE_BUSY: "let only one agent use a journal; close other programs that write to it",
    sqlite3.SQLITE_LOCKED: "let only one agent use a journal; close other programs that write to it",
    sqlite3.SQLITE_IOERR: "look at the kernel log: the disk or card may be failing",
}


def primary_code(error: sqlite3.Error) -> int:
    """The primary result code of an error; SQLITE_ERROR for those that Python's module raises by itself."""
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return code & 0xFF


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the error says that the file itself is damaged."""
    return primary_code(error) in _DAMAGED


def store_error(error: sqlite3.Error, path: Path, doing: str) -> StoreError:
    """The error to raise for one of SQLite's."""
    hint = _HINTS.get(primary_code(error), "run `PRAGMA integrity_check` on a copy of the file, then report this")
    return StoreError(f"journal {path}: cannot {doing}: {error}", hint=hint, damaged=is_damage(error))
