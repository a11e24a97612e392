"""Windows → the numbers a boosted tree reads: the same seven statistics per channel that the text states.

Used by the teacher and by the comparison in `evaluate`. The text itself comes from `core/text.py`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from edge_agent.core.text import VALUES
from edge_agent.core.types import ClassSpec, Window
from edge_agent.core.window import JOINT

Features = NDArray[np.float32]

_SHIFT = 3  # column of a channel's shift
_TAIL = 2  # columns after the channels


def columns(specs: Iterable[ClassSpec]) -> tuple[str, ...]:
    """The channels a window of any of the classes may state: the judged ones that all have, then the joint ones."""
    first, *rest = dict.fromkeys(specs)
    everywhere = [c.name for c in first.channels if not c.condition]
    for spec in rest:
        theirs = {c.name for c in spec.channels}
        everywhere = [name for name in everywhere if name in theirs]
    return (*everywhere, *JOINT)


def row(window: Window, names: Sequence[str]) -> Features:
    """The statistics of the named channels, then regime and number of silent channels, (7 n + 2,); NaN where unsaid.

    Channels that are not named are left out.
    """
    out = np.full((len(names), VALUES), np.nan, dtype=np.float32)
    place = {name: i for i, name in enumerate(names)}
    for c in window.channels:
        if c.name not in place:
            continue
        levels = (math.nan,) * 3 if c.levels is None else c.levels
        out[place[c.name]] = (*levels, *(math.asinh(v) for v in (c.shift, c.trend, c.slope, c.spread)))
    tail = np.array([-1 if window.regime is None else window.regime, len(window.silent)], dtype=np.float32)
    return np.concatenate([out.ravel(), tail])


def joint_shift(features: Features) -> Features:
    """The shift of Hotelling's T² in every row, as asinh of z, (N, F) → (N,); 0 where unsaid."""
    column = features.shape[1] - _TAIL - len(JOINT) * VALUES + _SHIFT
    return np.nan_to_num(features[:, column])
