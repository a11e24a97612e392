"""Journal → what an answer about an asset may rest on (`core/ask.py`). Reads only; the agent may be running."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

from sqlite_utils import Database

from edge_agent.core.ask import AskFacts, Episode
from edge_agent.core.identity import slug
from edge_agent.core.types import AlarmEvent, LogLine, Status, Verdict
from edge_agent.store import queries
from edge_agent.store.faults import store_error

MAX_STANDING: Final = 8
MAX_PAST: Final = 3
MAX_LINES: Final = 3
MAX_NEAR: Final = 5
_LIKENESS: Final = 0.5  # of a name; short ones differ by half in one character
_VERDICTS_BACK: Final = 200_000  # rows looked at for the newest verdict: a day of 10,000 assets judged 20 times each

_ALARMS = """
SELECT alarm_id FROM alarm_event AS latest
WHERE asset = :asset AND active = :active
AND rev = (SELECT max(rev) FROM alarm_event WHERE alarm_id = latest.alarm_id)
ORDER BY time DESC, alarm_id LIMIT :limit
"""
_LINES = """
SELECT asset, time, text, author, work_order FROM log_line
WHERE asset = :asset AND time BETWEEN :since AND :until ORDER BY time DESC, rowid DESC LIMIT :limit
"""
_VERDICT = """
SELECT asset, time, text, risk, mode, mode_probability, status, historical FROM verdict
WHERE asset = :asset AND NOT historical AND id > (SELECT max(id) FROM verdict) - :back ORDER BY id DESC LIMIT 1
"""
_NAMES = """
SELECT name FROM asset UNION SELECT DISTINCT asset FROM alarm_event UNION SELECT DISTINCT asset FROM log_line
"""


def facts_of(db: Database, asset: str, now: float) -> AskFacts:
    """What the journal knows of an asset, by its id or a name that gives the id; `now` is Unix seconds.

    Raises:
        StoreError: the journal cannot be read, or a row was altered.
    """
    try:
        return _facts(db, asset, now)
    except sqlite3.Error as error:
        raise store_error(error, queries.path_of(db), "look the asset up") from error


def _facts(db: Database, asked: str, now: float) -> AskFacts:
    names = {str(row["name"]) for row in db.query(_NAMES)}
    asset = asked if asked in names else slug(asked)
    if asset not in names:
        return AskFacts(asset=asset, asked=now, known=False, near=_near(asset, names))
    standing = [revisions[-1] for revisions in _alarms(db, asset, active=True, limit=MAX_STANDING)]
    return AskFacts(
        asset=asset,
        asked=now,
        standing=tuple(sorted(standing, key=lambda event: (-event.severity_number, event.first))),
        past=tuple(_episode(db, revisions) for revisions in _alarms(db, asset, active=False, limit=MAX_PAST)),
        log=tuple(_lines(db, asset, 0.0, now, MAX_LINES)),
        verdict=_verdict(db, asset),
    )


def _near(asset: str, names: Iterable[str]) -> tuple[str, ...]:
    """Names that somebody may have meant: those that hold what was asked for first, then those spelt alike."""
    known = sorted(names)
    within = [name for name in known if asset and asset in name]
    return tuple(dict.fromkeys([*within, *sorted(get_close_matches(asset, known, MAX_NEAR, _LIKENESS))]))[:MAX_NEAR]


def _alarms(db: Database, asset: str, *, active: bool, limit: int) -> list[list[AlarmEvent]]:
    """The revisions of the newest alarms of an asset."""
    found = list(db.query(_ALARMS, {"asset": asset, "active": active, "limit": limit}))
    return [queries.events(db, row["alarm_id"]) for row in found]


def _episode(db: Database, revisions: list[AlarmEvent]) -> Episode:
    stood = [event for event in revisions if event.active]
    end = next(event for event in revisions if not stood or event.rev > stood[-1].rev)
    worst = max(stood, key=lambda event: (event.severity_number, event.rev), default=end)
    said = _lines(db, end.asset, end.first, end.time, 1)
    return Episode(worst=worst, end=end, said=said[0] if said else None)


def _lines(db: Database, asset: str, since: float, until: float, limit: int) -> list[LogLine]:
    """The newest log lines of a stretch of time, newest first."""
    rows = list(db.query(_LINES, {"asset": asset, "since": since, "until": until, "limit": limit}))
    return [LogLine(row["asset"], row["time"], row["text"], row["author"], row["work_order"]) for row in rows]


def _verdict(db: Database, asset: str) -> Verdict | None:
    found = list(db.query(_VERDICT, {"asset": asset, "back": _VERDICTS_BACK}))
    if not found:
        return None
    [row] = found
    return Verdict(
        row["asset"], row["time"], row["text"], row["risk"], row["mode"], row["mode_probability"],
        Status(row["status"]), bool(row["historical"]),
    )  # fmt: skip
