"""What a summary may speak of: the facts of one alarm, numbered so that a sentence can point at them.

Facts come from the window, the event and the tables, never from a model. Whatever a word of the summary claims (above
or below, how far, rising or falling) is decided here, from the numbers that will stand beside it. Nothing that is not
in the record of the alarm belongs here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from edge_agent.core.identity import digest
from edge_agent.core.summary import figure
from edge_agent.core.text import ORDINALS, clean, ordinals
from edge_agent.core.types import AlarmEvent, ChannelState, Window

MAX_CHANNELS: Final = 8  # candidates of one summary
STYLES: Final = 12  # ways of wording; the alarm's id draws one, so that two alarms do not read alike
SIZES: Final = (3.0, 10.0)  # robust z from which a deviation is called clear, and far
MOVING: Final = 1.0  # change over 20 steps, in robust z, below which a channel is called steady
_KEPT: Final = (0, 3, 4, 5, 6)  # of the seven ordinals: fast level, shift, trend, slope, spread


@dataclass(frozen=True, slots=True)
class ChannelFact:
    """One channel a summary may mention."""

    name: str
    component: str
    unit: str
    value: float  # mean of the step, in `unit`
    baseline: float  # this asset's own normal, in `unit`
    size: int  # how far from normal: 0 slight, 1 clear, 2 far
    motion: int  # over the last 20 steps: 1 rising, -1 falling, 0 steady
    ordinals: tuple[str, ...]  # (5,) level, shift, trend, slope, spread in the words of the text

    @property
    def above(self) -> bool:
        """Whether the value lies above this asset's own normal."""
        return self.value >= self.baseline


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything the summary of one event may rest on."""

    asset: str
    asset_class: str
    mode: str  # ISO 14224 code, `none` where there is none
    first: float  # event time at which the condition was first seen
    time: float  # event time of the event
    channels: tuple[ChannelFact, ...]  # at most MAX_CHANNELS, the most unusual first
    log: str  # newest log line, cleaned; empty where there is none
    style: int  # 0 … STYLES - 1


def facts_of(event: AlarmEvent, window: Window) -> Facts:
    """The facts of an event of a risk alarm and the window it was made from."""
    return Facts(
        asset=event.asset,
        asset_class=window.asset_class,
        mode=event.mode,
        first=event.first,
        time=event.time,
        channels=candidates(window.channels),
        log=clean(event.quotes[0].text) if event.quotes else "",
        style=style_of(event.id, event.rev),
    )


def style_of(alarm: str, rev: int) -> int:
    """The way of wording of a revision of an alarm, 0 … STYLES - 1; the same each time it is asked for."""
    return int(digest("style", alarm, str(rev)), 16) % STYLES


def candidates(channels: Iterable[ChannelState]) -> tuple[ChannelFact, ...]:
    """The channels worth a word, the most unusual first; none whose value reads the same as its normal."""
    told = [c for c in channels if not c.name.startswith("joint_") and _tells(c)]
    told.sort(key=lambda c: (-c.oddity, c.name))
    return tuple(_fact(c) for c in told[:MAX_CHANNELS])


def _tells(channel: ChannelState) -> bool:
    finite = math.isfinite(channel.value) and math.isfinite(channel.baseline)
    return finite and figure(channel.value) != figure(channel.baseline)


def _fact(channel: ChannelState) -> ChannelFact:
    agrees = (channel.shift >= 0) == (channel.value >= channel.baseline)
    words = [ORDINALS[i] for i in ordinals(channel)]
    return ChannelFact(
        name=channel.name,
        component=channel.component,
        unit=channel.unit,
        value=channel.value,
        baseline=channel.baseline,
        size=sum(abs(channel.shift) >= bound for bound in SIZES) if agrees else 0,
        motion=0 if abs(channel.slope) < MOVING else 1 if channel.slope > 0 else -1,
        ordinals=tuple(words[i] for i in _KEPT),
    )
