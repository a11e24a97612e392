"""Flags beside the conditions: shelving, suppression, work orders, too many raises."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.shelving import ALL, MAX_AHEAD_S, MAX_ORDERS, Flags, Issued

NOON = 1_717_243_200.0
HOUR = 3600.0


def at(seconds: float, request: str = "r") -> Issued:
    """An order given so many seconds after noon."""
    return Issued(NOON + seconds, request)


def test_a_shelf_lasts_from_when_it_was_ordered() -> None:
    flags = Flags()

    assert flags.shelve("risk", at(0), HOUR, NOON + 60)
    assert flags.shelved_until("risk") == NOON + HOUR
    assert flags.shelved_until("silence") is None


def test_a_shelf_whose_time_has_passed_when_it_arrives_shelves_nothing() -> None:
    flags = Flags()

    assert flags.shelve("risk", at(0), HOUR, NOON + 2 * HOUR)
    assert flags.shelved_until("risk") is None


def test_an_asker_whose_clock_is_ahead_shelves_no_longer_for_it() -> None:
    flags = Flags()
    flags.shelve("risk", at(300), HOUR, NOON)

    assert flags.shelved_until("risk") == NOON + HOUR


def test_all_covers_everything_but_hard_limits() -> None:
    flags = Flags()
    flags.shelve(ALL, at(0), HOUR, NOON)
    flags.suppress(ALL, at(0), on=True)

    assert flags.shelved_until("risk") == flags.shelved_until("silence") == NOON + HOUR
    assert flags.suppressed("risk") == "operator"
    assert flags.shelved_until("limit:vib") is None
    assert not flags.suppressed("limit:vib")


def test_a_hard_limit_is_shelved_by_its_own_name() -> None:
    flags = Flags()
    flags.shelve("limit:vib", at(0), HOUR, NOON)

    assert flags.shelved_until("limit:vib") == NOON + HOUR
    assert flags.shelved_until("limit:temp") is None


def test_an_open_work_order_shelves_all_but_hard_limits_until_it_is_closed() -> None:
    flags = Flags()
    flags.order("4711", at(0), opened=True, length_s=10 * HOUR, now=NOON)
    open_ = flags.shelved_until("risk"), flags.shelved_until("limit:vib")
    flags.order("4711", at(60), opened=False, length_s=10 * HOUR, now=NOON + 60)

    assert open_ == (NOON + 10 * HOUR, None)
    assert flags.shelved_until("risk") is None


def test_a_work_order_nobody_closes_ends_by_itself() -> None:
    flags = Flags()
    flags.order("4711", at(0), opened=True, length_s=HOUR, now=NOON)

    assert not flags.expire(NOON + HOUR - 1)
    assert flags.expire(NOON + HOUR)
    assert flags.shelved_until("risk") is None


def test_closed_work_orders_are_forgotten_before_open_ones() -> None:
    flags = Flags()
    flags.order("open", at(0), opened=True, length_s=HOUR, now=NOON)
    for n in range(MAX_ORDERS + 5):
        flags.order(f"closed-{n}", at(n + 1), opened=False, length_s=HOUR, now=NOON)

    assert len(flags.orders) == MAX_ORDERS
    assert flags.shelved_until("risk") is not None


def test_a_shelf_ends_by_the_clock() -> None:
    flags = Flags()
    flags.shelve("risk", at(0), HOUR, NOON)

    assert not flags.expire(NOON + HOUR - 1)
    assert flags.expire(NOON + HOUR)
    assert flags.shelved_until("risk") is None
    assert not flags.expire(NOON + HOUR)


def test_a_clock_that_goes_back_makes_no_shelf_longer_than_it_was() -> None:
    flags = Flags()
    flags.shelve("risk", at(0), HOUR, NOON)

    assert flags.expire(NOON - 14 * 86400)
    assert flags.shelved_until("risk") == NOON - 14 * 86400 + HOUR
    assert not flags.expire(NOON - 14 * 86400)


def test_what_was_ordered_by_a_clock_that_was_ahead_can_be_taken_back_once_it_is_right() -> None:
    flags, year = Flags(), 365 * 86400.0
    flags.suppress("risk", at(year), on=True)
    flags.shelve("silence", at(year), HOUR, NOON + year)
    flags.order("4711", at(year), opened=True, length_s=HOUR, now=NOON + year)
    assert not flags.suppress("risk", at(600), on=False)

    assert flags.due(NOON)
    assert flags.expire(NOON)
    assert not flags.due(NOON)
    assert flags.shelved_until("risk") == NOON + MAX_AHEAD_S + HOUR  # by the order
    assert flags.suppress("risk", at(600), on=False)
    assert flags.shelve("silence", at(600), 0.0, NOON + 600)
    assert flags.order("4711", at(600), opened=False, length_s=HOUR, now=NOON + 600)
    assert flags.shelved_until("silence") is None
    assert not flags.suppressed("risk")


ORDERS = [
    ("shelve", at(0, "a"), HOUR),
    ("shelve", at(1, "b"), 0.0),
    ("shelve", at(1, "c"), 2 * HOUR),
    ("shelve", at(2, "d"), 3 * HOUR),
]


@pytest.mark.parametrize("upto", [2, 3, 4])
def test_whatever_the_order_of_arrival_the_last_order_counts(upto: int) -> None:
    ends = set()
    for arrivals in permutations(ORDERS[:upto]):
        flags = Flags()
        for _, issued, length_s in (*arrivals, *arrivals):
            flags.shelve("risk", issued, length_s, NOON + 10)
        ends.add(flags.shelved_until("risk"))

    assert ends == {{2: None, 3: NOON + 1 + 2 * HOUR, 4: NOON + 2 + 3 * HOUR}[upto]}


@given(st.permutations([(True, 0), (False, 1), (True, 2), (False, 3)]), st.integers(1, 4))
def test_suppression_and_work_orders_end_the_same_in_any_order(orders: list[tuple[bool, int]], upto: int) -> None:
    known = [(on, n) for on, n in orders if n < upto]
    flags = Flags()
    for on, n in known:
        flags.suppress("risk", at(n), on=on)
        flags.order("4711", at(n), opened=on, length_s=HOUR, now=NOON + 10)

    last = (upto - 1) % 2 == 0
    assert (flags.suppressed("risk") == "operator") is last
    assert (flags.shelved_until("silence") is not None) is last


def test_a_shelf_that_ended_by_itself_ends_no_other() -> None:
    flags = Flags()
    flags.shelve(ALL, at(0), 2 * HOUR, NOON)
    flags.shelve("risk", at(1), HOUR, NOON + 1)
    flags.expire(NOON + HOUR + 1)

    assert flags.shelved_until("risk") == NOON + 2 * HOUR


def test_of_orders_of_the_same_moment_about_a_kind_and_the_asset_the_one_that_ends_counts() -> None:
    flags = Flags()
    flags.shelve(ALL, at(0, "b"), HOUR, NOON)
    flags.suppress(ALL, at(0, "b"), on=True)
    flags.shelve("risk", at(0, "a"), 0.0, NOON)
    flags.suppress("risk", at(0, "a"), on=False)

    assert (flags.shelved_until("risk"), flags.suppressed("risk")) == (None, "")
    assert (flags.shelved_until("silence"), flags.suppressed("silence")) == (NOON + HOUR, "operator")


KINDS = ("risk", "limit:vib", "silence")


@given(st.data())
def test_orders_about_kinds_the_asset_and_work_orders_end_the_same_in_any_order(data: st.DataObject) -> None:
    """And each kind ends as the newest order about it, or covering it, says."""
    orders = data.draw(
        st.lists(st.tuples(st.sampled_from((*KINDS[:2], ALL, "order")), st.booleans()), min_size=1, max_size=6)
    )
    ends = []
    for arrivals in (list(enumerate(orders)), data.draw(st.permutations(list(enumerate(orders))))):
        flags = Flags()
        for n, (about, on) in arrivals:
            if about == "order":
                flags.order("4711", at(n), opened=on, length_s=HOUR, now=NOON + 10)
                continue
            flags.shelve(about, at(n), HOUR if on else 0.0, NOON + 10)
            flags.suppress(about, at(n), on=on)
        ends.append([(flags.shelved_until(kind), flags.suppressed(kind)) for kind in KINDS])

    assert ends[0] == ends[1]
    about, on = orders[-1]
    last = at(len(orders) - 1).time + HOUR
    for kind, (shelved_until, suppressed) in zip(KINDS, ends[0], strict=True):
        if about in {kind, ALL} and not on:
            assert (shelved_until, suppressed) == (None, "")
        if about == kind or (about == ALL and not kind.startswith("limit:")):
            assert (shelved_until == last, suppressed == "operator") == (on, on)


def test_an_order_that_changes_nothing_any_more_says_so() -> None:
    flags = Flags()
    flags.shelve("risk", at(1), HOUR, NOON)
    flags.suppress("risk", at(1), on=True)
    flags.order("4711", at(1), opened=True, length_s=HOUR, now=NOON)

    assert not flags.shelve("risk", at(0), HOUR, NOON)
    assert not flags.suppress("risk", at(0), on=False)
    assert not flags.order("4711", at(0), opened=False, length_s=HOUR, now=NOON)


def test_more_raises_than_allowed_have_no_room_until_the_while_is_over() -> None:
    flags = Flags()

    assert [flags.raised(t, 3, HOUR) for t in (0.0, 1.0, 2.0, 3.0, HOUR - 1, HOUR)] == [
        True,
        True,
        True,
        False,
        False,
        True,
    ]
    assert flags


def test_a_time_before_the_burst_begins_a_burst_of_its_own() -> None:
    flags = Flags()
    flags.raised(1000.0, 1, HOUR)

    assert not flags.room(1001.0, 1, HOUR)
    assert flags.room(999.0, 1, HOUR)


def test_no_flag_is_nothing_to_write() -> None:
    assert not Flags()
