"""What only the journal in SQLite promises: a full disk, a full journal, names that were rolled back (G1, G3, G4)."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from edge_agent.core.types import Reading
from edge_agent.errors import StoreError
from edge_agent.ports import Batch
from edge_agent.store.database import StoreSettings
from edge_agent.store.journal import CHECKPOINT_COMMITS, SqliteJournal, open_journal
from edge_agent.store.outbox import open_outbox
from edge_agent.store.records import pack_seen
from tests.store.journal_values import NOON, noise, some_event, some_log, some_message, some_readings, some_verdict

MEGABYTE = 1 << 20


def all_readings(journal: SqliteJournal) -> list[Reading]:
    return [reading for _, readings in journal.readings_since(0) for reading in readings]


# ---------------------------------------------------------------------------------------------------- full


def test_a_batch_larger_than_the_journal_may_be_is_refused_whole(settings: StoreSettings) -> None:
    with closing(open_journal(replace(settings, max_bytes=MEGABYTE))) as journal:
        journal.commit(Batch(readings=some_readings(1)))
        batch = Batch(
            readings=some_readings(2),
            logs=[some_log(2)],
            events=[some_event("a")],
            outgoing=[some_message("k")],
            states={"tracks": bytes(2 * MEGABYTE)},
        )
        with pytest.raises(StoreError, match="full") as raised:
            journal.commit(batch)
        assert "max_mb" in raised.value.hint
        assert all_readings(journal) == some_readings(1)
        assert journal.states() == {}
        assert journal.recent_logs(0.0) == []
        journal.commit(replace(batch, states={"tracks": b"small"}))
        assert all_readings(journal) == some_readings(1) + some_readings(2)


def test_a_full_journal_drops_its_oldest_readings_for_new_ones(settings: StoreSettings) -> None:
    with closing(open_journal(replace(settings, max_bytes=MEGABYTE))) as journal:
        journal.commit(Batch(events=[some_event("a")], outgoing=[some_message("k")]))
        for _ in range(20):
            journal.commit(Batch(readings=noise(20_000)))
        kept = [block for block, _ in journal.readings_since(0)]
        assert kept == list(range(kept[0], 21))
        assert 5 < len(kept) < 15
        with closing(open_outbox(settings.path)) as outbox:
            assert len(outbox.pending(after=frozenset(), limit=9)) == 1
    assert settings.path.stat().st_size <= MEGABYTE


def test_a_full_journal_without_readings_to_drop_says_so(settings: StoreSettings) -> None:
    with closing(open_journal(replace(settings, max_bytes=MEGABYTE))) as journal:
        for number in range(10):
            journal.commit(Batch(outgoing=[some_message(f"alarm-{number}", payload=bytes(50_000))]))
        with pytest.raises(StoreError, match="full"):
            journal.commit(Batch(outgoing=[some_message("alarm-10", payload=bytes(500_000))]))
        with closing(open_outbox(settings.path)) as outbox:
            waiting = [q.message.key for q in outbox.pending(after=frozenset(), limit=99)]
    assert waiting == [f"alarm-{n}" for n in range(10)]


@pytest.mark.parametrize("alarming", [Batch(events=[some_event("a")]), Batch(outgoing=[some_message("k", lane=0)])])
def test_the_last_free_space_of_the_disk_is_for_alarms(settings: StoreSettings, alarming: Batch) -> None:
    disk = os.statvfs(settings.path.parent)
    wants_all = replace(settings, reserve_bytes=disk.f_blocks * disk.f_frsize + 1)
    with closing(open_journal(wants_all)) as journal:
        with pytest.raises(StoreError, match="kept for alarms") as raised:
            journal.commit(Batch(readings=some_readings(1), outgoing=[some_message("state", lane=1)]))
        assert raised.value.hint
        assert journal.last_block() == 0
        journal.commit(replace(alarming, readings=some_readings(1)))
        assert journal.last_block() == 1


def test_a_journal_that_somebody_else_writes_to_is_refused_with_a_hint(settings: StoreSettings) -> None:
    with closing(open_journal(settings)) as journal, closing(sqlite3.connect(settings.path)) as other:
        journal._conn.execute("PRAGMA busy_timeout = 10")
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked") as raised:
            journal.commit(Batch(readings=some_readings(1)))
        assert "one agent" in raised.value.hint
        other.rollback()
        journal.commit(Batch(readings=some_readings(1)))
        assert not journal.damaged


# ---------------------------------------------------------------------------------------------------- whole or not


def test_names_of_a_batch_that_failed_are_given_ids_again(journal: SqliteJournal) -> None:
    first = [Reading("pump-1", "flow", NOON, 1.0)]
    nan = replace(some_verdict(1), risk=float("nan"))  # SQLite stores it as NULL, which the column refuses
    with pytest.raises(StoreError, match="NOT NULL"):
        journal.commit(Batch(readings=first, verdicts=[nan]))
    other = [Reading("pump-2", "speed", NOON, 2.0)]
    journal.commit(Batch(readings=other))
    journal.commit(Batch(readings=first))
    assert all_readings(journal) == other + first


def test_names_are_known_again_after_a_restart(settings: StoreSettings) -> None:
    for number in range(2):
        with closing(open_journal(settings)) as journal:
            journal.commit(Batch(readings=some_readings(number)))
    with closing(open_journal(settings)) as journal:
        assert journal._conn.execute("SELECT count(*), count(DISTINCT name) FROM asset").fetchone() == (3, 3)


def test_an_unexpected_error_leaves_nothing_behind_either(journal: SqliteJournal) -> None:
    broken = some_message("k")._replace(qos=2**70)
    with pytest.raises(OverflowError):
        journal.commit(Batch(readings=some_readings(1), outgoing=[broken]))
    assert journal.last_block() == 0
    journal.commit(Batch(readings=some_readings(1)))
    assert all_readings(journal) == some_readings(1)


def test_a_repeated_revision_of_an_alarm_is_one_row(journal: SqliteJournal) -> None:
    for _ in range(2):
        journal.commit(Batch(events=[some_event("a", 1), some_event("a", 2)]))
    assert journal._conn.execute("SELECT alarm_id, rev FROM alarm_event").fetchall() == [("a", 1), ("a", 2)]


def test_a_batch_of_seen_alone_is_written(journal: SqliteJournal) -> None:
    journal.commit(Batch(seen=[(7, b"12345678")]))
    assert journal.seen() == {7: b"12345678"}


def test_a_message_seen_takes_ten_bytes_in_the_file(journal: SqliteJournal) -> None:
    """And ten for the commit."""
    journal.commit(Batch(seen=[(mid, b"12345678") for mid in range(1, 101)]))
    assert journal._conn.execute("SELECT id, length(data) FROM seen_block").fetchall() == [(1, 1010)]


def test_blocks_of_messages_seen_go_when_newer_ones_are_enough(journal: SqliteJournal) -> None:
    for first in range(0, 60, 10):
        journal.commit(Batch(seen=[(mid, bytes(8)) for mid in range(first, first + 10)], seen_kept=25))
    assert list(journal.seen()) == list(range(30, 60))


def test_rows_of_messages_seen_are_written_over_in_their_places(journal: SqliteJournal) -> None:
    """A row a commit and a row deleted for it took new pages from the file again and again."""
    for first in range(0, 100, 10):
        journal.commit(Batch(seen=[(mid, bytes(8)) for mid in range(first, first + 10)], seen_kept=25))
    assert journal._conn.execute("SELECT count(*), max(id) FROM seen_block").fetchall() == [(3, 3)]
    assert list(journal.seen()) == list(range(70, 100))


def test_the_order_of_messages_seen_survives_a_restart_in_the_middle_of_the_ring(settings: StoreSettings) -> None:
    for first in range(0, 50, 10):
        with closing(open_journal(settings)) as journal:
            journal.commit(Batch(seen=[(mid, bytes(8)) for mid in range(first, first + 10)], seen_kept=25))
    with closing(open_journal(settings)) as journal:
        assert list(journal.seen()) == list(range(20, 50))


def test_messages_seen_by_the_agent_before_stand_before_those_of_this_one(settings: StoreSettings) -> None:
    """Its rows bear no number but their id."""
    with closing(open_journal(settings)) as journal, journal._conn:
        for number, mid in ((300, 3), (200, 2)):
            old = ("INSERT INTO seen_block VALUES (?, ?)", (number, pack_seen([(mid, bytes(8))])))
            journal._conn.execute(*old)
    with closing(open_journal(settings)) as journal:
        journal.commit(Batch(seen=[(4, bytes(8))], seen_kept=9))
        assert list(journal.seen()) == [2, 3, 4]


def test_a_commit_that_fails_makes_no_mark_worthless(journal: SqliteJournal) -> None:
    journal.commit(Batch(seen=[(1, bytes(8))], seen_kept=1))
    journal._conn.execute("PRAGMA query_only = ON")
    with pytest.raises(StoreError):
        journal.commit(Batch(seen=[(2, bytes(8))], seen_kept=1))
    journal._conn.execute("PRAGMA query_only = OFF")
    assert list(journal.seen()) == [1]
    journal.commit(Batch(seen=[(3, bytes(8))], seen_kept=1))
    assert list(journal.seen()) == [3]


def test_a_cut_off_block_of_messages_seen_loses_its_last_message_only(journal: SqliteJournal) -> None:
    journal.commit(Batch(seen=[(1, b"12345678"), (2, b"abcdefgh")]))
    with journal._conn:
        journal._conn.execute("UPDATE seen_block SET data = substr(data, 1, 29)")
    assert journal.seen() == {1: b"12345678"}


def test_outbox_rows_bear_the_time_of_their_commit(settings: StoreSettings) -> None:
    clock = iter([NOON, NOON + 5])
    with closing(open_journal(settings, now=lambda: next(clock))) as journal:
        journal.commit(Batch(outgoing=[some_message("k")]))
        journal.commit(Batch(sent=[1]))
        assert journal._conn.execute("SELECT created, sent FROM outbox").fetchall() == [(NOON, NOON + 5)]


# ---------------------------------------------------------------------------------------------------- reading


def test_a_damaged_block_is_passed_over_and_named_in_the_log(
    journal: SqliteJournal, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(3):
        journal.commit(Batch(readings=some_readings(number)))
    journal._conn.execute("UPDATE reading_block SET data = x'00' WHERE id = 2")
    journal._conn.commit()
    assert [len(readings) for _, readings in journal.readings_since(0)] == [10, 0, 10]
    assert "block=2" in caplog.text


def test_a_block_pruned_while_others_are_read_has_no_readings(journal: SqliteJournal) -> None:
    for number in range(2):
        journal.commit(Batch(readings=some_readings(number)))
    found = journal.readings_since(0)
    journal._conn.execute("DELETE FROM reading_block WHERE id = 1")
    journal._conn.commit()
    assert found[0] == (1, [])


def test_reading_the_blocks_holds_up_no_commit(journal: SqliteJournal) -> None:
    for number in range(3):
        journal.commit(Batch(readings=some_readings(number)))
    for block, _ in journal.readings_since(0):
        journal.commit(Batch(states={"at": str(block).encode()}))
    assert journal._conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0


def test_a_flipped_letter_makes_no_other_log_line_unreadable(journal: SqliteJournal) -> None:
    journal.commit(Batch(logs=[some_log(1), some_log(2)]))
    journal._conn.execute("UPDATE log_line SET text = CAST(x'ff41' AS TEXT) WHERE text LIKE '%note 1'")
    journal._conn.commit()
    assert [line.text for line in journal.recent_logs(0.0)] == ["\ufffdA", some_log(2).text]


def test_after_closing_every_use_is_refused(settings: StoreSettings) -> None:
    journal = open_journal(settings)
    journal.close()
    journal.close()
    with pytest.raises(StoreError, match="closed"):
        journal.commit(Batch(readings=some_readings(1)))
    with pytest.raises(StoreError, match="closed"):
        journal.states()


def test_the_outbox_cannot_write(settings: StoreSettings, journal: SqliteJournal) -> None:
    journal.commit(Batch(outgoing=[some_message("k")]))
    with closing(open_outbox(settings.path)) as outbox, pytest.raises(sqlite3.OperationalError, match="readonly"):
        outbox._conn.execute("DELETE FROM outbox")


def test_an_outbox_without_a_journal_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="outbox") as raised:
        open_outbox(tmp_path / "nothing.db")
    assert raised.value.hint


def test_a_closed_outbox_is_refused_as_store_error(settings: StoreSettings, journal: SqliteJournal) -> None:
    journal.commit(Batch(outgoing=[some_message("k")]))
    outbox = open_outbox(settings.path)
    outbox.close()
    with pytest.raises(StoreError, match="outbox"):
        outbox.pending(after=frozenset(), limit=1)


def test_no_commit_but_the_upkeep_brings_the_log_into_the_file(settings: StoreSettings) -> None:
    """A commit with an alarm must not stand behind the two fsyncs of a checkpoint."""
    with closing(open_journal(settings)) as journal:
        journal.checkpoint()
        before = settings.path.stat().st_size
        for number in range(CHECKPOINT_COMMITS):
            journal.commit(Batch(readings=some_readings(number), verdicts=[some_verdict(number)]))
            assert settings.path.stat().st_size == before
        journal.checkpoint()
        assert settings.path.stat().st_size > before
