"""Rows that are no time series (one reading a channel, one label) → examples in the agent's text. Learns nothing.

A row has no past: its level in the class is stated three times over, its shift is the distance from the class centre,
and trend, slope and spread are nought.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge_agent.bundle.encode import TextEncoder
from edge_agent.core.baseline import GRID, Floats, Reference, robust
from edge_agent.core.text import render
from edge_agent.core.types import ChannelState, Window
from edge_agent.training.examples import Examples
from edge_agent.training.runs import UNKNOWN
from edge_agent.training.scoring import Indices

_SPANS: Final = 3


@dataclass(frozen=True, slots=True)
class Snapshots:
    """N rows of n channels."""

    asset_class: str
    channels: tuple[str, ...]  # n
    values: Floats  # (N, n)
    label: NDArray[np.float32]  # (N,) 1 failing, 0 not

    def __len__(self) -> int:
        return len(self.label)


def class_reference(rows: Snapshots, learned: Indices) -> Reference:
    """The class of the rows to learn from: centre, deviation and quantiles of each channel."""
    values = rows.values[learned]
    center, scale = robust(values)
    grid = np.quantile((values - center) / scale, GRID, axis=0).T
    return Reference(
        rows.channels, (), np.zeros((1, 0)), np.zeros(0), center[None], scale[None], np.ascontiguousarray(grid)
    )


def texts(rows: Snapshots, reference: Reference) -> list[str]:
    """The text of each row, (N,)."""
    scaled = (rows.values - reference.center[0]) / reference.scale[0]  # (N, n)
    levels = reference.level(scaled)
    found = []
    for values, z, level in zip(rows.values.tolist(), scaled.tolist(), levels.tolist(), strict=True):
        states = tuple(
            ChannelState(name, "", "", value, center, (place,) * _SPANS, shift, 0.0, 0.0, 0.0)
            for name, value, center, place, shift in zip(
                rows.channels, values, reference.center[0].tolist(), level, z, strict=True
            )
        )
        found.append(render(Window("row", rows.asset_class, 0, 0.0, 1.0, None, states, (), learning=False)))
    return found


def examples(rows: Snapshots, reference: Reference, encoder: TextEncoder) -> Examples:
    """The rows as examples; each is an asset of its own, and boosted trees read the plain values."""
    tokens: list[int] = []
    line_start, line_kind, first_line = [0], [], [0]
    for text in texts(rows, reference):
        for line in encoder.lines(text):
            tokens += line.ids
            line_start.append(len(tokens))
            line_kind.append(line.kind)
        first_line.append(len(line_kind))
    n = len(rows)
    return Examples(
        np.array(tokens, np.int16), np.array(line_start, np.int32), np.array(line_kind, np.int8),
        np.array(first_line, np.int32), rows.label, np.full(n, UNKNOWN, np.int8), np.full(n, np.nan),
        np.arange(n, dtype=np.int32), np.zeros(n, np.int32), np.zeros(n, np.bool_), rows.values.astype(np.float32),
    )  # fmt: skip
