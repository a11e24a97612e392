"""Reading → findings: the whole decision, one pure step at a time. Engine, backtest, explain and training share it.

A `Pipeline` belongs to one thread. It is given the classes, the model's `score` function and the policy, and holds all
state between readings: windows, baselines, recent log lines, alarm conditions. Everything in it can be written down
(`core/snapshot.py`) and is rebuilt by pushing the same readings in the same order with `judging=False`.

A reading of channel `CLOSE` carries no value: it closes the open steps of its asset up to its time. The engine writes
one when an asset has gone quiet, so that a rebuild from the journal closes the same steps.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from edge_agent.core import evidence, summary
from edge_agent.core.alarm import AlarmState, Delays, Finding, Signal, step
from edge_agent.core.baseline import Reference
from edge_agent.core.types import (
    AlarmEvent,
    AlarmPolicy,
    ChannelSpec,
    ClassSpec,
    Evidence,
    LogLine,
    Reading,
    Severity,
    Status,
    Transition,
    Verdict,
    Window,
)
from edge_agent.core.verdict import Score, judge
from edge_agent.core.window import Windower

CLOSE = ""
CLEAR_SHARE = 0.6  # of the raise level, where the policy names no clear level
MAX_LOGS = 32  # newest log lines kept per asset
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
    voice: str = ""  # key of who judges, noted on every event


@dataclass(frozen=True, slots=True)
class _Ground:
    """What a risk event stands on, kept until it has been said what moved the risk."""

    event: AlarmEvent
    window: Window
    logs: Sequence[LogLine]
    text: str


class Pipeline:
    """All assets of one agent."""

    def __init__(
        self,
        classes: Mapping[str, ClassSpec],
        class_of: Callable[[str], str | None],
        references: Mapping[str, Reference],
        policy: AlarmPolicy,
        judge: Judge,
    ) -> None:
        self.windowers = {name: Windower(spec, references.get(name)) for name, spec in classes.items()}
        self.alarms: dict[tuple[str, str], AlarmState] = {}
        self.logs: dict[str, list[LogLine]] = {}  # oldest first
        self.judging = True
        self._unexplained: dict[str, _Ground] = {}  # asset → a raise that has not said what moved its risk
        self._class_of = class_of
        self._asset_class: dict[str, str | None] = {}
        self._policy = policy
        self._judge = judge
        self._raise_at = policy.raise_at if policy.raise_at is not None else judge.threshold
        self._clear_at = policy.clear_at if policy.clear_at is not None else CLEAR_SHARE * self._raise_at
        self._risk_delays = Delays(
            on_count=policy.on_windows, off_count=policy.off_windows, update_step=policy.update_step
        )
        self._limit_delays = Delays(on_s=policy.limit_on_s, off_s=policy.limit_off_s)
        self._channels = {
            name: {c.name: c for c in spec.channels if not c.expression} for name, spec in classes.items()
        }
        self._derived = {
            name: [c for c in spec.channels if c.expression and c.limits != ChannelSpec(name="x").limits]
            for name, spec in classes.items()
        }

    # ------------------------------------------------------------------------------------------------ inputs

    def windower(self, asset: str) -> Windower | None:
        """The windower of an asset's class; None where no class is configured for it."""
        if asset not in self._asset_class:
            self._asset_class[asset] = self._class_of(asset)
        name = self._asset_class[asset]
        return None if name is None else self.windowers.get(name)

    def reading(self, reading: Reading) -> Outcome:
        """Take one reading."""
        windower = self.windower(reading.asset)
        if windower is None:
            return Outcome(accepted=False)
        outcome = NOTHING
        if reading.channel == CLOSE:
            windows = windower.flush(reading.asset, reading.time, describe=self.judging)
        else:
            channel = self._channels[windower.spec.name].get(reading.channel)
            if channel is None:
                return Outcome(accepted=False)
            if self.judging and self._limit_matters(channel, reading) and not windower.outdated(reading):
                outcome = Outcome()  # what is outdated pages nobody
                self._limit(channel, reading, outcome)
            windows = windower.push(reading, describe=self.judging)
        if not windows:
            return outcome
        if outcome is NOTHING:
            outcome = Outcome()
        outcome.windows = windows
        for window in windows if self.judging else ():
            self._judged(windower.spec, window, outcome)
        return outcome

    def log(self, line: LogLine) -> bool:
        """Take one log line, in any order of time; False when the same line is known already."""
        lines = self.logs.setdefault(line.asset, [])
        if any(known.id == line.id for known in lines):
            return False
        insort(lines, line, key=_age_order)
        del lines[:-MAX_LOGS]
        return True

    def silent(self, asset: str) -> Outcome:
        """Note that nothing has arrived from an asset for longer than its class allows."""
        windower = self.windower(asset)
        if windower is None or asset not in windower.tracks:
            return Outcome()
        time = windower.tracks[asset].newest + windower.spec.silent_after_s
        outcome = Outcome()
        self._silence(asset, time, ("any channel",), outcome)
        return outcome

    # ------------------------------------------------------------------------------------------------ findings

    def _judged(self, spec: ClassSpec, window: Window, outcome: Outcome) -> None:
        self._silence(window.asset, window.end, window.silent, outcome)
        for channel in self._derived[spec.name]:
            value = next((c.value for c in window.channels if c.name == channel.name), None)
            if value is not None:
                self._limit(channel, Reading(window.asset, channel.name, window.end, value), outcome)
        if not self.due(window):
            return
        logs = self.recent(window)
        verdict = judge(window, logs, self._judge.score, self._judge.labels)
        outcome.verdicts.append(verdict)
        if verdict.status is Status.DECIDED:
            self._risk(window, verdict, logs, outcome)

    def due(self, window: Window) -> bool:
        """Whether a window gets a verdict."""
        return bool(window.channels) and not window.index % self.windowers[window.asset_class].spec.verdict_every

    def recent(self, window: Window) -> list[LogLine]:
        """The log lines a verdict on this window reads, newest first."""
        spec = self.windowers[window.asset_class].spec
        lines = self.logs.get(window.asset, ())
        recent = [line for line in lines if window.end - spec.log_horizon_s <= line.time <= window.end]
        return recent[::-1][: spec.log_lines]

    def _risk(self, window: Window, verdict: Verdict, logs: Sequence[LogLine], outcome: Outcome) -> None:
        signal = self._signal(verdict.risk)
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
            summary=summary.of_recovery(facts)
            if signal is Signal.LOW
            else summary.of_risk(verdict.mode, facts, quotes),
        )
        event = self._step(finding, self._risk_delays, outcome)
        if event is None:
            return
        self._unexplained.pop(window.asset, None)
        ground = _Ground(event, window, logs, verdict.text)
        if event.transition is Transition.RAISED:
            self._unexplained[window.asset] = ground
        elif event.active:
            outcome.events[-1] = self._explained(ground)
            if event.transition is not Transition.UPDATED:
                outcome.tellable.append((outcome.events[-1], window))

    def explain(self) -> dict[str, Outcome]:
        """What moved the risk of the alarms raised since the last call: each told again as its next revision, by asset.

        Not part of the raise itself, because it costs up to `evidence.MAX_SCORES` scores, and nobody shall wait for
        that: call it when the raise is written and on its way. A raise that was told again meanwhile is left out.
        Whoever puts a raise into other words takes it from here, because this is then its newest revision.
        """
        told: dict[str, Outcome] = {}
        for asset, ground in self._unexplained.items():
            state = self.alarms[asset, "risk"]
            self.alarms[asset, "risk"] = replace(state, rev=state.rev + 1)
            event = replace(self._explained(ground), rev=state.rev + 1, transition=Transition.UPDATED)
            told[asset] = Outcome(events=[event], tellable=[(event, ground.window)], conditions_changed=True)
        self._unexplained.clear()
        return told

    def _explained(self, ground: _Ground) -> AlarmEvent:
        """The event with what moved its risk: evidence and quotes in that order, and a summary that begins with it."""
        event = ground.event
        moves = evidence.occlude(ground.text, event.risk or 0.0, self._judge.score)
        facts, quotes = evidence.facts(ground.window, moves), evidence.quotes(ground.logs, moves)
        return replace(event, evidence=facts, quotes=quotes, summary=summary.of_risk(event.mode, facts, quotes))

    def _signal(self, risk: float) -> Signal:
        if risk >= self._raise_at:
            return Signal.HIGH
        return Signal.MIDDLE if risk >= self._clear_at else Signal.LOW

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

    def _limit_matters(self, channel: ChannelSpec, reading: Reading) -> bool:
        """Whether a limit is crossed, or was."""
        crossed = channel.limits.crossed(reading.value) is not None
        return crossed or (reading.asset, f"limit:{channel.name}") in self.alarms

    def _limit(self, channel: ChannelSpec, reading: Reading, outcome: Outcome) -> None:
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
        )
        self._step(finding, self._limit_delays, outcome)

    def _silence(self, asset: str, time: float, channels: Sequence[str], outcome: Outcome) -> None:
        key = (asset, "silence")
        if not channels and key not in self.alarms:
            return
        facts = tuple(Evidence(name, "", 0.0, "", None, None, None, "silence") for name in channels[:MAX_SILENT])
        finding = Finding(
            asset=asset,
            kind="silence",
            time=time,
            signal=Signal.HIGH if channels else Signal.LOW,
            severity=self._policy.silence_severity,
            evidence=facts,
            summary=summary.of_silence(facts, more=len(channels) > MAX_SILENT) if channels else "Readings are back.",
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


def _age_order(line: LogLine) -> tuple[float, str]:
    """Time, then text: lines of one time have the same order after a rebuild."""
    return line.time, line.text
