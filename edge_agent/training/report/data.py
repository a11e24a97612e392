"""Simulated machines → alarms with their facts and the truth about them, and those as token rows to learn from.

An alarm is a window in which a fault shows and the machine runs; its failure mode is what the bundle's own risk model
says, as it will be in service. Fleets of even seeds are learned from, odd ones measured. No torch belongs here.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge_agent.bundle.load import Bundle
from edge_agent.core.evidence import MIN_SHIFT
from edge_agent.core.facts import STYLES, ChannelFact, Facts, candidates
from edge_agent.core.grammar import MOST_NAMED
from edge_agent.core.report import ASK, NEEDED, UNKNOWN, name_words, prompt
from edge_agent.core.text import LEVELS, ORDINALS, ZS, clean, render
from edge_agent.core.types import Reading, Window
from edge_agent.core.window import Windower
from edge_agent.simulate import history
from edge_agent.simulate.machines import CLASSES, class_spec
from edge_agent.simulate.turbofan import SPEC
from edge_agent.training.report.target import target
from edge_agent.training.report.truth import moved, standing
from edge_agent.training.runs import recent_logs

SEED: Final = 30_240  # even, and not the seed of the risk model's fleet: its modes here are those of strangers
LONGEST: Final = 176  # tokens of prompt and summary
IGNORED: Final = -1  # label of what is not learned
_TRUE_MODE: Final = 0.25  # share of learned alarms that carry the true failure mode, whatever the risk model says
_LOG_WORDS: Final = 700
_COPIES: Final = 4  # of an alarm the risk model hears; one of others
_LOUD: Final = 0.1
_JITTER: Final = 2
_PLACES: Final = {word: i for i, word in enumerate(ORDINALS)}
_SCALES: Final = ((1, 1 + len(LEVELS)), (1 + len(LEVELS), 1 + len(LEVELS) + len(ZS)))


@dataclass(frozen=True, slots=True)
class Alarm:
    """One window in which a fault shows."""

    facts: Facts
    truth: tuple[str, ...]  # channels the fault truly moves, the most moved first
    deviating: tuple[str, ...]  # channels that left their own normal, the farthest first: what the template names
    risk: float  # what the bundle says
    true_mode: str
    run: int  # number of the run


@dataclass(frozen=True, slots=True)
class Rows:
    """N token rows to learn from: prompt, then summary, padded to LONGEST."""

    ids: NDArray[np.int16]  # (N, LONGEST)
    begins: NDArray[np.int16]  # (N,) place of the first word of the summary
    lengths: NDArray[np.int16]  # (N,)
    asked: NDArray[np.int16]  # (N, 8) places at which each candidate is asked for, 0 where there is none
    told: NDArray[np.int8]  # (N, 8) whether the fault moves each candidate, IGNORED where there is none

    def __len__(self) -> int:
        return len(self.ids)


def alarms_of(runs: Iterable[tuple[int, history.Run]], bundle: Bundle, per_run: int) -> Iterator[Alarm]:
    """Alarms of faulty runs, at most `per_run` of each, drawn evenly over the time in which the fault shows."""
    for number, run in runs:
        shows = [k for k in range(len(run.times)) if moved(run, k) and not standing(run, k)]
        chosen = {shows[i] for i in np.linspace(0, len(shows) - 1, min(per_run, len(shows))).astype(int)}
        for step, window in _windows(run, bundle, chosen):
            if not window.learning:
                yield _alarm(number, run, step, window, bundle)


def _windows(run: history.Run, bundle: Bundle, chosen: set[int]) -> Iterator[tuple[int, Window]]:
    """The windows that close the chosen steps."""
    windower = Windower(run.spec, bundle.references.get(run.spec.name))
    names = [channel.name for channel in run.spec.channels]
    ends = {run.times[k] + run.spec.step_s: k for k in chosen}
    wanted = {k + 1 for k in chosen}  # a step is closed by the first reading of the next one
    for k, (time, row) in enumerate(zip(run.times.tolist(), run.values.tolist(), strict=True)):
        for name, value in zip(names, row, strict=True):
            if not math.isnan(value):
                for window in windower.push(Reading(run.asset, name, time, value), describe=k in wanted):
                    if window.end in ends:
                        yield ends[window.end], window


def _alarm(number: int, run: history.Run, step: int, window: Window, bundle: Bundle) -> Alarm:
    logs = recent_logs(run.logs, window, run.spec)
    scores = bundle.risk.score(render(window, logs))
    labels = bundle.manifest.labels
    real = [c for c in window.channels if not c.name.startswith("joint_")]
    facts = Facts(
        asset=run.asset,
        asset_class=run.spec.name,
        mode=labels[int(np.argmax(scores.modes))],
        first=window.end - window.index % 7 * run.spec.step_s,
        time=window.end,
        channels=candidates(window.channels),
        log=clean(logs[0].text) if logs else "",
        style=(number + step) % STYLES,
    )
    ranked = sorted(real, key=lambda c: -abs(c.shift))
    deviating = tuple(c.name for c in ranked if abs(c.shift) >= MIN_SHIFT) or tuple(c.name for c in ranked[:1])
    return Alarm(facts, moved(run, step), deviating, scores.risk, run.mode, number)


# ------------------------------------------------------------------------------------------------ learning


def vocabulary(logs: Iterable[str]) -> tuple[str, ...]:
    """Every word of the model: those that must be there, the parts of known channel names, frequent words of logs."""
    channels = [c.name for name in CLASSES for c in class_spec(name).channels]
    names = sorted({part for name in (*channels, *(c.name for c in SPEC.channels)) for part in name_words(name)})
    counts = Counter(word for line in logs for word in clean(line).split())
    frequent = [f"log:{word}" for word, count in counts.most_common(_LOG_WORDS) if count > 1]
    return (*dict.fromkeys(NEEDED), *names, *frequent)


def rows(alarms: Sequence[Alarm], words: Sequence[str], seed: int) -> Rows:
    """Each alarm several times, changed at random, with the summary it should get."""
    rng = np.random.default_rng(seed)
    known = {word: i for i, word in enumerate(words)}
    drawn = (alarm for alarm in alarms for _ in range(_COPIES if alarm.risk > _LOUD else 1))
    made = [row for alarm in drawn if (row := _row(alarm, known, rng)) is not None]
    ids, begins, lengths, asked, told = zip(*made, strict=True)
    return Rows(np.stack(ids), np.array(begins, np.int16), np.array(lengths, np.int16), np.stack(asked), np.stack(told))


_Row = tuple[NDArray[np.int16], int, int, NDArray[np.int16], NDArray[np.int8]]


def _row(alarm: Alarm, known: dict[str, int], rng: np.random.Generator) -> _Row | None:
    facts = _changed(alarm, rng)
    numbers = {fact.name: number for number, fact in enumerate(facts.channels, start=1)}
    truth = [numbers[name] for name in alarm.truth if name in numbers]
    summary = target(facts, truth[:MOST_NAMED] or [1])
    tokens = prompt(facts)
    if summary is None or not facts.channels or len(tokens) + len(summary) > LONGEST:
        return None
    ids = np.zeros(LONGEST, np.int16)
    unknown = known[UNKNOWN]
    strange = rng.random() < 0.1  # noqa: PLR2004 - one text in ten has names nobody knows
    for place, token in enumerate((*tokens, *summary)):
        hidden = token.startswith("name:") and (strange or rng.random() < 0.03)  # noqa: PLR2004
        ids[place] = unknown if hidden else known.get(token, unknown)
    asked, told = np.zeros(8, np.int16), np.full(8, IGNORED, np.int8)
    first = tokens.index(ASK) + 1
    count = len(facts.channels)
    asked[:count] = np.arange(first, first + count)
    if truth:
        told[:count] = [number in truth for number in range(1, count + 1)]
    return ids, len(tokens), len(tokens) + len(summary), asked, told


def _changed(alarm: Alarm, rng: np.random.Generator) -> Facts:
    """The facts of an alarm as they might have been: another style, fewer channels, no log, ordinals a little off."""
    facts = alarm.facts
    most = alarm.truth[:1]
    kept = [c for c in facts.channels if c.name in most or rng.random() > 0.1]  # noqa: PLR2004
    return replace(
        facts,
        mode=alarm.true_mode if rng.random() < _TRUE_MODE else facts.mode,
        style=int(rng.integers(STYLES)),
        log="" if rng.random() < 0.25 else facts.log,  # noqa: PLR2004 - most alarms have no line beside them
        channels=tuple(replace(c, ordinals=_jittered(c, rng)) for c in kept),
    )


def _jittered(fact: ChannelFact, rng: np.random.Generator) -> tuple[str, ...]:
    moved_by = rng.integers(-_JITTER, _JITTER + 1, len(fact.ordinals)).tolist()
    return tuple(_shifted(word, by) for word, by in zip(fact.ordinals, moved_by, strict=True))


def _shifted(word: str, by: int) -> str:
    place = _PLACES[word]
    for low, high in _SCALES:
        if low <= place < high:
            return ORDINALS[min(max(place + by, low), high - 1)]
    return word
