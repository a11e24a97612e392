"""The oracle's own eyes: packets are found in a stream, and the ledger tells a repeat from a new delivery."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.faults.ledger import Ledger
from tests.faults.mqtt5 import Kind, Splitter, publish, published
from tests.faults.plan import LOWEST, SERIALS, Message, Plan
from tests.faults.proxy import Share, Trap, Way

ONE, OTHER = (Message(n, f"raw/gauge-1/{n}", b"1.5", ("gauge-1", f"{n}", 1.5), None) for n in range(2))
DUP = 0x08


@given(
    st.lists(st.tuples(st.text(max_size=9), st.binary(max_size=200), st.integers(1, 65535)), max_size=4),
    st.integers(1, 300),
)
def test_packets_are_found_however_the_stream_is_cut(messages: list[tuple[str, bytes, int]], size: int) -> None:
    stream = b"".join(publish(*message) for message in messages)
    splitter = Splitter()
    packets = [p for at in range(0, len(stream), size) for p in splitter.feed(stream[at : at + size])]

    assert [(p.topic, p.payload, p.mid) for p in map(published, packets)] == messages
    assert b"".join(packet.raw for packet in packets) == stream


@pytest.fixture
def ledger() -> Ledger:
    """A ledger that knows of two messages, both accepted by the broker."""
    kept = Ledger()
    kept.sending([ONE, OTHER])
    kept.accept(ONE.number, 0)
    kept.accept(OTHER.number, 0)
    return kept


def hand(ledger: Ledger, message: Message, mid: int, *, dup: bool = False) -> None:
    raw = bytearray(publish(message.topic, message.payload, mid))
    raw[0] |= DUP if dup else 0
    [packet] = Splitter().feed(bytes(raw))
    ledger.handed(packet)


def test_a_repeat_in_the_same_session_is_the_same_delivery(ledger: Ledger) -> None:
    hand(ledger, ONE, 1)
    ledger.acknowledged(1)
    hand(ledger, ONE, 1, dup=True)

    [delivery] = ledger.deliveries
    assert (delivery.acked, delivery.times) == (True, 2)
    assert ledger.waiting() == 1


@pytest.mark.parametrize(("number", "mid", "dup"), [(0, 1, False), (0, 2, True), (1, 1, True)])
def test_without_the_flag_or_under_another_id_or_with_other_content_it_is_a_new_one(
    ledger: Ledger, number: int, mid: int, *, dup: bool
) -> None:
    hand(ledger, ONE, 1)
    hand(ledger, (ONE, OTHER)[number], mid, dup=dup)

    assert len(ledger.deliveries) == 2


def test_packet_ids_begin_anew_with_the_session(ledger: Ledger) -> None:
    hand(ledger, ONE, 1)
    ledger.session_began()
    hand(ledger, ONE, 1, dup=True)

    assert len(ledger.deliveries) == 2


def test_what_a_killed_broker_repeats_although_it_was_told_binds_nobody(ledger: Ledger) -> None:
    hand(ledger, ONE, 1)
    ledger.acknowledged(1)
    ledger.broker_died(emptied=False)
    hand(ledger, ONE, 1, dup=True)

    assert [delivery.unsure for delivery in ledger.deliveries] == [False, True]
    assert ledger.excused == {OTHER.number}


def test_what_nobody_sent_and_what_nobody_was_given_is_strange(ledger: Ledger) -> None:
    [packet] = Splitter().feed(publish("raw/gauge-1/vib", b"9", 1))
    ledger.handed(packet)
    ledger.acknowledged(7)

    assert len(ledger.strange) == 2


def test_a_trap_springs_at_the_packet_that_was_meant() -> None:
    trap = Trap(Way.UP, Kind.PUBLISH, 2, Share.ALL, lambda: None, b"/event")
    event, state = (Splitter().feed(publish(topic, b"{}", 3))[0] for topic in ("pdm/event", "pdm/state"))

    assert [trap.hit(Way.UP, event), trap.hit(Way.UP, state), trap.hit(Way.DOWN, event)] == [False] * 3
    assert trap.hit(Way.UP, event)


def test_every_message_of_a_plan_is_stored_as_something_of_its_own() -> None:
    plan = Plan(3, 1_760_000_000.0)
    plan.burst(500)
    stored = [message.stored for message in plan.messages]
    values = [value for _, _, value in stored if not isinstance(value, str)]

    assert len(set(stored)) == len(stored) > 1000
    assert [struct.unpack("<f", struct.pack("<f", value))[0] for value in values] == values
    assert all(LOWEST <= value < 2 * LOWEST for value in values)
    assert SERIALS > 500


def test_the_same_seed_makes_the_same_plan() -> None:
    one, other = Plan(3, 0.0), Plan(3, 0.0)
    one.burst(20)

    assert other.burst(20) == one.messages
    assert Plan(4, 0.0).burst(20) != one.messages
