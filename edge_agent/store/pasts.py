"""Journal → alarms as wholes, for looking them over (`core/nuisance.py`) and for their labels. Reads only."""

from __future__ import annotations

import sqlite3
from typing import Final

from sqlite_utils import Database

from edge_agent.core.nuisance import Past
from edge_agent.core.types import AlarmEvent, Transition
from edge_agent.store import queries
from edge_agent.store.faults import store_error
from edge_agent.store.records import event_from_json

_EVENTS: Final = "SELECT event FROM alarm_event WHERE alarm_id = ? ORDER BY rev"
_ALARMS: Final = "SELECT alarm_id FROM alarm_event GROUP BY alarm_id HAVING max(time) >= ? ORDER BY min(time)"
_LABELS: Final = "SELECT alarm_id, label FROM command WHERE name = 'ack' AND accepted AND label != '' ORDER BY received"


def pasts(db: Database, since: float) -> list[Past]:
    """The alarms people were told of, with an event not before `since` (event time), oldest first.

    An alarm whose rows were altered is left out; `edge-agent explain` names what is wrong with it.

    Raises:
        StoreError: the journal cannot be read.
    """
    try:
        labels = {str(alarm): str(label) for alarm, label in db.conn.execute(_LABELS).fetchall()}
        alarms = [str(alarm) for (alarm,) in db.conn.execute(_ALARMS, (since,)).fetchall()]
        found = (_past(db, alarm, labels.get(alarm, "")) for alarm in alarms)
        return [past for past in found if past is not None]
    except sqlite3.Error as error:
        raise store_error(error, queries.path_of(db), "read the alarm events") from error


def _past(db: Database, alarm: str, label: str) -> Past | None:
    try:
        events = [event_from_json(text) for (text,) in db.conn.execute(_EVENTS, (alarm,)).fetchall()]
    except ValueError:
        return None
    told = [event for event in events if not event.historical]
    if not told:
        return None
    return Past(
        alarm=alarm,
        asset=told[0].asset,
        kind=told[0].kind,
        raised=told[0].time,
        cleared=next((event.time for event in told if event.transition is Transition.CLEARED), None),
        peak=max((event.risk for event in told if event.risk is not None), default=None),
        acked=any(_acked(event) for event in told),
        quiet=all(event.quiet for event in told),
        label=label,
    )


def _acked(event: AlarmEvent) -> bool:
    """Whether it was acknowledged while it stood: afterwards says nothing of whether it was seen in time."""
    return event.transition is Transition.ACKED and event.active
