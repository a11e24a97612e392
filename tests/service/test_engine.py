"""The engine: nothing is acknowledged before it is written, nothing is told that was not decided."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from edge_agent.core import snapshot
from edge_agent.core.pipeline import CLOSE
from edge_agent.core.types import Scores, Transition, Verdict
from edge_agent.core.wire import CloudEvent
from edge_agent.errors import StoreError
from edge_agent.ports import Batch
from edge_agent.service.engine import EngineSettings
from edge_agent.service.inbox import Delivered
from tests.fakes import MemoryJournal
from tests.service.parts import START, Bench, loud


class Untidy(MemoryJournal):
    """A journal that cannot do its upkeep."""

    def checkpoint(self) -> None:
        raise StoreError("cannot bring its log into the file")


class Unpruned(MemoryJournal):
    """A journal that cannot give space back."""

    def prune(self, now: float) -> int:
        raise StoreError(f"cannot prune at {now}")


def verdicts(journal: MemoryJournal) -> list[Verdict]:
    """All verdicts written, in order."""
    return [verdict for batch in journal.batches for verdict in batch.verdicts]


def test_a_message_is_acknowledged_after_the_commit_that_holds_its_reading() -> None:
    """While the journal fails nothing is acknowledged; after it recovers everything is, once."""
    bench = Bench()
    bench.journal.failing = True
    bench.step(0)
    assert bench.link.acked == []

    bench.journal.failing = False
    bench.drain()

    assert len(bench.link.acked) == 2
    assert [r.channel for batch in bench.journal.batches for r in batch.readings] == ["vib", "temp"]


def test_a_redelivered_message_is_acknowledged_and_counted_once() -> None:
    """The DUP flag with a committed packet id and digest means: we have it."""
    bench = Bench()
    payload = json.dumps({"value": 2.0, "ts": START}).encode()
    bench.send("plant/p1/vib", payload, mid=7)
    bench.drain()
    bench.send("plant/p1/vib", payload, mid=7, dup=True)
    bench.drain()

    assert len(bench.link.acked) == 2
    assert sum(len(b.readings) for b in bench.journal.batches) == 1


def test_the_same_value_sent_again_is_another_reading() -> None:
    """Without the DUP flag equal packet id and content are a new message."""
    bench = Bench()
    for _ in range(2):
        bench.send("plant/p1/vib", b'{"value": 2.0}', mid=7)
        bench.drain()

    assert sum(len(b.readings) for b in bench.journal.batches) == 2


def test_a_redelivery_after_a_restart_is_recognised() -> None:
    """What a commit stored of unacknowledged messages outlives the process."""
    bench = Bench()
    payload = json.dumps({"value": 2.0, "ts": START}).encode()
    bench.send("plant/p1/vib", payload, mid=3)
    bench.drain()

    after = Bench(journal=bench.journal)
    after.send("plant/p1/vib", payload, mid=3, dup=True)
    after.drain()

    assert sum(len(b.readings) for b in bench.journal.batches) == 1


def test_a_redelivery_of_what_could_not_be_written_yet_is_one_reading() -> None:
    """The connection was cut while nothing could be written: the same message is acknowledged on the new one."""
    bench = Bench()
    bench.journal.failing = True
    payload = json.dumps({"value": 2.0, "ts": START}).encode()
    bench.send("plant/p1/vib", payload, mid=3)
    bench.drain()
    bench.send("plant/p1/vib", payload, mid=3, dup=True)
    bench.drain()
    bench.journal.failing = False
    bench.drain()

    assert sum(len(b.readings) for b in bench.journal.batches) == 1
    assert len(bench.link.acked) == 2


def test_no_more_marks_are_kept_than_the_broker_can_send_again() -> None:
    """In memory and in the journal, whatever the packet ids."""
    bench = Bench(settings=EngineSettings(batch_s=0.004, seen=10))
    for mid in range(1, 60):
        bench.send("plant/p1/vib", b'{"value": 2.0}', mid=mid)
        bench.drain()

    assert list(bench.engine._marks._known) == list(range(50, 60))
    assert list(bench.journal.seen()) == list(range(50, 60))


def test_a_retained_message_without_a_time_of_its_own_is_refused() -> None:
    """It may be a year old: it must neither page anybody nor look fresh."""
    bench = Bench()
    bench.send("plant/p1/temp", b'{"value": 120.0}', retain=True)
    bench.send("plant/p1/temp", json.dumps({"value": 60.0, "ts": START}).encode(), retain=True)
    bench.send("logs/p1", b'{"text": "bearing noisy"}', retain=True)
    bench.drain()

    assert [r.value for b in bench.journal.batches for r in b.readings] == [60.0]
    assert [line for b in bench.journal.batches for line in b.logs] == []
    assert dict(bench.engine.numbers.faults) == {"retained": 2}
    assert len(bench.link.acked) == 3


def test_a_time_relative_to_now_is_no_time_of_a_retained_messages_own() -> None:
    """It counts from when the message was sent, and nobody knows when that was."""
    bench = Bench()
    pack = [{"n": "vib", "v": 1, "t": -5}, {"n": "vib", "v": 2, "t": START}]
    bench.send("senml/p1", json.dumps(pack).encode(), retain=True)
    bench.drain()

    assert [r.value for b in bench.journal.batches for r in b.readings] == [2.0]
    assert dict(bench.engine.numbers.faults) == {"retained": 1}


def test_messages_and_readings_are_counted_by_the_end_of_a_turn() -> None:
    """Also while nothing can be written."""
    bench = Bench()
    bench.journal.failing = True
    bench.send("plant/p1/vib", b'{"value": 2.0}')
    bench.send("plant/p1/vib", b'{"value": 2.0}', qos=0)
    bench.send("plant/p1/vib", b"nonsense", qos=0)
    bench.drain()

    value = bench.metrics.registry.get_sample_value
    assert value("edge_agent_messages_total", {"qos": "0"}) == 2
    assert value("edge_agent_messages_total", {"qos": "1"}) == 1
    assert value("edge_agent_readings_total") == 2


def test_refused_input_is_acknowledged_and_counted_by_reason() -> None:
    """Bad input is never a reason to stop, and never comes again."""
    bench = Bench()
    bench.send("plant/p1/vib", b"\xff\xfe")
    bench.send("plant/unknown/vib", b'{"value": 1}')
    bench.drain()

    assert len(bench.link.acked) == 2
    reasons = dict(bench.engine.numbers.faults)
    assert reasons.pop("unmapped") == 1
    assert sum(reasons.values()) == 1


def test_two_risky_windows_raise_one_alarm_and_quiet_ones_clear_it() -> None:
    """Raise and clear lie in SQLite with their messages: event and retained topic."""
    bench = Bench()
    bench.healthy(30)
    for i in range(30, 36):
        bench.step(i, vib=9.0)
    bench.healthy(40, start=36)

    events = [event for batch in bench.journal.batches for event in batch.events]
    assert events[0].transition is Transition.RAISED
    assert events[-1].transition is Transition.CLEARED
    assert len({e.id for e in events}) == 1
    topics = [m.topic for b in bench.journal.batches for m in b.outgoing if m.key.endswith("-event")]
    assert topics == ["pdm/v1/t/s/gw/event"] * len(events)
    retained = [m for b in bench.journal.batches for m in b.outgoing if m.key.endswith("-alarm")]
    assert CloudEvent.model_validate_json(retained[-1].payload).data.open


def test_a_raise_is_written_before_it_is_asked_what_moved_its_risk() -> None:
    """Extra scores cost time; the next revision brings what they say."""
    bench = Bench()
    asked: list[tuple[str, int]] = []  # a text, and how many events were written when the model was asked of it

    def score(text: str) -> Scores:
        asked.append((text, sum(len(batch.events) for batch in bench.journal.batches)))
        return loud(text)

    bench.pipeline._judge = replace(bench.pipeline._judge, score=score)
    bench.healthy(30)
    for i in range(30, 33):
        bench.step(i, vib=9.0)

    events = [event for batch in bench.journal.batches for event in batch.events]
    assert [(event.rev, event.transition) for event in events[:2]] == [(1, Transition.RAISED), (2, Transition.UPDATED)]
    assert events[0].evidence[0].contribution is None
    assert events[1].evidence[0].channel == "vib"
    assert events[1].evidence[0].contribution == pytest.approx(0.88)
    judged = {verdict.text for verdict in verdicts(bench.journal)}
    assert next(written for text, written in asked if text not in judged) == 1


def test_while_nothing_can_be_written_no_alarm_is_explained() -> None:
    """Safety before bookkeeping, and bookkeeping before explanations."""
    bench = Bench()
    bench.healthy(30)
    bench.step(30, vib=9.0)
    bench.journal.failing = True
    bench.step(31, vib=9.0)
    assert {json.loads(message.payload)["data"]["rev"] for message in bench.urgent} == {1}

    bench.journal.failing = False
    bench.drain()
    assert [event.rev for batch in bench.journal.batches for event in batch.events] == [1, 2]


def test_an_alarm_goes_out_at_once_and_unrecorded_while_nothing_can_be_written() -> None:
    """Safety before bookkeeping; each such message goes out once however often the commit is tried."""
    bench = Bench()
    bench.healthy(5)
    bench.journal.failing = True
    bench.step(6, temp=120.0)
    bench.drain()

    assert len(bench.urgent) == 2
    assert json.loads(bench.urgent[0].payload)["data"]["unrecorded"] is True

    bench.journal.failing = False
    bench.drain()
    assert [e.kind for b in bench.journal.batches for e in b.events] == ["limit:temp"]


def test_a_restart_in_the_middle_changes_no_later_verdict() -> None:
    """Snapshot and replayed readings give the same windows, conditions and texts as never stopping."""
    through, before = Bench(), Bench()
    for bench in (through, before):
        bench.healthy(25)
        bench.step(25, vib=9.0)
    before.engine.close()
    before.journal.closed = False
    after = Bench(journal=before.journal)
    for bench in (through, after):
        for i in range(26, 40):
            bench.step(i, vib=9.0)

    def told(journal: MemoryJournal) -> list[object]:
        verdicts: list[object] = [v for b in journal.batches for v in b.verdicts]
        return verdicts + [(e.id, e.rev, e.transition) for b in journal.batches for e in b.events]

    assert told(after.journal) == told(through.journal)


def test_a_kill_loses_no_state_although_no_snapshot_was_written() -> None:
    """Without a clean stop everything is rebuilt from the blocks of readings."""
    through, before = Bench(), Bench()
    for bench in (through, before):
        bench.healthy(25)
    after = Bench(journal=before.journal)
    for bench in (through, after):
        for i in range(25, 40):
            bench.step(i, vib=9.0)

    assert verdicts(after.journal) == verdicts(through.journal)


def test_an_asset_that_goes_quiet_has_its_step_closed_by_a_marker_in_the_journal() -> None:
    """The marker makes a rebuild close the same step."""
    bench = Bench()
    bench.send("plant/p1/vib", json.dumps({"value": 2.0, "ts": START}).encode())
    bench.drain()
    bench.engine._attendance._arrived["p1"] -= 100.0
    bench.drain()

    assert [r.channel for b in bench.journal.batches for r in b.readings] == ["vib", CLOSE]


def test_a_silent_asset_is_alarmed_once_and_cleared_by_its_next_window() -> None:
    """Silence is by arrival, so that old data replayed fast is no outage."""
    bench = Bench()
    bench.healthy(3)
    bench.engine._attendance._arrived["p1"] -= 1000.0
    bench.drain()
    bench.drain()
    bench.healthy(2, start=3)

    events = [(e.kind, e.transition) for b in bench.journal.batches for e in b.events]
    assert events == [("silence", Transition.RAISED), ("silence", Transition.CLEARED)]


def test_a_log_line_is_written_once_and_quoted_in_the_alarm() -> None:
    """The technician's words arrive as an update of the standing alarm."""
    bench = Bench()
    bench.healthy(30)
    for i in range(30, 34):
        bench.step(i, vib=9.0)
    line = json.dumps({"text": "DE brg noisy", "ts": START + 34}).encode()
    bench.send("logs/p1", line)
    bench.send("logs/p1", line)
    bench.drain()
    bench.step(34, vib=9.0)

    assert sum(len(b.logs) for b in bench.journal.batches) == 1
    updates = [e for b in bench.journal.batches for e in b.events if e.transition is Transition.UPDATED]
    assert updates[-1].quotes[0].text == "de brg noisy"
    assert 'log: "de brg noisy"' in updates[-1].summary


