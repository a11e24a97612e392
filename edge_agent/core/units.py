"""The unit conversions the agent makes between what a source sends and what a class is measured in.

Tables and the functions that read them. A pair that is not in the table is a fault of the configuration, never a guess
(promise G11).
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple


class Conversion(NamedTuple):
    """`value * scale + offset`."""

    scale: float
    offset: float

    def inverse(self) -> Conversion:
        """The way back."""
        return Conversion(1.0 / self.scale, -self.offset / self.scale)

    def then(self, following: Conversion) -> Conversion:
        """This conversion, and another on its result."""
        return Conversion(self.scale * following.scale, self.offset * following.scale + following.offset)


SAME: Final = Conversion(1.0, 0.0)

# One table per dimension: unit → how it becomes the first of its table.
# Source: NIST SP 811, appendix B.8. Exact by definition: standard gravity 9.80665 m/s2, the inch 25.4 mm, the pound
# 0.45359237 kg (so a psi is 6894.757... Pa and a mechanical horsepower 550 ft lbf/s), the US gallon 231 cubic inches.
_DIMENSIONS: Final[tuple[dict[str, Conversion], ...]] = (
    {"degC": SAME, "degF": Conversion(5.0 / 9.0, -160.0 / 9.0), "K": Conversion(1.0, -273.15)},
    {"mm/s": SAME, "in/s": Conversion(25.4, 0.0), "m/s": Conversion(1000.0, 0.0)},
    {"m/s2": SAME, "g": Conversion(9.80665, 0.0), "mm/s2": Conversion(0.001, 0.0)},
    {
        "bar": SAME,
        "psi": Conversion(0.06894757293168361, 0.0),
        "mbar": Conversion(0.001, 0.0),
        "hPa": Conversion(0.001, 0.0),
        "Pa": Conversion(1e-5, 0.0),
        "kPa": Conversion(0.01, 0.0),
        "MPa": Conversion(10.0, 0.0),
        "kgf/cm2": Conversion(0.980665, 0.0),
    },
    {"rpm": SAME, "Hz": Conversion(60.0, 0.0), "rad/s": Conversion(30.0 / math.pi, 0.0)},
    {
        "mm": SAME,
        "um": Conversion(0.001, 0.0),
        "mil": Conversion(0.0254, 0.0),
        "in": Conversion(25.4, 0.0),
        "cm": Conversion(10.0, 0.0),
        "m": Conversion(1000.0, 0.0),
    },
    {"A": SAME, "mA": Conversion(0.001, 0.0)},
    {"V": SAME, "mV": Conversion(0.001, 0.0), "kV": Conversion(1000.0, 0.0)},
    {
        "kW": SAME,
        "W": Conversion(0.001, 0.0),
        "MW": Conversion(1000.0, 0.0),
        "hp": Conversion(0.7456998715822702, 0.0),
    },
    {
        "kWh": SAME,
        "Wh": Conversion(0.001, 0.0),
        "MWh": Conversion(1000.0, 0.0),
        "J": Conversion(1.0 / 3.6e6, 0.0),
        "MJ": Conversion(1.0 / 3.6, 0.0),
    },
    {
        "m3/h": SAME,
        "l/min": Conversion(0.06, 0.0),
        "l/s": Conversion(3.6, 0.0),
        "l/h": Conversion(0.001, 0.0),
        "m3/s": Conversion(3600.0, 0.0),
        "gpm": Conversion(0.2271247070400, 0.0),
    },
    {"m3": SAME, "l": Conversion(0.001, 0.0), "gal": Conversion(0.003785411784, 0.0)},
    {"kg/h": SAME, "kg/s": Conversion(3600.0, 0.0), "t/h": Conversion(1000.0, 0.0)},
    {"N": SAME, "kN": Conversion(1000.0, 0.0), "lbf": Conversion(4.4482216152605, 0.0)},
    {"%": SAME, "1": Conversion(100.0, 0.0), "ppm": Conversion(1e-4, 0.0)},
    {
        "s": SAME,
        "ms": Conversion(0.001, 0.0),
        "min": Conversion(60.0, 0.0),
        "h": Conversion(3600.0, 0.0),
        "d": Conversion(86400.0, 0.0),
    },
)

# How else plants write them. What has two meanings (g of weight, C of charge) is taken in that of machines.
_SPELLINGS: Final = {
    "°C": "degC", "℃": "degC", "Celsius": "degC", "C": "degC", "°F": "degF", "℉": "degF", "Fahrenheit": "degF",
    "F": "degF", "m/s²": "m/s2", "m/s^2": "m/s2", "mm/s²": "mm/s2", "ips": "in/s", "µm": "um", "μm": "um",
    "r/min": "rpm", "1/min": "rpm", "RPM": "rpm", "1/s": "Hz", "m³/h": "m3/h", "m³/s": "m3/s", "m³": "m3",
    "L/min": "l/min", "lpm": "l/min", "L/s": "l/s", "L/h": "l/h", "L": "l", "kgf/cm²": "kgf/cm2", "PSI": "psi",
    "HP": "hp", "sec": "s", "hours": "h",
}  # fmt: skip


def known(written: str) -> str:
    """A unit as it is called here: `degC` for `°C`; as it is written where there is no other name for it."""
    return _SPELLINGS.get(written, written)


def conversion(source: str, target: str) -> Conversion | None:
    """How a value in the unit `source` becomes one in `target`; None where the two are not known to be alike."""
    source, target = known(source), known(target)
    if source == target:
        return SAME
    for units in _DIMENSIONS:
        if source in units and target in units:
            return units[source].then(units[target].inverse())
    return None


def convertible(target: str) -> tuple[str, ...]:
    """The units a source may send for a channel measured in `target`, itself first."""
    own = known(target)
    units = next((units for units in _DIMENSIONS if own in units), {})
    return (target, *(unit for unit in units if unit != own))
