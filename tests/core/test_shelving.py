"""Flags beside the conditions: shelving, suppression, work orders, too many raises."""

from __future__ import annotations

import json
from itertools import permutations
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.shelving import ALL, MAX_AHEAD_S, MAX_ORDERS, Flags, Issued
from edge_agent.core.snapshot import dump_alarms, load_alarms
from tests.core.pump import pipeline

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


class Order(NamedTuple):
    """One order about a kind, `ALL`, or the work order 4711."""

    about: str
    on: bool
    issued: Issued
    length_s: float

    def given(self, flags: Flags, now: float) -> None:
        """Let it arrive."""
        if self.about == "4711":
            flags.order("4711", self.issued, opened=self.on, length_s=self.length_s, now=now)
            return
        flags.shelve(self.about, self.issued, self.length_s if self.on else 0.0, now)
        flags.suppress(self.about, self.issued, on=self.on)

    def ends(self, other: Order) -> bool:
        """Whether it ends another, of a kind both are about or cover."""
        same = self.about == other.about
        return not self.on and (self.issued >= other.issued if same else self.issued.time >= other.issued.time)


def expected(orders: list[Order], kind: str, now: float) -> tuple[float | None, str]:
    """Until when a kind is shelved, and what suppresses it: the newest order of each name, if nothing has ended it."""
    ends = [order for order in orders if order.about in {kind, ALL}]
    covering = {kind} if kind.startswith("limit:") else {kind, ALL, "4711"}
    newest = {order.about: order for order in sorted(orders, key=lambda one: one.issued) if order.on}
    if any(order.ends(newest["4711"]) for order in orders if order.about == "4711" and "4711" in newest):
        del newest["4711"]
    held = [order for name, order in newest.items() if name in covering and not any(end.ends(order) for end in ends)]
    shelved = [order.issued.time + order.length_s for order in held]
    suppressed = any(order.about != "4711" for order in held)
    return max((until for until in shelved if until > now), default=None), "operator" if suppressed else ""


def restarted(flags: Flags) -> Flags:
    """The flags as the next run of the agent finds them."""
    before, after = pipeline(), pipeline()
    before.flags["p1"] = flags
    load_alarms(after, "p1", dump_alarms(before, "p1"))
    return after.flags.get("p1", Flags())


@given(st.data())
def test_orders_about_kinds_the_asset_and_work_orders_end_the_same_in_any_order(data: st.DataObject) -> None:
    """Each kind ends as the newest end of it or of `ALL` leaves the orders that cover it; also across a restart."""
    drawn = data.draw(
        st.lists(
            st.tuples(
                st.sampled_from((*KINDS[:2], ALL, "4711")),
                st.booleans(),
                st.integers(0, 6),
                st.sampled_from((5.0, 20.0, HOUR)),
            ),
            min_size=1,
            max_size=10,
        )
    )
    orders = [Order(about, on, at(n, f"r{i}"), length) for i, (about, on, n, length) in enumerate(drawn)]
    flags, now = Flags(), NOON + 10
    for order in data.draw(st.permutations(orders)):
        order.given(flags, now)
        if data.draw(st.booleans()):
            flags = restarted(flags)
        now += data.draw(st.integers(0, 3))
        flags.expire(now)

    assert [(flags.shelved_until(kind), flags.suppressed(kind)) for kind in KINDS] == [
        expected(orders, kind, now) for kind in KINDS
    ]


def test_what_has_ended_stays_so_whatever_is_ordered_later() -> None:
    flags = Flags()
    for kind in ("limit:vib", "silence"):
        flags.shelve(kind, at(0), 8 * HOUR, NOON)
        flags.suppress(kind, at(0), on=True)
    flags.order("4711", at(0), opened=True, length_s=72 * HOUR, now=NOON)
    flags.shelve(ALL, at(1), 0.0, NOON)
    flags.suppress(ALL, at(1), on=False)
    flags.shelve(ALL, at(2), HOUR, NOON + 2)
    flags.suppress(ALL, at(2), on=True)

    assert (flags.shelved_until("limit:vib"), flags.suppressed("limit:vib")) == (None, "")
    assert (flags.shelved_until("silence"), flags.suppressed("silence")) == (NOON + 2 + HOUR, "operator")
    flags.expire(NOON + 2 + HOUR)
    flags.suppress(ALL, at(3), on=False)
    assert (flags.shelved_until("silence"), flags.suppressed("silence")) == (None, "")


def test_what_was_ended_by_a_clock_that_was_ahead_stays_so_once_it_is_right() -> None:
    flags, year = Flags(), 365 * 86400.0
    flags.shelve("limit:vib", at(year, "z"), HOUR, NOON + year)
    flags.suppress("limit:vib", at(year, "z"), on=True)
    flags.shelve("limit:vib", at(year + 1, "a"), 0.0, NOON + year)
    flags.suppress("limit:vib", at(year + 1, "a"), on=False)
    flags.expire(NOON)

    assert not flags.due(NOON)
    assert (flags.shelved_until("limit:vib"), flags.suppressed("limit:vib")) == (None, "")
    assert flags.shelve("limit:vib", at(600), HOUR, NOON + 600)
    assert flags.suppress("limit:vib", at(600), on=True)


@pytest.mark.parametrize("ends", [{}, {"unshelved": {}, "unsuppressed": {}}])
def test_what_was_over_in_a_former_version_ends_nothing(ends: dict[str, dict[str, Issued]]) -> None:
    """It wrote a shelf of no length where one had expired, and nothing of ends."""
    over = {"issued": [NOON + 1, "b"], "length_s": 0.0, "until": 0.0}
    known = {"issued": [NOON, "a"], "length_s": HOUR, "until": NOON + HOUR}
    written = {"shelves": {"risk": over, ALL: known}, "suppressions": {}, "orders": {}, **ends}
    target = pipeline()
    load_alarms(target, "p1", json.dumps({"#flags": {**written, "burst": 0.0, "raises": 0}}).encode())

    assert target.flags["p1"].shelved_until("risk") == NOON + HOUR


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


def test_what_only_ends_is_written_too() -> None:
    """What it ends may arrive later."""
    shelving, suppressing = Flags(), Flags()
    shelving.shelve(ALL, at(1), 0.0, NOON)
    suppressing.suppress(ALL, at(1), on=False)

    assert shelving
    assert suppressing
