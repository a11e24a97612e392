"""When two values of an alarm count as the same, and how one is said in a line.

On the same runtime and processor only equal values are the same. Elsewhere int8 kernels and sums round differently: the
bundle's own tolerance holds for probabilities, the last bits of other numbers may differ, and words made from them.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Final

from edge_agent.core.summary import figure
from edge_agent.core.text import ORDINALS
from edge_agent.core.types import Evidence, Quote

_LAST_BITS: Final = 1e-6  # relative, of values computed on another processor
_LAST_DIGIT: Final = 0.01  # relative, of three digits
_PLACE: Final = {word: i for i, word in enumerate(ORDINALS)}


def same(one: object, other: object, tolerance: float) -> bool:
    """Whether two values of an event are equal; with a tolerance, whether two processors may differ so."""
    if one == other or not tolerance:
        return one == other
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= max(tolerance, _LAST_BITS * abs(one))
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(same(a, b, tolerance) for a, b in zip(one, other, strict=True))
    if isinstance(one, Evidence | Quote) and type(one) is type(other):
        return all(same(getattr(one, f.name), getattr(other, f.name), tolerance) for f in fields(one))
    if isinstance(one, str) and isinstance(other, str):
        pairs = list(zip(one.split(), other.split(), strict=False))
        return len(one.split()) == len(other.split()) and all(a == b or _same_figure(a, b) for a, b in pairs)
    return False


def _same_figure(one: str, other: str) -> bool:
    """Whether two words are numbers that round alike but for their last digit."""
    try:
        a, b = float(one), float(other)
    except ValueError:
        return False
    return abs(a - b) <= _LAST_DIGIT * abs(a)


def near(one: str, other: str) -> bool:
    """Whether two texts differ by no more than the last bits of their numbers: each ordinal by one step at most."""
    pairs = list(zip(one.split(), other.split(), strict=False))
    if len(one.split()) != len(other.split()):
        return False
    return all(a == b or (a in _PLACE and b in _PLACE and abs(_PLACE[a] - _PLACE[b]) <= 1) for a, b in pairs)


def said(value: object) -> str:
    """A value in a line: evidence and quotes by their names and what they contributed."""
    if not isinstance(value, tuple):
        return repr(value)
    told = (
        f"{one.channel} {figure(one.value)}" + (f" ({one.contribution:+.3f})" if one.contribution is not None else "")
        if isinstance(one, Evidence)
        else repr(one.text)
        for one in value
    )
    return f"[{', '.join(told)}]"
