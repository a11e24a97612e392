"""Windows → the numbers a boosted tree reads: the same seven statistics per channel that the text states.

Used by the teacher and by the comparison in `evaluate`. The text itself comes from `core/text.py`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge_agent.core.text import VALUES
from edge_agent.core.types import ClassSpec, Window
from edge_agent.core.window import JOINT

Features = NDArray[np.float32]


def columns(spec: ClassSpec) -> tuple[str, ...]:
    """The channels a window of the class may state, judged ones then the joint ones."""
    return (*(c.name for c in spec.channels if not c.condition), *JOINT)


def row(window: Window, names: Sequence[str]) -> Features:
    """The statistics of the named channels, then regime and number of silent channels, (7 n + 2,); NaN where unsaid."""
    out = np.full((len(names), VALUES), np.nan, dtype=np.float32)
    place = {name: i for i, name in enumerate(names)}
    for c in window.channels:
        levels = (math.nan,) * 3 if c.levels is None else c.levels
        out[place[c.name]] = (*levels, *(math.asinh(v) for v in (c.shift, c.trend, c.slope, c.spread)))
    tail = np.array([-1 if window.regime is None else window.regime, len(window.silent)], dtype=np.float32)
    return np.concatenate([out.ravel(), tail])
