"""Runs → tokenised texts with labels, as flat arrays: what batches are cut from, cached on disk.

A text is kept line by line, so that augmentation can drop, permute and rename lines; put together unchanged it is
exactly what the agent feeds the model (a test holds this). No augmentation and no torch belongs here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_agent.bundle.encode import Kind, Line, TextEncoder
from edge_agent.core.baseline import Floats, Reference
from edge_agent.core.text import render
from edge_agent.training import features
from edge_agent.training.runs import Run, recent_logs, windows_of


@dataclass(frozen=True, slots=True)
class Examples:
    """N windows of one class of assets, tokenised. L lines, K tokens in all."""

    tokens: NDArray[np.int16]  # (K,)
    line_start: NDArray[np.int32]  # (L + 1,) into tokens
    line_kind: NDArray[np.int8]  # (L,)
    first_line: NDArray[np.int32]  # (N + 1,) into lines
    risk: NDArray[np.float32]  # (N,) 0 or 1
    mode: NDArray[np.int8]  # (N,) index into MODES, UNKNOWN where not known
    left: Floats  # (N,) steps to the failure
    run: NDArray[np.int32]  # (N,) number of the run
    step: NDArray[np.int32]  # (N,) windows since commissioning
    learning: NDArray[np.bool_]  # (N,)
    features: features.Features  # (N, F) for boosted trees

    def __len__(self) -> int:
        return len(self.risk)

    def lines(self, n: int) -> list[Line]:
        """The text of window n."""
        first, last = int(self.first_line[n]), int(self.first_line[n + 1])
        cuts = self.line_start[first : last + 1].tolist()
        return [
            Line(Kind(kind), tuple(self.tokens[a:b].tolist()))
            for kind, a, b in zip(self.line_kind[first:last].tolist(), cuts[:-1], cuts[1:], strict=True)
        ]

    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each text, (N,)."""
        ends = self.line_start[self.first_line].astype(np.int64)
        return ends[1:] - ends[:-1]


def subset(examples: Examples, chosen: NDArray[np.int64]) -> Examples:
    """The chosen windows, in the order given."""
    counts = np.diff(examples.first_line)[chosen]
    lines = np.concatenate([np.arange(a, a + n) for a, n in zip(examples.first_line[chosen], counts, strict=True)])
    widths = np.diff(examples.line_start)[lines]
    tokens = np.concatenate([np.arange(a, a + n) for a, n in zip(examples.line_start[lines], widths, strict=True)])
    return Examples(
        examples.tokens[tokens], np.append(0, widths.cumsum()).astype(np.int32), examples.line_kind[lines],
        np.append(0, counts.cumsum()).astype(np.int32), examples.risk[chosen], examples.mode[chosen],
        examples.left[chosen], examples.run[chosen], examples.step[chosen], examples.learning[chosen],
        examples.features[chosen],
    )  # fmt: skip


def last_windows(examples: Examples, fewest: int) -> NDArray[np.int64]:
    """The row of the newest window of each run that has at least so many."""
    last = np.append(np.flatnonzero(np.diff(examples.run)), len(examples) - 1)
    old_enough: NDArray[np.int64] = last[examples.step[last] >= fewest]
    return old_enough


def build(
    runs: Sequence[Run], reference: Reference | None, encoder: TextEncoder, watch: Callable[[], None] = lambda: None,
    *, told: bool = False,
) -> Examples:  # fmt: skip
    """The examples of runs of one class, of `told` only the windows with log lines; `watch` is called after each."""
    names = features.columns(run.spec for run in runs)
    tokens: list[int] = []
    line_start, line_kind, first_line = [0], [], [0]
    rows, meta = [], []
    for number, run in enumerate(runs):
        risky = run.risky
        for window in windows_of(run, reference):
            logs = recent_logs(run.logs, window, run.spec)
            if told and not logs:
                continue
            for line in encoder.lines(render(window, logs)):
                tokens += line.ids
                line_start.append(len(tokens))
                line_kind.append(line.kind)
            first_line.append(len(line_kind))
            rows.append(features.row(window, names))
            watch()
            step = run.step_of(window)
            meta.append((risky[step], run.modes[step], run.left[step], number, window.index, window.learning))
    risk, mode, left, run_number, index, learning = zip(*meta, strict=True)
    return Examples(
        np.array(tokens, np.int16), np.array(line_start, np.int32), np.array(line_kind, np.int8),
        np.array(first_line, np.int32), np.array(risk, np.float32), np.array(mode, np.int8), np.array(left, np.float64),
        np.array(run_number, np.int32), np.array(index, np.int32), np.array(learning, np.bool_), np.stack(rows),
    )  # fmt: skip


def cached(  # noqa: PLR0913 - what `build` takes, and where it is kept
    path: Path, runs: Sequence[Run], reference: Reference | None, encoder: TextEncoder,
    watch: Callable[[], None] = lambda: None, *, told: bool = False,
) -> Examples:  # fmt: skip
    """As `build`, read from `path` where it is there, else built and written to it."""
    names = Examples.__dataclass_fields__
    if path.exists():
        with np.load(path) as stored:
            return Examples(*(stored[name] for name in names))
    examples = build(runs, reference, encoder, watch, told=told)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial.npz")
    np.savez(partial, **{name: getattr(examples, name) for name in names})
    partial.replace(path)
    return examples
