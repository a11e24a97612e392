"""A jump of a channel that is a change of its unit: °C that come as °F, mm/s as in/s, bar as psi (promise G11).

Pure and strict, because a machine fault taken for a change of unit would be hushed up. A channel is suspected where
1. it was steady, and stands far outside its healthy spread in the very next step,
2. at what its level before the jump is in another unit, within the spread it would have there, and that spread is
   small against level and jump, so that hardly anything else lies in it,
3. and no other channel of the machine moved with it, but by a change of unit of its own.
It is confirmed after `CONFIRMED` such steps in a row in which it went on to vary as a living channel does; a sensor
that is stuck does not. From then on it stands until its values read as they are come nearer to that level than read in
the other unit. What is suspected is kept from means, joint distances and judgement, from the first step on.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge_agent.core.baseline import Floats
from edge_agent.core.types import ChannelSpec, Misread
from edge_agent.core.units import Conversion, conversion, convertible

CONFIRMED: Final = 5  # steps in a row; a machine fault that passes by a conversion does not stay
FAR: Final = 8.0  # healthy deviations a jump is at least
STEADY: Final = 4.0  # healthy deviations from the mean of the last steps a channel may be away before it
STILL: Final = 6.0  # and the other channels at it
BAND: Final = 4.0  # converted deviations around the converted level
TIGHT: Final = 0.4  # of level and jump: a wider band holds too much else, a narrower one no vibration
ROUNDED: Final = 0.002  # of the converted level, the least band: senders round
ALIVE: Final = 0.5  # converted deviations between the lowest and the highest value until it is confirmed
CONSTANT: Final = 1e-4  # of its level: a channel that varies less has no life to tell by
NEAR: Final = 2.0  # conversions by less than this factor are too near to a change of load


class Suspect(NamedTuple):
    """Another unit that values may come in."""

    unit: str
    settled: bool  # True: they come in the class's unit by now, and are still converted from this one
    change: Conversion  # what a value that was right becomes


@dataclass(frozen=True, slots=True)
class Jump:
    """A jump that fits another unit."""

    suspect: Suspect
    level: float  # u before it
    steps: int  # that fitted, in a row
    low: float  # least and
    high: float  # greatest value since, until it was confirmed

    @property
    def confirmed(self) -> bool:
        """Whether it has stood long enough to be told."""
        return self.steps >= CONFIRMED


class Place(NamedTuple):
    """How the u of a channel becomes a value in its own unit: `offset + scale * u`."""

    offset: float
    scale: float


def suspects(channel: ChannelSpec) -> tuple[Suspect, ...]:
    """The units the values of a channel might come in instead of its own, those of one factor once."""
    found: dict[Conversion, Suspect] = {}
    for unit in convertible(channel.unit)[1:]:
        for settled, pair in ((False, (channel.unit, unit)), (True, (unit, channel.unit))):
            change = conversion(*pair)
            if change is not None and (change.offset or not 1.0 / NEAR < change.scale < NEAR):
                rounded = Conversion(float(f"{change.scale:.9g}"), float(f"{change.offset:.9g}"))
                found.setdefault(rounded, Suspect(unit, settled, change))
    return tuple(found.values())


class Spot(NamedTuple):
    """The judged channels at the end of a step, and what was known of them before it."""

    values: Floats  # (n,)
    u: Floats  # (n,) NaN where something is missing
    ring: Floats  # (steps, n) u of the steps before, newest last
    mean: Floats  # (n,) u of span 5
    scale: Floats  # (n,) healthy deviation of u


def gone_on(
    jumps: Mapping[int, Jump], spot: Spot, known: Mapping[int, tuple[Suspect, ...]], places: Callable[[int], Place],
    direct: NDArray[np.bool_],
) -> dict[int, Jump]:  # fmt: skip
    """The jumps after a step, by number of the judged channel: those that stand, and those that begin.

    `known` are the suspects of the channels that have any, `places` says where a channel lies, `direct` (n,) is true
    of those that are measured. A jump that is over gives its channel back to the machine, as it is.
    """
    stand = {
        k: after
        for k, jump in jumps.items()
        if (after := _followed(jump, float(spot.values[k]), float(spot.scale[k]), places(k))) is not None
    }
    with np.errstate(all="ignore"):
        away = np.abs(spot.u - spot.mean) / spot.scale
    if not (away >= FAR).any():
        return stand
    found: dict[int, Jump] = {}
    for k in map(int, np.flatnonzero((away >= STILL) & direct)):
        if k in stand:
            continue
        jump = None if k in jumps else _begun(k, spot, known.get(k, ()), places(k))
        if jump is None:
            return stand  # something else moved: it is the machine
        found[k] = jump
    return stand | found


def misread(jump: Jump, channel: ChannelSpec, value: float, place: Place) -> Misread:
    """A jump as it is told; a step without a value shows what it would be."""
    unit, settled, change = jump.suspect
    normal = place.offset + place.scale * jump.level
    expected = normal * change.scale + change.offset
    shown = value if math.isfinite(value) else expected
    return Misread(
        channel.name, channel.component, channel.unit, unit, settled, shown, normal, expected, jump.confirmed
    )  # fmt: skip


def _begun(k: int, spot: Spot, known: Sequence[Suspect], place: Place) -> Jump | None:
    level, value, scale = float(spot.mean[k]), float(spot.values[k]), float(spot.scale[k])
    earlier = spot.ring[np.isfinite(spot.ring[:, k]), k]
    if not earlier.size or abs(float(earlier[-1]) - level) > STEADY * scale:
        return None
    suspect = next((suspect for suspect in known if _fits(suspect, value, level, scale, place)), None)
    return None if suspect is None else Jump(suspect, level, 1, value, value)


def _followed(jump: Jump, value: float, scale: float, place: Place) -> Jump | None:
    """The jump after another step; None where it is over, or was none. A step without a value changes nothing."""
    if not math.isfinite(value):
        return jump
    if jump.confirmed:
        level = place.offset + place.scale * jump.level
        back = jump.suspect.change.inverse()
        return jump if abs(value * back.scale + back.offset - level) <= abs(value - level) else None
    if not _fits(jump.suspect, value, jump.level, scale, place):
        return None
    jump = replace(jump, steps=jump.steps + 1, low=min(jump.low, value), high=max(jump.high, value))
    return jump if not jump.confirmed or _alive(jump, scale, place) else None


def _fits(suspect: Suspect, value: float, level_u: float, scale_u: float, place: Place) -> bool:
    """Whether a value is what the level is in another unit, and hardly anything else."""
    level, spread = place.offset + place.scale * level_u, abs(place.scale) * scale_u
    there = level * suspect.change.scale + suspect.change.offset
    jump = abs(there - level)
    band = max(BAND * spread * abs(suspect.change.scale), ROUNDED * abs(there))
    return jump >= FAR * spread and band <= TIGHT * min(abs(there), jump) and abs(value - there) <= band


def _alive(jump: Jump, scale_u: float, place: Place) -> bool:
    """Whether the values vary as those of the channel do; where it hardly does, nothing can be asked."""
    level, spread = abs(place.offset + place.scale * jump.level), abs(place.scale) * scale_u
    return spread <= CONSTANT * level or jump.high - jump.low >= ALIVE * spread * abs(jump.suspect.change.scale)
