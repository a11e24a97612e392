"""One alarm condition: when it is raised, updated, escalated, de-escalated and cleared (ISA-18.2, OPC UA Part 9).

Rules:
1. Everything that moves an alarm is in this file. `TRANSITIONS` is the table; the diagram in the docs is drawn from it.
2. A condition is one (asset, kind): `risk`, `limit:<channel>`, `silence`. Conditions do not know each other.
3. A finding says HIGH, MIDDLE or LOW (above the raise level, in the deadband, below the clear level).
4. The on-delay counts findings and event time; a single HIGH finding followed by another signal raises nothing.
5. An episode has one id from its raise until it is closed; every event of it has the next `rev`.
6. Severity is looked up by the caller from a table; here it is only compared.
7. What a historical finding brings is historical, but for the clear of an alarm people know. The first finding of the
   present tells them of what still stands, and a clear of what they were never told is historical.
8. Acknowledging is a flag of its own: it raises, escalates and clears nothing, and once set in an episode it stays. A
   latched alarm ends only with it; one that has cleared is closed by it, or by the next raise of its condition.
9. Shelving and suppression (`shelving.py`) move nothing here: the condition goes on, only nobody is paged.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from edge_agent.core.identity import digest
from edge_agent.core.report import Told
from edge_agent.core.types import AlarmEvent, Evidence, Quote, Severity, Transition


class Phase(StrEnum):
    """Where a condition stands."""

    NORMAL = "normal"
    RISING = "rising"  # on-delay runs
    ACTIVE = "active"
    FALLING = "falling"  # off-delay runs
    LATCHED = "latched"  # over, and active until it is acknowledged


class Signal(StrEnum):
    """What a finding says of the condition."""

    HIGH = "high"
    MIDDLE = "middle"
    LOW = "low"


TRANSITIONS: dict[tuple[Phase, Signal], Phase] = {
    (Phase.NORMAL, Signal.HIGH): Phase.RISING,
    (Phase.NORMAL, Signal.MIDDLE): Phase.NORMAL,
    (Phase.NORMAL, Signal.LOW): Phase.NORMAL,
    (Phase.RISING, Signal.HIGH): Phase.RISING,  # → ACTIVE when the on-delay is over
    (Phase.RISING, Signal.MIDDLE): Phase.NORMAL,
    (Phase.RISING, Signal.LOW): Phase.NORMAL,
    (Phase.ACTIVE, Signal.HIGH): Phase.ACTIVE,
    (Phase.ACTIVE, Signal.MIDDLE): Phase.ACTIVE,
    (Phase.ACTIVE, Signal.LOW): Phase.FALLING,
    (Phase.FALLING, Signal.HIGH): Phase.ACTIVE,
    (Phase.FALLING, Signal.MIDDLE): Phase.ACTIVE,
    (Phase.FALLING, Signal.LOW): Phase.FALLING,  # → NORMAL or LATCHED when the off-delay is over
    (Phase.LATCHED, Signal.HIGH): Phase.ACTIVE,
    (Phase.LATCHED, Signal.MIDDLE): Phase.LATCHED,
    (Phase.LATCHED, Signal.LOW): Phase.LATCHED,  # → NORMAL when it is acknowledged
}
_RESTING = frozenset({Phase.NORMAL, Phase.ACTIVE, Phase.LATCHED})  # phases in which no delay runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Delays:
    """On- and off-delay: so many findings and so many seconds of event time, both."""

    on_count: int = 1
    on_s: float = 0.0
    off_count: int = 1
    off_s: float = 0.0
    update_step: float = 0.1  # change of risk worth an update
    ack_required: bool = False  # cleared, it stays open until it is acknowledged
    latch: bool = False  # it stays active until it is acknowledged
    realarm_s: float = 0.0  # active and not acknowledged, it is told again after so many seconds; 0: never


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was found of one condition at one time: everything an event may need."""

    asset: str
    kind: str
    time: float
    signal: Signal
    severity: Severity
    risk: float | None = None
    mode: str = "none"
    evidence: tuple[Evidence, ...] = ()
    quotes: tuple[Quote, ...] = ()
    summary: str = ""
    summary_source: str = "template"
    historical: bool = False  # of a time that is over: it pages nobody


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmState:
    """One condition between findings; small and serialisable."""

    phase: Phase = Phase.NORMAL
    since: float = 0.0  # event time at which the phase began
    count: int = 0  # findings in a row that support leaving the phase
    time: float = 0.0  # event time of the newest finding
    episode: int = 0
    id: str = ""
    rev: int = 0
    first: float = 0.0  # event time at which the condition of this episode was first seen
    severity: int = 0
    risk: float = 0.0  # as last published
    mode: str = "none"
    newest_quote: float = 0.0  # event time of the newest quote already told
    acked: bool = False
    told: int = 0  # severity of this episode that people were told, 0 where it is known to the history only
    untold: bool = False  # the newest revision is known to the history only
    frame: str = ""  # in which a model told this episode last (core/report.py)
    framed: str = ""  # what that frame was about, as `subject` says it
    awaiting: bool = False  # cleared, and still to be acknowledged
    content: int = 0  # newest revision that said something of the machine, not of who looked at it
    told_at: float = 0.0  # event time of that revision
    muted: bool = False  # its raise was one too many: it pages nobody until there is room again

    @property
    def active(self) -> bool:
        """Whether an alarm stands."""
        return self.phase in {Phase.ACTIVE, Phase.FALLING, Phase.LATCHED}

    @property
    def open(self) -> bool:
        """Whether people know of it and somebody still has to look at it."""
        return (self.active and self.told > 0) or self.awaiting


