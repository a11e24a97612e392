"""Payloads of dialects whose format is ours: what stands on an asset, and the flat revision of an alarm.

Names and values are those of the alarm's own payload (`core/wire.py`). Formats that belong to others, such as Home
Assistant's discovery and ThingsBoard's gateway API, are described by them and stand in their dialects.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from edge_agent.core.wire import AlarmValues, EvidencePayload


class _Payload(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class StandingPayload(_Payload):
    """An alarm that stands, as its newest revision has it."""

    alarm: str = Field(description="id, the same for all revisions of one episode")
    kind: str
    rev: int
    acked: bool
    severity: str
    severity_number: int = Field(ge=1, le=1000, description="OPC UA severity")
    mode: str = Field(description="ISO 14224 failure-mode code")
    mode_name: str
    first: str = Field(description="event time at which the condition was first seen")
    time: str = Field(description="event time of this revision")
    summary: str
    evidence: tuple[EvidencePayload, ...]


class AlarmsPayload(_Payload):
    """All alarms of an asset that stand, retained; what is shelved or suppressed does not."""

    version: Literal[1] = 1
    asset: str
    alarms: tuple[StandingPayload, ...] = Field(description="the worst first; empty where none stands")


class FlatPayload(AlarmValues):
    """One revision of an alarm with nothing nested in it; `channel` to `limit` are its first piece of evidence."""

    site: str
    gateway: str
    channel: str | None = Field(description="null, as all that follow: it has no evidence")
    component: str | None
    value: float | None = Field(description="in `unit`")
    unit: str | None
    baseline: float | None = Field(description="this asset's own healthy value, in `unit`")
    limit: float | None
