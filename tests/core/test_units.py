"""The conversion table."""

from __future__ import annotations

import pytest

from edge_agent.core.units import _DIMENSIONS, _SPELLINGS, SAME, conversion, convertible, known


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        (212.0, "degF", "degC", 100.0),
        (0.0, "degC", "degF", 32.0),
        (293.15, "K", "degC", 20.0),
        (1.0, "in/s", "mm/s", 25.4),
        (2.0, "g", "m/s2", 19.6133),
        (100.0, "psi", "bar", 6.894757293),
        (1.0, "bar", "kPa", 100.0),
        (1.0, "MPa", "psi", 145.0377377),
        (50.0, "Hz", "rpm", 3000.0),
        (1.0, "rad/s", "rpm", 9.549296586),
        (2.0, "mil", "um", 50.8),
        (1.0, "in", "mm", 25.4),
        (4.0, "mA", "A", 0.004),
        (0.5, "kV", "V", 500.0),
        (1.0, "hp", "W", 745.6998716),
        (3.6, "MJ", "kWh", 1.0),
        (1.0, "l/s", "m3/h", 3.6),
        (1.0, "gpm", "l/min", 3.785411784),
        (1.0, "gal", "l", 3.785411784),
        (1.0, "kg/s", "t/h", 3.6),
        (1.0, "lbf", "N", 4.4482216153),
        (0.5, "1", "%", 50.0),
        (2.0, "h", "min", 120.0),
        (1.0, "kgf/cm2", "bar", 0.980665),
        (1.0, "hPa", "mbar", 1.0),
    ],
)
def test_a_value_is_converted_as_the_tables_of_physics_say(
    value: float, source: str, target: str, expected: float
) -> None:
    found = conversion(source, target)

    assert found is not None
    assert value * found.scale + found.offset == pytest.approx(expected, rel=1e-8, abs=1e-9)


@pytest.mark.parametrize(
    ("written", "unit"), [("°C", "degC"), ("m/s²", "m/s2"), ("µm", "um"), ("r/min", "rpm"), ("L/min", "l/min")]
)
def test_a_unit_may_be_spelt_as_plants_spell_it(written: str, unit: str) -> None:
    assert known(written) == unit
    assert conversion(written, unit) is SAME
    assert conversion(unit, written) is SAME
    assert convertible(written) == (written, *convertible(unit)[1:])


def test_every_spelling_names_a_unit_of_the_table_and_no_unit_stands_in_two_tables() -> None:
    units = [unit for dimension in _DIMENSIONS for unit in dimension]

    assert len(units) == len(set(units))
    assert set(_SPELLINGS.values()) <= set(units)
    assert not set(_SPELLINGS) & set(units)


def test_the_same_unit_changes_nothing_even_if_it_is_unknown() -> None:
    assert conversion("Nm", "Nm") is SAME


@pytest.mark.parametrize(("source", "target"), [("degF", "bar"), ("Nm", "ft-lb"), ("", "degC"), ("degC", "")])
def test_what_is_not_in_the_table_is_not_guessed(source: str, target: str) -> None:
    assert conversion(source, target) is None


def test_the_units_that_may_be_sent_are_listed_with_the_own_one_first() -> None:
    assert convertible("m/s2") == ("m/s2", "g", "mm/s2")
    assert convertible("Nm") == ("Nm",)
