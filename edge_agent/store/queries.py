"""Read-only views of a journal for commands and for the status; the agent may be running meanwhile.

Nothing here writes, and no query leaves a cursor open. What would have to read the whole file to be exact says so.
"""

from __future__ import annotations

import math
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlite_utils import Database

from edge_agent.core.types import LATE, AlarmEvent, CommandRecord, LogLine, Outgoing, Reading
from edge_agent.errors import StoreError
from edge_agent.store.database import connect_readonly
from edge_agent.store.faults import store_error
from edge_agent.store.recognition import recognise
from edge_agent.store.records import SELECT_COMMANDS, SELECT_LOGS, command_from_row, event_from_json
from edge_agent.store.stored_blocks import StoredBlocks

_COUNTED = ("asset", "channel", "log_line", "alarm_event", "command", "outbox", "state")
_BY_ID = {  # tables so large that counting would read the whole file
    "reading_block": "SELECT (SELECT max(id) FROM reading_block) - (SELECT min(id) FROM reading_block) + 1 AS n",
    "verdict": "SELECT (SELECT max(id) FROM verdict) - (SELECT min(id) FROM verdict) + 1 AS n",
}
_EDGE_BLOCKS = 100  # blocks looked at for the oldest and newest reading; late ones may lie further in

_ALARMS = """
SELECT *, active OR to_ack AS open FROM (
    SELECT alarm_id, rev, asset, kind, transition, time, active, severity, risk, mode, summary, clock,
        coalesce(CASE WHEN json_valid(event) THEN json_extract(event, '$.acked') END, 0) AS acked,
        coalesce(CASE WHEN json_valid(event) THEN json_extract(event, '$.open') END, active) AS to_ack,
        coalesce(CASE WHEN json_valid(event) THEN json_extract(event, '$.suppressed') END, '') != ''
            OR (CASE WHEN json_valid(event) THEN json_extract(event, '$.shelved_until') END) IS NOT NULL AS quiet
    FROM alarm_event AS latest
    WHERE rev = (SELECT max(rev) FROM alarm_event WHERE alarm_id = latest.alarm_id)
)
WHERE open OR NOT :open_only ORDER BY time DESC, alarm_id LIMIT :limit
"""
_RETAINED = """
SELECT key, topic, payload, qos, retain, lane, grp FROM outbox WHERE length(payload) AND id IN (
    SELECT max(id) FROM outbox WHERE retain = 1 AND key >= :prefix AND key < :beyond GROUP BY topic
)
"""
_OLDEST = "SELECT min(first) AS time FROM (SELECT first FROM reading_block ORDER BY id LIMIT ?)"
_NEWEST = "SELECT max(last) AS time FROM (SELECT last FROM reading_block ORDER BY id DESC LIMIT ?)"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRow:
    """An alarm as its latest revision left it."""

    alarm_id: str
    rev: int
    asset: str
    kind: str
    transition: str
    time: float
    active: bool
    severity: str
    risk: float | None
    mode: str
    summary: str
    clock: str
    open: bool = True  # active, or cleared and to be acknowledged
    acked: bool = False
    quiet: bool = False  # shelved or suppressed


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusRow:
    """What the journal holds."""

    rows: dict[str, int]  # table → rows; at most so many in reading_block and verdict
    oldest_reading: float | None
    newest_reading: float | None
    unsent: int
    oldest_unsent_s: float  # age, 0.0 where nothing waits
    file_bytes: int  # with the write-ahead log


def open_readonly(path: Path) -> Database:
    """A database that cannot write; the caller closes it.

    Raises:
        StoreError: there is no such file, or it is not a journal of ours, or not of this version.
    """
    try:
        path.stat()
    except OSError as error:
        raise StoreError(
            f"journal {path}: {error.strerror}",
            hint="check `path` of [store]; the agent makes the file when it first starts, for its own user",
        ) from error
    try:
        conn = connect_readonly(path)
        try:
            recognised = recognise(conn, path)
            db = Database(conn, execute_plugins=False)
        except BaseException:
            conn.close()
            raise
    except sqlite3.Error as error:
        raise store_error(error, path, "read it") from error
    if recognised.damage:
        db.close()
        raise StoreError(
            f"journal {path} is damaged: {recognised.damage}",
            hint="restart the agent: it sets the damaged file aside and begins a new one",
        )
    if not recognised.current:
        db.close()
        raise StoreError(
            f"journal {path} is of an older schema than this agent's",
            hint="start the agent once: it brings the journal up to date",
        )
    return db


def alarms(db: Database, *, open_only: bool = False, limit: int = 100) -> list[AlarmRow]:
    """Latest revision of each alarm, newest first; with `open_only` those that are active or to be acknowledged."""
    with _mapped(db, "read the alarms"):
        rows = list(db.query(_ALARMS, {"open_only": open_only, "limit": limit}))
    flags = ("active", "open", "acked", "quiet")
    plain = ({name: value for name, value in row.items() if name != "to_ack"} for row in rows)
    return [AlarmRow(**{**row, **{name: bool(row[name]) for name in flags}}) for row in plain]


