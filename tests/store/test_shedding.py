"""What makes way where there is no room, in which order, and that it is counted (G3)."""

from __future__ import annotations

from collections import Counter
from contextlib import closing, suppress
from dataclasses import replace

import pytest

from edge_agent.errors import StoreError
from edge_agent.ports import Batch
from edge_agent.store.database import StoreSettings, page_numbers
from edge_agent.store.journal import OUTBOX_LOOK, SqliteJournal, open_journal
from edge_agent.store.outbox import open_outbox
from edge_agent.store.shedding import keep_to_outbox_budget, make_room
from tests.store.journal_values import (
    noise,
    some_command,
    some_event,
    some_log,
    some_message,
    some_readings,
    some_verdict,
)

PAGE = 4096


class Losses(Counter[str]):
    """What a journal has told of its losses."""

    def note(self, cause: str, count: int) -> None:
        """As `on_shed`."""
        self[cause] += count


@pytest.fixture
def lost() -> Losses:
    return Losses()


def keys(journal: SqliteJournal) -> list[str]:
    return [key for (key,) in journal._conn.execute("SELECT key FROM outbox ORDER BY id").fetchall()]


def rows(journal: SqliteJournal, table: str) -> int:
    count: int = journal._db.table(table).count
    return count


# ---------------------------------------------------------------------------------------------------- the file


def test_alarms_outlive_everything_else_under_pressure(settings: StoreSettings, lost: Losses) -> None:
    """A limit of one page cannot be reached: all that may go goes, and what is lost is counted by cause."""
    lanes = {"alarm": 0, "sent": 0, "state": 1, "history": 2, "last": 2}
    with closing(open_journal(settings, on_shed=lost.note)) as journal:
        messages = [some_message(key, lane=lane, topic=key, payload=bytes(20_000)) for key, lane in lanes.items()]
        journal.commit(Batch(outgoing=messages, events=[some_event("a")]))
        journal.commit(Batch(sent=[2], verdicts=[some_verdict(1)], logs=[some_log(1)], readings=some_readings(1)))
        journal.commit(Batch(readings=some_readings(2)))
        make_room(journal._conn, PAGE, lost.note)

        assert keys(journal) == ["alarm", "last"]
        assert [rows(journal, t) for t in ("alarm_event", "verdict", "log_line", "reading_block")] == [1, 0, 0, 1]
    assert lost == {"space_readings": 10, "space_verdicts": 1, "space_states": 1, "space_history": 1, "space_logs": 1}


def test_log_lines_go_only_where_nothing_else_is_left(settings: StoreSettings, lost: Losses) -> None:
    with closing(open_journal(settings)) as journal:
        journal.commit(Batch(logs=[some_log(n) for n in range(50)]))
        for _ in range(3):
            journal.commit(Batch(readings=noise(50_000)))
        used, _ = page_numbers(journal._conn)
        make_room(journal._conn, (used + 10) * PAGE, lost.note)

        assert rows(journal, "log_line") == 50
    assert set(lost) == {"space_readings"}


def test_a_flood_of_commands_does_not_stop_the_journal(settings: StoreSettings, lost: Losses) -> None:
    small = replace(settings, max_bytes=100 * PAGE)
    with closing(open_journal(small, on_shed=lost.note)) as journal:
        for number in range(40):
            asked = [replace(some_command(f"{number}-{n}"), request="x" * 500) for n in range(50)]
            journal.commit(Batch(commands=asked))
        journal.commit(Batch(events=[some_event("a")], outgoing=[some_message("alarm")]))

        assert rows(journal, "command") + lost["space_commands"] == 2000
        assert journal.command("39-49") is not None


def test_a_flood_of_log_lines_does_not_stop_the_journal(settings: StoreSettings, lost: Losses) -> None:
    """They once filled the file for good: no reading to drop was left, and every commit failed."""
    small = replace(settings, max_bytes=100 * PAGE)
    with closing(open_journal(small, on_shed=lost.note)) as journal:
        for number in range(40):
            lines = [some_log(0)._replace(text=f"{number} {n} {'x' * 500}") for n in range(50)]
            journal.commit(Batch(logs=lines))
        journal.commit(Batch(events=[some_event("a")], outgoing=[some_message("alarm")]))

        assert rows(journal, "log_line") + lost["space_logs"] == 2000
        assert rows(journal, "alarm_event") == 1
    assert small.path.stat().st_size <= small.max_bytes


