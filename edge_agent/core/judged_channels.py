"""Which channels of a class are judged, and how their values become u and u becomes values again.

u is what means, baselines and windows are made of: where the class has a reference, (x - center) / scale within the
regime that its operating conditions fall into; else the value itself. k numbers the judged channels, as u does.
"""

from __future__ import annotations

import numpy as np

from edge_agent.core.baseline import Floats, Reference
from edge_agent.core.types import ClassSpec
from edge_agent.core.unit_step import Place


class JudgedChannels:
    """The judged channels of a class, n of them, beside its reference."""

    def __init__(self, spec: ClassSpec, reference: Reference | None) -> None:
        numbers = {channel.name: i for i, channel in enumerate(spec.channels)}
        self.at = [i for i, channel in enumerate(spec.channels) if not channel.condition]  # among all of the class
        self.channels = [spec.channels[i] for i in self.at]
        self.reference = reference if reference is not None and self._fits(reference, set(numbers)) else None
        self.conditions: list[int] = []  # C of them, as the reference has them, among all of the class
        self._columns = np.arange(0)  # (n,) of the reference
        if self.reference is not None:
            self.conditions = [numbers[name] for name in self.reference.conditions]
            self._columns = np.array([self.reference.channels.index(channel.name) for channel in self.channels])

    def _fits(self, reference: Reference, names: set[str]) -> bool:
        judged = {channel.name for channel in self.channels}
        return judged <= set(reference.channels) and set(reference.conditions) <= names

    def u(self, values: Floats, conditions: Floats) -> tuple[Floats, int | None]:
        """The u of the judged channels (n,) and the regime, of the values of all channels and the conditions (C,)."""
        judged = values[self.at]
        if self.reference is None:
            return judged, None
        if self.conditions and not np.isfinite(conditions).any():
            return np.full(len(judged), np.nan), None  # no set point is known yet
        regime = self.reference.regime(conditions)
        full = np.full(len(self.reference.channels), np.nan)
        full[self._columns] = judged
        return self.reference.normalise(full, regime)[self._columns], regime

    def value(self, u: float, k: int, regime: int | None) -> float:
        """The value that u of a channel stands for, in the channel's own unit."""
        if self.reference is None or regime is None:
            return u
        offset, scale = self.place(k, regime)
        return offset + scale * u

    def place(self, k: int, regime: int | None) -> Place:
        """How the u of a channel becomes a value."""
        if self.reference is None or regime is None:
            return Place(0.0, 1.0)
        column = self._columns[k]
        center = float(self.reference.center[regime, column])
        return Place(center, max(float(self.reference.scale[regime, column]), abs(center) * 1e-6, 1e-9))

    def levels(self, means: Floats) -> Floats | None:
        """Positions in the class of means of u, (3, n) → same shape; None where it is not known."""
        if self.reference is None:
            return None
        full = np.full((3, len(self.reference.channels)), np.nan)
        full[:, self._columns] = means
        return self.reference.level(full)[:, self._columns]

    def reduced_reference(self) -> Reference | None:
        """The reference of the judged channels alone, in their order."""
        if self.reference is None:
            return None
        r, at = self.reference, self._columns
        names = tuple(r.channels[i] for i in at)
        return Reference(
            names, r.conditions, r.regimes, r.condition_scale, r.center[:, at], r.scale[:, at], r.grid[at]
        )  # fmt: skip
