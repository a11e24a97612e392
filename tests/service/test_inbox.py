"""The inbox: bounded in number and in bytes, QoS 0 shed first, nothing else ever (G3)."""

from __future__ import annotations

from edge_agent.ports import Arrival
from edge_agent.service.inbox import Delivered, Forgotten, Inbox


def message(size: int, qos: int = 0) -> Arrival:
    return Arrival(1, 1 if qos else 0, qos, "in/a", bytes(size), 0.0)


def test_a_full_inbox_sheds_qos_0_by_number_and_says_so() -> None:
    causes: list[tuple[str, int]] = []
    inbox = Inbox(2, on_shed=lambda cause, count: causes.append((cause, count)))

    assert [inbox.offer(message(1)) for _ in range(4)] == [True, True, False, False]
    assert causes == [("inbox_full", 1), ("inbox_full", 1)]
    assert len(inbox) == 2


def test_large_messages_are_shed_by_their_bytes_long_before_their_number() -> None:
    """A thousand payloads of 256 KiB would be 256 MiB."""
    causes: list[str] = []
    inbox = Inbox(10_000, max_bytes=1 << 20, on_shed=lambda cause, _count: causes.append(cause))
    taken = [inbox.offer(message(256 << 10)) for _ in range(1000)]

    assert taken.count(True) == 4
    assert inbox.waiting_bytes == 1 << 20
    assert set(causes) == {"inbox_bytes"}


def test_payloads_that_do_not_quite_fill_it_make_it_full_all_the_same() -> None:
    inbox = Inbox(1000, max_bytes=100)
    while inbox.offer(message(7)):
        pass

    assert inbox.waiting_bytes < 100
    assert inbox.full() == "inbox_bytes"


def test_it_is_full_by_number_or_by_bytes_until_something_is_taken() -> None:
    by_number, by_bytes = Inbox(2, max_bytes=100), Inbox(10, max_bytes=100)
    assert (by_number.full(), by_bytes.full()) == ("", "")
    by_number.offer(message(1))
    by_number.offer(message(1))
    by_bytes.offer(message(100))

    assert (by_number.full(), by_bytes.full()) == ("inbox_full", "inbox_bytes")
    by_number.take(0)
    by_bytes.take(0)
    assert (by_number.full(), by_bytes.full()) == ("", "")


def test_what_was_taken_makes_room_again() -> None:
    inbox = Inbox(10, max_bytes=100)
    assert inbox.offer(message(100))
    assert not inbox.offer(message(1))
    inbox.take(0)

    assert inbox.waiting_bytes == 0
    assert inbox.offer(message(100))


def test_qos_1_is_never_shed_and_crowds_out_qos_0() -> None:
    inbox = Inbox(5, max_bytes=100)

    assert all(inbox.offer(message(50, qos=1)) for _ in range(50))
    assert not inbox.offer(message(0))


def test_notes_always_fit_and_take_no_bytes() -> None:
    inbox = Inbox(0, max_bytes=0)
    inbox.note(Delivered(1))
    inbox.note(Forgotten(2))

    assert [inbox.take(0), inbox.take(0), inbox.take(0)] == [Delivered(1), Forgotten(2), None]
    assert inbox.waiting_bytes == 0
