"""Files → figures: loads all files, judges them one after the other under the same settings, pools the result.

What a judgement is stands in `backtest.py`, what a figure is in `figures.py`; here they are put in order, and what the
reader must know about the files is noted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from edge_agent.core.baseline import Reference
from edge_agent.core.pipeline import Judge
from edge_agent.core.types import AlarmPolicy, LogLine
from edge_agent.errors import UsageError
from edge_agent.offline.backtest import UNKNOWN_CLASS, Course, Settings, Watch, judge_dataset
from edge_agent.offline.figures import Figures, Scale, figures
from edge_agent.tables.csvfile import Format
from edge_agent.tables.layout import ClassColumns
from edge_agent.tables.series import Dataset, FileSettings, default_baseline, listed, load, read_logs
from edge_agent.tables.times import Timeline
from edge_agent.tables.truth import Truth, TruthSource, truths

POOLED = "all files"


@dataclass(frozen=True, slots=True, kw_only=True)
class StudySettings:
    """What a whole backtest depends on, the model aside."""

    how: FileSettings
    source: TruthSource
    ruls: tuple[Path, ...] = ()  # one per file, in order
    asset_class: str = UNKNOWN_CLASS
    baseline_steps: int | None = None  # None: by the shortest asset
    every: int = 1
    policy: AlarmPolicy = field(default_factory=AlarmPolicy)
    logs: Path | None = None
    best: bool = False
    last_only: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """One file with all that is known of it, before it is judged."""

    name: str
    dataset: Dataset
    truths: Mapping[str, Truth]
    logs: Mapping[str, Sequence[LogLine]]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FileResult:
    """One file, judged."""

    case: Case
    courses: tuple[Course, ...]
    figures: Figures


@dataclass(frozen=True, slots=True)
class Study:
    """All files, judged."""

    files: tuple[FileResult, ...]
    pooled: Figures
    baseline_steps: int
    threshold: float

    def notes(self) -> list[tuple[str, str]]:
        """Every note with the files it is about, each note once."""
        about: dict[str, list[str]] = {}
        for result in self.files:
            for note in dict.fromkeys(result.case.notes):
                about.setdefault(note, []).append(result.case.name)
        return [
            ("" if len(self.files) == 1 else "all files" if len(names) == len(self.files) else listed(names), note)
            for note, names in about.items()
        ]


def prepare(paths: Sequence[Path], settings: StudySettings, references: Mapping[str, Reference]) -> list[Case]:
    """All files, read and checked before the first one is judged.

    Raises:
        DataError: a file is wrong; says where.
        UsageError: the options do not go together.
    """
    if settings.ruls and len(settings.ruls) != len(paths):
        raise UsageError(
            f"{len(settings.ruls)} --rul file(s) for {len(paths)} file(s)",
            hint="give one --rul per file, in the same order",
        )
    known = _class_columns(settings.asset_class, references)
    names = [path.name for path in paths]
    cases = []
    for i, path in enumerate(paths):
        dataset = load(path, settings.how, known)
        notes = list(dataset.notes)
        source = replace(settings.source, rul=settings.ruls[i]) if settings.ruls else settings.source
        form = Format(encoding=settings.how.form.encoding)
        found = truths(dataset, source, form, notes)
        logs = {} if settings.logs is None else read_logs(settings.logs, dataset, form)
        if settings.logs is not None and not any(dataset.named(asset) for asset in logs):
            notes.append(f"{settings.logs.name} has no line about an asset of this file")
        if known is None and dataset.conditions:
            notes.append(
                f"class {settings.asset_class!r} knows no regimes: {listed(dataset.conditions)} left out of the text"
            )
        name = dataset.name if names.count(path.name) == 1 else str(path)
        cases.append(Case(name, dataset, found, logs, tuple(notes)))
    return cases


def _class_columns(name: str, references: Mapping[str, Reference]) -> ClassColumns | None:
    if name == UNKNOWN_CLASS:
        return None
    if name not in references:
        raise UsageError(
            f"the bundle knows no class {name!r}; it knows {', '.join(sorted(references)) or 'none'}",
            hint=f"--class {UNKNOWN_CLASS} judges by each asset's own baseline alone",
        )
    return ClassColumns(name=name, channels=references[name].channels, conditions=references[name].conditions)


def study(
    cases: Sequence[Case],
    settings: StudySettings,
    judge: Judge,
    references: Mapping[str, Reference],
    watch: Callable[[Case], Watch] = lambda _case: Watch(),
) -> Study:
    """All files judged, and their figures."""
    baseline = settings.baseline_steps or default_baseline([case.dataset for case in cases])
    threshold = _threshold(settings, judge)
    how = Settings(
        asset_class=settings.asset_class, baseline_steps=baseline, every=settings.every, policy=settings.policy
    )  # fmt: skip
    results, parts = [], []
    for case in cases:
        courses = judge_dataset(case.dataset, case.truths, case.logs, judge, references, how, watch(case))
        scale = _scale(case.dataset, settings, threshold)
        parts.append((courses, scale))
        told = replace(case, notes=(*case.notes, *_doubts(case, courses, baseline)))
        results.append(FileResult(told, tuple(courses), figures(case.name, [(courses, scale)])))
    return Study(tuple(results), figures(POOLED, parts), baseline, threshold)


def _threshold(settings: StudySettings, judge: Judge) -> float:
    """The risk from which a window alarms: as asked for, else the bundle's for assets of this class or of none."""
    if settings.policy.raise_at is not None:
        return settings.policy.raise_at
    if settings.asset_class == UNKNOWN_CLASS and judge.stranger_threshold is not None:
        return judge.stranger_threshold
    return judge.threshold


def _scale(dataset: Dataset, settings: StudySettings, threshold: float) -> Scale:
    return Scale(
        threshold=threshold,
        best=settings.best,
        last_only=settings.last_only,
        window_s=dataset.step_s * settings.every,
        step_s=dataset.step_s,
        dates=dataset.timeline is Timeline.DATES,
    )


def _doubts(case: Case, courses: Sequence[Course], baseline: int) -> list[str]:
    """What makes the figures of a file doubtful."""
    notes = []
    short = [course.asset for course in courses if course.learning.all()]
    if short:
        notes.append(f"too short to be judged after {baseline} steps of baseline: {listed(short)} (--baseline N)")
    sick = [course.asset for course in courses if np.any(course.labels[course.learning] == 1.0)]
    if sick:
        notes.append(f"labelled as failing within the baseline, which should be healthy: {listed(sick)} (--baseline N)")
    shared = sum(course.shared for course in courses)
    if 2 * shared > case.dataset.rows and not case.dataset.roles.asset:
        notes.append(
            "most rows share a step with another row: is there a column that names the machine? (--asset COLUMN)"
        )
    return notes
