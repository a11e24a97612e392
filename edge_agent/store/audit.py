"""Rows as they lie, for whoever checks them: each with what can be said against it by itself.

Reads only, from a file the agent may be writing. A row that cannot be read is handed over with its damage: whoever
checks wants to know of it. What rows say about each other is not judged here.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlite_utils import Database

from edge_agent.core.types import AlarmEvent, LogLine, Reading, Status, Verdict
from edge_agent.store import blocks
from edge_agent.store.faults import store_error
from edge_agent.store.records import event_from_json

_EVENTS = """
SELECT asset, kind, transition, time, active, severity, risk, mode, summary, rev, event FROM alarm_event
WHERE alarm_id = ? ORDER BY rev
"""
_COLUMNS = ("asset", "kind", "transition", "time", "active", "severity", "risk", "mode", "summary", "rev")
_VERDICTS = """
SELECT id, asset, time, text, risk, mode, mode_probability, status, historical FROM verdict
WHERE asset = ? ORDER BY id
"""
_LOGS = "SELECT id, asset, time, text, author, work_order FROM log_line WHERE asset = ? ORDER BY rowid"
_BLOCK = "SELECT asset_count, first, last, readings, data FROM reading_block WHERE id = ?"
_BEFORE = """
SELECT event FROM alarm_event WHERE asset = ? AND kind = ? AND alarm_id <> ? AND time <= ? ORDER BY time, rev
"""
_MOST_IDS = 20


@dataclass(frozen=True, slots=True)
class EventRow:
    """One revision of an alarm."""

    rev: int
    event: AlarmEvent | None  # None where it cannot be read
    faults: tuple[str, ...]  # columns that say something else than the event beside them


@dataclass(frozen=True, slots=True)
class VerdictRow:
    """One verdict."""

    id: int
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class LogRow:
    """One log line, under the id it is stored with; its own id is a digest of what it says."""

    id: str
    line: LogLine


@dataclass(frozen=True, slots=True)
class BlockRow:
    """One block of readings."""

    id: int
    readings: Sequence[Reading]
    damage: str  # empty where it can be read and is what its head says


class Audit:
    """The rows of one journal, opened read-only by the caller."""

    def __init__(self, db: Database, path: Path) -> None:
        self._db, self._path = db, path

    def alarm_ids(self, prefix: str) -> list[str]:
        """Ids of alarms that begin so, at most twenty."""
        pattern = "".join(f"[{letter}]" if letter in "*?[" else letter for letter in prefix) + "*"
        sql = "SELECT DISTINCT alarm_id FROM alarm_event WHERE alarm_id GLOB ? ORDER BY alarm_id LIMIT ?"
        return [str(row[0]) for row in self._read(sql, pattern, _MOST_IDS)]

    def events(self, alarm: str) -> list[EventRow]:
        """The revisions of an alarm, oldest first."""
        return [_event_row(row) for row in self._read(_EVENTS, alarm)]

    def earlier_quote(self, event: AlarmEvent) -> float:
        """Event time of the newest log line quoted by the episodes before that of an event; 0.0 where there is none."""
        rows = self._read(_BEFORE, event.asset, event.kind, event.id, event.first)
        quoted = 0.0
        for (text,) in rows:
            found = _event(text)
            if isinstance(found, AlarmEvent) and found.quotes:
                quoted = max(quote.time for quote in found.quotes)
        return quoted

    def acknowledgements(self, alarm: str) -> set[str]:
        """Who has acknowledged an alarm, by the commands that were written down."""
        rows = self._read("SELECT actor FROM command WHERE name = 'ack' AND accepted AND alarm_id = ?", alarm)
        return {str(actor) for (actor,) in rows}

    def verdicts(self, asset: str) -> list[VerdictRow]:
        """The verdicts on an asset, in order of commit. Reads the whole table: seconds in a full journal."""
        return [
            VerdictRow(row, Verdict(name, time, text, risk, mode, probability, _status(status), bool(historical)))
            for row, name, time, text, risk, mode, probability, status, historical in self._read(_VERDICTS, asset)
        ]

    def logs(self, asset: str) -> list[LogRow]:
        """The log lines of an asset, in the order in which they came."""
        return [LogRow(row, LogLine(*line)) for row, *line in self._read(_LOGS, asset)]

    def block_ids(self) -> list[int]:
        """Ids of the blocks of readings, in order of commit."""
        return [int(row[0]) for row in self._read("SELECT id FROM reading_block ORDER BY id")]

    def blocks(self, ids: Sequence[int]) -> Iterator[BlockRow]:
        """The blocks of these ids, one in memory at a time."""
        assets, channels = (
            {int(row): str(name) for row, name in self._read(f"SELECT id, name FROM {table}")}  # noqa: S608 - constants
            for table in ("asset", "channel")
        )
        for block in ids:
            found = self._read(_BLOCK, block)
            if not found:
                yield BlockRow(block, (), "is gone")
                continue
            [(asset_count, first, last, count, data)] = found
            try:
                readings = blocks.unpack(data, assets, channels)
            except (ValueError, TypeError) as error:
                yield BlockRow(block, (), f"cannot be read: {error}")
                continue
            times = [reading.time for reading in readings]
            head = (len({reading.asset for reading in readings}), min(times), max(times), len(readings))
            fault = "" if head == (asset_count, first, last, count) else "holds other readings than its head says"
            yield BlockRow(block, readings, fault)

    def state(self, name: str) -> bytes | None:
        """A named state blob, None where there is none."""
        rows = self._read("SELECT data FROM state WHERE name = ? AND typeof(data) = 'blob'", name)
        return bytes(rows[0][0]) if rows else None

    def _read(self, sql: str, *arguments: str | float) -> list[sqlite3.Row]:
        try:
            return list(self._db.conn.execute(sql, arguments).fetchall())
        except sqlite3.Error as error:
            raise store_error(error, self._path, "read its rows") from error


def _event_row(row: sqlite3.Row) -> EventRow:
    rev = int(row[len(_COLUMNS) - 1])
    event = _event(row[len(_COLUMNS)])
    if isinstance(event, str):
        return EventRow(rev, None, (f"cannot be read: {event}",))
    faults = tuple(
        f"column {name} is {cell!r}, its event says {getattr(event, name)!r}"
        for name, cell in zip(_COLUMNS, row, strict=False)
        if cell != getattr(event, name)
    )
    return EventRow(rev, event, faults)


def _event(text: str) -> AlarmEvent | str:
    """The event, or why it cannot be read."""
    try:
        return event_from_json(text)
    except ValueError as error:
        return str(error)


def _status(word: str) -> Status:
    """The status of a verdict; an unknown word is one that raises nothing."""
    return Status(word) if word in set(Status) else Status.UNCERTAIN
