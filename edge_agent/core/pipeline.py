"""Reading → findings: the whole decision, one pure step at a time. Engine, backtest, explain and training share it.

A `Pipeline` belongs to one thread. It is given the classes, the model's `score` function and the policy, and holds all
state between readings: windows, baselines, recent log lines, alarm conditions. Everything in it can be written down
(`core/snapshot.py`) and is rebuilt by pushing the same readings in the same order with `judging=False`.

What depends on a clock is decided outside and comes in as markers between the readings (`core/types.py`), so that a
rebuild from the journal, which has no clock, does the same: `CLOSE` where an asset has gone quiet, `HOLD` where its
readings are put aside from here on, `ROLL` where what was put aside is judged, `RELEARN` where its normal is learned
anew. What lies before the newest steps then is over: its windows, verdicts and events are `historical`.
"""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from edge_agent.core.aside import Aside
from edge_agent.core.baseline import Reference
from edge_agent.core.conditions import NOTHING, Judge, Outcome
from edge_agent.core.operating import Operated
from edge_agent.core.types import (
    CLOSE,
    FUTURE,
    HOLD,
    LATE,
    RELEARN,
    ROLL,
    SET,
    AlarmPolicy,
    ChannelSpec,
    ClassSpec,
    LogLine,
    Reading,
    Status,
    Window,
)
from edge_agent.core.verdict import judge
from edge_agent.core.window import Windower

__all__ = ["CLOSE", "NOTHING", "Judge", "Outcome", "Pipeline"]

MAX_LOGS = 32  # newest log lines kept per asset


