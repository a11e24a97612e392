"""Damage of every kind to the files of a journal, stopped and in use: it costs one restart at most, never more (G4)."""

from __future__ import annotations

import random
import shutil
import sqlite3
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from edge_agent.errors import StoreError
from edge_agent.ports import Batch
from edge_agent.store import quarantine
from edge_agent.store.database import StoreSettings
from edge_agent.store.journal import open_journal
from edge_agent.store.outbox import open_outbox
from tests.crash.journal_writer import numbered_batch
from tests.store.journal_values import some_readings
from tests.store.test_database import leave_without_closing, works

PAGE = 4096
FLIPS = 12  # a page
PLACES = {  # what of the file → where its root page is found
    "schema": "SELECT 1",
    "a page of readings": "SELECT rootpage FROM sqlite_master WHERE name = 'reading_block'",
    "an index page": "SELECT rootpage FROM sqlite_master WHERE name LIKE 'idx_outbox_key%'",
    "a page of the outbox": "SELECT rootpage FROM sqlite_master WHERE name = 'outbox'",
    "the names of channels": "SELECT rootpage FROM sqlite_master WHERE name = 'channel'",
    "a page of states": "SELECT rootpage FROM sqlite_master WHERE name = 'state'",
}


def write_some(settings: StoreSettings, batches: int = 40) -> None:
    """A closed journal with rows in every table."""
    with closing(open_journal(settings)) as journal:
        for number in range(1, batches + 1):
            journal.commit(numbered_batch(number))


