"""Opening: what is made, what is set aside, what is left alone, and what the connection promises (G1, G3, G4)."""

from __future__ import annotations

import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from edge_agent.errors import StoreError
from edge_agent.ports import Batch
from edge_agent.store import database, quarantine
from edge_agent.store.database import StoreSettings
from edge_agent.store.journal import SqliteJournal, open_journal
from tests.store.journal_values import some_readings

LEAVE_A_LOG = """
import os, sys
from pathlib import Path
from edge_agent.store.database import StoreSettings
from edge_agent.store.journal import open_journal
from edge_agent.ports import Batch
from tests.store.journal_values import some_readings
journal = open_journal(StoreSettings(path=Path(sys.argv[1]), reserve_bytes=0))
journal.commit(Batch(readings=some_readings(1)))
os._exit(0)
"""
ROOT = Path(__file__).parents[2]


def pragma(journal: SqliteJournal, name: str) -> int | str:
    value: int | str = journal._conn.execute(f"PRAGMA {name}").fetchall()[0][0]
    return value


def write_one(settings: StoreSettings) -> None:
    with closing(open_journal(settings)) as journal:
        journal.commit(Batch(readings=some_readings(1)))


def leave_without_closing(path: Path) -> None:
    subprocess.run([sys.executable, "-c", LEAVE_A_LOG, str(path)], cwd=ROOT, check=True, timeout=60)


def works(settings: StoreSettings) -> bool:
    """Whether a journal can be opened and written now."""
    with closing(open_journal(settings)) as journal:
        before = journal.last_block()
        journal.commit(Batch(readings=some_readings(2)))
        return journal.last_block() == before + 1


# ---------------------------------------------------------------------------------------------------- made


def test_a_missing_folder_is_made_for_its_owner_only(tmp_path: Path) -> None:
    settings = StoreSettings(path=tmp_path / "var" / "agent" / "journal.db", reserve_bytes=0)
    assert works(settings)
    assert settings.path.parent.stat().st_mode & 0o777 == 0o700


def test_every_commit_is_synced_and_the_size_is_capped(journal: SqliteJournal) -> None:
    assert pragma(journal, "journal_mode") == "wal"
    assert pragma(journal, "synchronous") == 2  # FULL
    assert pragma(journal, "auto_vacuum") == 2  # INCREMENTAL
    assert pragma(journal, "max_page_count") == (1 << 30) // 4096
    assert pragma(journal, "journal_size_limit") == 4 << 20
    assert pragma(journal, "busy_timeout") == 5000


def test_the_cap_is_set_again_on_every_opening(settings: StoreSettings) -> None:
    write_one(settings)
    with closing(open_journal(replace(settings, max_bytes=1 << 20))) as journal:
        assert pragma(journal, "max_page_count") == 256


def test_a_lowered_cap_never_refuses_a_larger_file(settings: StoreSettings) -> None:
    write_one(settings)
    assert open_journal(replace(settings, max_bytes=4096)).last_block() == 1


def test_a_new_journal_has_nothing_quarantined(journal: SqliteJournal) -> None:
    assert journal.quarantined is None
    assert not journal.damaged


def test_an_empty_file_is_begun_as_a_new_journal(settings: StoreSettings) -> None:
    settings.path.touch()
    assert works(settings)


# ---------------------------------------------------------------------------------------------------- kept


def test_a_closed_journal_leaves_no_log(settings: StoreSettings) -> None:
    write_one(settings)
    assert quarantine.closed_cleanly(settings.path)
    assert [p.name for p in settings.path.parent.iterdir()] == ["journal.db"]


def test_what_was_committed_is_there_after_a_stop_without_closing(settings: StoreSettings) -> None:
    leave_without_closing(settings.path)
    assert not quarantine.closed_cleanly(settings.path)
    with closing(open_journal(settings)) as journal:
        assert journal.quarantined is None
        assert journal.readings_since(0)[0][1] == some_readings(1)


def test_a_journal_can_be_handed_to_another_thread(journal: SqliteJournal) -> None:
    def use() -> None:
        journal.commit(Batch(readings=some_readings(1)))

    from threading import Thread  # noqa: PLC0415 - the one test with a thread

    thread = Thread(target=use)
    thread.start()
    thread.join()
    assert journal.last_block() == 1


