"""What commands read, while the agent runs and after."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlite_utils import Database

from edge_agent.core.types import Reading, Transition
from edge_agent.errors import StoreError
from edge_agent.ports import Batch
from edge_agent.store import queries
from edge_agent.store.database import StoreSettings
from edge_agent.store.journal import SqliteJournal, open_journal
from tests.store.journal_values import NOON, some_event, some_log, some_message, some_readings, some_verdict


@pytest.fixture
def journal(settings: StoreSettings) -> Iterator[SqliteJournal]:
    with closing(open_journal(settings, now=lambda: NOON)) as opened:
        yield opened


@pytest.fixture
def db(settings: StoreSettings, journal: SqliteJournal) -> Iterator[Database]:
    """The file as a command sees it, while the journal is open for writing."""
    assert journal.quarantined is None
    with closing(queries.open_readonly(settings.path)) as opened:
        yield opened


# ---------------------------------------------------------------------------------------------------- opening


def test_a_missing_file_is_refused_with_a_hint_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="No such file") as raised:
        queries.open_readonly(tmp_path / "nothing.db")
    assert "path" in raised.value.hint
    assert list(tmp_path.iterdir()) == []


def test_a_foreign_database_is_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "other.db")) as conn:
        conn.execute("CREATE TABLE payroll(name)")
    with pytest.raises(StoreError, match="payroll"):
        queries.open_readonly(tmp_path / "other.db")


def test_a_file_that_is_no_database_is_refused_with_a_hint(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("no database " * 500, encoding="ascii")
    with pytest.raises(StoreError, match="not a database") as raised:
        queries.open_readonly(tmp_path / "text.db")
    assert "restart the agent" in raised.value.hint


def test_a_damaged_schema_is_refused_with_a_hint(settings: StoreSettings) -> None:
    open_journal(settings).close()
    content = settings.path.read_bytes()
    settings.path.write_bytes(content.replace(b'"work_order" TEXT', b'"work_urder" TEXT'))
    with pytest.raises(StoreError, match="work_order") as raised:
        queries.open_readonly(settings.path)
    assert "restart the agent" in raised.value.hint


def test_a_journal_not_migrated_yet_is_refused_with_a_hint(tmp_path: Path) -> None:
    (tmp_path / "new.db").touch()
    with pytest.raises(StoreError, match="older schema") as raised:
        queries.open_readonly(tmp_path / "new.db")
    assert "start the agent" in raised.value.hint


def test_a_folder_that_cannot_be_entered_is_refused_with_a_hint(as_nobody: Path) -> None:
    (as_nobody / "closed").mkdir(mode=0o000)
    with pytest.raises(StoreError, match="Permission") as raised:
        queries.open_readonly(as_nobody / "closed" / "journal.db")
    assert raised.value.hint


def test_a_path_with_special_characters_opens(settings: StoreSettings, tmp_path: Path) -> None:
    path = tmp_path / "50% of #1?.db"
    open_journal(StoreSettings(path=path)).close()
    assert settings.path != path
    with closing(queries.open_readonly(path)) as db:
        assert queries.status(db).unsent == 0


def test_the_view_cannot_write(db: Database) -> None:
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        db.execute("DELETE FROM state")


# ---------------------------------------------------------------------------------------------------- alarms


def test_an_alarm_is_shown_as_its_latest_revision_left_it(journal: SqliteJournal, db: Database) -> None:
    cleared = some_event("a", 2, time=NOON + 60, active=False, transition=Transition.CLEARED)
    journal.commit(Batch(events=[cleared, some_event("a", 1)], clock="jumped"))
    assert queries.alarms(db) == [
        queries.AlarmRow(
            alarm_id="a",
            rev=2,
            asset="pump-1",
            kind="risk",
            transition="cleared",
            time=NOON + 60,
            active=False,
            severity="high",
            risk=0.875,
            mode="VIB",
            summary=cleared.summary,
            clock="jumped",
            open=False,
        )
    ]


def test_open_alarms_are_those_active_or_to_be_acknowledged_in_their_latest_revision(
    journal: SqliteJournal, db: Database
) -> None:
    cleared = some_event("over", 2, active=False, transition=Transition.CLEARED)
    awaiting = some_event("missed", 1, time=NOON - 90, active=False, transition=Transition.CLEARED)
    awaiting = replace(awaiting, open=True)
    journal.commit(Batch(events=[some_event("over", 1), cleared, some_event("open", 1, time=NOON - 60), awaiting]))
    assert [row.alarm_id for row in queries.alarms(db, open_only=True)] == ["open", "missed"]
    assert [row.alarm_id for row in queries.alarms(db)] == ["over", "open", "missed"]
    assert [event.id for event in queries.standing(db)] == ["open"]


def test_an_alarm_says_whether_it_is_acknowledged_and_pages_anybody(journal: SqliteJournal, db: Database) -> None:
    shelved = replace(some_event("a", 1), acked=True, shelved_until=NOON)
    journal.commit(Batch(events=[shelved, replace(some_event("b", 1), suppressed="operator"), some_event("c", 1)]))
    found = {row.alarm_id: (row.acked, row.quiet) for row in queries.alarms(db)}
    assert found == {"a": (True, True), "b": (False, True), "c": (False, False)}


def test_alarms_come_newest_first_up_to_the_limit(journal: SqliteJournal, db: Database) -> None:
    journal.commit(Batch(events=[some_event(str(n), time=NOON + n) for n in range(5)]))
    assert [row.alarm_id for row in queries.alarms(db, limit=3)] == ["4", "3", "2"]


def test_events_of_an_alarm_come_back_as_they_were_raised(journal: SqliteJournal, db: Database) -> None:
    events = [some_event("a", 1), some_event("a", 2, transition=Transition.ESCALATED)]
    journal.commit(Batch(events=[*reversed(events), some_event("b")]))
    assert queries.events(db, "a") == events
    assert queries.events(db, "nobody") == []


@pytest.mark.parametrize("altered", ["{", "{}", "[]", '{"transition": "raised", "evidence": [1]}'])
def test_an_altered_event_is_reported(journal: SqliteJournal, db: Database, altered: str) -> None:
    journal.commit(Batch(events=[some_event("a")]))
    journal._conn.execute("UPDATE alarm_event SET event = ?", (altered,))
    journal._conn.commit()
    with pytest.raises(StoreError, match="altered"):
        queries.events(db, "a")


# ---------------------------------------------------------------------------------------------------- status


def test_the_status_of_an_empty_journal(db: Database) -> None:
    status = queries.status(db, NOON)
    assert set(status.rows.values()) == {0}
    assert (status.oldest_reading, status.newest_reading) == (None, None)
    assert (status.unsent, status.oldest_unsent_s) == (0, 0.0)


def test_the_status_counts_what_is_there(journal: SqliteJournal, db: Database) -> None:
    for number in range(3):
        journal.commit(Batch(readings=some_readings(number), verdicts=[some_verdict(number)], logs=[some_log(number)]))
    journal.commit(Batch(events=[some_event("a")], outgoing=[some_message("k"), some_message("l")], sent=[]))
    journal.commit(Batch(sent=[1]))
    status = queries.status(db, NOON + 30)
    assert status.rows == {
        "reading_block": 3,
        "verdict": 3,
        "log_line": 3,
        "alarm_event": 1,
        "outbox": 2,
        "command": 0,
        "state": 0,
        "asset": 3,
        "channel": 2,
    }
    assert (status.oldest_reading, status.newest_reading) == (NOON, NOON + 9)
    assert (status.unsent, status.oldest_unsent_s) == (1, 30.0)
    assert status.file_bytes > 80_000


def test_the_status_does_not_read_through_the_large_tables(journal: SqliteJournal, db: Database) -> None:
    journal.commit(Batch(verdicts=[some_verdict(n) for n in range(5000)]))
    steps = []
    db.conn.set_progress_handler(lambda: steps.append(1), 100)
    assert queries.status(db, NOON).rows["verdict"] == 5000
    assert len(steps) < 50  # 5000 rows take at least 5000 steps


def test_the_age_of_the_oldest_unsent_is_never_negative(journal: SqliteJournal, db: Database) -> None:
    journal.commit(Batch(outgoing=[some_message("k")]))
    assert queries.unsent(db, NOON - 3600) == (1, 0.0)


def test_a_view_whose_file_is_damaged_meanwhile_says_so(settings: StoreSettings) -> None:
    with closing(open_journal(settings)) as journal:
        journal.commit(Batch(states={"tracks": bytes(50_000)}))
    with closing(queries.open_readonly(settings.path)) as db:
        settings.path.write_bytes(settings.path.read_bytes()[:4096] + b"\xff" * 200_000)
        with pytest.raises(StoreError, match=r"malformed|not a database"):
            queries.status(db)


# ---------------------------------------------------------------------------------------------------- readings


def test_readings_of_one_channel_are_found_by_event_time(journal: SqliteJournal, db: Database) -> None:
    journal.commit(Batch(readings=some_readings(1)))
    late = Reading("pump-0", "vibration", NOON + 1, 9.0)
    journal.commit(Batch(readings=[late]))
    journal.commit(Batch(readings=[Reading("never", "heard", NOON + 99, 9.0)]))
    assert queries.readings(db, "pump-0", "vibration", NOON, NOON + 6) == [
        Reading("pump-0", "vibration", NOON, 1.0),
        late,
    ]
    assert queries.readings(db, "pump-0", "vibration", NOON, NOON + 7)[1].time == NOON + 6
    assert queries.readings(db, "pump-0", "nothing", NOON, NOON + 99) == []


def test_unpack_gives_all_readings_of_a_span(journal: SqliteJournal, db: Database) -> None:
    batches = [some_readings(n) for n in range(3)]
    for readings in batches:
        journal.commit(Batch(readings=readings))
    assert list(queries.unpack(db, 0.0, NOON + 99)) == [r for readings in batches for r in readings]
    assert list(queries.unpack(db, NOON + 10, NOON + 99)) == []
    assert list(queries.unpack(db, NOON + 9, NOON + 10)) == [readings[-1] for readings in batches]


# ---------------------------------------------------------------------------------------------------- what others know


def test_what_stands_is_the_newest_revision_that_people_were_told(db: Database, journal: SqliteJournal) -> None:
    told, cleared = some_event("a", 2), some_event("b", 2, active=False, transition=Transition.CLEARED)
    late = replace(some_event("a", 3), historical=True)
    unknown = replace(some_event("c"), historical=True)
    journal.commit(Batch(events=[some_event("a"), told, late, some_event("b"), cleared, unknown]))

    assert queries.standing(db) == [told]


def test_an_alarm_with_an_altered_revision_is_left_out_of_what_stands(db: Database, journal: SqliteJournal) -> None:
    journal.commit(Batch(events=[some_event("a"), some_event("b")]))
    journal._conn.execute("UPDATE alarm_event SET event = '{}' WHERE alarm_id = 'a'")
    journal._conn.commit()

    assert queries.standing(db) == [some_event("b")]


def test_the_newest_retained_message_of_a_topic_is_found_by_its_prefix(db: Database, journal: SqliteJournal) -> None:
    kept, emptied = some_message("out/x/p1/2", topic="p1", lane=1), some_message("out/x/p2/2", topic="p2", lane=1)
    older = [some_message(f"out/x/{topic}/1", topic=topic, lane=1) for topic in ("p1", "p2")]
    others = [some_message("out/x/p3/1"), some_message("our-own", topic="o", lane=1)]
    journal.commit(Batch(outgoing=[*older, *others]))
    journal.commit(Batch(outgoing=[kept, emptied._replace(payload=b"")], sent=[1, 2]))

    assert queries.retained(db, "out/") == [kept]
