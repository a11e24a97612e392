"""Every payload we publish, as pydantic models, each with its version; and the messages an event becomes.

Events are CloudEvents 1.0 in structured JSON (Source: cloudevents.io spec v1.0.2, JSON format), under 8 KB.
Keys are deterministic: the same event gives the same key after a restart, so repeats are harmless (promise G2).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from edge_agent.core.identity import digest
from edge_agent.core.modes import mode
from edge_agent.core.topics import Address
from edge_agent.core.types import AlarmEvent, Evidence, Outgoing, Transition, Verdict

ALARM_TYPE: Final = "io.edge-agent.alarm.v1"
MAX_PAYLOAD = 8192
LANE_ALARM, LANE_STATE, LANE_HISTORY = 0, 1, 2


class _Payload(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class EvidencePayload(_Payload):
    """One fact an alarm rests on."""

    channel: str
    component: str
    value: float = Field(description="in `unit`")
    unit: str
    baseline: float | None = Field(description="this asset's own healthy value, in `unit`")
    shift: float | None = Field(description="distance from the baseline in robust z")
    limit: float | None
    rule: Literal["deviation", "limit", "silence", "unit"]
    contribution: float | None = Field(None, description="risk minus the risk without this channel; null: not tried")


class QuotePayload(_Payload):
    """A line of the maintenance log."""

    id: str
    time: str
    text: str
    contribution: float | None = Field(None, description="risk minus the risk without this line; null: not tried")


class ModelPayload(_Payload):
    """Which model judged."""

    name: str
    version: str
    sha256: str


class AlarmValues(_Payload):
    """What is single-valued of one revision of an alarm."""

    version: Literal[1] = 1
    alarm: str = Field(description="id, the same for all revisions of one episode")
    asset: str
    kind: str
    episode: int
    rev: int
    transition: Transition
    active: bool
    acked: bool
    severity: str
    severity_number: int = Field(ge=1, le=1000, description="OPC UA severity")
    risk: float | None = Field(description="calibrated probability of failure within `horizon`")
    horizon: str
    mode: str = Field(description="ISO 14224 failure-mode code")
    mode_name: str
    first: str = Field(description="event time at which the condition was first seen")
    time: str = Field(description="event time of this transition")
    observed: str = Field(description="wall clock when the agent decided")
    clock: str
    historical: bool
    unrecorded: bool = Field(description="sent although it could not be written down")
    summary: str
    summary_source: Literal["template", "model"]
    config: str = Field(description="hash of the configuration")
    open: bool = Field(default=True, description="active, or cleared and to be acknowledged; retained so long")
    latched: bool = Field(default=False, description="over, and active until it is acknowledged")
    shelved_until: str | None = Field(None, description="shelved until then: pages nobody; null: not shelved")
    suppressed: str = Field("", description="pages nobody, by: operator, rate; empty: not suppressed")
    actor: str = Field("", description="who acted, in acked, shelved, unshelved, suppressed and unsuppressed")
    comment: str = Field("", description="what they said")


class AlarmData(AlarmValues):
    """The `data` of an alarm event."""

    evidence: tuple[EvidencePayload, ...]
    log: tuple[QuotePayload, ...]
    model: ModelPayload


class CloudEvent(_Payload):
    """The envelope."""

    specversion: Literal["1.0"] = "1.0"
    id: str
    source: str
    type: Literal["io.edge-agent.alarm.v1"] = ALARM_TYPE
    subject: str
    time: str
    datacontenttype: Literal["application/json"] = "application/json"
    data: AlarmData


class RiskPayload(_Payload):
    """Latest risk of one asset, retained."""

    version: Literal[1] = 1
    asset: str
    risk: float
    status: str = Field(description="decided, provisional, uncertain; standing, misconfigured: not judged, the last")
    mode: str
    mode_name: str
    time: str
    text: str = Field(description="what the model read; empty while it is not judged")


class StatePayload(_Payload):
    """Whether the agent lives, retained; `offline` is its will."""

    version: Literal[1] = 1
    state: Literal["online", "stopped", "offline"]
    boot_id: str
    agent: str = Field(description="version of the agent")


class HealthPayload(_Payload):
    """How the agent is, retained, every minute."""

    version: Literal[1] = 1
    time: str
    boot_id: str
    uptime_s: float
    rss_bytes: int
    inbox: int
    outbox: int
    oldest_unsent_s: float
    assets: int
    readings: int
    verdicts: int
    alarms_active: int
    faults: dict[str, int] = Field(description="inputs refused, by reason")
    shed: int = Field(description="what was dropped for want of room, all causes together")
    shed_by_cause: dict[str, int] = Field({}, description="the same by cause, those of the metric `edge_agent_shed`")
    flash_mb_per_day: float = Field(0.0, description="written to the disk, at the rate of the last day")
    commit_stretch: float = Field(1.0, description="times longer that commits are grouped to spare the flash")
    bundle: str
    bundle_fallback: bool = Field(default=False, description="the last good bundle judges, the configured one cannot")
    nuisances: dict[str, int] = Field(
        {}, description="alarms since the start that were chattering, fleeting, stale, or part of a flood"
    )
    set_aside: int = Field(0, description="damaged journals that lie beside the journal")
    clock: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Who speaks: what every message of this process has in common."""

    address: Address
    model: ModelPayload
    horizon: str
    config: str
    boot_id: str
    agent: str


