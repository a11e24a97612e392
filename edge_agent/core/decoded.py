"""What one message brought, and the first steps to it: the JSON document in its bytes, the samples in the document.

Shared by all formats; what is particular to one is in its own module.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from pydantic_core import from_json

from edge_agent.core.faults import Fault, Reason, shown
from edge_agent.core.types import LogLine, Outgoing, Reading, WorkOrderEvent

MAX_FAULTS: Final = 16  # told of one message; one broken sender must not flood the log
_BOM = b"\xef\xbb\xbf"


class Decoded(NamedTuple):
    """All that one message brought."""

    readings: tuple[Reading, ...] = ()
    logs: tuple[LogLine, ...] = ()
    faults: tuple[Fault, ...] = ()
    orders: tuple[WorkOrderEvent, ...] = ()
    requests: tuple[Outgoing, ...] = ()  # what is asked of the sender
    states: tuple[tuple[str, bytes], ...] = ()  # what must not be forgotten: named states for the journal


class Sample(NamedTuple):
    """One number as a format holds it: not yet converted, of an asset and a channel by their raw names."""

    asset: str | int
    channel: str | int
    time: float
    value: object
    unit: str = ""  # as the message says; empty where it does not


def refused(reason: Reason, detail: str) -> Decoded:
    """Nothing, and why."""
    return Decoded(faults=(Fault(reason, detail),))


def json_document(payload: bytes) -> object:
    """The decoded JSON, or a `Fault`."""
    if not payload.strip():
        return Fault(Reason.EMPTY, "an empty payload")
    try:
        return from_json(payload.removeprefix(_BOM), cache_strings="keys")
    except ValueError as error:
        reason = Reason.BAD_ENCODING if "unicode code point" in str(error) else Reason.BAD_JSON
        return Fault(reason, f"{error}: {shown(payload)}")