def step(state: AlarmState, finding: Finding, delays: Delays) -> tuple[AlarmState, AlarmEvent | None]:
    """The next state of a condition and the event to tell, if any."""
    before, phase = state.phase, TRANSITIONS[state.phase, finding.signal]
    if phase is before and phase in _RESTING:
        state = replace(state, time=finding.time)
    elif phase is before:
        state = replace(state, count=state.count + 1, time=finding.time)
    else:
        state = replace(state, phase=phase, since=finding.time, count=1, time=finding.time)
    elapsed = finding.time - state.since
    if phase is Phase.RISING and state.count >= delays.on_count and elapsed >= delays.on_s:
        return _raised(state, finding)
    if phase is Phase.FALLING and state.count >= delays.off_count and elapsed >= delays.off_s:
        return _over(state, finding, delays)
    if phase is Phase.ACTIVE:
        transition = _change(state, finding, delays)
        if transition is None and before is Phase.LATCHED:
            transition = Transition.UPDATED
        if transition is not None:
            return _told(state, finding, transition)
    return state, None


def acknowledge(state: AlarmState, newest: AlarmEvent) -> tuple[AlarmState, tuple[AlarmEvent, ...]]:
    """The condition with its episode acknowledged, and what is told of it; nothing where it was acknowledged before.

    `newest` is the newest event of the episode: what it says of the machine stays as it is.
    """
    if state.acked or not state.open:
        return state, ()
    latched = state.phase is Phase.LATCHED
    state = replace(state, acked=True, awaiting=False, rev=state.rev + 1)
    acked = replace(
        newest, rev=state.rev, transition=Transition.ACKED, acked=True, active=state.active, open=state.open
    )
    if not latched:
        return state, (acked,)
    state = replace(state, phase=Phase.NORMAL, since=state.time, count=0, rev=state.rev + 1)
    over = replace(acked, rev=state.rev, transition=Transition.CLEARED, active=False, open=False, latched=False)
    return state, (acked, over)


def closed(state: AlarmState, newest: AlarmEvent) -> AlarmEvent:
    """The last event of an episode that cleared and was never acknowledged: its condition is raised anew."""
    return replace(
        newest, rev=state.rev + 1, transition=Transition.CLOSED, active=False, open=False, actor="", comment=""
    )


