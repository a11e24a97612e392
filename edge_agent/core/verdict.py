"""Scores → verdict: what may be made of what the model says.

The log may move the risk only so far (promise G9): the text is scored with and without its log lines, and the first
risk is held within `LOG_REACH` of the second; a log cannot make a decided verdict undecided. A provisional or undecided
verdict raises nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edge_agent.core.text import render
from edge_agent.core.types import LogLine, Scores, Status, Verdict, Window

LOG_REACH = 0.3  # probability: enough to bring a trend over the threshold earlier, too little to raise from nothing

Score = Callable[[str], Scores]


def judge(window: Window, logs: Sequence[LogLine], score: Score, labels: Sequence[str]) -> Verdict:
    """The verdict on a window and its recent log lines; `labels` name the modes of the scores, in order."""
    text = render(window, logs)
    scores = score(text)
    alone = score(render(window)) if logs else scores
    risk = min(max(scores.risk, alone.risk - LOG_REACH), alone.risk + LOG_REACH)
    best = max(range(len(labels)), key=lambda i: scores.modes[i])
    if window.learning:
        status = Status.PROVISIONAL
    elif scores.undecided and alone.undecided:  # words must not talk a decided verdict into silence
        status = Status.UNCERTAIN
    else:
        status = Status.DECIDED
    return Verdict(window.asset, window.end, text, risk, labels[best], scores.modes[best], status, window.historical)
