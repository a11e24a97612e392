"""Readings put aside."""

from __future__ import annotations

import math
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.aside import Aside, Entry

ROWS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 20).map(float), st.integers(-5, 5).map(float)), max_size=30)
Row = tuple[int, float, float]


def filled(rows: list[Row]) -> Aside:
    aside = Aside()
    for row in rows:
        aside.add(*row)
    return aside


@given(rows=ROWS, shuffle=st.randoms(use_true_random=False))
def test_any_order_comes_out_in_order_of_time(rows: list[Row], shuffle: Random) -> None:
    other = rows.copy()
    shuffle.shuffle(other)

    found = list(filled(rows).take(math.inf))
    assert found == list(filled(other).take(math.inf))
    assert [entry.time for entry in found] == sorted(entry.time for entry in found)


@given(rows=ROWS)
def test_what_was_sent_twice_comes_once(rows: list[Row]) -> None:
    assert list(filled(rows + rows).take(math.inf)) == list(filled(rows).take(math.inf))
    assert {entry[:3] for entry in filled(rows).take(math.inf)} == set(rows)


@given(rows=ROWS, at=st.integers(-1, 21))
def test_it_may_be_taken_in_parts(rows: list[Row], at: int) -> None:
    parts = filled(rows)
    first = list(parts.take(float(at)))
    waiting = len(parts)
    second = list(parts.take(math.inf))

    assert first + second == list(filled(rows).take(math.inf))
    assert waiting == sum(1 for _, time, _ in rows if time > at)
    assert len(parts) == 0


def test_the_newest_of_each_channel_is_told_apart() -> None:
    aside = filled([(0, 1.0, 5.0), (1, 2.0, 5.0), (0, 3.0, 5.0)])

    assert list(aside.take(math.inf)) == [Entry(0, 1.0, 5.0, False), Entry(1, 2.0, 5.0, True), Entry(0, 3.0, 5.0, True)]


def test_it_knows_its_oldest_and_newest_time() -> None:
    aside = filled([(0, 3.0, 5.0), (1, 2.0, 5.0)])

    assert (aside.oldest, aside.newest) == (2.0, 3.0)
    list(aside.take(math.inf))
    assert (aside.oldest, aside.newest) == (math.inf, 3.0)


@given(rows=ROWS)
def test_it_can_be_written_down(rows: list[Row]) -> None:
    aside = filled(rows)
    again = Aside.of(aside.dump(), aside.newest)

    assert again.newest == aside.newest
    assert list(again.take(math.inf)) == list(aside.take(math.inf))
