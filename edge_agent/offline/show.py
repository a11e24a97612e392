"""Figures → what people read: tables, a line of risk per asset, and the same figures as JSON.

Text only; nothing is computed here that is not in `figures.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Final

import numpy as np

from edge_agent.core.modes import NONE
from edge_agent.offline.backtest import Course
from edge_agent.offline.figures import Figures, Found, Rule, mode_name

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

_BLOCKS: Final = "▁▂▃▄▅▆▇█"
_PLAIN_BLOCKS: Final = "_.,-~=*#"
_UNKNOWN: Final = "-"
_MISSED_SHOWN: Final = 8
_LEARNING, _FAILING, _FALSE, _RIGHT = "░", "·", "!", "#"
_DURATIONS: Final = ((2 * 86400.0, 86400.0, "d"), (2 * 3600.0, 3600.0, "h"), (120.0, 60.0, "min"), (0.0, 1.0, "s"))


def table(files: Sequence[Figures], pooled: Figures) -> Iterator[str]:
    """A line per file, and one for all of them together."""
    rows = [*files, pooled] if len(files) > 1 else list(files)
    width = max(12, *(len(row.name) for row in rows))
    known = pooled.false_alarms is not None
    head = f"{'file':<{width}} {'assets':>6} {'windows':>8}"
    yield head + (
        f" {'failing':>8} {'PR-AUC':>7} {'ROC-AUC':>8} {'F1':>6} {'false %':>8} {'missed %':>8}"
        f" {'alarms':>7} {'false':>6} {'told':>8}"
        if known
        else f" {'alarms':>7}  likely failure modes"
    )
    for row in rows:
        line = f"{row.name:<{width}} {row.assets:>6} {row.windows if known else row.unlabelled:>8}"
        if not known:
            yield f"{line} {row.alarms:>7}  {_modes(row)}"
            continue
        counts = row.rules[0].counts if row.rules else None
        yield (
            f"{line} {_share(row.prevalence):>8} {_number(row.pr_auc):>7} {_number(row.roc_auc):>8}"
            f" {_number(counts.f1 if counts else None):>6} {_tenth(counts.false_percent if counts else None):>8}"
            f" {_tenth(counts.missed_percent if counts else None):>8} {row.alarms:>7} {row.false_alarms:>6}"
            f" {f'{row.detected}/{len(row.episodes)}':>8}"
        )


def rules(figures: Figures, names: dict[str, str]) -> Iterator[str]:
    """Every way to say "alarm" of a window, with "always" to judge it by."""
    labels = [names[rule.name].format(threshold=_number(rule.threshold)) for rule in figures.rules]
    width = max((len(label) for label in labels), default=0)
    yield f"{'a window counts as alarming when':<{width}}  precision  recall     F1  false alarms  missed"
    for label, rule in zip(labels, figures.rules, strict=True):
        counts = rule.counts
        yield (
            f"{label:<{width}}  {_number(counts.precision):>9} {_number(counts.recall):>7} {_number(counts.f1):>6}"
            f" {_percent(counts.false_percent):>13} {_percent(counts.missed_percent):>7}"
        )


def account(figures: Figures, *, failing: bool) -> Iterator[str]:
    """What the figures come to, in words."""
    yield (
        f"PR-AUC {_number(figures.pr_auc)} (a blind guess: {_number(figures.prevalence)}),"
        f" ROC-AUC {_number(figures.roc_auc)} (0.500); both need no threshold"
    )
    if figures.false_per_asset_week is not None:
        rate = f": {figures.false_per_asset_week:.3g} per asset and week of event time"
    elif figures.false_per_1000_windows is not None:
        rate = f": {figures.false_per_1000_windows:.3g} per 1000 windows"
    else:
        rate = ""
    yield f"alarms: {figures.alarms} raised, {figures.false_alarms} of them false{rate}"
    what = "failures" if failing else "labelled stretches"
    if figures.episodes:
        yield f"{what}: {figures.detected} of {len(figures.episodes)} told{_lead(figures, failing=failing)}"
        if figures.early:
            when = "the failure came near" if failing else "the stretch began"
            yield f"  {figures.early} of them by an alarm that stood before {when}"
        missed = [found.asset for found in figures.episodes if not found.detected]
        if missed:
            more = f" and {len(missed) - _MISSED_SHOWN} more" if len(missed) > _MISSED_SHOWN else ""
            yield f"  missed: {', '.join(missed[:_MISSED_SHOWN])}{more}"
    if figures.hidden:
        yield f"{what} without a judged window, not counted: {figures.hidden}"
    right, known = figures.modes_right
    if known:
        yield f"failure mode right: {right} of {known}"
    if figures.modes:
        yield f"failure modes named: {_modes(figures)}"


def left_out(figures: Figures) -> Iterator[str]:
    """What was not judged, and why."""
    yield f"not judged: {figures.learning} window(s) in which the healthy baseline was learned"
    if figures.unlabelled and figures.false_alarms is not None:
        yield f"not judged: {figures.unlabelled} window(s) without a known outcome"
    if figures.uncertain:
        yield f"uncertain: {figures.uncertain} judged window(s) on which the model was undecided; they raise nothing"
    if figures.shared:
        yield f"averaged: {figures.shared} row(s) that share a step with another row of their asset"
    if figures.other_alarms:
        yield f"silence: {figures.other_alarms} alarm(s) about channels without readings, not counted above"


def legend(*, plain: bool) -> str:
    """What the signs of a plot mean."""
    learning, failing = (":", ".") if plain else (_LEARNING, _FAILING)
    return f"risk 0..1   {learning} baseline   {failing} failing   {_FALSE} alarm   {_RIGHT} alarm while failing"


def plot(courses: Sequence[Course], width: int, *, plain: bool) -> Iterator[str]:
    """The risk of each asset over time, 0 to 1, and below it where it was failing and where an alarm stood."""
    blocks = _PLAIN_BLOCKS if plain else _BLOCKS
    learning, failing = (":", ".") if plain else (_LEARNING, _FAILING)
    room = min(24, max((len(course.asset) for course in courses), default=0))
    for course in courses:
        if not len(course.risk):
            continue
        cells = np.array_split(np.arange(len(course.risk)), min(max(width - room - 2, 10), len(course.risk)))
        risks = "".join(
            learning if course.learning[cell].all() else blocks[min(int(course.risk[cell].max() * 8), 7)]
            for cell in cells
        )
        marks = "".join(
            _mark(
                failing=bool((course.labels[cell] == 1.0).any()),
                standing=bool(course.standing[cell].any()),
                sign=failing,
            )
            for cell in cells
        )
        yield f"{course.asset[:room]:<{room}}  {risks}"
        if marks.strip():
            yield f"{'':<{room}}  {marks.rstrip()}"


def as_json(figures: Figures) -> dict[str, Json]:
    """The figures as a JSON object; null where one is not defined."""
    right, known = figures.modes_right
    return {
        **{name: value for name, value in asdict(figures).items() if name not in {"rules", "episodes", "modes"}},
        "prevalence": figures.prevalence,
        "rules": {rule.name: _rule_json(rule) for rule in figures.rules},
        "episodes": [_found_json(found) for found in figures.episodes],
        "detected": figures.detected,
        "early": figures.early,
        "median_lead": figures.lead,
        "median_delay": figures.delay,
        "modes": dict(figures.modes),
        "modes_right": right,
        "modes_known": known,
    }


def _rule_json(rule: Rule) -> dict[str, Json]:
    counts = rule.counts
    return {
        "threshold": rule.threshold,
        **asdict(counts),
        "precision": counts.precision,
        "recall": counts.recall,
        "f1": counts.f1,
        "false_percent": counts.false_percent,
        "missed_percent": counts.missed_percent,
    }


def _found_json(found: Found) -> dict[str, Json]:
    return {name: value for name, value in asdict(found).items() if value != ""}


def _lead(figures: Figures, *, failing: bool) -> str:
    leads = sorted(found.lead for found in figures.episodes if found.lead is not None)
    if not leads or figures.dates is None:
        return ""
    if not failing:
        delay = figures.delay or 0.0
        after = "after" if delay >= 0 else "before"
        return f", raised {_duration(abs(delay), dates=figures.dates)} {after} the start (median)"
    span = f"{_duration(leads[0], dates=figures.dates)} to {_duration(leads[-1], dates=figures.dates)}"
    return f", {_duration(figures.lead or 0.0, dates=figures.dates)} ahead (median; {span})"


def _duration(value: float, *, dates: bool) -> str:
    if not dates:
        return f"{value:,.0f} steps"
    size, unit = next((size, unit) for least, size, unit in _DURATIONS if value >= least)
    return f"{value / size:.3g} {unit}"


def _mark(*, failing: bool, standing: bool, sign: str) -> str:
    if standing:
        return _RIGHT if failing else _FALSE
    return sign if failing else " "


def _modes(figures: Figures) -> str:
    named = [f"{mode_name(code)} {count}" for code, count in figures.modes if code != NONE]
    return ", ".join(named) or _UNKNOWN


def _number(value: float | None) -> str:
    return _UNKNOWN if value is None else f"{value:.3f}"


def _share(value: float | None) -> str:
    return _UNKNOWN if value is None else f"{100 * value:.1f} %"


def _tenth(value: float | None) -> str:
    return _UNKNOWN if value is None else f"{value:.1f}"


def _percent(value: float | None) -> str:
    return _UNKNOWN if value is None else f"{value:.1f} %"
