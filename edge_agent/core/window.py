"""Readings → windows: one asset's recent past, step by step, by event time.

A `Windower` belongs to one thread. It keeps a few hundred bytes per channel: exponential means of three spans, the last
20 steps, the own baseline. Late readings of an open step are taken in; those of a closed step are the caller's to store
(they change no judgement). Steps without any reading are skipped, not invented.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from edge_agent.core.baseline import Baseline, Floats, Reference, learn
from edge_agent.core.expression import Expression, compile_condition, compile_expression, names_in
from edge_agent.core.types import ChannelState, ClassSpec, Reading, Window
from edge_agent.core.unit_step import FAR, Jump, Place, Spot, gone_on, misread, suspects

SPANS = np.array([5.0, 15.0, 30.0])  # steps; FD001: three spans beat one by 0.02 PR-AUC (FACTS)
DECAY = (2.0 / (SPANS + 1.0))[:, None]  # (3, 1)
RING = 20  # steps of the slope and the spread
_RAMP = np.arange(RING) - (RING - 1) / 2
_RAMP_SQUARES = float(_RAMP @ _RAMP)
MIN_RING = 5  # steps before a slope or spread is worth stating
MIN_LEARNT = 5  # steps before a provisional baseline is worth using
MAX_Z = 1e3  # beyond, a z says nothing more
JOINT = ("joint_t2", "joint_spe")
NEVER = -(2**62)  # before every step


@dataclass(slots=True)
class Step:
    """The step being filled: sums of what has come so far, (n,) each."""

    number: int
    total: list[float]
    count: list[int]
    present: int = 0


@dataclass(slots=True, kw_only=True)
class AssetTrack:
    """Everything kept of one asset between readings. n measured and derived channels, then the two joint ones."""

    steps: int = 0
    first: float  # event time of the first reading taken
    newest: float = -math.inf  # newest event time
    closed: int = NEVER  # number of the newest closed step
    open: dict[int, Step] = field(default_factory=dict)
    last_seen: list[float]  # (n,) -inf before a channel's first reading
    conditions: Floats  # (C,) as last known, NaN before
    numerator: Floats  # (3, n+2)
    weight: Floats  # (3, n+2)
    ring: Floats  # (20, n+2), newest last
    history: list[Floats] = field(default_factory=list)  # u of the learning phase
    baseline: Baseline | None = None
    provisional: Baseline | None = None
    former: Baseline | None = None  # what was normal before it is learned anew
    standing: bool = False  # as far as the newest step in which it could be told
    jumps: dict[int, Jump] = field(default_factory=dict)  # number among the judged → jump that fits another unit


class Windower:
    """Turns the readings of the assets of one class into windows."""

    def __init__(self, spec: ClassSpec, reference: Reference | None = None) -> None:
        self.spec = spec
        self.names = tuple(channel.name for channel in spec.channels)
        self.reference = reference if reference is not None and self._fits(reference) else None
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
        self._judged = [i for i, c in enumerate(spec.channels) if not c.condition]
        self._direct = np.array([not spec.channels[i].expression for i in self._judged])
        self._suspects = {
            k: found for k, i in enumerate(self._judged) if self._direct[k] and (found := suspects(spec.channels[i]))
        }
        self._conditions: list[int] = []
        self._columns = np.arange(0)
        if self.reference is not None:
            self._conditions = [self._index[name] for name in self.reference.conditions]
            self._columns = np.array([self.reference.channels.index(self.names[i]) for i in self._judged])

    def _fits(self, reference: Reference) -> bool:
        judged = {c.name for c in self.spec.channels if not c.condition}
        return judged <= set(reference.channels) and set(reference.conditions) <= set(self.names)

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
        n = len(self._judged) + len(JOINT)
        return AssetTrack(
            first=first,
            last_seen=[-math.inf] * len(self.names),
            conditions=np.full(len(self._conditions), np.nan),
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
        u, regime = self._normalised(track, values)
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
            self._advance(track, np.concatenate([u, joint]))
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
        spot = Spot(values[self._judged], u, track.ring[:, :n], mean, baseline.scale)
        track.jumps = gone_on(track.jumps, spot, self._suspects, lambda k: self._place(k, regime), self._direct)
        if not track.jumps:
            return u
        doubtful = {self.names[self._judged[k]] for k in track.jumps}
        return np.where([not self._sources[self.names[i]].isdisjoint(doubtful) for i in self._judged], np.nan, u)

    def _stands(self, track: AssetTrack, values: Floats) -> bool:
        """Whether the machine stands; as before where a channel it shows on said nothing in this step."""
        if self._runs is None:
            return False
        runs = self._runs(dict(zip(self.names, values.tolist(), strict=True)))
        return track.standing if runs is None else not runs

    def _normalised(self, track: AssetTrack, values: Floats) -> tuple[Floats, int | None]:
        """The u of the judged channels, and the regime; a set point holds until another is reported."""
        judged = values[self._judged]
        if self.reference is None:
            return judged, None
        conditions = values[self._conditions]
        track.conditions = np.where(np.isfinite(conditions), conditions, track.conditions)
        if self._conditions and not np.isfinite(track.conditions).any():
            return np.full(len(judged), np.nan), None  # no set point is known yet
        regime = self.reference.regime(track.conditions)
        full = np.full(len(self.reference.channels), np.nan)
        full[self._columns] = judged
        return self.reference.normalise(full, regime)[self._columns], regime

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
            track.provisional = learn(np.array(track.history), self._own_reference())
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
        for k, i in enumerate(self._judged):
            spec = self.spec.channels[i]
            value = self._raw(baseline.center[k], k, regime)
            if math.isfinite(value) and spec.limits.zone(float(value)) != "normal":
                found.append(spec.name)
        return tuple(found)

    def _own_reference(self) -> Reference | None:
        if self.reference is None:
            return None
        r, at = self.reference, self._columns
        names = tuple(r.channels[i] for i in at)
        return Reference(
            names, r.conditions, r.regimes, r.condition_scale, r.center[:, at], r.scale[:, at], r.grid[at]
        )  # fmt: skip

    def _advance(self, track: AssetTrack, u: Floats) -> None:
        """One step of the exponential means and the ring; a missing value leaves its channel as it was."""
        present = np.isfinite(u)
        decay = np.where(present, DECAY, 0.0)  # (3, n+2)
        track.numerator += decay * (np.where(present, u, 0.0) - track.numerator)
        track.weight += decay * (1.0 - track.weight)
        track.ring[:-1] = track.ring[1:]
        track.ring[-1] = u

    # ------------------------------------------------------------------------------------------------ features

    def _window(  # noqa: PLR0913 - the parts of one step, used once
        self, asset: str, track: AssetTrack, number: int, values: Floats, baseline: Baseline, regime: int | None, *,
        learning: bool,
    ) -> Window:  # fmt: skip
        with np.errstate(all="ignore"):
            means = track.numerator / track.weight  # (3, n+2), NaN where never seen
        n = len(self._judged)
        center = np.concatenate([baseline.center, baseline.joint_center])
        scale = np.concatenate([baseline.scale, baseline.joint_scale])
        shift = (means[0] - center) / scale
        trend = (means[0] - means[2]) / scale
        slope, spread = _slope_and_spread(track.ring, scale)
        if self.reference is None:
            levels = None
        else:
            full = np.full((3, len(self.reference.channels)), np.nan)
            full[:, self._columns] = means[:, :n]
            levels = self.reference.level(full)[:, self._columns]  # (3, n)
        end = (number + 1) * self.spec.step_s
        silent = tuple(
            name
            for name, seen, c in zip(self.names, track.last_seen, self.spec.channels, strict=True)
            if not c.expression and end - max(seen, track.first) > self.spec.silent_after_s
        )
        channels = []
        for k, i in enumerate(self._judged):
            if not math.isfinite(means[0, k]) or not self._sources[self.names[i]].isdisjoint(silent):
                continue
            spec = self.spec.channels[i]
            value = values[i] if math.isfinite(values[i]) else self._raw(means[0, k], k, regime)
            own = self._raw(baseline.center[k], k, regime) if math.isfinite(baseline.center[k]) else value
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
            misread(jump, self.spec.channels[self._judged[k]], float(values[self._judged[k]]), self._place(k, regime))
            for k, jump in track.jumps.items()
        )
        return Window(
            asset, self.spec.name, track.steps, number * self.spec.step_s, end, regime,
            tuple(channels), silent, learning, standing=track.standing, misread=told,
        )  # fmt: skip

    def _raw(self, u: float, k: int, regime: int | None) -> float:
        """The value that u of judged channel k stands for, in the channel's own unit."""
        if self.reference is None or regime is None:
            return u
        offset, scale = self._place(k, regime)
        return offset + scale * u

    def _place(self, k: int, regime: int | None) -> Place:
        """How the u of judged channel k becomes a value."""
        if self.reference is None or regime is None:
            return Place(0.0, 1.0)
        column = self._columns[k]
        center = float(self.reference.center[regime, column])
        return Place(center, max(float(self.reference.scale[regime, column]), abs(center) * 1e-6, 1e-9))