# ---------------------------------------------------------------------------------------------------- damaged


def overwrite(path: Path) -> None:
    path.write_bytes(b"no database, but long enough for one " * 200)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def zero_a_page(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4096 * 3 : 4096 * 4] = bytes(4096)
    path.write_bytes(bytes(data))


def flip_the_schema(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[100:200] = bytes(byte ^ 0xFF for byte in data[100:200])
    path.write_bytes(bytes(data))


def spoil(path: Path, table: str) -> None:
    """Overwrite the first page of a table in a file that was closed."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)) as conn:
        root = conn.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()[0]
    with path.open("r+b") as file:
        file.seek(4096 * (root - 1))
        file.write(b"\xff" * 4096)


@pytest.mark.parametrize("damage", [overwrite, truncate, flip_the_schema])
def test_a_damaged_file_is_set_aside_and_work_goes_on(settings: StoreSettings, damage: Callable[[Path], None]) -> None:
    write_one(settings)
    damage(settings.path)
    content = settings.path.read_bytes()
    with closing(open_journal(settings)) as journal:
        bad = journal.quarantined
        journal.commit(Batch(readings=some_readings(2)))
        assert journal.readings_since(0)[-1][1] == some_readings(2)
    assert bad is not None
    assert bad.name.startswith("journal.db.bad-2")
    assert bad.read_bytes() == content
    with closing(open_journal(settings)) as journal:
        assert journal.quarantined is None


def test_damage_in_a_file_that_was_not_closed_is_found_at_once(settings: StoreSettings) -> None:
    write_one(settings)
    leave_without_closing(settings.path)
    zero_a_page(settings.path)
    with closing(open_journal(settings)) as journal:
        assert journal.quarantined is not None
    assert works(settings)


def test_a_file_torn_by_a_cut_in_a_checkpoint_is_whole_again_from_its_log(settings: StoreSettings) -> None:
    leave_without_closing(settings.path)  # every page is in the log still
    overwrite(settings.path)
    with closing(open_journal(settings)) as journal:
        assert journal.quarantined is None
        assert journal.readings_since(0)[0][1] == some_readings(1)


def test_the_log_of_a_damaged_file_goes_with_it(settings: StoreSettings) -> None:
    write_one(settings)
    leave_without_closing(settings.path)
    log = settings.path.with_name("journal.db-wal")
    content = log.read_bytes()
    overwrite(settings.path)
    with closing(open_journal(settings)) as journal:
        bad = journal.quarantined
    assert bad is not None
    assert bad.with_name(f"{bad.name}-wal").read_bytes() == content


def test_damage_met_while_running_is_set_aside_at_the_next_start(settings: StoreSettings) -> None:
    write_one(settings)
    spoil(settings.path, "reading_block")
    with closing(open_journal(settings)) as journal:
        assert journal.quarantined is None  # closed cleanly, so not looked through
        with pytest.raises(StoreError, match="malformed") as raised:
            journal.commit(Batch(readings=some_readings(1)))
        assert "restart" in raised.value.hint
        assert journal.damaged
    with closing(open_journal(settings)) as journal:
        assert journal.quarantined is not None
        journal.commit(Batch(readings=some_readings(1)))
    assert works(settings)


def test_damage_met_while_opening_is_set_aside_at_the_next_start(settings: StoreSettings) -> None:
    write_one(settings)
    spoil(settings.path, "asset")
    with pytest.raises(StoreError, match="malformed") as raised:
        open_journal(settings)
    assert "restart" in raised.value.hint
    with closing(open_journal(settings)) as journal:
        assert journal.quarantined is not None
    assert works(settings)


def test_a_block_on_a_damaged_page_is_passed_over(settings: StoreSettings, caplog: pytest.LogCaptureFixture) -> None:
    write_one(settings)
    with closing(open_journal(settings)) as journal:
        found = journal.readings_since(0)
        spoil(settings.path, "reading_block")
        journal._conn.execute("PRAGMA shrink_memory").fetchall()  # or the page is still in the cache
        assert found[0] == (1, [])
    assert "store_block_damaged" in caplog.text


def test_a_marker_without_its_file_condemns_no_new_one(settings: StoreSettings) -> None:
    quarantine.mark_damaged(settings.path)
    write_one(settings)
    with closing(open_journal(settings)) as journal:
        assert journal.quarantined is None
        assert journal.last_block() == 1


def test_a_dying_card_is_not_filled_with_files_set_aside(settings: StoreSettings) -> None:
    newest = None
    for _ in range(quarantine.KEPT + 2):
        overwrite(settings.path)
        with closing(open_journal(settings)) as journal:
            newest = journal.quarantined
    bad = sorted(p for p in settings.path.parent.iterdir() if ".bad-" in p.name)
    assert len(bad) == quarantine.KEPT
    assert newest in bad


def test_a_flipped_byte_anywhere_stops_the_agent_at_most_once(settings: StoreSettings, tmp_path: Path) -> None:
    write_one(settings)
    whole = settings.path.read_bytes()
    rng = random.Random(7)
    for place in [*range(0, 100, 9), *(rng.randrange(100, len(whole)) for _ in range(40))]:
        case = replace(settings, path=tmp_path / f"case-{place}" / "journal.db")
        case.path.parent.mkdir()
        case.path.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << rng.randrange(8))]) + whole[place + 1 :])
        try:
            assert works(case)
        except StoreError:
            assert works(case), f"byte {place}"
        shutil.rmtree(case.path.parent)


def test_the_check_at_start_gives_up_when_its_time_is_over(journal: SqliteJournal) -> None:
    with journal._db.atomic():
        journal._conn.executemany(
            "INSERT INTO verdict(time, asset, risk, mode, mode_probability, status, historical, clock, text)"
            " VALUES (?, 'a', 0, 'none', 0, 'decided', 0, 'synced', 't')",
            ((float(n),) for n in range(20_000)),
        )
    assert quarantine.quick_check(journal._conn, limit_s=-1.0) == ""
    assert journal._conn.execute("SELECT count(*) FROM verdict").fetchone() == (20_000,)


# ---------------------------------------------------------------------------------------------------- not ours


def test_a_foreign_database_is_refused_and_left_alone(settings: StoreSettings) -> None:
    with closing(sqlite3.connect(settings.path)) as conn:
        conn.execute("CREATE TABLE payroll(name)")
    content = settings.path.read_bytes()
    with pytest.raises(StoreError, match="payroll") as raised:
        open_journal(settings)
    assert "path" in raised.value.hint
    assert settings.path.read_bytes() == content


def test_the_file_of_a_newer_agent_is_refused_and_never_touched(settings: StoreSettings) -> None:
    leave_without_closing(settings.path)
    with closing(database.open_database(settings)[0]) as db:
        db.execute(
            "INSERT INTO _sqlite_migrations(migration_set, name, applied_at) VALUES (?, '9999_later', '')",
            ["edge_agent.store"],
        )
        db.conn.commit()
        log = settings.path.with_name("journal.db-wal")
        content = settings.path.read_bytes(), log.read_bytes()
        kept = [settings.path.with_name("kept"), log.with_name("kept-wal")]
        for path, data in zip(kept, content, strict=True):
            path.write_bytes(data)
    with pytest.raises(StoreError, match="9999_later") as raised:
        open_journal(replace(settings, path=kept[0]))
    assert "newer version" in raised.value.hint
    assert (kept[0].read_bytes(), kept[1].read_bytes()) == content


def test_a_file_without_write_access_is_refused_with_a_hint(as_nobody: Path) -> None:
    settings = StoreSettings(path=as_nobody / "journal.db", reserve_bytes=0)
    write_one(settings)
    settings.path.chmod(0o444)
    with pytest.raises(StoreError, match=r"readonly|read-only") as raised:
        open_journal(settings)
    assert "write access" in raised.value.hint
    settings.path.chmod(0o644)
    with closing(open_journal(settings)) as journal:
        assert journal.last_block() == 1


def test_a_folder_without_write_access_is_refused_with_a_hint(as_nobody: Path) -> None:
    folder = as_nobody / "closed"
    folder.mkdir(mode=0o555)
    with pytest.raises(StoreError, match="unable to open") as raised:
        open_journal(StoreSettings(path=folder / "journal.db"))
    assert "write access" in raised.value.hint


def test_a_folder_that_cannot_be_entered_is_refused_with_a_hint(as_nobody: Path) -> None:
    folder = as_nobody / "closed"
    folder.mkdir(mode=0o000)
    with pytest.raises(StoreError, match="folder") as raised:
        open_journal(StoreSettings(path=folder / "journal.db"))
    assert raised.value.hint


def test_a_damaged_file_that_cannot_be_moved_is_refused_with_a_hint(as_nobody: Path) -> None:
    path = as_nobody / "journal.db"
    overwrite(path)
    as_nobody.chmod(0o555)
    with pytest.raises(StoreError, match="cannot be set aside") as raised:
        open_journal(StoreSettings(path=path))
    assert "by hand" in raised.value.hint


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="not a file"):
        open_journal(StoreSettings(path=tmp_path))


# ---------------------------------------------------------------------------------------------------- schema


def replaced(path: Path, old: bytes, new: bytes) -> None:
    content = path.read_bytes()
    assert old in content
    assert len(old) == len(new)
    path.write_bytes(content.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b'"work_order" TEXT', b'"work_urder" TEXT', "lost its column work_order"),
        (b'"asset_count" INTEGER', b'"asset_count" INT\xc5GER', "not text"),
        (b'TABLE "meta"', b'TABLE "mete"', "malformed"),
        (b'"migration_set" TEXT', b'"migration_sat" TEXT', "migration"),
        (b"0001_journal", b"0001_jourmal", "unknown migration '0001_jourmal'"),
        (b"0002_seen_block", b"0002_seen_blocj", "unknown migration '0002_seen_blocj'"),
    ],
)
def test_a_flipped_letter_in_the_schema_is_damage(
    settings: StoreSettings, caplog: pytest.LogCaptureFixture, old: bytes, new: bytes, reason: str
) -> None:
    write_one(settings)
    replaced(settings.path, old, new)
    assert works(settings)
    assert "store_quarantined" in caplog.text
    assert reason in caplog.text


@pytest.mark.parametrize(
    ("lost", "reason"),
    [
        ("0001_journal", "a migration is lost"),
        ("0002_seen_block", "a migration is lost"),
        ("0003_command", "table command is there before its migration"),
    ],
)
def test_a_list_of_migrations_that_disagrees_with_the_tables_is_damage(
    settings: StoreSettings, caplog: pytest.LogCaptureFixture, lost: str, reason: str
) -> None:
    """Applying what is there already would fail at every start."""
    write_one(settings)
    with closing(sqlite3.connect(settings.path)) as conn, conn:
        conn.execute("DELETE FROM _sqlite_migrations WHERE name = ?", (lost,))
    assert works(settings)
    assert "store_quarantined" in caplog.text
    assert reason in caplog.text


def test_a_journal_that_has_lost_a_table_is_damaged(settings: StoreSettings, caplog: pytest.LogCaptureFixture) -> None:
    write_one(settings)
    with closing(sqlite3.connect(settings.path)) as conn:
        conn.execute("DROP TABLE outbox")
    assert works(settings)
    assert "table outbox is lost" in caplog.text


def test_a_table_of_somebody_else_in_our_file_is_no_damage(settings: StoreSettings) -> None:
    write_one(settings)
    with closing(sqlite3.connect(settings.path)) as conn:
        conn.execute("CREATE TABLE notes(text)")
    with closing(open_journal(settings)) as journal:
        assert journal.quarantined is None
        assert journal.last_block() == 1


def test_a_start_cut_before_the_first_migration_is_taken_up_again(settings: StoreSettings) -> None:
    with closing(sqlite3.connect(settings.path)) as conn:
        conn.execute("PRAGMA journal_mode = WAL")
        conn.execute("CREATE TABLE _sqlite_migrations(id INTEGER PRIMARY KEY, migration_set, name, applied_at)")
    with closing(open_journal(settings)) as journal:
        assert journal.quarantined is None
    assert works(settings)