def page_of(path: Path, place: str) -> int:
    """Number of the page, from 1."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)) as conn:
        page: int = conn.execute(PLACES[place]).fetchone()[0]
        return page


def flip(path: Path, place: int, bit: int) -> None:
    """Flip one bit of a file."""
    with path.open("r+b") as file:
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ (1 << bit)]))


def fault_of(settings: StoreSettings) -> StoreError | None:
    """Why a journal cannot be opened and written now, or None."""
    try:
        assert works(settings)
    except StoreError as error:
        return error
    return None


def costs_one_restart_at_most(settings: StoreSettings) -> None:
    """Fail unless the journal works now, or says that it is damaged and works the next time."""
    fault = fault_of(settings)
    if fault is not None:
        assert fault.damaged, fault
        assert works(settings)


def log_of(path: Path) -> Path:
    """The write-ahead log."""
    return path.with_name(f"{path.name}-wal")


# ---------------------------------------------------------------------------------------------------- while stopped


@pytest.mark.parametrize(("kept", "aside"), [(0, False), (100, True), (PAGE, True), (PAGE * 9 + 17, True)])
def test_a_truncated_file_is_set_aside_and_an_empty_one_begun_anew(
    settings: StoreSettings,
    kept: int,
    aside: bool,  # noqa: FBT001 - a column of the table above
) -> None:
    write_some(settings)
    content = settings.path.read_bytes()[:kept]
    settings.path.write_bytes(content)
    assert works(settings)
    assert [path.read_bytes() for path in quarantine.files_set_aside(settings.path)] == [content] * aside


@pytest.mark.parametrize("place", PLACES)
def test_a_flipped_bit_costs_one_restart_at_most(settings: StoreSettings, tmp_path: Path, place: str) -> None:
    write_some(settings)
    begin = (page_of(settings.path, place) - 1) * PAGE
    rng = random.Random(place)
    for number in range(FLIPS):
        case = replace(settings, path=tmp_path / str(number) / "journal.db")
        case.path.parent.mkdir()
        shutil.copyfile(settings.path, case.path)
        flip(case.path, begin + rng.randrange(PAGE), rng.randrange(8))
        costs_one_restart_at_most(case)


def test_a_lost_log_loses_what_was_in_it_and_no_more(settings: StoreSettings) -> None:
    write_some(settings, batches=1)
    leave_without_closing(settings.path)
    log_of(settings.path).unlink()
    with closing(open_journal(settings)) as journal:
        assert journal.quarantined is None
        assert journal.last_block() == 1
    assert works(settings)


def test_a_lost_log_of_a_new_file_leaves_a_new_file(settings: StoreSettings) -> None:
    leave_without_closing(settings.path)  # every table is in the log still
    log_of(settings.path).unlink()
    assert works(settings)
    assert quarantine.files_set_aside(settings.path) == []


def test_the_log_of_another_journal_costs_one_restart_at_most(settings: StoreSettings, tmp_path: Path) -> None:
    """SQLite cannot tell whose log it is (sqlite.org/howtocorrupt.html, 1.4): the pages of two files are mixed."""
    other = tmp_path / "other.db"
    write_some(settings)
    leave_without_closing(other)
    shutil.copyfile(log_of(other), log_of(settings.path))
    costs_one_restart_at_most(settings)


def test_a_log_that_is_no_log_is_passed_over(settings: StoreSettings) -> None:
    write_some(settings, batches=2)
    log_of(settings.path).write_bytes(b"\xff" * 40_000)
    with closing(open_journal(settings)) as journal:
        assert journal.quarantined is None
        assert journal.last_block() == 2


def test_an_index_of_the_log_that_is_none_is_made_anew(settings: StoreSettings) -> None:
    leave_without_closing(settings.path)
    settings.path.with_name("journal.db-shm").write_bytes(b"\xff" * 32768)
    with closing(open_journal(settings)) as journal:
        assert journal.quarantined is None
        assert journal.readings_since(0)[0][1] == some_readings(1)


def test_a_rollback_journal_that_is_none_is_passed_over(settings: StoreSettings) -> None:
    write_some(settings, batches=2)
    settings.path.with_name("journal.db-journal").write_bytes(b"\xff" * 5000)
    with closing(open_journal(settings)) as journal:
        assert journal.quarantined is None
        assert journal.last_block() == 2


def test_a_file_whose_making_was_cut_short_is_made_to_its_end(settings: StoreSettings, tmp_path: Path) -> None:
    """Until the write-ahead log is on there is a rollback journal; a reader without write access is refused."""
    maker = tmp_path / "maker.db"
    with closing(sqlite3.connect(maker)) as conn:
        conn.execute("PRAGMA auto_vacuum = INCREMENTAL")
        conn.execute("CREATE TABLE first(text)")
        conn.execute("DROP TABLE first")
        conn.commit()
        conn.execute("PRAGMA cache_size = 1")
        conn.execute("BEGIN")
        conn.execute("CREATE TABLE half(text)")
        conn.executemany("INSERT INTO half VALUES (?)", (("x" * 3000,) for _ in range(50)))  # spills before its commit
        shutil.copyfile(maker, settings.path)
        shutil.copyfile(maker.with_name("maker.db-journal"), settings.path.with_name("journal.db-journal"))
    assert works(settings)
    assert quarantine.files_set_aside(settings.path) == []


# ---------------------------------------------------------------------------------------------------- while in use


@pytest.mark.parametrize("place", PLACES)
def test_a_flipped_bit_in_a_file_in_use_costs_one_restart_at_most(
    settings: StoreSettings, tmp_path: Path, place: str
) -> None:
    write_some(settings)
    begin = (page_of(settings.path, place) - 1) * PAGE
    rng = random.Random(place)
    for number in range(FLIPS):
        case = replace(settings, path=tmp_path / str(number) / "journal.db")
        case.path.parent.mkdir()
        shutil.copyfile(settings.path, case.path)
        with closing(open_journal(case)) as journal:
            flip(case.path, begin + rng.randrange(PAGE), rng.randrange(8))
            journal._conn.execute(
                "PRAGMA shrink_memory"
            ).fetchall()  # or the page is in the cache and the flip not seen
            with suppress(StoreError):
                journal.commit(Batch(readings=some_readings(7)))
            damaged = journal.damaged
        if not damaged:
            costs_one_restart_at_most(case)
            continue
        with closing(open_journal(case)) as journal:
            assert journal.set_aside is not None
            assert journal.set_aside.reason == "met while running"
        assert works(case)


def test_damage_that_the_publisher_meets_is_said_to_be_damage(settings: StoreSettings) -> None:
    """The next start would open the file, find nothing, and end at the same page again."""
    write_some(settings)
    begin = (page_of(settings.path, "a page of the outbox") - 1) * PAGE
    with settings.path.open("r+b") as file:
        file.seek(begin)
        file.write(b"\xff" * PAGE)
    with closing(open_outbox(settings.path)) as outbox, pytest.raises(StoreError, match="malformed") as raised:
        outbox.pending(after=frozenset(), limit=16)
    assert raised.value.damaged
