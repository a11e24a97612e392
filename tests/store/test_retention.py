"""What goes when, what never goes, and that the file really shrinks (G3)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from edge_agent.core.types import Transition
from edge_agent.errors import StoreError
from edge_agent.ports import Batch
from edge_agent.store.database import DAY_S, StoreSettings, page_numbers
from edge_agent.store.journal import SqliteJournal, open_journal
from edge_agent.store.outbox import open_outbox
from tests.store.journal_values import NOON, noise, some_event, some_log, some_message, some_readings, some_verdict

MEGABYTE = 1 << 20


@pytest.fixture
def settings(settings: StoreSettings) -> StoreSettings:
    return replace(settings, retention_readings_s=DAY_S, retention_verdicts_s=2 * DAY_S, retention_events_s=3 * DAY_S)


@pytest.fixture
def journal(settings: StoreSettings) -> Iterator[SqliteJournal]:
    with closing(open_journal(settings, now=lambda: NOON)) as opened:
        yield opened


def rows(journal: SqliteJournal, table: str) -> int:
    count: int = journal._db.table(table).count
    return count


def blocks(journal: SqliteJournal) -> list[int]:
    return [block for block, _ in journal.readings_since(0)]


def fill(journal: SqliteJournal, count: int) -> None:
    """Blocks of a good 200 kB; few, because each is an fsync."""
    for _ in range(count):
        journal.commit(Batch(readings=noise(50_000)))


# ---------------------------------------------------------------------------------------------------- age


def test_each_kind_of_row_goes_at_its_own_age(journal: SqliteJournal) -> None:
    cleared = some_event("a", active=False, transition=Transition.CLEARED)
    journal.commit(Batch(readings=some_readings(1), verdicts=[some_verdict(1)], logs=[some_log(1)], events=[cleared]))
    journal.commit(Batch(readings=[r._replace(time=NOON + 10 * DAY_S) for r in some_readings(2)]))
    tables = ("reading_block", "verdict", "log_line", "alarm_event")
    left = {}
    for age in (0.9, 1.1, 2.1, 3.1):
        journal.prune(NOON + age * DAY_S)
        left[age] = [rows(journal, table) for table in tables]
    assert left == {0.9: [2, 1, 1, 1], 1.1: [1, 1, 1, 1], 2.1: [1, 0, 1, 1], 3.1: [1, 0, 0, 0]}


def test_prune_tells_how_many_rows_went(journal: SqliteJournal) -> None:
    for number in range(4):
        journal.commit(Batch(readings=some_readings(number), logs=[some_log(number)]))
    assert journal.prune(NOON + 9 * DAY_S) == 3 + 4  # the newest block stays


def test_more_rows_than_one_chunk_go_in_one_call(journal: SqliteJournal) -> None:
    many = [some_verdict(n, NOON + n) for n in range(2500)]
    journal.commit(Batch(verdicts=many, logs=[some_log(n, NOON + n) for n in range(2500)]))
    assert journal.prune(NOON + 9 * DAY_S) == 5000


def test_a_late_block_between_younger_ones_goes_at_its_event_time(journal: SqliteJournal) -> None:
    for age in (0.0, 5 * DAY_S, 0.0):
        journal.commit(Batch(readings=[r._replace(time=NOON - age) for r in some_readings(1)]))
    journal.prune(NOON + 60)
    assert blocks(journal) == [1, 3]


def test_the_newest_block_stays_so_that_its_id_is_not_given_again(journal: SqliteJournal) -> None:
    for number in range(3):
        journal.commit(Batch(readings=some_readings(number)))
    journal.prune(NOON + 9 * DAY_S)
    assert blocks(journal) == [3]
    journal.commit(Batch(readings=some_readings(4)))
    assert journal.last_block() == 4


def test_nothing_is_old_for_a_clock_that_says_zero(journal: SqliteJournal) -> None:
    journal.commit(Batch(readings=some_readings(1), verdicts=[some_verdict(1)], logs=[some_log(1)]))
    assert journal.prune(0.0) == 0


def test_the_last_word_on_an_active_alarm_stays_at_any_age(journal: SqliteJournal) -> None:
    over = [some_event("over", 1), some_event("over", 2, active=False, transition=Transition.CLEARED)]
    open_still = [some_event("open", rev, transition=Transition.UPDATED) for rev in (1, 2, 3)]
    journal.commit(Batch(events=over + open_still))
    journal.prune(NOON + 99 * DAY_S)
    assert journal._conn.execute("SELECT alarm_id, rev FROM alarm_event").fetchall() == [("open", 3)]


def test_the_last_word_on_an_alarm_that_waits_to_be_acknowledged_stays_at_any_age(journal: SqliteJournal) -> None:
    waits = replace(some_event("waits", 1, active=False, transition=Transition.CLEARED), open=True)
    journal.commit(Batch(events=[waits]))
    journal.prune(NOON + 99 * DAY_S)
    assert journal.newest_event("waits") == waits

    journal.commit(Batch(events=[replace(waits, rev=2, transition=Transition.ACKED, open=False)]))
    journal.prune(NOON + 99 * DAY_S)
    assert journal.newest_event("waits") is None


def test_sent_messages_go_after_a_day_and_unsent_ones_never(journal: SqliteJournal) -> None:
    journal.commit(Batch(outgoing=[some_message(str(n), lane=n % 3, topic=str(n)) for n in range(6)]))
    journal.commit(Batch(sent=[1, 3]))
    assert journal.prune(NOON + 0.9 * DAY_S) == 0
    assert journal.prune(NOON + 1.1 * DAY_S) == 2
    assert journal.prune(NOON + 999 * DAY_S) == 0
    assert journal._conn.execute("SELECT id FROM outbox ORDER BY id").fetchall() == [(2,), (4,), (5,), (6,)]


def test_the_newest_message_stays_so_that_its_id_is_not_given_again(journal: SqliteJournal) -> None:
    journal.commit(Batch(outgoing=[some_message("a"), some_message("b")]))
    journal.commit(Batch(sent=[1, 2]))
    journal.prune(NOON + 9 * DAY_S)
    journal.commit(Batch(outgoing=[some_message("c")]))
    assert journal._conn.execute("SELECT id, key FROM outbox").fetchall() == [(2, "b"), (3, "c")]


def test_what_the_broker_was_given_to_keep_stays_so_that_another_one_can_be_given_it(journal: SqliteJournal) -> None:
    """Of each retained topic the newest message; one that empties its topic is no longer worth it."""
    topics = {"old": b"1", "new": b"2", "emptied": b""}
    journal.commit(Batch(outgoing=[some_message(f"{t}-{n}", lane=1, topic=t) for t in topics for n in range(2)]))
    journal.commit(Batch(sent=[2, 4, 6]))
    journal.commit(Batch(outgoing=[some_message(t, lane=1, topic=t, payload=topics[t]) for t in ("new", "emptied")]))
    journal.commit(Batch(sent=[7, 8], outgoing=[some_message("last")]))
    journal.prune(NOON + 9 * DAY_S)
    left = journal._conn.execute("SELECT key FROM outbox ORDER BY id").fetchall()
    assert left == [("old-1",), ("new",), ("last",)]


def test_a_state_that_was_sent_goes_as_soon_as_there_is_a_newer_one(journal: SqliteJournal) -> None:
    """One a window and asset: a day of them would push the readings out."""
    for number in range(5):
        journal.commit(Batch(outgoing=[some_message(f"risk-{number}", lane=1)], sent=[number] if number else []))
    assert journal.prune(0.0) == 4
    assert journal._conn.execute("SELECT key FROM outbox").fetchall() == [("risk-4",)]


def test_a_state_that_was_sent_stays_while_only_other_groups_have_newer_ones(journal: SqliteJournal) -> None:
    for number, group in enumerate("aab"):
        sent = [number] if number else []
        journal.commit(Batch(outgoing=[some_message(f"{group}{number}", lane=1, group=group)], sent=sent))
    assert journal.prune(0.0) == 1
    assert journal._conn.execute("SELECT key FROM outbox").fetchall() == [("a1",), ("b2",)]


@pytest.mark.parametrize("kept_are_sent", [True, False])
def test_many_messages_that_stay_do_not_hide_old_ones_behind_them(
    journal: SqliteJournal, *, kept_are_sent: bool
) -> None:
    """Neither the newest of more topics than are looked at in one call, nor a backlog that the broker refuses."""
    count = 21_000
    kept = [some_message(f"k{n}", lane=1, topic=str(n)) for n in range(count)]
    journal.commit(Batch(outgoing=[*kept, some_message("old"), some_message("last")]))
    journal.commit(Batch(sent=list(range(1 if kept_are_sent else count + 1, count + 3))))
    assert journal.prune(NOON + 2 * DAY_S) == 1
    assert rows(journal, "outbox") == count + 1


# ---------------------------------------------------------------------------------------------------- space


def test_readings_make_way_for_space_before_verdicts(settings: StoreSettings) -> None:
    with closing(open_journal(settings)) as journal:
        journal.commit(Batch(verdicts=[some_verdict(n) for n in range(200)]))
        fill(journal, 3)
        used, _ = page_numbers(journal._conn)
    with closing(open_journal(replace(settings, max_bytes=(used + 10) * 4096))) as journal:
        assert journal.prune(0.0) == 1
        assert blocks(journal) == [2, 3]
        assert rows(journal, "verdict") == 200


def test_a_journal_with_room_deletes_nothing_for_space(journal: SqliteJournal) -> None:
    fill(journal, 3)
    assert journal.prune(0.0) == 0


def test_the_file_shrinks_when_rows_go(settings: StoreSettings) -> None:
    settings = replace(settings, max_bytes=16 * MEGABYTE)
    with closing(open_journal(settings)) as journal:
        fill(journal, 15)
        journal._conn.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        before = settings.path.stat().st_size
        assert before > 3 * MEGABYTE
        assert journal.prune(NOON + 900 * DAY_S) == 14
        assert settings.path.stat().st_size < before / 5
        assert journal._conn.execute("PRAGMA quick_check").fetchone() == ("ok",)


def test_a_lowered_limit_is_reached_in_a_few_calls(settings: StoreSettings) -> None:
    with closing(open_journal(settings)) as journal:
        fill(journal, 10)
    lowered = replace(settings, max_bytes=2 * MEGABYTE)
    with closing(open_journal(lowered)) as journal:
        calls = [journal.prune(0.0) for _ in range(4)]
        assert calls[-1] == 0
        assert 1 < len(blocks(journal)) < 10
        journal.commit(Batch(readings=some_readings(1)))
    assert settings.path.stat().st_size <= 2 * MEGABYTE


def test_some_free_pages_are_kept_for_the_next_readings(settings: StoreSettings) -> None:
    with closing(open_journal(replace(settings, max_bytes=1024 * MEGABYTE))) as journal:
        fill(journal, 5)
        journal.prune(NOON + 900 * DAY_S)
        assert 0 < page_numbers(journal._conn)[1] <= 1024 * MEGABYTE // 4096 // 64


def test_a_reader_that_stays_does_not_hold_up_pruning(settings: StoreSettings, journal: SqliteJournal) -> None:
    journal.commit(Batch(logs=[some_log(1)], outgoing=[some_message("k")]))
    with closing(open_outbox(settings.path)) as outbox:
        outbox._conn.execute("BEGIN")
        outbox._conn.execute("SELECT * FROM outbox").fetchall()
        assert journal.prune(NOON + 9 * DAY_S) == 1


def test_a_prune_that_fails_is_a_store_error(journal: SqliteJournal) -> None:
    journal.commit(Batch(logs=[some_log(1)]))
    journal._conn.execute("PRAGMA query_only = ON")
    with pytest.raises(StoreError, match="retention") as raised:
        journal.prune(NOON + 9 * DAY_S)
    assert raised.value.hint
