"""A received value → the number that is kept, or the reason why there is none."""

from __future__ import annotations

import math
import struct
from typing import Final

from edge_agent.core.faults import Reason
from edge_agent.core.units import Conversion

_BOOLEANS: Final = frozenset({"true", "false", "on", "off", "yes", "no"})
_NULLS: Final = frozenset({"null", "none"})
_LONGEST_WORD: Final = 100  # bytes of a scalar payload worth looking at
_FLOAT32: Final = struct.Struct("<f")  # rounds as numpy.float32 does, at half the cost


def number(raw: object) -> float | Reason:
    """A JSON value as a number; text that holds one will do."""
    if isinstance(raw, bool):
        return Reason.BOOLEAN
    if raw is None:
        return Reason.NULL
    written = raw.isascii() and "_" not in raw if isinstance(raw, str) else isinstance(raw, int | float)
    try:
        return float(raw) if written else Reason.NOT_A_NUMBER  # type: ignore[arg-type]  # str, int or float by now
    except ValueError:
        return Reason.NOT_A_NUMBER
    except OverflowError:
        return Reason.NOT_FINITE


def explain(payload: bytes) -> Reason:
    """Why a scalar payload is no number."""
    word = payload[:_LONGEST_WORD].decode("utf-8", "replace").strip().lower()
    if not word:
        return Reason.EMPTY
    if word in _BOOLEANS:
        return Reason.BOOLEAN
    return Reason.NULL if word in _NULLS else Reason.NOT_A_NUMBER


def finish(raw: float, conversion: Conversion, *, counter: bool) -> float | Reason:
    """The value as it is kept: converted, finite, and rounded to float32 unless it is a counter."""
    scale, offset = conversion
    value = raw * scale + offset
    if not math.isfinite(value):
        return Reason.NOT_FINITE
    if counter:
        return value
    try:
        rounded: float = _FLOAT32.unpack(_FLOAT32.pack(value))[0]
    except OverflowError:
        return Reason.OUT_OF_RANGE
    return rounded
