"""Readings → windows: one asset's recent past, step by step, by event time.

A `Windower` belongs to one thread. It says when a step is over, what of it becomes past, what is learned as normal and
what a window shows; the past itself is `track`'s, and how values become u is `judged_channels`'. Late readings of an
open step are taken in; those of a closed step are the caller's to store (they change no judgement). Steps without any
reading are skipped, not invented.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from edge_agent.core.baseline import Baseline, Floats, Reference, learn
from edge_agent.core.expression import Expression, compile_condition, compile_expression, names_in
from edge_agent.core.judged_channels import JudgedChannels
from edge_agent.core.track import NEVER, RING, AssetTrack, Step, slope_and_spread
from edge_agent.core.types import ChannelState, ClassSpec, Reading, Window
from edge_agent.core.unit_step import FAR, Spot, gone_on, misread, suspects

MIN_LEARNT = 5  # steps before a provisional baseline is worth using
MAX_Z = 1e3  # beyond, a z says nothing more
JOINT = ("joint_t2", "joint_spe")


class Windower:
    """Turns the readings of the assets of one class into windows."""

    def __init__(self, spec: ClassSpec, reference: Reference | None = None) -> None:
        self.spec = spec
        self.names = tuple(channel.name for channel in spec.channels)
        self._judged = JudgedChannels(spec, reference)
        self.reference = self._judged.reference
        self.tracks: dict[str, AssetTrack] = {}
        self._index = {name: i for i, name in enumerate(self.names)}
        self._derived: list[tuple[int, Expression]] = [
            (i, compile_expression(c.expression)) for i, c in enumerate(spec.channels) if c.expression
        ]
        self._sources: dict[str, set[str]] = {}  # channel → the measured ones it rests on
        for c in spec.channels:
            direct = names_in(c.expression) if c.expression else {c.name}
            self._sources[c.name] = set().union(*(self._sources.get(name, {name}) for name in direct))
        self._runs = compile_condition(spec.running) if spec.running else None
        self._measured = sum(1 for c in spec.channels if not c.expression)
        self._direct = np.array([not c.expression for c in self._judged.channels])
        self._suspects = {
            k: found for k, c in enumerate(self._judged.channels) if self._direct[k] and (found := suspects(c))
        }

    # ------------------------------------------------------------------------------------------------ in

    def push(self, reading: Reading, *, describe: bool = True) -> list[Window]:
        """Take one reading of a configured channel; the windows it closed, oldest first.

        Without `describe` the steps are closed all the same, but no window is made of them: a rebuild needs none.
        """
        column = self._index.get(reading.channel)
        if column is None:
            return []
        track = self.tracks.get(reading.asset)
        if track is None:
            track = self.tracks[reading.asset] = self._new_track(reading.time)
        number = math.floor(reading.time / self.spec.step_s)
        track.last_seen[column] = max(track.last_seen[column], reading.time)
        if number <= track.closed:
            return []
        step = track.open.get(number)
        if step is None:
            step = track.open[number] = Step(number, [0.0] * len(self.names), [0] * len(self.names))
        if not step.count[column]:
            step.present += 1
        step.total[column] += reading.value
        step.count[column] += 1
        track.newest = max(track.newest, reading.time)
        due = self._due(track)
        return self._closed(reading.asset, track, due, describe=describe) if due else []

    def column(self, channel: str) -> int:
        """Number of a configured channel, derived ones included."""
        return self._index[channel]

    def judged_until(self, asset: str) -> float:
        """End of the newest closed step of an asset; readings before it change no window any more."""
        track = self.tracks.get(asset)
        return -math.inf if track is None or track.closed == NEVER else (track.closed + 1) * self.spec.step_s

    def heard(self, asset: str) -> list[str]:
        """The channels of an asset whose newest reading is not silent beside its newest of all."""
        track = self.tracks.get(asset)
        if track is None:
            return []
        since = track.newest - self.spec.silent_after_s
        return [name for name, seen in zip(self.names, track.last_seen, strict=True) if seen >= since]

    def outdated(self, reading: Reading) -> bool:
        """Whether a newer reading of the same configured channel has been taken already."""
        track = self.tracks.get(reading.asset)
        return track is not None and reading.time < track.last_seen[self._index[reading.channel]]

    def flush(self, asset: str, until: float = math.inf, *, describe: bool = True) -> list[Window]:
        """Close the open steps that end by `until`: at the end of a file, or when an asset has gone quiet."""
        track = self.tracks.get(asset)
        if track is None:
            return []
        due = sorted(n for n in track.open if (n + 1) * self.spec.step_s <= until)
        return self._closed(asset, track, due, describe=describe)

    def set_time(self, asset: str, time: float) -> float:
        """Let the time of an asset go on from here, its clock was set; by how many seconds it was.

        What is open is closed without a window, it ends nowhere; means, baseline and who is silent stay as they were.
        """
        track = self.tracks.get(asset)
        if track is None:
            return 0.0
        self._closed(asset, track, sorted(track.open), describe=False)
        change = time - track.newest
        track.newest = time
        track.first += change
        track.last_seen = [seen + change for seen in track.last_seen]
        track.closed = math.floor(time / self.spec.step_s) - 1
        return change

    def relearn(self, asset: str) -> None:
        """Learn an asset's normal anew: after a repair, on an operator's word. What was before is no past of it."""
        track = self.tracks.get(asset)
        if track is None:
            return
        track.former = track.baseline or track.former
        track.baseline, track.provisional, track.history, track.jumps = None, None, [], {}
        track.numerator[:] = 0.0
        track.weight[:] = 0.0
        track.ring[:] = np.nan

    def forget(self, asset: str) -> None:
        """Drop all that is known of an asset."""
        self.tracks.pop(asset, None)

    # ------------------------------------------------------------------------------------------------ closing

    def _new_track(self, first: float) -> AssetTrack:
        n = len(self._judged.channels) + len(JOINT)
        return AssetTrack(
            first=first,
            last_seen=[-math.inf] * len(self.names),
            conditions=np.full(len(self._judged.conditions), np.nan),
            numerator=np.zeros((3, n)),
            weight=np.zeros((3, n)),
            ring=np.full((RING, n), np.nan),
        )

    def _due(self, track: AssetTrack) -> list[int]:
        """Numbers of the open steps that are over, oldest first."""
        horizon = track.newest - self.spec.lateness_s
        due = [n for n in track.open if (n + 1) * self.spec.step_s <= horizon]
        if self.spec.complete:
            full = [n for n, step in track.open.items() if step.present >= self._measured]
            if full:
                due = [n for n in track.open if n <= max(full) or n in due]
        return sorted(due) if len(due) > 1 else due

    def _closed(self, asset: str, track: AssetTrack, due: list[int], *, describe: bool) -> list[Window]:
        windows = (self._close(asset, track, number, describe=describe) for number in due)
        return [window for window in windows if window is not None]

    def _close(self, asset: str, track: AssetTrack, number: int, *, describe: bool) -> Window | None:
        step = track.open.pop(number)
        track.closed = number
        track.steps += 1
        values = np.array([t / c if c else math.nan for t, c in zip(step.total, step.count, strict=True)])
        for i, expression in self._derived:
            values[i] = expression(dict(zip(self.names, values.tolist(), strict=True)))
        if self._judged.conditions:  # a set point holds until another is reported
            conditions = values[self._judged.conditions]
            track.conditions = np.where(np.isfinite(conditions), conditions, track.conditions)
        u, regime = self._judged.u(values, track.conditions)
        learning = track.baseline is None
        track.standing = self._stands(track, values)
        baseline, refused = self._baseline(track, np.full_like(u, np.nan) if track.standing else u, regime)
        if self._suspects and not (learning or track.standing):
            u = self._trusted(track, values, u, baseline, regime)
        joint = np.full(2, np.nan)
        if baseline.principal is not None and not track.jumps:  # how they move together is not known without one
            z = np.clip(np.nan_to_num(baseline.z(u)), -MAX_Z, MAX_Z)
            joint = np.array(baseline.principal.distances(z))
        if not track.standing:  # what a machine shows while it stands is no past of the running one
            track.advance(np.concatenate([u, joint]))
        if not describe:
            return None
        window = self._window(asset, track, number, values, baseline, regime, learning=learning)
        return replace(window, refused=refused) if refused else window

    def _trusted(self, track: AssetTrack, values: Floats, u: Floats, baseline: Baseline, regime: int | None) -> Floats:
        """The u of the judged channels without those that seem to come in another unit, and what rests on them."""
        n = len(u)
        total, weight = track.numerator[0, :n], track.weight[0, :n]
        if not track.jumps and not (np.abs(u * weight - total) >= FAR * baseline.scale * weight).any():
            return u  # nearly always, and all that it costs
        with np.errstate(all="ignore"):
            mean = total / weight
        spot = Spot(values[self._judged.at], u, track.ring[:, :n], mean, baseline.scale)
        track.jumps = gone_on(track.jumps, spot, self._suspects, lambda k: self._judged.place(k, regime), self._direct)
        if not track.jumps:
            return u
        doubtful = {self._judged.channels[k].name for k in track.jumps}
        return np.where([not self._sources[c.name].isdisjoint(doubtful) for c in self._judged.channels], np.nan, u)

    def _stands(self, track: AssetTrack, values: Floats) -> bool:
        """Whether the machine stands; as before where a channel it shows on said nothing in this step."""
        if self._runs is None:
            return False
        runs = self._runs(dict(zip(self.names, values.tolist(), strict=True)))
        return track.standing if runs is None else not runs

    def _baseline(self, track: AssetTrack, u: Floats, regime: int | None) -> tuple[Baseline, tuple[str, ...]]:
        """The complete baseline, or a provisional one from what has been seen; and the channels that refused it.

        What lies outside a limit of the class is nobody's normal: then what was normal before counts again, or learning
        begins anew.
        """
        if track.baseline is not None:
            return track.baseline, ()
        if track.provisional is not None and not np.isfinite(u).any():
            return track.provisional, ()  # nothing to learn from
        track.history.append(u)
        seen = len(track.history)
        if seen >= self.spec.baseline_steps or track.provisional is None or seen <= MIN_LEARNT or not seen & (seen - 1):
            track.provisional = learn(np.array(track.history), self._judged.reduced_reference())
        baseline = track.provisional
        if seen < self.spec.baseline_steps:
            return baseline, ()
        refused = self._refused(baseline, regime)
        if refused:
            track.baseline, track.history, track.former = track.former, [], None
            track.provisional = baseline if track.baseline is None else None
            return track.baseline or baseline, refused
        track.baseline, track.provisional, track.former, track.history = baseline, None, None, []
        if baseline.principal is not None:
            track.numerator[:, -2:] = 0.0
            track.weight[:, -2:] = 0.0
            track.ring[:, -2:] = np.nan
        return baseline, ()

    def _refused(self, baseline: Baseline, regime: int | None) -> tuple[str, ...]:
        """The channels whose baseline lies in a warning or alarm zone of their class."""
        found = []
        for k, spec in enumerate(self._judged.channels):
            value = self._judged.value(baseline.center[k], k, regime)
            if math.isfinite(value) and spec.limits.zone(float(value)) != "normal":
                found.append(spec.name)
        return tuple(found)

    # ------------------------------------------------------------------------------------------------ features

    def _window(  # noqa: PLR0913 - the parts of one step, used once
        self, asset: str, track: AssetTrack, number: int, values: Floats, baseline: Baseline, regime: int | None, *,
        learning: bool,
    ) -> Window:  # fmt: skip
        with np.errstate(all="ignore"):
            means = track.numerator / track.weight  # (3, n+2), NaN where never seen
        n = len(self._judged.channels)
        center = np.concatenate([baseline.center, baseline.joint_center])
        scale = np.concatenate([baseline.scale, baseline.joint_scale])
        shift = (means[0] - center) / scale
        trend = (means[0] - means[2]) / scale
        slope, spread = slope_and_spread(track.ring, scale)
        levels = self._judged.levels(means[:, :n])  # (3, n), or None
        end = (number + 1) * self.spec.step_s
        silent = tuple(
            name
            for name, seen, c in zip(self.names, track.last_seen, self.spec.channels, strict=True)
            if not c.expression and end - max(seen, track.first) > self.spec.silent_after_s
        )
        channels = []
        for k, (i, spec) in enumerate(zip(self._judged.at, self._judged.channels, strict=True)):
            if not math.isfinite(means[0, k]) or not self._sources[spec.name].isdisjoint(silent):
                continue
            value = values[i] if math.isfinite(values[i]) else self._judged.value(means[0, k], k, regime)
            own = self._judged.value(baseline.center[k], k, regime) if math.isfinite(baseline.center[k]) else value
            channels.append(
                ChannelState(
                    spec.name, spec.unit, spec.component, float(value), float(own),
                    None if levels is None else (float(levels[0, k]), float(levels[1, k]), float(levels[2, k])),
                    _bounded(shift[k]), _bounded(trend[k]), _bounded(slope[k]), _bounded(spread[k]),
                    spec.limits.zone(float(value)),
                )
            )  # fmt: skip
        newest = np.where(np.isfinite(track.ring[-1]), track.ring[-1], means[0]) if track.jumps else track.ring[-1]
        if baseline.principal is not None and not learning:
            for k, name in enumerate(JOINT, start=n):
                channels.append(
                    ChannelState(
                        name, "", "", float(np.exp(newest[k])), float(np.exp(center[k])), None,
                        _bounded(shift[k]), _bounded(trend[k]), _bounded(slope[k]), _bounded(spread[k]),
                    )
                )  # fmt: skip
        told = tuple(
            misread(jump, self._judged.channels[k], float(values[self._judged.at[k]]), self._judged.place(k, regime))
            for k, jump in track.jumps.items()
        )
        return Window(
            asset, self.spec.name, track.steps, number * self.spec.step_s, end, regime,
            tuple(channels), silent, learning, standing=track.standing, misread=told,
        )  # fmt: skip


def _bounded(value: float) -> float:
    return float(min(max(value, -MAX_Z), MAX_Z)) if math.isfinite(value) else 0.0