def test_the_risk_is_told_when_it_changes_and_not_with_every_verdict() -> None:
    """Report by exception."""
    bench = Bench()
    bench.healthy(20)
    before = len(bench.journal.batches)
    bench.healthy(40, start=20)
    bench.step(60, vib=9.0)
    bench.step(61, vib=9.0)

    later = bench.journal.batches[before:]
    risks = [json.loads(m.payload)["risk"] for b in later for m in b.outgoing if m.topic.endswith("/risk")]
    assert sum(len(b.verdicts) for b in later) == 42
    assert risks == [0.9]


def test_a_full_batch_is_committed_at_half_of_the_window() -> None:
    """The broker is never left waiting for acknowledgements."""
    bench = Bench(settings=EngineSettings(batch_messages=10, batch_s=60.0))
    for _ in range(25):
        bench.send("plant/p1/vib", b'{"value": 2.0}')
    bench.engine.turn()
    bench.engine.turn()

    assert len(bench.link.acked) == 20


@pytest.mark.parametrize("killed", [True, False])
def test_after_a_kill_what_the_broker_was_given_to_keep_is_told_again(*, killed: bool) -> None:
    """It may be an empty broker whose session we began and had no time to write down; after a clean end it is not."""
    bench = Bench()
    bench.healthy(12)
    row, kept = bench.journal.pending(after=frozenset(), limit=1)[0]
    assert kept.retain
    bench.inbox.note(Delivered(row))
    bench.drain()
    assert bench.journal.pending(after=frozenset(), limit=1) == []
    if not killed:
        bench.engine.close()
    again = Bench(journal=bench.journal)
    assert [message for _, message in again.journal.pending(after=frozenset(), limit=9)] == [kept] * killed


