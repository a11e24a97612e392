"""The few unit conversions the agent makes between what a source sends and what a class is measured in.

A table and one function. A pair that is not in the table is a fault of the configuration, never a guess (promise G11).
"""

from __future__ import annotations

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
# Source: NIST SP 811, appendix B.8; standard gravity 9.80665 m/s2 is exact, so are 25.4 mm and 6894.757... Pa of a psi.
_DIMENSIONS: Final[tuple[dict[str, Conversion], ...]] = (
    {"degC": SAME, "degF": Conversion(5.0 / 9.0, -160.0 / 9.0), "K": Conversion(1.0, -273.15)},
    {"mm/s": SAME, "in/s": Conversion(25.4, 0.0), "m/s": Conversion(1000.0, 0.0)},
    {"m/s2": SAME, "g": Conversion(9.80665, 0.0), "mm/s2": Conversion(0.001, 0.0)},
    {
        "bar": SAME,
        "psi": Conversion(0.06894757293168361, 0.0),
        "mbar": Conversion(0.001, 0.0),
        "Pa": Conversion(1e-5, 0.0),
        "kPa": Conversion(0.01, 0.0),
        "MPa": Conversion(10.0, 0.0),
    },
)


def conversion(source: str, target: str) -> Conversion | None:
    """How a value in the unit `source` becomes one in `target`; None where the two are not known to be alike."""
    if source == target:
        return SAME
    for units in _DIMENSIONS:
        if source in units and target in units:
            return units[source].then(units[target].inverse())
    return None


def convertible(target: str) -> tuple[str, ...]:
    """The units a source may send for a channel measured in `target`, itself first."""
    known = next((units for units in _DIMENSIONS if target in units), {})
    return (target, *(unit for unit in known if unit != target))
