"""Values ↔ rows: the one place that knows which field goes to which column."""

from __future__ import annotations

import dataclasses
import json
import struct
from collections.abc import Sequence

from edge_agent.core.identity import MARK_BYTES
from edge_agent.core.types import AlarmEvent, CommandRecord, Evidence, LogLine, Outgoing, Quote, Transition, Verdict

Cell = str | int | float | bytes | None
Row = tuple[Cell, ...]
_SEEN = struct.Struct(f"<H{MARK_BYTES}s")

INSERT_BLOCK = "INSERT INTO reading_block(asset_count, first, last, clock, readings, data) VALUES (?, ?, ?, ?, ?, ?)"
INSERT_LOG = (
    "INSERT OR IGNORE INTO log_line(id, asset, time, text, author, work_order, clock) VALUES (?, ?, ?, ?, ?, ?, ?)"
)
INSERT_VERDICT = (
    "INSERT INTO verdict(time, asset, risk, mode, mode_probability, status, historical, clock, text)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
INSERT_EVENT = (
    "INSERT OR IGNORE INTO alarm_event(alarm_id, rev, asset, kind, transition, time, active, severity, risk, mode,"
    " summary, clock, event) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
INSERT_OUTGOING = (
    "INSERT OR IGNORE INTO outbox(key, topic, qos, retain, lane, grp, created, tries, payload, correlation)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?)"
)
INSERT_COMMAND = (
    "INSERT OR IGNORE INTO command(request_id, received, issued, name, asset, kind, alarm_id, actor, via, accepted,"
    " answer, label, comment, clock, request) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
SELECT_COMMANDS = (
    "SELECT request_id, received, issued, name, asset, kind, alarm_id, actor, via, accepted, answer, label, comment,"
    " request FROM command"
)
SELECT_EVENTS = "SELECT event FROM alarm_event WHERE alarm_id = ? ORDER BY rev DESC"
WRITE_SEEN = "INSERT INTO seen_block(id, data) VALUES (?, ?) ON CONFLICT(id) DO UPDATE SET data = excluded.data"
SELECT_SEEN = "SELECT id, data FROM seen_block WHERE typeof(data) = 'blob'"
SELECT_LOGS = "SELECT asset, time, text, author, work_order FROM log_line WHERE time >= ? ORDER BY time, rowid"
SELECT_PENDING = (
    "SELECT id, key, topic, payload, qos, retain, lane, grp, correlation FROM outbox"
    " WHERE sent IS NULL AND id NOT IN (SELECT value FROM json_each(?)) AND grp NOT IN (SELECT value FROM json_each(?))"
    " ORDER BY lane, id LIMIT ?"
)


def log_row(line: LogLine, clock: str) -> Row:
    """The row of a log line; its id makes a repeat the same row."""
    return (line.id, line.asset, line.time, line.text, line.author, line.order, clock)


def verdict_row(verdict: Verdict, clock: str) -> Row:
    """The row of a verdict."""
    return (
        verdict.time,
        verdict.asset,
        verdict.risk,
        verdict.mode,
        verdict.mode_probability,
        verdict.status.value,
        int(verdict.historical),
        clock,
        verdict.text,
    )


def event_row(event: AlarmEvent, clock: str) -> Row:
    """The row of one revision of an alarm: the columns people search by, and the whole event as JSON."""
    return (
        event.id,
        event.rev,
        event.asset,
        event.kind,
        event.transition.value,
        event.time,
        int(event.active),
        event.severity,
        event.risk,
        event.mode,
        event.summary,
        clock,
        json.dumps(dataclasses.asdict(event), separators=(",", ":")),
    )


def event_from_json(text: str) -> AlarmEvent:
    """The event that `event_row` wrote.

    Raises:
        ValueError: the text is not one of ours.
    """
    try:
        fields = json.loads(text)
        fields["transition"] = Transition(fields["transition"])
        fields["evidence"] = tuple(Evidence(**fact) for fact in fields["evidence"])
        fields.setdefault("open", fields["active"])  # before alarms could be acknowledged
        fields["quotes"] = tuple(Quote(**quote) for quote in fields["quotes"])
        return AlarmEvent(**fields)
    except (TypeError, KeyError) as error:
        raise ValueError(f"alarm event cannot be read: {error}") from error


def outgoing_row(message: Outgoing, created: float) -> Row:
    """The row of a message in the outbox."""
    return (
        message.key,
        message.topic,
        message.qos,
        int(message.retain),
        message.lane,
        message.group,
        created,
        message.payload,
        message.correlation or None,
    )


def command_row(record: CommandRecord, clock: str) -> Row:
    """The row of a command and what came of it."""
    return (
        record.request_id,
        record.received,
        record.issued,
        record.name,
        record.asset,
        record.kind,
        record.alarm,
        record.actor,
        record.via,
        int(record.accepted),
        record.answer,
        record.label,
        record.comment,
        clock,
        record.request,
    )


def command_from_row(row: Sequence[Cell]) -> CommandRecord:
    """The record that `command_row` wrote, from the columns of `SELECT_COMMANDS`."""
    request_id, received, issued, name, asset, kind, alarm, actor, via, accepted, answer, label, comment, request = row
    return CommandRecord(
        request_id=str(request_id),
        received=float(received or 0.0),
        issued=float(issued or 0.0),
        name=str(name),
        asset=str(asset),
        kind=str(kind),
        alarm=str(alarm),
        actor=str(actor),
        via=str(via),
        accepted=bool(accepted),
        answer=str(answer),
        label=str(label),
        comment=str(comment),
        request=str(request),
    )


def pack_seen(seen: Sequence[tuple[int, bytes]]) -> bytes:
    """Packet ids and marks behind each other, ten bytes each."""
    return b"".join(_SEEN.pack(mid, mark) for mid, mark in seen)


def unpack_seen(data: bytes) -> list[tuple[int, bytes]]:
    """What `pack_seen` packed; without a last one that was cut off."""
    return list(_SEEN.iter_unpack(data[: len(data) // _SEEN.size * _SEEN.size]))
