"""The turbofan of NASA's C-MAPSS simulation: its settings and sensors as a class. The one table of its names and units.

The bundle's reference was learned with these names; `training`, `demo` and `offline` read recorded runs by them.

Source: A. Saxena et al., Damage Propagation Modeling for Aircraft Engine Run-to-Failure Simulation, PHM 2008, table 2.
"""

from __future__ import annotations

from typing import Final

from edge_agent.core.types import ChannelSpec, ClassSpec

SETTINGS: Final = ("set1", "set2", "set3")
SENSORS: Final = (
    ("T2", "R", "inlet"), ("T24", "R", "low-pressure compressor"), ("T30", "R", "high-pressure compressor"),
    ("T50", "R", "low-pressure turbine"), ("P2", "psi", "inlet"), ("P15", "psi", "bypass duct"),
    ("P30", "psi", "high-pressure compressor"), ("Nf", "rpm", "fan"), ("Nc", "rpm", "core"), ("epr", "", "engine"),
    ("Ps30", "psi", "high-pressure compressor"), ("phi", "pps/psi", "fuel control"), ("NRf", "rpm", "fan"),
    ("NRc", "rpm", "core"), ("BPR", "", "bypass duct"), ("farB", "", "combustor"), ("htBleed", "", "bleed air"),
    ("Nf_dmd", "rpm", "fan"), ("PCNfR_dmd", "rpm", "fan"), ("W31", "lbm/s", "high-pressure turbine"),
    ("W32", "lbm/s", "low-pressure turbine"),
)  # fmt: skip
SPEC: Final = ClassSpec(
    name="turbofan",
    channels=(
        *(ChannelSpec(name=name, condition=True) for name in SETTINGS),
        *(ChannelSpec(name=name, unit=unit, component=component) for name, unit, component in SENSORS),
    ),
    step_s=1.0,  # one cycle counts as one second
    complete=True,
    baseline_steps=20,
    silent_after_s=60.0,
)
