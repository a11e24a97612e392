"""Scores → verdict: what may be made of what the model says. A verdict is a function of the text alone.

The log may move the risk only so far (promise G9): the text is scored with and without its log lines, and the first
risk is held within `LOG_REACH` of the second; a log cannot make a decided verdict undecided. A provisional or undecided
verdict raises nothing.

The failure mode is what readings and log, each read by itself, agree on best: a product of experts (G. Hinton, Training
Products of Experts, 2002). On simulated plants held out it names more modes rightly than the text read as a whole.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from edge_agent.core.text import Parts, parts, render
from edge_agent.core.types import LogLine, Scores, Status, Verdict, Window

LOG_REACH = 0.3  # probability: enough to bring a trend over the threshold earlier, too little to raise from nothing

LOG_WEIGHT = 0.5  # of what the log says of the failure mode, beside what the readings say
_LEAST = 1e-6  # probability: one reader cannot rule a mode out alone

Score = Callable[[str], Scores]


def judge(window: Window, logs: Sequence[LogLine], score: Score, labels: Sequence[str]) -> Verdict:
    """The verdict on a window and its recent log lines; `labels` name the modes of the scores, in order."""
    verdict = judge_text(render(window, logs), score, labels, asset=window.asset, time=window.end)
    return replace(verdict, historical=True) if window.historical else verdict


def judge_text(text: str, score: Score, labels: Sequence[str], *, asset: str, time: float) -> Verdict:
    """The verdict on a text, of a window of `asset` that ended at `time`."""
    lines = parts(text)
    scores, alone = _scored(lines, score)
    modes = _modes(lines, scores, alone, score)
    best = max(range(len(labels)), key=lambda i: modes[i])
    if lines.learning:
        status = Status.PROVISIONAL
    elif scores.undecided and alone.undecided:  # words must not talk a decided verdict into silence
        status = Status.UNCERTAIN
    else:
        status = Status.DECIDED
    return Verdict(asset, time, text, _held(scores, alone), labels[best], modes[best], status)


def risk_of(lines: Parts, score: Score) -> float:
    """The risk of a text, its log lines held within their reach."""
    return _held(*_scored(lines, score))


def _scored(lines: Parts, score: Score) -> tuple[Scores, Scores]:
    """The scores of a text, and of the same text without its log lines."""
    scores = score(lines.text)
    return scores, score(replace(lines, logs=()).text) if lines.logs else scores


def _modes(lines: Parts, scores: Scores, alone: Scores, score: Score) -> tuple[float, ...]:
    """The probability of every failure mode, by readings and log."""
    if not lines.logs or not lines.channels:
        return scores.modes
    return agreed(alone.modes, score(replace(lines, channels=(), silent=()).text).modes)


def agreed(read: Sequence[float], told: Sequence[float]) -> tuple[float, ...]:
    """The probabilities that the readings' and the log's come to together: their weighted product, which adds up to 1.

    Both have one probability per failure mode, in the same order.
    """
    products = [
        math.exp(math.log(max(r, _LEAST)) + LOG_WEIGHT * math.log(max(t, _LEAST)))
        for r, t in zip(read, told, strict=True)
    ]
    whole = sum(products)
    return tuple(product / whole for product in products)


def _held(scores: Scores, alone: Scores) -> float:
    return min(max(scores.risk, alone.risk - LOG_REACH), alone.risk + LOG_REACH)
