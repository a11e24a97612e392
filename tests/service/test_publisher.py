"""The publisher: at least once, in order per alarm, never more than its window."""

from __future__ import annotations

from edge_agent.core.types import Outgoing
from edge_agent.ports import Batch
from edge_agent.service.inbox import Delivered
from edge_agent.service.publisher import MAX_DIRECT, WINDOW, Publisher
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


def test_the_backlogs_of_many_alarms_hide_nobody_elses_messages() -> None:
    """What is in flight is left out of the look, not looked through."""
    bench = Bench()
    bench.journal.commit(Batch(outgoing=[message(i, "a") for i in range(20 * WINDOW)] + [message(9999, "b")]))
    bench.publisher.turn()

    assert [m.key for m, _ in bench.link.published] == ["k0", "k9999"]


# ---------------------------------------------------------------------------------------------------- refusals


def test_a_refused_alarm_holds_up_its_own_group_and_nobody_else() -> None:
    """One topic the broker's list forbids must not keep the others waiting."""
    bench = Bench()
    bench.journal.commit(Batch(outgoing=[message(1, "a"), message(2, "a")]))
    bench.publisher.turn()
    bench.link.published[0][1](False, "not_authorized")
    bench.journal.commit(Batch(outgoing=[message(3, "b")]))
    bench.publisher.committed(())
    bench.publisher.turn()

    assert [m.key for m, _ in bench.link.published] == ["k1", "k3"]


def test_a_whole_window_of_refused_alarms_lets_states_through() -> None:
    """With every alarm topic forbidden the risks are still told."""
    bench = Bench()
    refused = 10 * WINDOW
    bench.journal.commit(Batch(outgoing=[message(i) for i in range(refused)] + [message(999, lane=1)]))
    for _ in range(refused):
        bench.publisher.wake()
        bench.publisher.turn()
        for one, done in bench.link.published:
            if one.lane == 0:
                done(False, "not_authorized")
        if any(one.lane == 1 for one, _ in bench.link.published):
            break

    assert [m.key for m, _ in bench.link.published if m.lane == 1] == ["k999"]


def test_a_held_group_goes_on_in_order_once_it_is_let_through() -> None:
    bench = Bench()
    impatient = Publisher(bench.journal, bench.link, bench.inbox, bench.metrics, retry_s=0.0)
    bench.journal.commit(Batch(outgoing=[message(1, "a"), message(2, "a")]))
    impatient.turn()
    bench.link.published[0][1](False, "not_authorized")
    impatient.turn()
    bench.link.published[1][1](True, "")
    impatient.turn()

    assert [m.key for m, _ in bench.link.published] == ["k1", "k1", "k2"]


def test_a_broker_that_has_too_much_is_left_alone_for_a_while() -> None:
    bench = Bench()
    bench.journal.commit(Batch(outgoing=[message(1, "a")]))
    bench.publisher.turn()
    bench.link.published[0][1](False, "quota_exceeded")
    bench.journal.commit(Batch(outgoing=[message(2, "b")]))
    bench.publisher.committed(())
    bench.publisher.turn()

    assert [m.key for m, _ in bench.link.published] == ["k1"]


# ---------------------------------------------------------------------------------------------------- pace


def test_a_backlog_is_sent_no_faster_than_the_pace() -> None:
    """A rate so small that nothing comes in while the test runs: only the burst goes."""
    bench = Bench()
    slow = Publisher(bench.journal, bench.link, bench.inbox, bench.metrics, per_s=0.001)
    bench.journal.commit(Batch(outgoing=[message(i) for i in range(50)]))
    for _ in range(3):
        slow.wake()
        slow.turn()
        for _, done in bench.link.published:
            done(True, "")

    assert [m.key for m, _ in bench.link.published] == ["k0"]


def test_an_alarm_raised_during_a_backlog_is_sent_next() -> None:
    bench = Bench()
    bench.journal.commit(Batch(outgoing=[message(i, lane=2) for i in range(100)]))
    bench.publisher.turn()
    bench.journal.commit(Batch(outgoing=[message(100, lane=0)]))
    bench.publisher.committed(())
    for _, done in bench.link.published:
        done(True, "")
    bench.publisher.turn()

    assert bench.link.published[WINDOW][0].key == "k100"


# ---------------------------------------------------------------------------------------------------- direct


def test_an_unrecorded_alarm_that_did_not_get_through_is_sent_again() -> None:
    """Nobody else knows of it; a state is told anew anyway."""
    bench = Bench()
    bench.publisher.direct(message(1, lane=0))
    bench.publisher.direct(STATE)
    bench.publisher.turn()
    for _, done in bench.link.published:
        done(False, "disconnected")
    bench.publisher.wake()
    bench.publisher.turn()

    assert [m.key for m, _ in bench.link.published] == ["k1", STATE.key, "k1"]


def test_direct_messages_dropped_while_the_broker_is_away_are_counted() -> None:
    bench = Bench()
    bench.link.connected = False
    for number in range(MAX_DIRECT + 5):
        bench.publisher.direct(message(number))

    assert bench.metrics.shed.labels("direct_full")._value.get() == 5
