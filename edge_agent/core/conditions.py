"""Alarm conditions of all assets: what a verdict, a value or a silence does to them, and what is told of it.

The states themselves and the rules that move them are in `alarm.py`; here findings are made for them and events become
whole: evidence, what moved the risk, and the words. Which windows and readings there are is the pipeline's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from edge_agent.core import evidence, summary
from edge_agent.core.alarm import AlarmState, Delays, Finding, Signal, step, subject
from edge_agent.core.facts import facts_of
from edge_agent.core.report import reword
from edge_agent.core.types import (
    AlarmEvent,
    AlarmPolicy,
    ChannelSpec,
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
        self._unexplained: dict[str, _Ground] = {}  # asset → a raise that has not said what moved its risk
        self._policy = policy
        self._judge = judge
        self._levels = _levels(policy, judge.threshold)
        stranger = judge.threshold if judge.stranger_threshold is None else judge.stranger_threshold
        self._stranger_levels = _levels(policy, stranger)
        self._risk_delays = Delays(
            on_count=policy.on_windows, off_count=policy.off_windows, update_step=policy.update_step
        )
        self._limit_delays = Delays(on_s=policy.limit_on_s, off_s=policy.limit_off_s)

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
            outcome.events[-1] = self._in_known_words(self._explained(ground), window)
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
            self.alarms[asset, "risk"] = replace(state, rev=state.rev + 1)
            event = replace(self._explained(ground), rev=state.rev + 1, transition=Transition.UPDATED)
            return {asset: Outcome(events=[event], tellable=[(event, ground.window)], conditions_changed=True)}
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
        crossed = channel.limits.crossed(reading.value)
        key = (reading.asset, f"limit:{channel.name}")
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
        self._step(finding, Delays(), outcome)

    def _step(self, finding: Finding, delays: Delays, outcome: Outcome) -> AlarmEvent | None:
        key = (finding.asset, finding.kind)
        before = self.alarms.get(key, AlarmState())
        self.alarms[key], event = step(before, finding, delays)
        outcome.conditions_changed |= self.alarms[key] != replace(before, time=finding.time)
        if event is not None:
            event = replace(event, voice=self._judge.voice)
            outcome.events.append(event)
        return event


def _levels(policy: AlarmPolicy, threshold: float) -> tuple[float, float]:
    """The risks from which an alarm is raised, and below which it is cleared."""
    raise_at = policy.raise_at if policy.raise_at is not None else threshold
    return raise_at, policy.clear_at if policy.clear_at is not None else CLEAR_SHARE * raise_at
