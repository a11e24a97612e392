"""While nothing can be written, memory is bounded, and what somebody waits to see acknowledged is kept (G1, G3)."""

from __future__ import annotations

import json
from dataclasses import replace

from edge_agent.core.types import Outgoing, Reading
from edge_agent.core.wire import LANE_ALARM, LANE_HISTORY, LANE_STATE
from edge_agent.ports import Batch
from edge_agent.service import backlog
from edge_agent.service.inbox import Forgotten
from tests.service.parts import START, Bench
from tests.store.journal_values import some_verdict

VIB = "plant/p1/vib"


def payload(value: float) -> bytes:
    return json.dumps({"value": value, "ts": START}).encode()


def shed(bench: Bench, cause: str = backlog.UNWRITABLE) -> float:
    value: float = bench.metrics.shed.labels(cause)._value.get()
    return value


def full_of_readings(bench: Bench) -> None:
    """A journal that fails, and a batch with all the readings of QoS 0 that may pile up."""
    bench.journal.failing = True
    bench.send(VIB, payload(1.0), qos=0)
    bench.engine.turn()
    readings = bench.engine._recorder.batch.readings
    readings += [Reading("p1", "vib", START + n, 1.0) for n in range(backlog.MOST_READINGS - len(readings))]


def test_readings_of_qos_0_beyond_the_bound_are_shed_and_counted() -> None:
    bench = Bench()
    full_of_readings(bench)
    for number in range(3):
        bench.send(VIB, payload(number), qos=0)
    bench.engine.turn()

    assert len(bench.engine._recorder.batch.readings) == backlog.MOST_READINGS
    assert shed(bench) == 3


def test_a_flood_of_qos_0_takes_no_place_from_a_reading_that_will_be_acknowledged() -> None:
    """It was shed like the others once, and acknowledged with the next commit."""
    bench = Bench()
    full_of_readings(bench)
    bench.send(VIB, payload(777.0), qos=1)
    bench.engine.turn()
    bench.journal.failing = False
    bench.drain()

    assert [arrival.topic for arrival in bench.link.acked] == [VIB]
    assert [r.value for b in bench.journal.batches for r in b.readings if r.value == 777.0] == [777.0]


def test_log_lines_of_qos_0_are_bounded_and_those_of_qos_1_kept() -> None:
    bench = Bench()
    bench.journal.failing = True
    bench.healthy(1)
    lines = bench.engine._recorder.batch.logs
    for number, qos in enumerate((0, 0, 1)):
        bench.send("logs/p1", json.dumps({"text": f"noise {number}", "ts": START}).encode(), qos=qos)
        bench.engine.turn()
        if len(lines) == 1:
            lines += lines * (backlog.MOST_LOGS - 1)

    assert len(lines) == backlog.MOST_LOGS + 1
    assert shed(bench) == 1


def test_commands_of_qos_0_are_not_obeyed_while_nothing_can_be_written_and_those_of_qos_1_are() -> None:
    """Each left a record and an answer once, for ever, and looked through those of all before it."""
    bench = Bench()
    full_of_readings(bench)
    told = len(bench.engine._recorder.batch.outgoing)
    bench.send("pdm/v1/t/s/gw/cmd/suppress", b'{"asset": "p1"}', qos=0)
    bench.send("pdm/v1/t/s/gw/cmd/none", b"", qos=0)
    bench.send("pdm/v1/t/s/gw/cmd/shelve", b'{"asset": "p1", "duration_s": 60}', qos=1)
    bench.engine.turn()

    assert [record.name for record in bench.engine._recorder.batch.commands] == ["shelve"]
    assert len(bench.engine._recorder.batch.outgoing) == told + 1
    assert shed(bench) == 2


def test_connections_that_come_and_go_while_nothing_can_be_written_pile_up_nothing() -> None:
    """The broker sends the same messages again on each: only those of the newest connection can be acknowledged."""
    bench = Bench()
    bench.journal.failing = True
    for epoch in range(1, 50):
        for mid in (1, 2, 3):
            arrival = bench.send(VIB, payload(mid), mid=mid, dup=epoch > 1)
            bench.inbox.take(0)
            bench.inbox.offer(arrival._replace(epoch=epoch))
            bench.engine.turn()
    assert [(a.epoch, a.mid) for a in bench.engine._unacked] == [(49, 1), (49, 2), (49, 3)]

    bench.journal.failing = False
    bench.drain()
    assert [a.epoch for a in bench.link.acked] == [49] * 3
    assert [r.value for b in bench.journal.batches for r in b.readings if r.channel == "vib"] == [1.0, 2.0, 3.0]


def test_of_what_is_told_while_nothing_can_be_written_only_old_states_and_old_verdicts_make_way() -> None:
    lanes = (LANE_ALARM, LANE_STATE, LANE_HISTORY, LANE_STATE, LANE_ALARM)
    outgoing = [
        Outgoing(f"k{n}", f"topic-{lane}", b"", 1, retain=lane == LANE_STATE, lane=lane, group="g")
        for n, lane in enumerate(lanes)
    ]
    verdicts = [some_verdict(n) for n in range(backlog.MOST_VERDICTS + 2)]
    batch = Batch(outgoing=outgoing, verdicts=[*verdicts])

    assert backlog.trim(batch) == 2
    assert [message.key for message in batch.outgoing] == ["k0", "k2", "k3", "k4"]
    assert batch.verdicts == verdicts[2:]


def test_an_oversized_message_is_counted_acknowledged_and_not_decoded() -> None:
    bench = Bench()
    arrival = bench.send(VIB, b"")
    bench.inbox.take(0)
    bench.inbox.offer(arrival._replace(left_out=10_000_000))
    bench.engine.turn()

    assert bench.engine.numbers.faults == (("too_large", 1),)
    assert [a.mid for a in bench.link.acked] == [arrival.mid]


def test_a_broker_that_has_forgotten_us_is_sent_what_it_was_to_keep_again() -> None:
    """The alarm that stands, in its newest revision; not its events."""
    bench = Bench()
    bench.healthy(5)
    bench.step(6, temp=120.0)
    bench.publisher.turn()
    for _ in range(3):
        for _message, done in bench.link.published:
            done(True, "")
        bench.publisher.turn()
        bench.drain()
    before = len(bench.link.published)
    bench.inbox.note(Forgotten(2))
    bench.drain()
    bench.publisher.turn()
    again = [message for message, _ in bench.link.published[before:]]

    assert again
    assert all(message.retain for message in again)
    assert [m.topic for m in again if m.lane == LANE_ALARM] == [
        m.topic for m, _ in bench.link.published[:before] if m.lane == LANE_ALARM and m.retain
    ][-1:]


def test_a_broker_with_a_narrow_window_is_kept_waiting_only_once() -> None:
    """It sends the next at once after our answer, so from then on no full batch is waited for."""
    bench = Bench()
    bench.engine._settings = replace(bench.settings, batch_messages=200, batch_s=0.3)
    for _ in range(2):
        for number in range(32):
            bench.send(VIB, payload(number))
        bench.engine.turn()

    assert len(bench.link.acked) == 64
    assert bench.engine._patience.narrow


def test_to_spare_the_flash_more_messages_go_into_one_commit() -> None:
    """Never the whole window: the broker would stand still."""
    bench = Bench()
    bench.engine._settings = replace(bench.settings, batch_messages=2, most_messages=5, batch_s=0.5)
    for number in range(9):
        bench.send(VIB, payload(number))
    bench.engine.turn()
    bench.engine._stretch = lambda: 10.0
    bench.engine.turn()

    assert [len(batch.readings) for batch in bench.journal.batches] == [2, 5]
