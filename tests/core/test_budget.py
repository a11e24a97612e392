"""Budgets that fill up by themselves."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.budget import DAY_S, MOST_STRETCH, Bucket, daily, full, stretch

GIGABYTE = 1e9


def test_a_bucket_fills_up_to_its_capacity_and_no_further() -> None:
    half = full(10.0, 2.0).spend(5.0)

    assert half.after(1.0).level == 7.0
    assert half.after(60.0).level == 10.0


def test_a_clock_that_goes_back_takes_nothing_away() -> None:
    assert full(10.0, 2.0).after(-5.0).level == 10.0


def test_a_debt_is_never_larger_than_the_capacity() -> None:
    """A burst is paid for in hours, not in weeks."""
    assert full(10.0, 2.0).spend(1e9).level == -10.0


@given(st.lists(st.tuples(st.floats(0, 4 * 3600), st.floats(0, GIGABYTE)), max_size=200))
def test_no_day_lets_more_through_than_the_budget(asked: list[tuple[float, float]]) -> None:
    """Whoever spends only what is there stays within a day's amount."""
    bucket, passed, spent = daily(GIGABYTE), 0.0, 0.0
    for wait_s, wanted in asked:
        passed += wait_s
        if passed > DAY_S:
            break
        bucket = bucket.after(wait_s)
        taken = min(wanted, bucket.level)
        bucket, spent = bucket.spend(taken), spent + taken

    assert spent <= GIGABYTE * (1 + 1e-9)


def test_commits_are_stretched_more_the_less_is_left() -> None:
    levels = (100.0, 25.0, 12.5, 0.0, -100.0)

    assert [stretch(Bucket(level, 100.0, 1.0)) for level in levels] == [1.0, 1.0, 5.5, MOST_STRETCH, MOST_STRETCH]


def test_a_writer_that_slows_down_by_the_stretch_settles_within_its_refill() -> None:
    """Three times too much a second: the stretch rises until what is written is what comes in."""
    bucket = daily(GIGABYTE)
    too_much = 3.0 * bucket.refill
    for _ in range(2 * 24 * 60):
        bucket = bucket.after(60.0).spend(too_much / stretch(bucket) * 60.0)

    assert 0.0 < bucket.level < 0.25 * bucket.capacity
    assert abs(too_much / stretch(bucket) / bucket.refill - 1.0) < 0.01
