"""Series → verdicts and alarms, by the same `Pipeline` that serves: nothing is decided here.

A row is pushed reading by reading, as a broker would bring it. What came of it is kept per judged window, beside what
is known of the outcome; `score.py` compares the two.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge_agent.core.baseline import Floats, Reference
from edge_agent.core.pipeline import CLOSE, Judge, Outcome, Pipeline
from edge_agent.core.types import (
    AlarmEvent,
    AlarmPolicy,
    ChannelSpec,
    ClassSpec,
    LogLine,
    Reading,
    Status,
    Transition,
    Verdict,
)
from edge_agent.tables.series import BASELINE_STEPS, Dataset, Series, offset
from edge_agent.tables.truth import Episode, Truth

UNKNOWN_CLASS: Final = "unknown"
_SILENT_STEPS: Final = 60  # a channel without a value for so many steps is silent

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How files are judged."""

    asset_class: str = UNKNOWN_CLASS
    baseline_steps: int = BASELINE_STEPS
    every: int = 1  # steps per verdict
    policy: AlarmPolicy = field(default_factory=AlarmPolicy)


@dataclass(frozen=True, slots=True)
class Alarm:
    """One risk alarm from raise to clear, in the times of the rows."""

    raised: float
    cleared: float  # inf where it stands at the end of the record
    mode: str
    peak: float


@dataclass(frozen=True, slots=True)
class Course:
    """What came of one asset; n windows that had a verdict, in order of time."""

    asset: str
    rows: int
    shared: int  # rows that fell into a step with an earlier one and were averaged with it
    times: Floats  # (n,) time of the newest row of the window
    risk: Floats  # (n,)
    modes: tuple[str, ...]  # (n,)
    decided: Bools  # (n,) neither learning nor uncertain: what may raise an alarm
    learning: Bools  # (n,)
    standing: Bools  # (n,) a risk alarm stands
    labels: Floats  # (n,) 1 failing, 0 not, NaN unknown
    episodes: tuple[Episode, ...]
    alarms: tuple[Alarm, ...]
    other_alarms: int  # raised by silence

    @property
    def judged(self) -> Bools:
        """The windows after the baseline whose outcome is known, (n,)."""
        return ~self.learning & np.isfinite(self.labels)


@dataclass(frozen=True, slots=True)
class Watch:
    """Who wants to know while files are judged."""

    step: Callable[[], None] = lambda: None  # one more step is done
    verdict: Callable[[Verdict, float], None] = lambda _verdict, _label: None  # time: of the window's newest row


@dataclass(frozen=True, slots=True)
class _Steps:
    """The steps of one asset that hold a row."""

    step_s: float
    place: dict[int, int]  # number of a step, as `Windower` counts → index
    newest: Floats  # (steps,) time of the newest row
    labels: Floats  # (steps,) the highest label of the rows

    def at(self, end: float) -> int:
        """Index of the step that ends then, in the pipeline's time."""
        return self.place[round(end / self.step_s) - 1]


@dataclass(slots=True)
class _Heard:
    """What the pipeline said of one asset; texts and windows are not kept, they would fill the memory."""

    at: list[int] = field(default_factory=list)  # index of the step
    risks: list[float] = field(default_factory=list)
    modes: list[str] = field(default_factory=list)
    statuses: list[Status] = field(default_factory=list)
    events: list[AlarmEvent] = field(default_factory=list)

    def take(self, outcome: Outcome, steps: _Steps, watch: Watch) -> None:
        """Keep what matters of an outcome."""
        for verdict in outcome.verdicts:
            at = steps.at(verdict.time)
            self.at.append(at)
            self.risks.append(verdict.risk)
            self.modes.append(verdict.mode)
            self.statuses.append(verdict.status)
            watch.verdict(replace(verdict, time=float(steps.newest[at])), float(steps.labels[at]))
        self.events += outcome.events
        for _ in outcome.windows:
            watch.step()


def class_spec(dataset: Dataset, settings: Settings) -> ClassSpec:
    """The class all assets of a file are judged as."""
    return ClassSpec(
        name=settings.asset_class,
        channels=tuple(ChannelSpec(name=name, condition=name in dataset.conditions) for name in dataset.channels),
        step_s=dataset.step_s,
        verdict_every=settings.every,
        baseline_steps=settings.baseline_steps,
        silent_after_s=_SILENT_STEPS * dataset.step_s,
    )


