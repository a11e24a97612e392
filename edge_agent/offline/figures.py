"""Courses → the figures of a file, or of all files pooled: what is printed, and what `--json` gives.

Figures of windows come from `score.py`; here alarms are set against failures: an alarm is right when it stands at some
time within an episode (a failure and the horizon before it, or a stretch labelled as failing), else it is false.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge_agent.core.modes import mode
from edge_agent.offline.backtest import Alarm, Course
from edge_agent.offline.score import Counts, average_precision, best_threshold, count, roc_auc
from edge_agent.tables.truth import Episode

WEEK_S: Final = 7 * 86400.0
_TOP_MODES: Final = 3

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One way to say "alarm" of a window, and how often it was right."""

    name: str
    threshold: float | None
    counts: Counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One failure or labelled stretch that could have been told."""

    asset: str
    start: float
    end: float
    detected: bool
    lead: float | None  # from the raise of the alarm to the end, seconds or steps (`Figures.dates`)
    delay: float | None  # from the start to the raise; negative where the alarm came before
    mode: str  # the alarm's failure mode, empty where it was missed
    true_mode: str  # empty where unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """All figures of one file or of several pooled."""

    name: str
    assets: int
    rows: int
    learning: int  # windows within baselines: not judged
    windows: int  # judged
    unlabelled: int  # after the baseline, but without a known outcome
    uncertain: int  # of the judged ones: the model was undecided, so they raise nothing
    shared: int  # rows averaged with another one of the same step
    positives: int
    pr_auc: float | None
    roc_auc: float | None
    rules: tuple[Rule, ...]
    alarms: int
    false_alarms: int | None  # None where no outcome is known
    other_alarms: int
    false_per_asset_week: float | None  # None where time is not in dates
    false_per_1000_windows: float | None
    dates: bool | None  # leads and delays are seconds (True) or steps (False); None where the files differ
    episodes: tuple[Found, ...]
    hidden: int  # episodes without a judged window: before the record, within the baseline, after the end
    modes: tuple[tuple[str, int], ...]  # most frequent failure modes of alarming windows

    @property
    def prevalence(self) -> float | None:
        """Share of failing windows: the PR-AUC of a blind guess."""
        return self.positives / self.windows if self.windows else None

    @property
    def detected(self) -> int:
        """Episodes during which a risk alarm stood."""
        return sum(1 for found in self.episodes if found.detected)

    @property
    def early(self) -> int:
        """Detected episodes whose alarm stood before they began: nothing to be proud of where it always stands."""
        return sum(1 for found in self.episodes if found.delay is not None and found.delay < 0)

    @property
    def lead(self) -> float | None:
        """Median time from raise to end, over the detected episodes."""
        return _median([found.lead for found in self.episodes if found.lead is not None])

    @property
    def delay(self) -> float | None:
        """Median time from start to raise, over the detected episodes."""
        return _median([found.delay for found in self.episodes if found.delay is not None])

    @property
    def modes_right(self) -> tuple[int, int]:
        """How many detected episodes of known failure mode were given that mode, and how many there are."""
        known = [found for found in self.episodes if found.detected and found.true_mode]
        return sum(1 for found in known if found.mode == found.true_mode), len(known)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How one file is scored, and what its time is measured in."""

    threshold: float
    best: bool = False  # also state the threshold that is best on these labels
    last_only: bool = False  # only the last judged window of each asset
    window_s: float = 1.0  # time between two judged windows, in the time of the file
    step_s: float = 1.0
    dates: bool = False  # the time of the file is in seconds


