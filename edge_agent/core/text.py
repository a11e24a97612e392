"""Window + recent log lines → text, version `text/1`. The ONE serializer: training renders by it too.

One line for the asset, one per channel (most unusual first), one for silent channels, one per log line (newest first):

    turbofan cond 3
    Ps30 q93 q91 q88 z+31 z+12 z+09 z-02
    silent vib_de
    log <8h bearing noisy at drive end

A channel line has seven ordinals, always in this order: level in the class of the exponential means of 5, 15 and 30
steps (`q`), then shift, trend, slope, spread against the own baseline (`z`, on an asinh scale). `q` scale: `q00`..`q99`
per cent; within the outer per cents `q00a`..`q00d` and `q99a`..`q99d`; outside the class `under1`..`under4` and
`over1`..`over4`; `q?` where the class is unknown. Ordinal words cannot be forged by a log line: `clean` breaks them.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from edge_agent.core.types import ChannelState, LogLine, Window

VERSION = "text/1"
VALUES = 7  # ordinals per channel line
MAX_CHANNELS = 18  # 18 * 8 tokens + asset line leave 32 of 192 tokens for logs
MAX_LOG_CHARACTERS = 160
DULL = 0.05  # a channel that has moved less than this in every statistic says nothing

_TAIL = (0.0005, 0.001, 0.002, 0.005)
_OUTSIDE = (0.5, 1.5, 4.0)  # scales outside the class at which under/over go from 1 to 4
LEVELS: tuple[str, ...] = (
    "under4", "under3", "under2", "under1", "q00d", "q00c", "q00b", "q00a",
    *(f"q{i:02d}" for i in range(100)),
    "q99a", "q99b", "q99c", "q99d", "over1", "over2", "over3", "over4",
)  # fmt: skip
UNKNOWN_LEVEL = "q?"
Z_STEPS = 12  # ordinals per unit of asinh(z): 0.08 z near zero, 9 % of z far out
Z_END = 60  # asinh(74)
ZS: tuple[str, ...] = tuple(f"z{i:+03d}" for i in range(-Z_END, Z_END + 1))
ORDINALS: tuple[str, ...] = (UNKNOWN_LEVEL, *LEVELS, *ZS)
AGES = ((3600.0, "<1h"), (8 * 3600.0, "<8h"), (86400.0, "<1d"), (7 * 86400.0, "<1w"), (math.inf, ">1w"))
_FORGED = re.compile(r"(?<![a-z])([qz])(?=[0-9?+-])|(under|over)(?=[1-4])")
_NOT_PLAIN = re.compile(r"[^\w .,;:/%+'()&#=*°?!-]")
_BLANK = re.compile(r"\s+")
_KNOWN = frozenset(ORDINALS)
_LOG = re.compile(rf"log ({'|'.join(re.escape(word) for _, word in AGES)})( |$)")  # no channel line looks so
_LEARNING = " learning"


@dataclass(frozen=True, slots=True)
class Parts:
    """A text taken apart into its lines; `text` puts them together again."""

    head: str
    channels: tuple[str, ...]  # most unusual first
    silent: tuple[str, ...]  # one line or none
    logs: tuple[str, ...]  # newest first

    @property
    def text(self) -> str:
        """The text of these lines."""
        return "\n".join((self.head, *self.channels, *self.silent, *self.logs))

    @property
    def learning(self) -> bool:
        """Whether the baseline was still being learned."""
        return self.head.endswith(_LEARNING)


def level_ordinal(level: float) -> int:
    """Index into LEVELS of a class position (0..1; beyond the ends -d or 1+d, d in scales)."""
    if level < 0.0:
        return 3 - bisect_right(_OUTSIDE, -level)
    if level > 1.0:
        return len(LEVELS) - 4 + bisect_right(_OUTSIDE, level - 1.0)
    if level < 0.01:  # noqa: PLR2004 - the outermost per cent, subdivided
        return 4 + bisect_right(_TAIL, level)
    if level > 0.99:  # noqa: PLR2004
        return len(LEVELS) - 5 - bisect_right(_TAIL, 1.0 - level)
    return min(8 + int(level * 100), 107)


def z_ordinal(z: float) -> int:
    """Index into ZS of a robust z."""
    return max(-Z_END, min(Z_END, round(math.asinh(z) * Z_STEPS))) + Z_END


def ordinals(channel: ChannelState) -> tuple[int, ...]:
    """The seven ordinals of a channel as indices into ORDINALS, (7,)."""
    first = 1 + len(LEVELS)
    levels = (0, 0, 0) if channel.levels is None else tuple(1 + level_ordinal(v) for v in channel.levels)
    return (
        *levels,
        first + z_ordinal(channel.shift),
        first + z_ordinal(channel.trend),
        first + z_ordinal(channel.slope),
        first + z_ordinal(channel.spread),
    )


def clean(text: str) -> str:
    """A log line made harmless: one line, lower case, no control or bracket characters, no forged ordinals."""
    plain = _BLANK.sub(" ", _NOT_PLAIN.sub(" ", text.replace("\x00", " ").lower())).strip()
    return _FORGED.sub(lambda match: f"{match.group()} ", plain)[:MAX_LOG_CHARACTERS].strip()


def age(seconds: float) -> str:
    """The age bucket of a log line."""
    return next(word for bound, word in AGES if seconds < bound)


def shown(window: Window) -> list[ChannelState]:
    """The channels that the text names, most unusual first; those that say nothing are left out."""
    worth = [c for c in window.channels if c.oddity > DULL or c.zone != "normal"]
    worth.sort(key=lambda c: (c.zone == "normal", -c.oddity, c.name))
    return worth[:MAX_CHANNELS]


def render(window: Window, logs: Sequence[LogLine] = ()) -> str:
    """The text of a window and its recent log lines (any order; the newest come first)."""
    head = window.asset_class if window.regime is None else f"{window.asset_class} cond {window.regime}"
    lines = [head + (_LEARNING if window.learning else "")]
    for channel in shown(window):
        words = " ".join(ORDINALS[i] for i in ordinals(channel))
        lines.append(f"{channel.name} {words}" + ("" if channel.zone == "normal" else f" {channel.zone}"))
    if window.silent:
        lines.append("silent " + " ".join(window.silent))
    lines += [
        f"log {age(max(window.end - line.time, 0.0))} {clean(line.text)}"
        for line in sorted(logs, key=lambda line: (line.time, line.text), reverse=True)
    ]
    return "\n".join(lines)


def parts(text: str) -> Parts:
    """The lines of a text that `render` made, by what they say."""
    head, *rest = text.split("\n")
    channels = tuple(line for line in rest if _is_channel(line))
    logs = tuple(line for line in rest if _LOG.match(line))
    return Parts(head, channels, tuple(line for line in rest if line not in {*channels, *logs}), logs)


def _is_channel(line: str) -> bool:
    words = line.split(" ")[1 : VALUES + 1]
    return len(words) == VALUES and _KNOWN.issuperset(words)
