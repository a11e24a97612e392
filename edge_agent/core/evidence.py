"""What an alarm rests on: which channels and log lines moved the risk, and which deviate most.

Occlusion, whatever the model: a line is left out of the text, the rest is scored anew at batch 1, and `contribution` is
the risk minus the risk without the line. It is a function of the text alone, so it can be checked from the stored
verdict years later. Negative: the line held the risk down. Contributions do not add up to the risk.
Source: occlusion sensitivity, Zeiler and Fergus 2014 (arXiv 1311.2901), section 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from edge_agent.core.text import clean, parts
from edge_agent.core.types import ChannelState, Evidence, LogLine, Misread, Quote, Scores, Window
from edge_agent.core.verdict import Score, risk_of

MAX_SCORES = 10  # extra scores an explanation may cost: three channels and two log lines, or ten channels
MAX_EVIDENCE = 3
MAX_QUOTES = 2
MIN_SHIFT = 1.0  # a channel nearer to its own normal than this is no evidence while another one is farther
MIN_CONTRIBUTION = 0.01  # of the risk; what moved it less did not move it
JOINT = "joint_"  # pseudo-channels: for the model, no evidence for people


@dataclass(frozen=True, slots=True)
class Moves:
    """How far lines of one text moved its risk; lines that were not left out in turn are not named."""

    channels: tuple[tuple[str, float], ...] = ()  # name and contribution, in the order in which they were left out
    logs: tuple[float, ...] = ()  # contribution of each log line, newest first


UNKNOWN = Moves()
_UNASKED = Scores(0.0, ())


class Occlusion:
    """What moved one text's risk, a score at a time: whoever has something better to do goes on with it later."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._left = [*reversed(questions(text))]
        self._known: dict[str, Scores] = {}

    @property
    def whole(self) -> bool:
        """Whether nothing is left to be scored."""
        return not self._left

    def ask(self, score: Score) -> None:
        """Have the next text scored, if one is left."""
        if self._left:
            text = self._left.pop()
            self._known[text] = score(text)

    def moves(self, risk: float) -> Moves:
        """What moved the text's `risk`: exactly what `occlude` says of it, once the occlusion is whole."""
        return occlude(self._text, risk, self._known.__getitem__)


def questions(text: str) -> tuple[str, ...]:
    """The texts whose scores say what moved the risk of a text, each once, in the order in which they are asked."""
    asked: list[str] = []

    def note(shorter: str) -> Scores:
        asked.append(shorter)
        return _UNASKED

    occlude(text, 0.0, note)
    return tuple(asked)


def occlude(text: str, risk: float, score: Score) -> Moves:
    """What moved a text's `risk`, in `MAX_SCORES` scores at most: the newest log lines, then the most unusual channels.

    A text with log lines is scored twice for each channel left out, because the log is held within its reach of what
    the numbers alone say. Pseudo-channels come last: no evidence is made of them.
    """
    lines = parts(text)
    known: dict[str, Scores] = {}

    def once(shorter: str) -> Scores:
        if shorter not in known:
            known[shorter] = score(shorter)
        return known[shorter]

    if lines.logs:
        once(replace(lines, logs=()).text)  # what the numbers alone say, whichever log line is left out
    tried = range(min(len(lines.logs), MAX_QUOTES))
    logs = tuple(risk - risk_of(replace(lines, logs=_without(lines.logs, i)), once) for i in tried)
    room = (MAX_SCORES - len(known)) // 2 if lines.logs else MAX_SCORES
    names = [line.split(" ", 1)[0] for line in lines.channels]
    order = sorted(range(len(names)), key=lambda i: names[i].startswith(JOINT))[:room]
    channels = tuple(
        (names[i], risk - risk_of(replace(lines, channels=_without(lines.channels, i)), once)) for i in order
    )
    return Moves(channels, logs)


def facts(window: Window, moves: Moves = UNKNOWN) -> tuple[Evidence, ...]:
    """The channels an alarm rests on, at most `MAX_EVIDENCE`: first what moved the risk, the farthest move first.

    What moved it by less than `MIN_CONTRIBUTION`, or was not tried, follows by its distance from this asset's own
    normal. The channel that deviates most is always among them: it takes the last place where it would have none.
    """
    moved = dict(moves.channels)
    real = [channel for channel in window.channels if not channel.name.startswith(JOINT)]
    far = sorted(real, key=lambda channel: -abs(channel.shift))
    telling = [channel for channel in far if abs(channel.shift) >= MIN_SHIFT] or far[:1]
    movers = [channel for channel in real if moved.get(channel.name, 0.0) >= MIN_CONTRIBUTION]
    movers.sort(key=lambda channel: -moved[channel.name])
    chosen = [*movers, *(channel for channel in telling if channel not in movers)][:MAX_EVIDENCE]
    if far[:1] and far[0] not in chosen:
        chosen[-1] = far[0]
    return tuple(_fact(channel, moved.get(channel.name)) for channel in chosen)


def quotes(logs: Sequence[LogLine], moves: Moves = UNKNOWN) -> tuple[Quote, ...]:
    """The newest `MAX_QUOTES` of these log lines (newest first): first what moved the risk more, else the newer."""
    moved: list[float | None] = [*moves.logs, *[None] * MAX_QUOTES]
    found = [
        Quote(line.id, line.time, clean(line.text), moved[i]) for i, line in enumerate(logs[:MAX_QUOTES])
    ]  # fmt: skip
    return tuple(sorted(found, key=_worth, reverse=True))  # stable: the newer first where neither moved the risk


def _worth(quote: Quote) -> float:
    contribution = quote.contribution or 0.0
    return contribution if contribution >= MIN_CONTRIBUTION else 0.0


def _fact(channel: ChannelState, contribution: float | None) -> Evidence:
    return Evidence(
        channel.name, channel.component, channel.value, channel.unit, channel.baseline, channel.shift, None,
        "deviation", contribution,
    )  # fmt: skip


def _without(lines: tuple[str, ...], index: int) -> tuple[str, ...]:
    return lines[:index] + lines[index + 1 :]


def of_misread(part: Misread) -> tuple[Evidence, ...]:
    """The value beside its normal in the unit of the class, and in the one it seems to come in."""
    return tuple(
        Evidence(part.channel, part.component, part.value, unit, normal, None, None, "unit")
        for unit, normal in ((part.own_unit, part.normal), (part.unit, part.expected))
    )
