"""The schema: every past one still opens, and what is declared is what lies in the file."""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlite_utils import Database

from edge_agent.ports import Batch
from edge_agent.store import migrations, queries
from edge_agent.store.database import StoreSettings
from edge_agent.store.journal import SqliteJournal, open_journal
from edge_agent.store.outbox import open_outbox
from tests.store.journal_values import NOON, some_event, some_log, some_readings
from tests.store.write_sample import sample_batch

DATA = Path(__file__).parents[1] / "data"
SAMPLES = sorted(DATA.glob("schema-*.db"))


def test_every_migration_is_known_by_name() -> None:
    with closing(Database(memory=True)) as db:
        assert tuple(migration.name for migration in migrations.migrations.pending(db)) == migrations.known()


def test_there_is_a_sample_of_every_schema() -> None:
    assert len(SAMPLES) == len(migrations.known())


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
def test_a_journal_of_every_schema_still_opens(sample: Path, settings: StoreSettings, tmp_path: Path) -> None:
    path = Path(shutil.copy(sample, tmp_path / "old.db"))
    with closing(open_journal(replace(settings, path=path))) as journal:
        batch = sample_batch()
        assert journal.quarantined is None
        assert journal.readings_since(0)[0][1] == batch.readings
        assert journal.recent_logs(0.0) == batch.logs
        assert journal.states() == batch.states
        assert journal.seen() == dict(batch.seen)
        with closing(open_outbox(path)) as outbox:
            assert [q.message for q in outbox.pending(after=frozenset(), limit=9)] == batch.outgoing
        with closing(queries.open_readonly(path)) as db:
            assert queries.events(db, batch.events[0].id) == batch.events
        journal.commit(Batch(readings=some_readings(2), logs=[some_log(2)], events=[some_event("new")]))
        assert journal.last_block() == 2


def test_every_table_is_strict(journal: SqliteJournal) -> None:
    ours = [name for name in journal._db.table_names() if not name.startswith("_")]
    assert len(ours) == 11
    assert [name for name in ours if not journal._db.table(name).strict] == []


def test_opening_again_migrates_nothing_twice(settings: StoreSettings) -> None:
    open_journal(settings).close()
    with closing(open_journal(settings)) as journal:
        rows = journal._conn.execute("SELECT name FROM _sqlite_migrations").fetchall()
    assert rows == [(name,) for name in sorted(migrations.known())]


def test_every_row_bears_the_quality_of_the_clock(journal: SqliteJournal) -> None:
    batch = replace(sample_batch(), clock="unsynced")
    journal.commit(batch)
    for table in ("reading_block", "log_line", "verdict", "alarm_event"):
        assert journal._conn.execute(f"SELECT DISTINCT clock FROM {table}").fetchall() == [("unsynced",)]  # noqa: S608


def test_a_block_tells_what_it_holds_without_being_unpacked(journal: SqliteJournal) -> None:
    journal.commit(Batch(readings=some_readings(1, count=10)))
    row = journal._conn.execute("SELECT asset_count, first, last, readings FROM reading_block").fetchone()
    assert row == (3, NOON, NOON + 9, 10)
