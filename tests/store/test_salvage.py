"""What can still be read of a damaged journal is in the new one: the agent goes on where it was (G4)."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from edge_agent.ports import Batch
from edge_agent.store import quarantine
from edge_agent.store.database import StoreSettings, open_database
from edge_agent.store.journal import SqliteJournal, open_journal
from edge_agent.store.salvage import salvage
from tests.crash.journal_writer import READINGS
from tests.store.journal_values import noise, some_command, some_log, some_message, some_readings
from tests.store.test_damage import PAGE, page_of, write_some
from tests.store.test_database import works

BATCHES = 40


def spoil(path: Path, page: int) -> None:
    """Overwrite a page of a closed file, and leave word that it is damaged."""
    with path.open("r+b") as file:
        file.seek((page - 1) * PAGE)
        file.write(b"\xff" * PAGE)
    quarantine.mark_damaged(path)


_DYING = """
import os, signal, sqlite3, sys
from pathlib import Path
from edge_agent.store import journal, salvage
from edge_agent.store.database import StoreSettings

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

save = salvage._save
moment = sys.argv[2]
if moment == "file is moved":
    journal.salvage = die
elif moment == "states are saved":
    salvage._save = lambda part, *rest: die() if part.table == "outbox" else save(part, *rest)
else:
    journal.take_note_away = die
journal.open_journal(StoreSettings(path=Path(sys.argv[1]), reserve_bytes=0))
"""


def die_in_salvage(path: Path, moment: str) -> int:
    """Open a damaged journal in a process that is killed while it saves; how that ended."""
    return subprocess.run([sys.executable, "-c", _DYING, str(path), moment], check=False).returncode


def unsent(journal: SqliteJournal) -> list[str]:
    """Keys of the messages that wait, in order."""
    return [key for (key,) in journal._conn.execute("SELECT key FROM outbox WHERE sent IS NULL ORDER BY id")]


def test_states_messages_marks_log_lines_alarms_and_readings_go_on_in_the_new_file(settings: StoreSettings) -> None:
    write_some(settings, BATCHES)
    spoil(settings.path, page_of(settings.path, "an index page"))
    with closing(open_journal(settings)) as journal:
        assert journal.set_aside is not None
        assert journal.states() == {"newest": str(BATCHES).encode()}
        assert unsent(journal) == [f"key-{BATCHES}"]
        assert journal.seen() == {1: BATCHES.to_bytes(8, "big")}
        assert journal.recent_logs(0.0) == [some_log(number) for number in range(1, BATCHES + 1)]
        assert [r for _, block in journal.readings_since(0) for r in block] == [
            r for number in range(1, BATCHES + 1) for r in some_readings(number, READINGS)
        ]
        assert journal._conn.execute("SELECT count(*) FROM alarm_event").fetchone() == (BATCHES,)
        assert journal._conn.execute("SELECT count(*) FROM verdict").fetchone() == (0,)  # history stays where it is
        assert journal._conn.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert works(settings)


def test_what_people_asked_for_and_whom_its_answer_is_for_go_on_in_the_new_file(settings: StoreSettings) -> None:
    """A repeat of a command is known again, and its label counts."""
    asked = some_command("r-1", label="false")
    answer = some_message("answer")._replace(correlation=b"id")
    with closing(open_journal(settings)) as journal:
        journal.commit(Batch(commands=[asked], outgoing=[some_message("alarm"), answer]))
    spoil(settings.path, page_of(settings.path, "an index page"))
    with closing(open_journal(settings)) as journal:
        assert journal.set_aside is not None
        assert journal.command("r-1") == asked
        assert journal._conn.execute("SELECT id, key, correlation FROM outbox ORDER BY id").fetchall() == [
            (1, "alarm", None),
            (2, "answer", b"id"),
        ]


def test_rows_on_both_sides_of_a_damaged_page_are_saved(settings: StoreSettings) -> None:
    count = 60
    with closing(open_journal(settings)) as journal:
        for _ in range(count):
            journal.commit(Batch(readings=noise(300)))
    with closing(open_journal(settings)) as journal:
        leaves = journal._conn.execute("SELECT pageno FROM dbstat WHERE name = 'reading_block' AND pagetype = 'leaf'")
        middle = sorted(page for (page,) in leaves)[10]
    spoil(settings.path, middle)
    with closing(open_journal(settings)) as journal:
        saved = [block for block, readings in journal.readings_since(0) if readings]
    assert saved[0] == 1
    assert saved[-1] == count
    assert count - 10 < len(saved) < count


def test_only_the_readings_after_the_snapshot_are_taken_along(settings: StoreSettings) -> None:
    write_some(settings, BATCHES)
    with closing(open_journal(settings)) as journal:
        journal.commit(Batch(states={"tracks_block": b"30"}))
    spoil(settings.path, page_of(settings.path, "an index page"))
    with closing(open_journal(settings)) as journal:
        assert [block for block, _ in journal.readings_since(0)] == list(range(31, BATCHES + 1))
        assert journal.states()["tracks_block"] == b"30"


def test_new_readings_are_never_taken_for_those_inside_a_snapshot(settings: StoreSettings) -> None:
    """Their blocks are numbered from where the saved ones end, so the snapshot's number must not lie beyond that."""
    write_some(settings, BATCHES)
    with closing(open_journal(settings)) as journal:
        journal.commit(Batch(states={"tracks_block": b"40"}))
    spoil(settings.path, page_of(settings.path, "a page of readings"))
    with closing(open_journal(settings)) as journal:
        snapshot = int(journal.states()["tracks_block"])
        journal.commit(Batch(readings=some_readings(99)))
        assert [block for _, block in journal.readings_since(snapshot)] == [some_readings(99)]