def _bounded(value: float) -> float:
    return float(min(max(value, -MAX_Z), MAX_Z)) if math.isfinite(value) else 0.0


def _slope_and_spread(ring: Floats, scale: Floats) -> tuple[Floats, Floats]:
    """Least-squares change over the ring in z, and log2 of its detrended deviation over the healthy one; (n,) each."""
    present = np.isfinite(ring)
    if present.all():
        return _full_slope_and_spread(ring, scale)
    count = present.sum(axis=0)
    ramp = np.where(present, _RAMP[:, None], 0.0)
    value = np.where(present, ring, 0.0)
    with np.errstate(all="ignore"):
        mean_x, mean_y = ramp.sum(axis=0) / count, value.sum(axis=0) / count
        dx = np.where(present, ramp - mean_x, 0.0)
        dy = np.where(present, value - mean_y, 0.0)
        beta = (dx * dy).sum(axis=0) / (dx**2).sum(axis=0)
        residual = np.sqrt(((dy - beta * dx) ** 2).sum(axis=0) / np.maximum(count - 2, 1))
        spread = np.log2(np.maximum(residual / scale, 2.0**-8))
    enough = count >= MIN_RING
    return np.where(enough, beta * RING / scale, 0.0), np.where(enough, spread, 0.0)


def _full_slope_and_spread(ring: Floats, scale: Floats) -> tuple[Floats, Floats]:
    """The same where no step is missing: the usual case, at a third of the cost."""
    beta = _RAMP @ ring / _RAMP_SQUARES
    residual = ring - ring.mean(axis=0) - _RAMP[:, None] * beta
    deviation = np.sqrt(np.einsum("ij,ij->j", residual, residual) / (RING - 2))
    return beta * RING / scale, np.log2(np.maximum(deviation / scale, 2.0**-8))
