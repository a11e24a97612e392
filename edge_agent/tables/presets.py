"""Public file layouts that describe themselves nowhere: what `--preset` stands for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from edge_agent.simulate.turbofan import SETTINGS, SPEC


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """Options for one kind of file; what the caller says goes before."""

    columns: tuple[str, ...]
    separator: str
    time: str
    asset: str
    conditions: tuple[str, ...]
    asset_class: str
    baseline_steps: int


# Source: A. Saxena et al., Damage Propagation Modeling for Aircraft Engine Run-to-Failure Simulation, PHM 2008.
CMAPSS: Final = Preset(
    columns=("unit", "cycle", *(channel.name for channel in SPEC.channels)),
    separator="whitespace",
    time="cycle",
    asset="unit",
    conditions=SETTINGS,
    asset_class=SPEC.name,
    baseline_steps=SPEC.baseline_steps,
)

PRESETS: Final[Mapping[str, Preset]] = {"cmapss": CMAPSS}
