"""Retry delays."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.backoff import delay


def test_the_wait_doubles_until_the_cap() -> None:
    assert [delay(n, 1.0) for n in range(8)] == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]


def test_half_of_the_wait_is_left_to_chance() -> None:
    assert delay(3, 0.0) == 4.0
    assert delay(3, 0.5) == 6.0


@given(st.integers(), st.floats(0, 1), st.floats(0.01, 10), st.floats(10, 600))
def test_the_wait_lies_between_half_of_the_base_and_the_cap(
    attempt: int, random01: float, base: float, cap: float
) -> None:
    assert base / 2 <= delay(attempt, random01, base, cap) <= cap
