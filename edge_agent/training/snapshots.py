"""Rows that are no time series (one row, one label) → examples in the agent's text. Learns nothing.

A row has no past. Where it holds one value a channel, its level in the class is stated three times over, its shift is
the distance from the class centre, and trend, slope and spread are nought. Where it holds seven statistics a channel,
as a cycle of a machine does, they fill the seven places of a channel line: three levels in the class, four distances
from the class centre.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge_agent.bundle.encode import TextEncoder
from edge_agent.core.baseline import GRID, Floats, Reference, robust
from edge_agent.core.text import VALUES, render
from edge_agent.core.types import ChannelState, Window
from edge_agent.training.examples import Examples
from edge_agent.training.runs import UNKNOWN
from edge_agent.training.scoring import Indices

_SPANS: Final = 3


@dataclass(frozen=True, slots=True)
class Snapshots:
    """N rows of n channels with K values each: one, or as many as a channel line has places."""

    asset_class: str
    channels: tuple[str, ...]  # n
    values: Floats  # (N, n * K), the values of a channel beside each other
    label: NDArray[np.float32]  # (N,) 1 failing, 0 not

    def __post_init__(self) -> None:
        if self.values.shape[1] not in {len(self.channels), VALUES * len(self.channels)}:
            raise ValueError(f"{self.values.shape[1]} columns for {len(self.channels)} channels")

    def __len__(self) -> int:
        return len(self.label)


def class_reference(rows: Snapshots, learned: Indices) -> Reference:
    """The class of the rows to learn from: centre, deviation and quantiles of each column."""
    values = rows.values[learned]
    center, scale = robust(values)
    scale = np.where(scale > 0, scale, 1.0)  # a column that never moves stays at its centre
    grid = np.quantile((values - center) / scale, GRID, axis=0).T
    count = values.shape[1] // len(rows.channels)
    names = tuple(name for name in rows.channels for _ in range(count))
    return Reference(names, (), np.zeros((1, 0)), np.zeros(0), center[None], scale[None], np.ascontiguousarray(grid))


def texts(rows: Snapshots, reference: Reference) -> list[str]:
    """The text of each row, (N,)."""
    n, width = len(rows.channels), rows.values.shape[1]
    scaled = (rows.values - reference.center[0]) / reference.scale[0]  # (N, n * K)
    levels, z = reference.level(scaled).reshape(len(rows), n, -1), scaled.reshape(len(rows), n, -1)
    if width == n:
        levels = np.repeat(levels, _SPANS, axis=2)
        z = np.concatenate([z, np.zeros((len(rows), n, VALUES - _SPANS - 1))], axis=2)
    else:
        levels, z = levels[:, :, :_SPANS], z[:, :, _SPANS:]
    first = rows.values[:, :: width // n]
    centers = reference.center[0][:: width // n].tolist()
    return [
        render(Window("row", rows.asset_class, 0, 0.0, 1.0, None, states, (), learning=False))
        for states in (
            tuple(
                ChannelState(name, "", "", value, center, (places[0], places[1], places[2]), *moved)
                for name, value, center, places, moved in zip(rows.channels, *row, strict=True)
            )
            for row in zip(first.tolist(), [centers] * len(rows), levels.tolist(), z.tolist(), strict=True)
        )
    ]


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
