"""What the engine and the publisher rely on, held against the journal in memory and the one in SQLite alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from edge_agent.core.types import Reading
from edge_agent.errors import StoreError
from edge_agent.ports import Batch, Journal, Outbox
from edge_agent.store.database import StoreSettings
from edge_agent.store.journal import SqliteJournal, open_journal
from edge_agent.store.outbox import open_outbox
from tests.fakes import MemoryJournal
from tests.store.journal_values import NOON, some_event, some_log, some_message, some_readings, some_verdict


@dataclass
class Store:
    """A journal with its outbox, and a way to make the next commits fail."""

    journal: Journal
    outbox: Outbox
    memory: MemoryJournal | None

    def fail(self) -> None:
        """Make commits fail from now on."""
        if self.memory is not None:
            self.memory.failing = True
        elif isinstance(self.journal, SqliteJournal):
            self.journal._conn.execute("PRAGMA query_only = ON")

    def work(self) -> None:
        """Make commits succeed again."""
        if self.memory is not None:
            self.memory.failing = False
        elif isinstance(self.journal, SqliteJournal):
            self.journal._conn.execute("PRAGMA query_only = OFF")

    def keys(self, *after: int, limit: int = 100) -> list[str]:
        """Keys of what is pending."""
        return [queued.message.key for queued in self.outbox.pending(after=frozenset(after), limit=limit)]


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "memory":
        memory = MemoryJournal()
        yield Store(memory, memory, memory)
        return
    journal = open_journal(StoreSettings(path=tmp_path / "journal.db", reserve_bytes=0))
    outbox = open_outbox(tmp_path / "journal.db")
    yield Store(journal, outbox, None)
    outbox.close()
    journal.close()


def full_batch(number: int) -> Batch:
    return Batch(
        readings=some_readings(number),
        logs=[some_log(number)],
        verdicts=[some_verdict(number)],
        events=[some_event(f"alarm-{number}")],
        outgoing=[some_message(f"key-{number}")],
        states={"tracks": bytes([number])},
        seen=[(number, number.to_bytes(8, "big"))],
        seen_kept=1,
    )


def test_a_new_journal_is_empty(store: Store) -> None:
    assert store.journal.last_block() == 0
    assert list(store.journal.readings_since(0)) == []
    assert store.journal.states() == {}
    assert store.journal.seen() == {}
    assert store.journal.recent_logs(0.0) == []
    assert store.keys() == []


def test_readings_come_back_in_order_block_by_block(store: Store) -> None:
    batches = [some_readings(n, count=n + 1) for n in range(3)]
    for readings in batches:
        store.journal.commit(Batch(readings=readings))
    assert [readings for _, readings in store.journal.readings_since(0)] == batches


def test_readings_since_a_block_are_those_after_it(store: Store) -> None:
    store.journal.commit(Batch(readings=some_readings(1)))
    block = store.journal.last_block()
    store.journal.commit(Batch(readings=some_readings(2)))
    later = store.journal.readings_since(block)
    assert [(row, readings) for row, readings in later] == [(store.journal.last_block(), some_readings(2))]
    assert len(store.journal.readings_since(store.journal.last_block())) == 0


def test_blocks_can_be_sliced(store: Store) -> None:
    for number in range(4):
        store.journal.commit(Batch(readings=some_readings(number)))
    found = store.journal.readings_since(0)
    assert list(found[1:3]) == [found[1], found[2]]
    assert found[-1][1] == some_readings(3)


def test_a_repeated_reading_is_a_reading(store: Store) -> None:
    twice = [Reading("pump-1", "flow", NOON, 1.0)] * 2
    store.journal.commit(Batch(readings=list(twice)))
    assert store.journal.readings_since(0)[0][1] == twice


def test_a_log_line_sent_twice_is_one_line(store: Store) -> None:
    store.journal.commit(Batch(logs=[some_log(1), some_log(1)]))
    store.journal.commit(Batch(logs=[some_log(1)]))
    assert store.journal.recent_logs(0.0) == [some_log(1)]


def test_recent_logs_are_sorted_by_event_time(store: Store) -> None:
    lines = [some_log(1, NOON + 5), some_log(2, NOON), some_log(3, NOON - 1)]
    store.journal.commit(Batch(logs=lines))
    assert store.journal.recent_logs(NOON) == [lines[1], lines[0]]


def test_a_state_is_what_was_written_last(store: Store) -> None:
    store.journal.commit(Batch(states={"a": b"1", "b": b"2"}))
    store.journal.commit(Batch(states={"b": b"3"}))
    assert store.journal.states() == {"a": b"1", "b": b"3"}


def test_what_was_seen_stays_known_until_enough_newer_messages_are(store: Store) -> None:
    for number in range(1, 6):
        store.journal.commit(Batch(seen=[(number, b"........"), (number + 10, bytes([number]) * 8)], seen_kept=4))
    assert list(store.journal.seen().items()) == [
        (4, b"........"), (14, b"\x04" * 8), (5, b"........"), (15, b"\x05" * 8),
    ]  # fmt: skip


def test_a_packet_id_seen_again_stands_for_its_newest_message(store: Store) -> None:
    store.journal.commit(Batch(seen=[(1, b"first..."), (2, b"second..")], seen_kept=9))
    store.journal.commit(Batch(seen=[(1, b"third...")], seen_kept=9))
    assert list(store.journal.seen().items()) == [(2, b"second.."), (1, b"third...")]


def test_seen_is_kept_by_a_commit_that_gives_none(store: Store) -> None:
    store.journal.commit(Batch(seen=[(1, bytes(8))]))
    store.journal.commit(Batch(readings=some_readings(1)))
    assert store.journal.seen() == {1: bytes(8)}


def test_pending_gives_alarms_first_then_the_oldest(store: Store) -> None:
    lanes = {"history": 2, "state": 1, "alarm-1": 0, "alarm-2": 0}
    store.journal.commit(Batch(outgoing=[some_message(key, lane=lane) for key, lane in lanes.items()]))
    assert store.keys() == ["alarm-1", "alarm-2", "state", "history"]
    assert store.keys(limit=2) == ["alarm-1", "alarm-2"]


def test_pending_leaves_out_what_is_in_flight(store: Store) -> None:
    store.journal.commit(Batch(outgoing=[some_message(str(n)) for n in range(4)]))
    queued = store.outbox.pending(after=frozenset(), limit=2)
    assert store.keys(*(q.id for q in queued), limit=2) == ["2", "3"]


def test_a_message_comes_back_as_it_was(store: Store) -> None:
    message = some_message("k", topic="pdm/v1/ä", payload=b"\x00\xff", group="alarm-1")
    store.journal.commit(Batch(outgoing=[message]))
    assert store.outbox.pending(after=frozenset(), limit=1)[0].message == message


def test_what_was_sent_is_pending_no_more(store: Store) -> None:
    store.journal.commit(Batch(outgoing=[some_message("a"), some_message("b")]))
    first = store.outbox.pending(after=frozenset(), limit=1)[0]
    store.journal.commit(Batch(sent=[first.id, 987_654]))
    assert store.keys() == ["b"]


def test_a_repeated_key_is_sent_once_even_after_it_was_sent(store: Store) -> None:
    store.journal.commit(Batch(outgoing=[some_message("a"), some_message("a")]))
    assert store.keys() == ["a"]
    store.journal.commit(Batch(sent=[store.outbox.pending(after=frozenset(), limit=1)[0].id]))
    store.journal.commit(Batch(outgoing=[some_message("a", payload=b"other")]))
    assert store.keys() == []


def test_pending_leaves_out_groups_that_are_held(store: Store) -> None:
    store.journal.commit(Batch(outgoing=[some_message("a", group="g"), some_message("b", group="h")]))
    pending = store.outbox.pending(after=frozenset(), held=frozenset({"g"}), limit=9)
    assert [queued.message.key for queued in pending] == ["b"]


def test_a_broker_that_has_lost_everything_is_sent_the_newest_of_each_retained_topic_again(store: Store) -> None:
    """Not what was superseded, not what was never to be kept, and nothing twice."""
    states = [some_message(f"{topic}{n}", lane=1, topic=topic) for n in range(2) for topic in ("s", "t")]
    store.journal.commit(Batch(outgoing=states[:2]))
    store.journal.commit(Batch(sent=[1, 2], outgoing=[*states[2:], some_message("event", topic="e")]))
    store.journal.commit(Batch(sent=[3, 4, 5]))
    assert store.keys() == []
    store.journal.commit(Batch(again=True))
    assert store.keys() == ["s1", "t1"]
    store.journal.commit(Batch(again=True, outgoing=[some_message("s2", lane=1, topic="s")]))
    assert store.keys() == ["t1", "s2"]


def test_of_unsent_states_of_one_topic_only_the_newest_stays(store: Store) -> None:
    store.journal.commit(Batch(outgoing=[some_message("a1", topic="a", lane=1), some_message("b1", topic="b", lane=1)]))
    store.journal.commit(Batch(outgoing=[some_message("a2", topic="a", lane=1), some_message("a3", topic="a", lane=1)]))
    assert store.keys() == ["b1", "a3"]


def test_states_of_several_groups_on_one_topic_do_not_supersede_each_other(store: Store) -> None:
    for number in range(2):
        store.journal.commit(
            Batch(outgoing=[some_message(f"{g}{number}", topic="shared", lane=1, group=g) for g in ("a", "b")])
        )
    assert [queued.message.key for queued in store.outbox.pending(after=frozenset(), limit=9)] == ["a1", "b1"]


def test_alarms_and_history_of_one_topic_all_stay(store: Store) -> None:
    for number in range(3):
        lanes = {f"alarm-{number}": 0, f"history-{number}": 2}
        store.journal.commit(Batch(outgoing=[some_message(key, topic="t", lane=lane) for key, lane in lanes.items()]))
    assert store.keys() == ["alarm-0", "alarm-1", "alarm-2", "history-0", "history-1", "history-2"]


def test_a_failed_commit_leaves_nothing_behind(store: Store) -> None:
    store.journal.commit(full_batch(1))
    store.fail()
    with pytest.raises(StoreError) as raised:
        store.journal.commit(full_batch(2))
    assert raised.value.hint
    assert [readings for _, readings in store.journal.readings_since(0)] == [some_readings(1)]
    assert store.journal.recent_logs(0.0) == [some_log(1)]
    assert store.journal.states() == {"tracks": b"\x01"}
    assert store.journal.seen() == {1: bytes([0] * 7 + [1])}
    assert store.keys() == ["key-1"]


def test_a_batch_that_failed_can_be_committed_later(store: Store) -> None:
    store.fail()
    with pytest.raises(StoreError):
        store.journal.commit(full_batch(1))
    store.work()
    store.journal.commit(full_batch(1))
    assert [readings for _, readings in store.journal.readings_since(0)] == [some_readings(1)]
    assert store.keys() == ["key-1"]


def test_an_empty_batch_writes_no_block(store: Store) -> None:
    store.journal.commit(Batch())
    assert store.journal.last_block() == 0


def test_prune_keeps_what_is_young(store: Store) -> None:
    store.journal.commit(full_batch(1))
    assert store.journal.prune(NOON + 60) == 0
    assert store.journal.last_block() == 1
    assert store.keys() == ["key-1"]
