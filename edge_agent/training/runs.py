"""What every training set is made of: one asset's life as arrays, with what is known of its failure.

Loaders (`cmapss`, `fleet`) return these; nothing after them knows where data came from. No file or model belongs here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge_agent.core import modes
from edge_agent.core.baseline import Floats, Reference
from edge_agent.core.types import ClassSpec, LogLine, Reading, Window
from edge_agent.core.window import Windower

HORIZON_STEPS: Final = 30  # the risk is about a failure within so many steps
HORIZON: Final = f"fails within {HORIZON_STEPS} steps"
MODES: Final = tuple(modes.MODES)  # a model's labels are these codes, in this order, `none` first
UNKNOWN: Final = -1  # label of a step whose failure mode is not known


@dataclass(frozen=True, slots=True)
class Run:
    """One asset from commissioning (or overhaul) on, with the truth of every step."""

    asset: str
    group: str  # the set it came from, such as `FD001` or `pump`
    spec: ClassSpec
    times: Floats  # (steps,) start of each step, Unix seconds
    values: Floats  # (steps, measured channels), NaN where missing
    left: Floats  # (steps,) steps to the failure, negative after it, inf where none comes
    modes: NDArray[np.int8]  # (steps,) index into MODES of the fault that shows, UNKNOWN where not known
    logs: tuple[LogLine, ...] = ()
    horizon: int = HORIZON_STEPS

    @property
    def risky(self) -> NDArray[np.bool_]:
        """Whether each step is within the horizon of the failure, (steps,)."""
        return self.left <= self.horizon

    def step_of(self, window: Window) -> int:
        """The row that a window closed."""
        return int(np.searchsorted(self.times, window.start - self.spec.step_s / 2))


def windows_of(run: Run, reference: Reference | None) -> Iterator[Window]:
    """All windows of a run, by the same `Windower` that serves, fed reading by reading."""
    windower = Windower(run.spec, reference)
    names = [channel.name for channel in run.spec.channels if not channel.expression]
    for time, row in zip(run.times.tolist(), run.values.tolist(), strict=True):
        for name, value in zip(names, row, strict=True):
            if not math.isnan(value):
                yield from windower.push(Reading(run.asset, name, time, value))
    yield from windower.flush(run.asset)


def recent_logs(logs: Sequence[LogLine], window: Window, spec: ClassSpec) -> list[LogLine]:
    """The newest log lines that a window's text may quote, as the pipeline chooses them."""
    known = [line for line in logs if window.end - spec.log_horizon_s <= line.time <= window.end]
    return sorted(known, key=lambda line: (line.time, line.text), reverse=True)[: spec.log_lines]


def step_values(run: Run) -> tuple[Floats, Floats]:
    """Judged and condition values of a run, (steps, n) and (steps, C), derived channels excluded."""
    measured = [channel for channel in run.spec.channels if not channel.expression]
    judged = [i for i, channel in enumerate(measured) if not channel.condition]
    conditions = [i for i, channel in enumerate(measured) if channel.condition]
    return np.ascontiguousarray(run.values[:, judged]), np.ascontiguousarray(run.values[:, conditions])