def events(db: Database, alarm_id: str) -> list[AlarmEvent]:
    """All revisions of an alarm, oldest first; none where there is no such alarm.

    Raises:
        StoreError: a row was altered.
    """
    with _mapped(db, "read the events"):
        rows = list(db.query("SELECT event FROM alarm_event WHERE alarm_id = ? ORDER BY rev", [alarm_id]))
    try:
        return [event_from_json(row["event"]) for row in rows]
    except ValueError as error:
        raise StoreError(
            f"journal {path_of(db)}: an event of alarm {alarm_id} was altered: {error}",
            hint="the file was changed by something else; the messages sent at the time are at the consumer",
        ) from error


def standing(db: Database) -> list[AlarmEvent]:
    """Of every alarm that stands, the newest revision people were told; those of an altered alarm are left out.

    Raises:
        StoreError: the file is damaged.
    """
    found = []
    for row in alarms(db, open_only=True, limit=-1):
        try:
            told = [event for event in events(db, row.alarm_id) if not event.historical]
        except StoreError as error:
            if error.damaged:
                raise
            continue
        found += [event for event in told[-1:] if event.active]
    return found


def retained(db: Database, prefix: str) -> list[Outgoing]:
    """The newest message of every retained topic that is not empty, of those whose key begins with `prefix`."""
    with _mapped(db, "read its outbox"):
        rows = list(db.query(_RETAINED, {"prefix": prefix, "beyond": f"{prefix}\U0010ffff"}))
    return [
        Outgoing(r["key"], r["topic"], r["payload"], r["qos"], bool(r["retain"]), r["lane"], r["grp"]) for r in rows
    ]


def status(db: Database, now: float | None = None) -> StatusRow:
    """What the journal holds, quickly even in a full one; `now` is Unix seconds, this moment where it is left out."""
    with _mapped(db, "read its status"):
        rows = {name: db.table(name).count for name in _COUNTED}
        rows |= {name: int(_one(db, sql, "n") or 0) for name, sql in _BY_ID.items()}
        oldest, newest = _one(db, _OLDEST, "time", _EDGE_BLOCKS), _one(db, _NEWEST, "time", _EDGE_BLOCKS)
    waiting, age = unsent(db, time.time() if now is None else now)
    path = path_of(db)
    log = path.with_name(f"{path.name}-wal")
    return StatusRow(
        rows=rows,
        oldest_reading=oldest,
        newest_reading=newest,
        unsent=waiting,
        oldest_unsent_s=age,
        file_bytes=path.stat().st_size + (log.stat().st_size if log.exists() else 0),
    )


def unsent(db: Database, now: float) -> tuple[int, float]:
    """Messages that wait to be sent, and the age of the oldest in seconds."""
    with _mapped(db, "read its outbox"):
        [row] = db.query("SELECT count(*) AS n, min(created) AS oldest FROM outbox WHERE sent IS NULL")
    return int(row["n"]), max(now - row["oldest"], 0.0) if row["n"] else 0.0


def readings(db: Database, asset: str, channel: str, since: float, until: float) -> list[Reading]:
    """Readings of one channel from `since` to before `until` (event time), in order of commit; late ones as well."""
    names = {channel, LATE + channel}
    found = (r for r in unpack(db, since, until) if r.asset == asset and r.channel in names)
    return [reading._replace(channel=channel) for reading in found]


def unpack(db: Database, since: float, until: float) -> Iterator[Reading]:
    """All readings from `since` to before `until` (event time), in order of commit, a block in memory at a time.

    Late readings can lie anywhere, so the head of every block is read: seconds in a full journal on a small card.
    """
    with _mapped(db, "read the readings"):
        found = list(db.query("SELECT id FROM reading_block WHERE last >= ? AND first < ? ORDER BY id", [since, until]))
        stored: Sequence[tuple[int, list[Reading]]] = StoredBlocks(db.conn, path_of(db), (row["id"] for row in found))
    for _, block in stored:
        yield from (reading for reading in block if since <= reading.time < until)


def commands(db: Database, *, limit: int = -1, request_id: str = "") -> list[CommandRecord]:
    """What was asked for and what came of it, newest first; with a request id that one."""
    condition, arguments = ("WHERE request_id = ?", [request_id]) if request_id else ("", [])
    with _mapped(db, "read the commands"):
        sql = f"{SELECT_COMMANDS} {condition} ORDER BY received DESC, rowid DESC LIMIT ?"
        rows = db.conn.execute(sql, [*arguments, limit]).fetchall()
    return [command_from_row(row) for row in rows]


def log_lines(db: Database) -> list[LogLine]:
    """All maintenance-log lines, oldest first."""
    with _mapped(db, "read the log lines"):
        rows = list(db.query(SELECT_LOGS, [-math.inf]))
    return [LogLine(row["asset"], row["time"], row["text"], row["author"], row["work_order"]) for row in rows]


def _one(db: Database, sql: str, column: str, *arguments: int) -> float | None:
    [row] = db.query(sql, list(arguments))
    value: float | None = row[column]
    return value


def path_of(db: Database) -> Path:
    """The file of a journal."""
    return Path(str(db.conn.execute("PRAGMA database_list").fetchall()[0][2]))


@contextmanager
def _mapped(db: Database, doing: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise store_error(error, path_of(db), doing) from error
