"""Alarm conditions of all assets: what a verdict, a value or a silence does to them, and what is told of it.

The states themselves and the rules that move them are in `alarm.py`; here findings are made for them and events become
whole: evidence, what moved the risk, and the words. Which windows and readings there are is the pipeline's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from edge_agent.core import evidence, summary
from edge_agent.core.alarm import AlarmState, Delays, Finding, Phase, Signal, closed, retell, step, subject
from edge_agent.core.facts import facts_of
from edge_agent.core.report import Told, reword
from edge_agent.core.shelving import RATE, Flags
from edge_agent.core.types import (
    AlarmEvent,
    AlarmPolicy,
    ChannelSpec,
    ClassSpec,
    Evidence,
    LogLine,
    Reading,
    Severity,
    Transition,
    Verdict,
    Window,
)
from edge_agent.core.verdict import Score

CLEAR_SHARE = 0.6  # of the raise level, where the policy names no clear level
MAX_SILENT = 8  # silent channels an alarm names


@dataclass(slots=True)
class Outcome:
    """What one input brought."""

    windows: list[Window] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    events: list[AlarmEvent] = field(default_factory=list)
    tellable: list[tuple[AlarmEvent, Window]] = field(default_factory=list)  # worth better words, with their window
    conditions_changed: bool = False  # a condition of the asset must be written down anew
    accepted: bool = True  # False: no class for the asset, or no such channel in it


NOTHING = Outcome()  # of a reading that closed no step and changed no condition; the same for all, so never changed


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """The model as the pipeline sees it."""

    score: Score
    labels: tuple[str, ...]
    threshold: float
    stranger_threshold: float | None = None  # of assets whose class has no reference; None: as the others
    voice: str = ""  # key of who judges, noted on every event


@dataclass(frozen=True, slots=True)
class _Ground:
    """What a risk event stands on, kept until it has been said what moved the risk."""

    event: AlarmEvent
    window: Window
    logs: Sequence[LogLine]
    occlusion: evidence.Occlusion


class Conditions:
    """The conditions of one agent, by asset and kind."""

    def __init__(self, policy: AlarmPolicy, judge: Judge) -> None:
        self.alarms: dict[tuple[str, str], AlarmState] = {}
        self.newest: dict[tuple[str, str], AlarmEvent] = {}  # of the episodes that are open
        self.flags: dict[str, Flags] = {}  # by asset
        self._unexplained: dict[str, _Ground] = {}  # asset → a raise that has not said what moved its risk
        self._policy = policy
        self._judge = judge
        self._levels = _levels(policy, judge.threshold)
        stranger = judge.threshold if judge.stranger_threshold is None else judge.stranger_threshold
        self._stranger_levels = _levels(policy, stranger)
        usual = Delays(
            update_step=policy.update_step, ack_required=policy.ack_required, realarm_s=policy.realarm_s
        )  # fmt: skip
        self._risk_delays = replace(
            usual, on_count=policy.on_windows, off_count=policy.off_windows, latch="risk" in policy.latch
        )
        self._limit_delays = replace(
            usual, on_s=policy.limit_on_s, off_s=policy.limit_off_s, latch="limit" in policy.latch
        )
        self._silence_delays = replace(usual, latch="silence" in policy.latch)
        self._unit_delays = usual

    # ------------------------------------------------------------------------------------------------ risk

    def _risk(self, window: Window, verdict: Verdict, logs: Sequence[LogLine], outcome: Outcome) -> None:
        signal = self._signal(verdict.risk, stranger=window.stranger)
        condition = self.alarms.get((window.asset, "risk"))
        if signal is not Signal.HIGH and condition is None:
            return
        facts, quotes = evidence.facts(window), evidence.quotes(logs)
        finding = Finding(
            asset=window.asset,
            kind="risk",
            time=window.end,
            signal=signal,
            severity=self._severity(verdict.risk, condition),
            risk=verdict.risk,
            mode=verdict.mode,
            evidence=facts,
            quotes=quotes,
            historical=window.historical,
            summary=summary.of_recovery(facts)
            if signal is Signal.LOW
            else summary.of_risk(verdict.mode, facts, quotes),
        )
        event = self._step(finding, self._risk_delays, outcome)
        if event is None:
            return
        self._unexplained.pop(window.asset, None)
        if event.historical:
            return
        ground = _Ground(event, window, logs, evidence.Occlusion(verdict.text))
        if event.transition is Transition.RAISED:
            self._unexplained[window.asset] = ground
        elif event.active:
            while not ground.occlusion.whole:
                ground.occlusion.ask(self._judge.score)
            self._amend(outcome, self._in_known_words(self._explained(ground), window))
            if outcome.events[-1].summary_source == "template":
                outcome.tellable.append((outcome.events[-1], window))

    @property
    def explaining(self) -> bool:
        """Whether a raise waits to say what moved its risk."""
        return bool(self._unexplained)

    def explain_on(self) -> dict[str, Outcome]:
        """One score further with the oldest raise that has not said what moved its risk; by asset what is now told.

        Not part of the raise itself, because it costs up to `evidence.MAX_SCORES` scores, and nobody shall wait for
        that: call it when the raise is written and on its way, and as often as there is nothing more urgent. With its
        last score the raise is told again as its next revision; whoever puts it into other words takes it from here. A
        raise that is told again meanwhile is dropped: its newer revision says what moved the risk.
        """
        for asset, ground in self._unexplained.items():
            ground.occlusion.ask(self._judge.score)
            if not ground.occlusion.whole:
                return {}
            del self._unexplained[asset]
            state = self.alarms[asset, "risk"]
            state = self.alarms[asset, "risk"] = replace(state, rev=state.rev + 1, content=state.rev + 1)
            outcome = Outcome(conditions_changed=True)
            event = replace(self._explained(ground), rev=state.rev, transition=Transition.UPDATED)
            outcome.tellable.append((self._tell(event, outcome), ground.window))
            return {asset: outcome}
        return {}

    def explain(self) -> dict[str, Outcome]:
        """All that waits to be explained, at once: for whoever has time."""
        told: dict[str, Outcome] = {}
        while self.explaining:
            told |= self.explain_on()
        return told

    def _explained(self, ground: _Ground) -> AlarmEvent:
        """The event with what moved its risk: evidence and quotes in that order, and a summary that begins with it."""
        event = ground.event
        moves = ground.occlusion.moves(event.risk or 0.0)
        facts, quotes = evidence.facts(ground.window, moves), evidence.quotes(ground.logs, moves)
        return replace(event, evidence=facts, quotes=quotes, summary=summary.of_risk(event.mode, facts, quotes))

    def _in_known_words(self, event: AlarmEvent, window: Window) -> AlarmEvent:
        """The event in the words a model has found for its alarm, with the values of now; as it is where none fit.

        They fit while failure mode and leading evidence are the same and every word is still true.
        """
        state = self.alarms[event.asset, event.kind]
        words = reword(state.frame, facts_of(event, window)) if state.framed == subject(event) else None
        return event if words is None else replace(event, summary=words, summary_source="model")

    def _signal(self, risk: float, *, stranger: bool = False) -> Signal:
        raise_at, clear_at = self._stranger_levels if stranger else self._levels
        if risk >= raise_at:
            return Signal.HIGH
        return Signal.MIDDLE if risk >= clear_at else Signal.LOW

    def _severity(self, risk: float, condition: AlarmState | None) -> Severity:
        """The row of the table for a risk; a standing alarm leaves its row downwards only past a deadband."""
        rows = self._policy.severities
        lowest = min(rows, key=lambda s: s.risk)
        row = max((s for s in rows if risk >= s.risk), key=lambda s: s.risk, default=lowest)
        if condition is not None and condition.active and row.number < condition.severity:
            held = next((s for s in rows if s.number == condition.severity), row)
            if risk >= held.risk - self._policy.update_step:
                return held
        return row

    # ------------------------------------------------------------------------------------------------ the others

    def _limit_matters(self, channel: ChannelSpec, reading: Reading) -> bool:
        """Whether a limit is crossed, or was."""
        crossed = channel.limits.crossed(reading.value) is not None
        return crossed or (reading.asset, f"limit:{channel.name}") in self.alarms

    def _limit(self, channel: ChannelSpec, reading: Reading, outcome: Outcome, *, historical: bool = False) -> None:
        if not self._limit_matters(channel, reading):
            return
        key = (reading.asset, f"limit:{channel.name}")
        crossed = channel.limits.crossed(reading.value)
        if crossed is None and key in self.alarms and self.alarms[key].active:
            crossed = channel.limits.near(reading.value)
        fact = Evidence(
            channel.name, channel.component, reading.value, channel.unit, None, None, crossed, "limit"
        )  # fmt: skip
        known = self.alarms.get(key)
        if known is not None and reading.time < known.time:
            return  # out of order: what is over pages nobody
        finding = Finding(
            asset=reading.asset,
            kind=key[1],
            time=reading.time,
            signal=Signal.LOW if crossed is None else Signal.HIGH,
            severity=self._policy.limit_severity,
            evidence=(fact,),
            summary=summary.of_limit(fact) if crossed is not None else f"{channel.name} is back within its limit.",
            historical=historical,
        )
        self._step(finding, self._limit_delays, outcome)

    def _silence(
        self, asset: str, time: float, channels: Sequence[str], outcome: Outcome, *, historical: bool = False
    ) -> None:
        known = self.alarms.get((asset, "silence"))
        if not channels and known is None:
            return
        facts = tuple(Evidence(name, "", 0.0, "", None, None, None, "silence") for name in channels[:MAX_SILENT])
        finding = Finding(
            asset=asset,
            kind="silence",
            time=time if known is None else max(time, known.time),  # a buffer begins before its silence was noticed
            signal=Signal.HIGH if channels else Signal.LOW,
            severity=self._policy.silence_severity,
            evidence=facts,
            summary=summary.of_silence(facts, more=len(channels) > MAX_SILENT) if channels else "Readings are back.",
            historical=historical,
        )
        self._step(finding, self._silence_delays, outcome)

    def _units(self, spec: ClassSpec, window: Window, outcome: Outcome) -> None:
        """Channels that come in another unit: a fault of the configuration, told as such."""
        misread = {part.channel: part for part in window.misread if part.confirmed}
        for channel in spec.channels:
            part = misread.get(channel.name)
            if part is None and (window.asset, f"unit:{channel.name}") not in self.alarms:
                continue
            finding = Finding(
                asset=window.asset,
                kind=f"unit:{channel.name}",
                time=window.end,
                signal=Signal.LOW if part is None else Signal.HIGH,
                severity=self._policy.unit_severity,
                evidence=() if part is None else evidence.of_misread(part),
                summary=f"{channel.name} comes in its own unit again." if part is None else summary.of_misread(part),
                historical=window.historical,
            )
            self._step(finding, self._unit_delays, outcome)

    def _step(self, finding: Finding, delays: Delays, outcome: Outcome) -> AlarmEvent | None:
        key = (finding.asset, finding.kind)
        before = self.alarms.get(key, AlarmState())
        state, event = step(before, finding, delays)
        self.alarms[key] = state
        outcome.conditions_changed |= state != replace(before, time=finding.time)
        if event is not None and event.transition is Transition.RAISED and event.rev == 1:
            if before.awaiting:
                self._tell(closed(before, self._newest(key, before)), outcome)
            self._count(key, event)
        elif event is None:
            event = self._unmuted(key, finding)
        if event is not None:
            event = self._tell(replace(event, voice=self._judge.voice), outcome)
        return event

    def _count(self, key: tuple[str, str], event: AlarmEvent) -> None:
        """Count a raise of the present; one too many within a while pages nobody (IEC 62682: floods)."""
        if event.historical or event.kind.startswith("limit:"):
            return
        flags = self.flags.setdefault(event.asset, Flags())
        if not flags.raised(event.time, self._policy.most_raises, self._policy.raises_s):
            self.alarms[key] = replace(self.alarms[key], muted=True)

    def _unmuted(self, key: tuple[str, str], finding: Finding) -> AlarmEvent | None:
        """What tells people of an alarm that was one too many, once there is room again and it still stands."""
        state, newest = self.alarms[key], self.newest.get(key)
        if not state.muted or finding.historical or state.phase is not Phase.ACTIVE or newest is None:
            return None
        flags = self.flags.setdefault(finding.asset, Flags())
        if not flags.raised(finding.time, self._policy.most_raises, self._policy.raises_s):
            return None
        state = self.alarms[key] = replace(state, rev=state.rev + 1, content=state.rev + 1, muted=False)
        again = Transition.REALARMED
        return replace(newest, rev=state.rev, transition=again, time=finding.time, actor="", comment="")

    # ------------------------------------------------------------------------------------------------ telling

    def _tell(self, event: AlarmEvent, outcome: Outcome) -> AlarmEvent:
        """The event with all flags of its condition as they are now, added to what is told."""
        key = (event.asset, event.kind)
        state, flags = self.alarms.get(key, AlarmState()), self.flags.get(event.asset)
        if event.id == state.id:
            event = replace(event, acked=state.acked, latched=state.phase is Phase.LATCHED)
        if flags is not None or state.muted:
            flags = Flags() if flags is None else flags
            muted = RATE if state.muted and event.id == state.id else ""
            event = replace(
                event, shelved_until=flags.shelved_until(event.kind), suppressed=flags.suppressed(event.kind) or muted
            )
        if event.open and not event.historical:
            self.newest[key] = event
        elif not event.open and event.id == state.id:
            self.newest.pop(key, None)
        outcome.events.append(event)
        return event

    def reworded(self, event: AlarmEvent, told: Told) -> Outcome | None:
        """What is told of an alarm in a model's words; None where it has moved on since `event`."""
        state = self.alarms.get((event.asset, event.kind))
        retold = None if state is None else retell(state, event, told)
        if retold is None:
            return None
        self.alarms[event.asset, event.kind], anew = retold
        outcome = Outcome(conditions_changed=True)
        self._tell(anew, outcome)
        return outcome

    def _amend(self, outcome: Outcome, event: AlarmEvent) -> None:
        """Let an event just told be told in better words."""
        outcome.events.pop()
        self._tell(event, outcome)

    def _newest(self, key: tuple[str, str], state: AlarmState) -> AlarmEvent:
        """The newest event of an open episode; what can be said of it where that was lost with a damaged journal."""
        known = self.newest.get(key)
        if known is not None and known.id == state.id:
            return known
        word = next((s.word for s in self._policy.severities if s.number == state.severity), "medium")
        return AlarmEvent(
            id=state.id, asset=key[0], kind=key[1], episode=state.episode, rev=state.rev, transition=Transition.UPDATED,
            time=state.told_at, first=state.first, active=state.active, acked=state.acked, severity=word,
            severity_number=max(state.severity, 1), risk=state.risk if key[1] == "risk" else None, mode=state.mode,
            evidence=(), quotes=(), summary="", summary_source="template",
        )  # fmt: skip


def _levels(policy: AlarmPolicy, threshold: float) -> tuple[float, float]:
    """The risks from which an alarm is raised, and below which it is cleared."""
    raise_at = policy.raise_at if policy.raise_at is not None else threshold
    return raise_at, policy.clear_at if policy.clear_at is not None else CLEAR_SHARE * raise_at
