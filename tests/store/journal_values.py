"""Values that the tests of the store write: small, complete and told apart by one number."""

from __future__ import annotations

import os
from functools import cache

from edge_agent.core.types import (
    AlarmEvent,
    CommandRecord,
    Evidence,
    LogLine,
    Outgoing,
    Quote,
    Reading,
    Status,
    Transition,
    Verdict,
)

NOON = 1_700_000_000.0  # a moment after the clock of any test machine was set


def some_readings(number: int, count: int = 10) -> list[Reading]:
    return [Reading(f"pump-{i % 3}", ("vibration", "flow")[i % 2], NOON + i, float(number)) for i in range(count)]


@cache
def noise(count: int) -> list[Reading]:
    """Readings whose values do not compress: a good four bytes each in a block."""
    values = memoryview(os.urandom(count * 4)).cast("I")
    return [Reading("pump-1", "vibration", NOON + i, float(value)) for i, value in enumerate(values)]


def some_log(number: int, time: float = NOON) -> LogLine:
    return LogLine(asset="pump-1", time=time, text=f"bearing noisy, note {number}", author="kim", order=None)


def some_verdict(number: int, time: float = NOON) -> Verdict:
    return Verdict("pump-1", time, f"pump learning {number}", 0.25, "VIB", 0.5, Status.DECIDED)


def some_event(
    alarm: str, rev: int = 1, *, time: float = NOON, active: bool = True, transition: Transition = Transition.RAISED
) -> AlarmEvent:
    return AlarmEvent(
        id=alarm,
        asset="pump-1",
        kind="risk",
        episode=1,
        rev=rev,
        transition=transition,
        time=time,
        first=NOON,
        active=active,
        acked=False,
        severity="high",
        severity_number=700,
        risk=0.875,
        mode="VIB",
        evidence=(Evidence("vibration", "bearing", 7.1, "mm/s", 2.3, 4.5, None, "deviation"),),
        quotes=(Quote("aa", NOON - 60, "noisy"),),
        summary="Vibration is 3.1 times its own normal.",
        summary_source="template",
        open=active,
    )


def some_command(request_id: str, label: str = "") -> CommandRecord:
    return CommandRecord(
        request_id=request_id, received=NOON, issued=NOON, name="ack", asset="pump-1", kind="risk", alarm="a",
        actor="anna", via="mqtt", accepted=True, answer="done", label=label, comment="", request="{}",
    )  # fmt: skip


def some_message(key: str, *, topic: str = "t", lane: int = 0, group: str = "", payload: bytes = b"{}") -> Outgoing:
    """A message; a state, lane 1, is retained and of the group of its topic."""
    return Outgoing(key, topic, payload, 1, lane == 1, lane, group or (topic if lane == 1 else "g"))