def test_a_damaged_snapshot_is_rebuilt_from_the_readings_on_disk() -> None:
    """Promise G4: a damaged blob never stops the agent, and costs no baseline."""
    through, before = Bench(), Bench()
    for bench in (through, before):
        bench.healthy(25)
    before.engine.close()
    before.journal.commit(Batch(states={snapshot.TRACKS: b"damaged", snapshot.ALARMS + "p1": b"damaged"}))
    after = Bench(journal=before.journal)
    for bench in (through, after):
        bench.healthy(5, start=25)

    assert verdicts(after.journal) == verdicts(through.journal)


def test_while_nothing_can_be_written_no_snapshot_is_taken() -> None:
    """It would hold a reading that no block before it holds, and the next start would take that one twice."""
    through, before = Bench(), Bench()
    for bench in (through, before):
        bench.healthy(25)
        bench.journal.failing = bench is before
        bench.send("plant/p1/vib", json.dumps({"value": 9.0, "ts": START + 25}).encode())
        bench.drain()
    before.engine._snapshot()
    before.journal.failing = False
    before.drain()
    after = Bench(journal=before.journal)
    for bench in (through, after):
        bench.step(25.5, vib=3.0)  # the same step, which was open

    assert verdicts(after.journal) == verdicts(through.journal)


def test_a_damaged_file_ends_the_process_after_alarms_went_out() -> None:
    """The next start sets the file aside (G4); what is alarming does not wait for it."""
    bench = Bench()
    bench.healthy(5)
    bench.journal.failing = bench.journal.damaged = True

    with pytest.raises(StoreError):
        bench.step(6, temp=120.0)

    assert len(bench.urgent) == 2


@pytest.mark.parametrize("journal", [Unpruned(), Untidy()])
def test_upkeep_that_fails_stops_nothing(journal: MemoryJournal) -> None:
    """Space is given back when it can be."""
    bench = Bench(journal=journal, settings=EngineSettings(batch_s=0.004, prune_s=0.0))
    bench.healthy(2)

    assert sum(len(b.readings) for b in bench.journal.batches) == 4