def test_readings_dropped_in_a_commit_are_counted_one_by_one(settings: StoreSettings, lost: Losses) -> None:
    small = replace(settings, max_bytes=100 * PAGE)
    with closing(open_journal(small, on_shed=lost.note)) as journal:
        for _ in range(20):
            journal.commit(Batch(readings=noise(5_000)))
        kept = sum(len(readings) for _, readings in journal.readings_since(0))

        assert kept + lost["space_readings"] == 20 * 5_000
        assert 0 < kept < 20 * 5_000


def test_a_journal_full_of_unsent_alarms_refuses_and_drops_none(settings: StoreSettings, lost: Losses) -> None:
    small = replace(settings, max_bytes=100 * PAGE, outbox_rows=1)
    written = 0
    with closing(open_journal(small, on_shed=lost.note)) as journal:
        with suppress(StoreError):
            while written < 100:
                journal.commit(Batch(outgoing=[some_message(f"a{written}", payload=bytes(8000))]))
                written += 1
        assert 0 < written < 100
        assert keys(journal) == [f"a{number}" for number in range(written)]
    assert not lost


# ---------------------------------------------------------------------------------------------------- the outbox


@pytest.mark.parametrize(("most", "left"), [(7, 7), (5, 5), (4, 4), (1, 3)])
def test_beyond_its_rows_the_outbox_sheds_states_then_history_and_never_alarms(
    settings: StoreSettings, lost: Losses, most: int, left: int
) -> None:
    """Three alarms, two states, two histories; the newest message of all is an alarm."""
    with closing(open_journal(settings)) as journal:
        lanes = (2, 1, 0, 1, 2, 0, 0)
        journal.commit(Batch(outgoing=[some_message(f"{n}", lane=lane, topic=str(n)) for n, lane in enumerate(lanes)]))
        keep_to_outbox_budget(journal._conn, replace(settings, outbox_rows=most), lost.note)

        assert keys(journal) == [str(n) for n in range(7) if n not in [1, 3, 0, 4][: 7 - left]]
    assert sum(lost.values()) == 7 - left
    assert lost["outbox_states"] == min(7 - left, 2)


def test_beyond_its_bytes_the_outbox_sheds_too(settings: StoreSettings, lost: Losses) -> None:
    with closing(open_journal(settings)) as journal:
        outgoing = [some_message(f"h{n}", lane=2, payload=bytes(1000)) for n in range(1000)]
        journal.commit(Batch(outgoing=[*outgoing, some_message("alarm", payload=bytes(1000))]))
        keep_to_outbox_budget(journal._conn, replace(settings, outbox_bytes=500_000), lost.note)

        assert 400 <= len(keys(journal)) <= 500
        assert keys(journal)[-1] == "alarm"
        assert keys(journal)[0] != "h0", "the oldest goes first"
    assert lost["outbox_history"] == 1001 - len(keys_after(settings))


def keys_after(settings: StoreSettings) -> list[str]:
    with closing(open_outbox(settings.path)) as outbox:
        return [queued.message.key for queued in outbox.pending(after=frozenset(), limit=9999)]


def test_upkeep_brings_an_outbox_back_into_its_budget(settings: StoreSettings, lost: Losses) -> None:
    """However long the broker is away, it never passes the budget by more than the messages between two looks."""
    bounded = replace(settings, outbox_rows=300)
    with closing(open_journal(bounded, on_shed=lost.note)) as journal:
        most = 0
        for number in range(20):
            journal.commit(Batch(outgoing=[some_message(f"{number}-{n}", lane=2, topic="t") for n in range(100)]))
            journal.checkpoint()
            most = max(most, len(keys(journal)))

        assert most <= 300 + OUTBOX_LOOK
    assert lost["outbox_history"] > 1000


def test_sent_messages_count_for_nothing_in_the_budget(settings: StoreSettings, lost: Losses) -> None:
    with closing(open_journal(settings)) as journal:
        journal.commit(Batch(outgoing=[some_message(f"{n}", lane=2) for n in range(10)]))
        journal.commit(Batch(sent=list(range(1, 9))))

        assert keep_to_outbox_budget(journal._conn, replace(settings, outbox_rows=2), lost.note) == 0
