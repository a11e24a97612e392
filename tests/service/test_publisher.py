"""The publisher: at least once, in order per alarm, never more than its window."""

from __future__ import annotations

from edge_agent.core.types import Outgoing
from edge_agent.ports import Batch
from edge_agent.service.inbox import Delivered
from edge_agent.service.publisher import WINDOW
from tests.service.parts import STATE, Bench


def message(number: int, group: str = "", lane: int = 0) -> Outgoing:
    return Outgoing(f"k{number}", f"t/{number}", b"x", 1, retain=False, lane=lane, group=group or f"g{number}")


def test_at_most_a_window_of_messages_is_in_flight() -> None:
    """Paho is never the buffer."""
    bench = Bench()
    bench.journal.commit(Batch(outgoing=[message(i) for i in range(50)]))
    bench.publisher.turn()
    bench.publisher.committed(())
    bench.publisher.turn()

    assert len(bench.link.published) == WINDOW


def test_events_of_one_alarm_are_sent_one_after_the_other() -> None:
    """A refused first event must not be overtaken by the second."""
    bench = Bench()
    bench.journal.commit(Batch(outgoing=[message(1, "a"), message(2, "a"), message(3, "b")]))
    bench.publisher.turn()

    assert [m.key for m, _ in bench.link.published] == ["k1", "k3"]
    bench.link.published[0][1](True, "")
    bench.publisher.turn()
    assert [m.key for m, _ in bench.link.published] == ["k1", "k3", "k2"]


def test_an_acknowledged_message_is_noted_and_not_sent_again_before_it_is_marked() -> None:
    """The engine marks it; until then the publisher remembers."""
    bench = Bench()
    bench.journal.commit(Batch(outgoing=[message(1)]))
    bench.publisher.turn()
    bench.link.published[0][1](True, "")
    bench.publisher.committed(())
    bench.publisher.turn()

    assert bench.inbox.take(0) == Delivered(1)
    assert len(bench.link.published) == 1


def test_a_message_in_flight_when_the_connection_breaks_is_sent_again() -> None:
    """At least once."""
    bench = Bench()
    bench.journal.commit(Batch(outgoing=[message(1)]))
    bench.publisher.turn()
    bench.link.published[0][1](False, "disconnected")
    bench.publisher.turn()

    assert [m.key for m, _ in bench.link.published] == ["k1", "k1"]


def test_nothing_is_sent_while_the_broker_is_away() -> None:
    """It stays in SQLite."""
    bench = Bench()
    bench.link.connected = False
    bench.journal.commit(Batch(outgoing=[message(1)]))
    bench.publisher.committed(())
    bench.publisher.turn()

    assert bench.link.published == []


def test_a_direct_message_passes_by_the_outbox() -> None:
    """Health is only true now."""
    bench = Bench()
    bench.publisher.direct(STATE)
    bench.publisher.turn()

    assert [m for m, _ in bench.link.published] == [STATE]


def test_the_backlog_of_one_alarm_hides_nobody_elses_messages() -> None:
    """Its first message is in flight; the others of it must wait, those of another alarm must not."""
    bench = Bench()
    bench.journal.commit(Batch(outgoing=[message(i, "a") for i in range(2 * WINDOW)] + [message(99, "b")]))
    bench.publisher.turn()

    assert [m.key for m, _ in bench.link.published] == ["k0", "k99"]