def retell(state: AlarmState, event: AlarmEvent, told: Told) -> tuple[AlarmState, AlarmEvent] | None:
    """The condition and its event anew in a model's words, as the next revision; None where the alarm has moved on.

    Nothing of the condition changes but the revision and its wording: a summary neither raises, escalates nor clears.
    """
    if not state.active or (state.id, state.content) != (event.id, event.rev):
        return None
    rev = state.rev + 1
    state = replace(state, rev=rev, content=rev, frame=told.frame, framed=subject(event))
    anew = replace(
        event,
        rev=rev,
        transition=Transition.UPDATED,
        acked=state.acked,
        latched=state.phase is Phase.LATCHED,
        summary=told.text,
        summary_source="model",
    )
    return state, anew


def subject(event: AlarmEvent) -> str:
    """What an event is about: failure mode and leading evidence. While it stays the same, so does the wording."""
    return f"{event.mode} {event.evidence[0].channel}" if event.evidence else event.mode


def _raised(state: AlarmState, finding: Finding) -> tuple[AlarmState, AlarmEvent]:
    episode = state.episode + 1
    raised = replace(
        state,
        phase=Phase.ACTIVE,
        count=0,
        episode=episode,
        id=digest("alarm", finding.asset, finding.kind, str(episode), f"{finding.time:.6f}"),
        rev=0,
        first=state.since,
        since=finding.time,
        acked=False,
        awaiting=False,
        muted=False,
        told=0,
        untold=False,
        frame="",
        framed="",
    )
    return _told(raised, finding, Transition.RAISED)


def _over(state: AlarmState, finding: Finding, delays: Delays) -> tuple[AlarmState, AlarmEvent]:
    """The end of the off-delay: cleared, or held until somebody has acknowledged it."""
    known = bool(state.told) and not state.acked
    phase = Phase.LATCHED if delays.latch and known else Phase.NORMAL
    state = replace(state, phase=phase, since=finding.time, count=0)
    if phase is Phase.LATCHED:
        return _told(state, finding, Transition.UPDATED)
    return _told(replace(state, awaiting=delays.ack_required and known), finding, Transition.CLEARED)


def _change(state: AlarmState, finding: Finding, delays: Delays) -> Transition | None:
    overdue = state.untold and not finding.historical
    if overdue and not state.told:
        return Transition.RAISED
    known = state.told if overdue else state.severity
    if finding.severity.number > known:
        return Transition.ESCALATED
    if finding.severity.number < known:
        return Transition.DEESCALATED
    if overdue:
        return Transition.UPDATED
    moved = finding.risk is not None and abs(finding.risk - state.risk) >= delays.update_step
    said = max((quote.time for quote in finding.quotes), default=0.0) > state.newest_quote
    if moved or said or finding.mode != state.mode:
        return Transition.UPDATED
    unheard = 0.0 < delays.realarm_s <= finding.time - state.told_at and not (state.acked or finding.historical)
    return Transition.REALARMED if unheard else None


def _told(state: AlarmState, finding: Finding, transition: Transition) -> tuple[AlarmState, AlarmEvent]:
    over = transition is Transition.CLEARED or state.phase is Phase.LATCHED
    historical = not state.told if over else finding.historical
    rev = state.rev + 1
    state = replace(
        state,
        rev=rev,
        content=rev,
        told_at=finding.time,
        severity=finding.severity.number,
        told=state.told if historical else finding.severity.number,
        untold=historical,
        risk=finding.risk if finding.risk is not None else state.risk,
        mode=finding.mode,
        newest_quote=max((quote.time for quote in finding.quotes), default=state.newest_quote),
    )
    event = AlarmEvent(
        id=state.id,
        asset=finding.asset,
        kind=finding.kind,
        episode=state.episode,
        rev=state.rev,
        transition=transition,
        time=finding.time,
        first=state.first,
        active=transition is not Transition.CLEARED,
        acked=state.acked,
        severity=finding.severity.word,
        severity_number=finding.severity.number,
        risk=finding.risk,
        mode=finding.mode,
        evidence=finding.evidence,
        quotes=finding.quotes,
        summary=finding.summary,
        summary_source=finding.summary_source,
        historical=historical,
        open=state.open,
        latched=state.phase is Phase.LATCHED,
    )
    return state, event