def stamp(time: float) -> str:
    """RFC 3339 in UTC with milliseconds."""
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def evidence_payload(fact: Evidence) -> EvidencePayload:
    """The payload of one piece of evidence."""
    return EvidencePayload(
        channel=fact.channel,
        component=fact.component,
        value=fact.value,
        unit=fact.unit,
        baseline=fact.baseline,
        shift=None if fact.shift is None else round(fact.shift, 2),
        limit=fact.limit,
        rule=fact.rule,  # type: ignore[arg-type]  # checked by pydantic
        contribution=_rounded(fact.contribution),
    )


def alarm_data(
    event: AlarmEvent, origin: Origin, *, observed: float, clock: str, unrecorded: bool = False
) -> AlarmData:
    """The payload of an alarm event."""
    return AlarmData(
        alarm=event.id,
        asset=event.asset,
        kind=event.kind,
        episode=event.episode,
        rev=event.rev,
        transition=event.transition,
        active=event.active,
        acked=event.acked,
        severity=event.severity,
        severity_number=event.severity_number,
        risk=_rounded(event.risk),
        horizon=origin.horizon,
        mode=mode(event.mode).code,
        mode_name=mode(event.mode).name,
        first=stamp(event.first),
        time=stamp(event.time),
        observed=stamp(observed),
        clock=clock,
        historical=event.historical,
        unrecorded=unrecorded,
        evidence=tuple(evidence_payload(fact) for fact in event.evidence),
        log=tuple(
            QuotePayload(
                id=quote.id, time=stamp(quote.time), text=quote.text, contribution=_rounded(quote.contribution)
            )
            for quote in event.quotes
        ),
        summary=event.summary,
        summary_source=event.summary_source,  # type: ignore[arg-type]  # checked by pydantic
        model=origin.model,
        config=origin.config,
        open=event.open,
        latched=event.latched,
        shelved_until=None if event.shelved_until is None else stamp(event.shelved_until),
        suppressed=event.suppressed,
        actor=event.actor,
        comment=event.comment,
    )


def alarm_messages(
    event: AlarmEvent, origin: Origin, *, observed: float, clock: str, unrecorded: bool = False
) -> tuple[Outgoing, ...]:
    """What an alarm event sends: the transition for the fleet, and the retained alarm, emptied when it is closed.

    What is historical goes to the history alone, behind everything of the present; it pages nobody.
    """
    data = alarm_data(event, origin, observed=observed, clock=clock, unrecorded=unrecorded)
    key = digest(event.id, str(event.rev))
    envelope = CloudEvent(
        id=key,
        source=f"/{origin.address.path}",
        subject=f"{event.asset}/{event.kind}",
        time=stamp(event.time),
        data=data,
    )
    body = envelope.model_dump_json().encode()
    address = origin.address
    if event.historical:
        group = f"{event.id}-history"  # the alarm must not wait for its past
        return (Outgoing(f"{key}-history", address.history, body, 1, retain=False, lane=LANE_HISTORY, group=group),)
    retained = body if event.open else b""
    return (
        Outgoing(f"{key}-event", address.event, body, 1, retain=False, lane=LANE_ALARM, group=event.id),
        Outgoing(
            f"{key}-alarm", address.alarm(event.asset, event.id), retained, 1, retain=True, lane=LANE_ALARM,
            group=event.id,
        ),
    )  # fmt: skip


def risk_payload(verdict: Verdict) -> RiskPayload:
    """The payload of a risk."""
    return RiskPayload(
        asset=verdict.asset,
        risk=round(verdict.risk, 4),
        status=verdict.status,
        mode=mode(verdict.mode).code,
        mode_name=mode(verdict.mode).name,
        time=stamp(verdict.time),
        text=verdict.text,
    )


def risk_message(verdict: Verdict, origin: Origin) -> Outgoing:
    """The retained risk of an asset."""
    payload = risk_payload(verdict)
    topic = origin.address.risk(verdict.asset)
    key = digest("risk", verdict.asset, f"{verdict.time:.6f}")
    return Outgoing(key, topic, payload.model_dump_json().encode(), 1, retain=True, lane=LANE_STATE, group=topic)


def state_message(origin: Origin, state: Literal["online", "stopped", "offline"]) -> Outgoing:
    """The retained state of the gateway; not kept in the outbox, it is only true now."""
    payload = StatePayload(state=state, boot_id=origin.boot_id, agent=origin.agent)
    topic = origin.address.state
    body = payload.model_dump_json().encode()
    return Outgoing(f"state-{state}", topic, body, 1, retain=True, lane=LANE_STATE, group=topic)


def health_message(payload: HealthPayload, origin: Origin) -> Outgoing:
    """The retained health of the gateway; not kept in the outbox, it is only true now."""
    topic = origin.address.health
    body = payload.model_dump_json().encode()
    return Outgoing(f"health-{payload.time}", topic, body, 1, retain=True, lane=LANE_STATE, group=topic)


def _rounded(share: float | None) -> float | None:
    """A probability as payloads carry it."""
    return None if share is None else round(share, 4)
