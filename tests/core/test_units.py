"""The conversion table."""

from __future__ import annotations

import pytest

from edge_agent.core.units import SAME, conversion, convertible


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
    ],
)
def test_a_value_is_converted_as_the_tables_of_physics_say(
    value: float, source: str, target: str, expected: float
) -> None:
    found = conversion(source, target)

    assert found is not None
    assert value * found.scale + found.offset == pytest.approx(expected, rel=1e-8, abs=1e-9)


def test_the_same_unit_changes_nothing_even_if_it_is_unknown() -> None:
    assert conversion("Nm", "Nm") is SAME


@pytest.mark.parametrize(("source", "target"), [("degF", "bar"), ("Nm", "ft-lb"), ("", "degC"), ("degC", "")])
def test_what_is_not_in_the_table_is_not_guessed(source: str, target: str) -> None:
    assert conversion(source, target) is None


def test_the_units_that_may_be_sent_are_listed_with_the_own_one_first() -> None:
    assert convertible("m/s2") == ("m/s2", "g", "mm/s2")
    assert convertible("rpm") == ("rpm",)