def judge_dataset(  # noqa: PLR0913 - everything a judgement depends on, and where to report
    dataset: Dataset,
    truths: Mapping[str, Truth],
    logs: Mapping[str, Sequence[LogLine]],
    judge: Judge,
    references: Mapping[str, Reference],
    settings: Settings,
    watch: Watch = Watch(),
) -> list[Course]:
    """The course of every asset of a file."""
    spec = class_spec(dataset, settings)
    pipeline = Pipeline({spec.name: spec}, lambda _asset: spec.name, references, settings.policy, judge)
    courses = []
    for series in dataset.series:
        moved = offset(series, dataset)
        truth = truths.get(series.asset)
        steps = _steps(dataset, series, truth, moved)
        heard = _Heard()
        for arrival in arrivals(dataset, series, logs.get(series.asset, ()), moved):
            if isinstance(arrival, LogLine):
                pipeline.log(arrival)
                continue
            outcome = pipeline.reading(arrival)
            if outcome.windows or outcome.events:
                heard.take(outcome, steps, watch)
        courses.append(_course(series, truth, steps, heard))
        pipeline.windowers[spec.name].forget(series.asset)  # its state is not needed any more
        pipeline.logs.pop(series.asset, None)
    return courses


def _steps(dataset: Dataset, series: Series, truth: Truth | None, moved: float) -> _Steps:
    numbers = np.floor((series.times + moved) / dataset.step_s)  # (rows,) step of each row, as `Windower` counts
    steps, first = np.unique(numbers, return_index=True)
    newest = series.times[np.append(first[1:], len(numbers)) - 1]
    labels = np.full(len(steps), np.nan) if truth is None else np.fmax.reduceat(truth.labels, first)
    return _Steps(dataset.step_s, {round(number): i for i, number in enumerate(steps.tolist())}, newest, labels)


def arrivals(dataset: Dataset, series: Series, logs: Sequence[LogLine], moved: float) -> Iterator[Reading | LogLine]:
    """The readings of an asset one by one in order of time, log lines between them, as a broker would bring them."""
    values = series.values.astype(np.float32).astype(np.float64)  # as readings are rounded at decode
    told = 0
    for time, row in zip((series.times + moved).tolist(), values.tolist(), strict=True):
        while told < len(logs) and logs[told].time + moved <= time:
            yield logs[told]._replace(time=logs[told].time + moved)
            told += 1
        for channel, value in zip(dataset.channels, row, strict=True):
            if not math.isnan(value):
                yield Reading(series.asset, channel, time, value)
    for line in logs[told:]:
        yield line._replace(time=line.time + moved)
    yield Reading(series.asset, CLOSE, math.inf, 0.0)


def _course(series: Series, truth: Truth | None, steps: _Steps, heard: _Heard) -> Course:
    """The windows of an asset beside what is known of it."""
    alarms = _alarms([(float(steps.newest[steps.at(e.time)]), e) for e in heard.events if e.kind == "risk"])
    at = np.array(heard.at, dtype=np.int64)
    times = steps.newest[at]
    return Course(
        asset=series.asset,
        rows=len(series.times),
        shared=len(series.times) - len(steps.newest),
        times=times,
        risk=np.array(heard.risks),
        modes=tuple(heard.modes),
        decided=np.array([status is Status.DECIDED for status in heard.statuses], dtype=np.bool_),
        learning=np.array([status is Status.PROVISIONAL for status in heard.statuses], dtype=np.bool_),
        standing=_standing(times, alarms),
        labels=steps.labels[at],
        episodes=() if truth is None else truth.episodes,
        alarms=alarms,
        other_alarms=sum(1 for e in heard.events if e.kind != "risk" and e.transition is Transition.RAISED),
    )


def _alarms(events: Sequence[tuple[float, AlarmEvent]]) -> tuple[Alarm, ...]:
    alarms: list[Alarm] = []
    for time, event in events:
        risk = event.risk or 0.0
        if event.transition is Transition.RAISED:
            alarms.append(Alarm(time, math.inf, event.mode, risk))
        elif event.transition is Transition.CLEARED:
            alarms[-1] = replace(alarms[-1], cleared=time)
        else:
            alarms[-1] = replace(alarms[-1], mode=event.mode, peak=max(alarms[-1].peak, risk))
    return tuple(alarms)


def _standing(times: Floats, alarms: Sequence[Alarm]) -> Bools:
    standing = np.zeros(len(times), dtype=np.bool_)
    for alarm in alarms:
        standing |= (times >= alarm.raised) & (times < alarm.cleared)
    return standing