def figures(name: str, parts: Sequence[tuple[Sequence[Course], Scale]]) -> Figures:
    """The figures of all courses together; each file brings its own scale."""
    courses = [course for group, _ in parts for course in group]
    scale = parts[0][1]
    masks = [_chosen(course, last_only=scale.last_only) for course in courses]
    risk = np.concatenate([course.risk[mask] for course, mask in zip(courses, masks, strict=True)])
    truth = np.concatenate([course.labels[mask] for course, mask in zip(courses, masks, strict=True)]) == 1.0
    decided = np.concatenate([course.decided[mask] for course, mask in zip(courses, masks, strict=True)])
    standing = np.concatenate([course.standing[mask] for course, mask in zip(courses, masks, strict=True)])
    known = any(np.isfinite(course.labels).any() for course in courses)
    judgements = [_episodes(course, own.step_s if not own.dates else 1.0) for group, own in parts for course in group]
    dates = {own.dates for _, own in parts}
    false = sum(wrong for _, _, wrong in judgements)
    after = sum(int((~course.learning).sum()) for course in courses)
    alarming = Counter(
        code
        for course in courses
        for code, loud in zip(course.modes, course.decided & (course.risk >= scale.threshold), strict=True)
        if loud
    )
    return Figures(
        name=name,
        assets=len(courses),
        rows=sum(course.rows for course in courses),
        learning=sum(int(course.learning.sum()) for course in courses),
        windows=len(truth),
        unlabelled=sum(int((~course.learning & ~np.isfinite(course.labels)).sum()) for course in courses),
        uncertain=int((~decided).sum()),
        shared=sum(course.shared for course in courses),
        positives=int(truth.sum()),
        pr_auc=average_precision(truth, risk),
        roc_auc=roc_auc(truth, risk),
        rules=_rules(truth, risk, decided, standing, scale) if known else (),
        alarms=sum(len(course.alarms) for course in courses),
        false_alarms=false if known else None,
        other_alarms=sum(course.other_alarms for course in courses),
        false_per_asset_week=_per_week(false, parts) if known and dates == {True} else None,
        false_per_1000_windows=1000.0 * false / after if known and after else None,
        dates=dates.pop() if len(dates) == 1 else None,
        episodes=tuple(found for seen, _, _ in judgements for found in seen),
        hidden=sum(hidden for _, hidden, _ in judgements),
        modes=tuple(alarming.most_common(_TOP_MODES)),
    )


def mode_name(code: str) -> str:
    """A failure mode for people: its name and its code."""
    return f"{mode(code).name} ({code})"


def _chosen(course: Course, *, last_only: bool) -> Bools:
    judged = course.judged
    if last_only and judged.any():
        last = np.flatnonzero(judged)[-1]
        judged = np.zeros_like(judged)
        judged[last] = True
    return judged


def _rules(truth: Bools, risk: NDArray[np.float64], decided: Bools, standing: Bools, scale: Scale) -> tuple[Rule, ...]:
    rules = [
        Rule(name="window", threshold=scale.threshold, counts=count(truth, decided & (risk >= scale.threshold))),
        Rule(name="alarm", threshold=scale.threshold, counts=count(truth, standing)),
    ]
    best = best_threshold(truth, risk) if scale.best else None
    if best is not None:
        rules.append(Rule(name="best", threshold=best, counts=count(truth, risk >= best)))
    rules.append(Rule(name="always", threshold=None, counts=count(truth, np.ones_like(truth))))
    return tuple(rules)


def _episodes(course: Course, unit: float) -> tuple[list[Found], int, int]:
    """The episodes with a judged window, how many had none, and the number of false alarms."""
    judged = course.times[course.judged]
    seen, hidden = [], 0
    for episode in course.episodes:
        if np.any((judged >= episode.start) & (judged <= episode.end)):
            seen.append(_found(course.asset, episode, course.alarms, unit))
        else:
            hidden += 1
    false = sum(1 for alarm in course.alarms if not any(_meets(alarm, episode) for episode in course.episodes))
    return seen, hidden, false


def _found(asset: str, episode: Episode, alarms: Sequence[Alarm], unit: float) -> Found:
    first = next((alarm for alarm in alarms if _meets(alarm, episode)), None)
    return Found(
        asset=asset,
        start=episode.start,
        end=episode.end,
        detected=first is not None,
        lead=None if first is None else (episode.end - first.raised) / unit,
        delay=None if first is None else (first.raised - episode.start) / unit,
        mode="" if first is None else first.mode,
        true_mode=episode.mode,
    )


def _meets(alarm: Alarm, episode: Episode) -> bool:
    return alarm.raised <= episode.end and alarm.cleared > episode.start


def _per_week(false: int, parts: Sequence[tuple[Sequence[Course], Scale]]) -> float | None:
    """False alarms per week of judged event time, all assets' time added up."""
    total = sum(scale.window_s * int((~course.learning).sum()) for courses, scale in parts for course in courses)
    return false * WEEK_S / total if total else None


def _median(values: Sequence[float]) -> float | None:
    return float(np.median(values)) if values else None
