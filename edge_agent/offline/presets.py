"""Public file layouts that describe themselves nowhere: what `--preset` stands for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


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
    columns=(
        "unit", "cycle", "set1", "set2", "set3", "T2", "T24", "T30", "T50", "P2", "P15", "P30", "Nf", "Nc", "epr",
        "Ps30", "phi", "NRf", "NRc", "BPR", "farB", "htBleed", "Nf_dmd", "PCNfR_dmd", "W31", "W32",
    ),
    separator="whitespace",
    time="cycle",
    asset="unit",
    conditions=("set1", "set2", "set3"),
    asset_class="turbofan",
    baseline_steps=20,
)  # fmt: skip

PRESETS: Final[Mapping[str, Preset]] = {"cmapss": CMAPSS}