class Pipeline(Operated):
    """All assets of one agent."""

    def __init__(
        self,
        classes: Mapping[str, ClassSpec],
        class_of: Callable[[str], str | None],
        references: Mapping[str, Reference],
        policy: AlarmPolicy,
        judge: Judge,
    ) -> None:
        super().__init__(policy, judge)
        self.windowers = {name: Windower(spec, references.get(name)) for name, spec in classes.items()}
        self.logs: dict[str, list[LogLine]] = {}  # oldest first
        self.aside: dict[str, Aside] = {}  # what was put aside of the assets on hold
        self.judging = True
        self._class_of = class_of
        self._asset_class: dict[str, str | None] = {}
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
        """Take one reading, or do what a marker says."""
        windower = self.windower(reading.asset)
        if windower is None:
            return Outcome(accepted=False)
        channel = self._channels[windower.spec.name].get(reading.channel)
        if channel is None:
            return self._marked(windower, reading)
        if self.aside and reading.asset in self.aside:
            self.aside[reading.asset].add(windower.column(channel.name), reading.time, reading.value)
            return NOTHING
        return self._taken(windower, channel, reading, NOTHING)

    def knows(self, asset: str) -> bool:
        """Whether anything has come from an asset."""
        windower = self.windower(asset)
        return windower is not None and asset in windower.tracks

    def has_kind(self, asset: str, kind: str) -> bool:
        """Whether an asset can have alarms of a kind, or has: its class has the channel, where the kind names one."""
        channel, windower = kind.partition(":")[2], self.windower(asset)
        return not channel or (asset, kind) in self.alarms or (windower is not None and channel in windower.names)

    def newest_time(self, asset: str) -> float:
        """Event time of the newest reading of an asset that is known."""
        windower = self.windower(asset)
        track = None if windower is None else windower.tracks.get(asset)
        return 0.0 if track is None else track.newest

    def channel(self, asset: str, name: str) -> ChannelSpec | None:
        """The measured channel of an asset's class by its name; None where there is no such class or channel."""
        windower = self.windower(asset)
        return None if windower is None else self._channels[windower.spec.name].get(name)

    def _taken(  # noqa: PLR0913 - a reading, and what of it is over
        self,
        windower: Windower,
        channel: ChannelSpec,
        reading: Reading,
        outcome: Outcome,
        *,
        live_from: float = -math.inf,
        over: bool = False,
    ) -> Outcome:
        if self.judging and self._limit_matters(channel, reading) and not windower.outdated(reading):
            outcome = Outcome() if outcome is NOTHING else outcome  # what is outdated pages nobody
            self._limit(channel, reading, outcome, historical=over)
        windows = windower.push(reading, describe=self.judging)
        return self._closed(windower.spec, windows, outcome, live_from) if windows else outcome

    def _closed(self, spec: ClassSpec, windows: Sequence[Window], outcome: Outcome, live_from: float) -> Outcome:
        """The outcome with windows that were closed (none where none is judged); those until `live_from` are over."""
        outcome = Outcome() if outcome is NOTHING else outcome
        for window in windows:
            judged = replace(window, historical=True) if window.end <= live_from else window
            outcome.windows.append(judged)
            self._judged(spec, judged, outcome)
        return outcome

    def _marked(self, windower: Windower, reading: Reading) -> Outcome:
        asset, marker = reading.asset, reading.channel
        if marker == CLOSE:
            windows = windower.flush(asset, reading.time, describe=self.judging)
            return self._closed(windower.spec, windows, NOTHING, -math.inf) if windows else NOTHING
        if marker == HOLD:
            self.aside.setdefault(asset, Aside())
            return NOTHING
        if marker == ROLL:
            return self._rolled(windower, reading)
        if marker == SET:
            return self._set(windower, reading)
        if marker == RELEARN:
            windower.relearn(asset)
            return NOTHING
        unjudged = marker[:1] in {LATE, FUTURE} and marker[1:] in self._channels[windower.spec.name]
        return NOTHING if unjudged else Outcome(accepted=False)

    def _rolled(self, windower: Windower, marker: Reading) -> Outcome:
        """Judge what was put aside, in order of event time; all but the newest verdict and limits is over."""
        aside, spec, outcome = self.aside.get(marker.asset, Aside()), windower.spec, Outcome()
        newest = math.floor(aside.newest / spec.step_s) if len(aside) else 0
        live_from = (newest - spec.verdict_every) * spec.step_s
        for entry in aside.take(marker.time):
            channel = spec.channels[entry.column]
            reading = Reading(marker.asset, channel.name, entry.time, entry.value)
            self._taken(windower, channel, reading, outcome, live_from=live_from, over=not entry.newest)
        if marker.value:
            self.aside.pop(marker.asset, None)
        return outcome

    def _set(self, windower: Windower, marker: Reading) -> Outcome:
        """Move windows and conditions of an asset to the time its clock was set to: no time of the machine passed."""
        change = windower.set_time(marker.asset, marker.time)
        moved = {key: state for key, state in self.alarms.items() if key[0] == marker.asset}
        for key, state in moved.items():
            self.alarms[key] = replace(state, since=state.since + change, time=state.time + change)
        return Outcome(conditions_changed=bool(moved))

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
        self._silence(window.asset, window.end, window.silent, outcome, historical=window.historical)
        self._units(spec, window, outcome)
        for channel in self._derived[spec.name]:
            value = next((c.value for c in window.channels if c.name == channel.name), None)
            if value is not None:
                reading = Reading(window.asset, channel.name, window.end, value)
                self._limit(channel, reading, outcome, historical=window.historical)
        if not self.due(window):
            return
        logs = self.recent(window)
        verdict = judge(window, logs, self._judge.score, self._judge.labels)
        outcome.verdicts.append(verdict)
        if verdict.status is Status.DECIDED:
            self._risk(window, verdict, logs, outcome)

    def due(self, window: Window) -> bool:
        """Whether a window gets a verdict; a machine that stands or is misread gives none (suppressed by design)."""
        if window.unjudged is not None:
            return False
        return bool(window.channels) and not window.index % self.windowers[window.asset_class].spec.verdict_every

    def recent(self, window: Window) -> list[LogLine]:
        """The log lines a verdict on this window reads, newest first."""
        spec = self.windowers[window.asset_class].spec
        lines = self.logs.get(window.asset, ())
        recent = [line for line in lines if window.end - spec.log_horizon_s <= line.time <= window.end]
        return recent[::-1][: spec.log_lines]


def _age_order(line: LogLine) -> tuple[float, str]:
    """Time, then text: lines of one time have the same order after a rebuild."""
    return line.time, line.text