@pytest.mark.parametrize("content", [b"no database, but long enough for one " * 200, b""])
def test_of_a_file_that_is_no_database_nothing_is_saved_and_work_goes_on(
    settings: StoreSettings, content: bytes
) -> None:
    settings.path.write_bytes(content)
    quarantine.mark_damaged(settings.path)
    assert works(settings)


def test_the_file_set_aside_stays_as_it_was(settings: StoreSettings) -> None:
    write_some(settings, BATCHES)
    spoil(settings.path, page_of(settings.path, "an index page"))
    content = settings.path.read_bytes()
    with closing(open_journal(settings)) as journal:
        assert journal.quarantined is not None
        assert journal.quarantined.read_bytes() == content


def test_readings_whose_names_are_lost_are_never_read_as_those_of_others(settings: StoreSettings) -> None:
    """A number whose name is lost is given anew, to the first channel that comes."""
    with closing(open_journal(settings)) as journal:
        journal.commit(Batch(readings=noise(10)))
    spoil(settings.path, page_of(settings.path, "the names of channels"))
    with closing(open_journal(settings)) as journal:
        newcomer = some_readings(1)[0]._replace(channel="newcomer")
        journal.commit(Batch(readings=[newcomer]))
        assert [r for _, block in journal.readings_since(0) for r in block] == [newcomer]


@pytest.mark.parametrize("moment", ["file is moved", "states are saved", "all is saved"])
def test_a_stop_while_saving_costs_another_try_and_nothing_else(settings: StoreSettings, moment: str) -> None:
    write_some(settings, BATCHES)
    spoil(settings.path, page_of(settings.path, "an index page"))
    assert die_in_salvage(settings.path, moment) == -signal.SIGKILL
    with closing(open_journal(settings)) as journal:
        assert journal.set_aside is not None
        assert journal.set_aside.reason == "met while running"
        assert journal.states() == {"newest": str(BATCHES).encode()}
        assert unsent(journal) == [f"key-{BATCHES}"]
        assert len(journal.readings_since(0)) == BATCHES
    with closing(open_journal(settings)) as journal:
        assert journal.set_aside is None


def test_what_was_saved_and_sent_does_not_come_again(settings: StoreSettings) -> None:
    write_some(settings, BATCHES)
    spoil(settings.path, page_of(settings.path, "an index page"))
    with closing(open_journal(settings)) as journal:
        journal.commit(Batch(sent=[BATCHES]))
    with closing(open_journal(settings)) as journal:
        assert unsent(journal) == []


def test_a_saving_that_ends_the_process_each_time_is_given_up(settings: StoreSettings) -> None:
    write_some(settings, BATCHES)
    spoil(settings.path, page_of(settings.path, "an index page"))
    for _ in range(3):
        assert die_in_salvage(settings.path, "file is moved") == -signal.SIGKILL
    with closing(open_journal(settings)) as journal:
        assert journal.set_aside is not None
        assert journal.states() == {}
    assert works(settings)


def test_a_file_that_is_damaged_while_another_waits_to_be_saved_does_not_take_its_place(
    settings: StoreSettings,
) -> None:
    write_some(settings, BATCHES)
    spoil(settings.path, page_of(settings.path, "an index page"))
    die_in_salvage(settings.path, "file is moved")
    quarantine.mark_damaged(settings.path)
    with closing(open_journal(settings)) as journal:
        assert journal.states() == {"newest": str(BATCHES).encode()}


@pytest.mark.parametrize("told", ["", "gone.bad-1\n0\nreason", "../x\nmany\nreason", "journal.db\n\xff"])
def test_a_note_that_says_nothing_useful_is_passed_over(settings: StoreSettings, told: str) -> None:
    settings.path.with_name("journal.db.unsaved").write_text(told, encoding="latin-1")
    assert works(settings)


def test_saving_gives_up_when_its_time_is_over(settings: StoreSettings, tmp_path: Path) -> None:
    write_some(settings, BATCHES)
    with closing(open_database(StoreSettings(path=tmp_path / "new.db"))[0]) as db:
        assert salvage(settings.path, db.conn, limit_s=-1.0) < BATCHES
