"""What the values of the pipeline say of themselves."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.types import Limits, LogLine
from tests.core.pump import channel

BOUNDS = Limits(low_alarm=0.0, low_warning=10.0, high_warning=90.0, high_alarm=100.0)


@pytest.mark.parametrize(
    ("value", "zone"),
    [(-1, "alarm"), (0, "alarm"), (1, "warning"), (10, "warning"), (50, "normal"), (90, "warning"), (100, "alarm")],
)
def test_a_value_on_a_limit_has_reached_it(value: float, zone: str) -> None:
    assert BOUNDS.zone(value) == zone


@given(value=st.floats(-200, 200))
def test_the_alarm_zone_is_where_an_alarm_limit_is_crossed(value: float) -> None:
    assert (BOUNDS.zone(value) == "alarm") is (BOUNDS.crossed(value) is not None)


def test_the_limit_crossed_is_the_one_that_was_reached() -> None:
    assert BOUNDS.crossed(120.0) == 100.0
    assert BOUNDS.crossed(-3.0) == 0.0
    assert BOUNDS.crossed(95.0) is None


@given(value=st.floats(allow_nan=False))
def test_without_limits_everything_is_normal(value: float) -> None:
    assert Limits().zone(value) == "normal"
    assert Limits().crossed(value) is None


def test_the_same_log_line_has_the_same_id_whoever_wrote_it() -> None:
    line = LogLine("p1", 12.5, "bearing noisy")

    assert line.id == LogLine("p1", 12.5, "bearing noisy", author="ann", order="4711").id
    assert len({line.id, LogLine("p2", 12.5, line.text).id, LogLine("p1", 12.6, line.text).id}) == 3
    assert line.id != LogLine("p1", 12.5, "bearing noisy!").id


def test_a_log_line_that_no_encoding_can_carry_has_an_id_too() -> None:
    assert LogLine("p1", 0.0, "\ud800").id != LogLine("p1", 0.0, "\udfff").id


def test_oddity_is_the_largest_movement_in_either_direction_and_not_the_spread() -> None:
    assert channel(shift=1.0, trend=-3.0, slope=2.0, spread=9.0).oddity == 3.0


def test_values_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        BOUNDS.high_alarm = None  # type: ignore[misc]
