"""A journal whose writer is killed again and again holds every batch that was reported, once and whole (G1, G2)."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from edge_agent.store import quarantine
from edge_agent.store.database import StoreSettings
from edge_agent.store.journal import SqliteJournal, open_journal
from tests.crash.journal_writer import READINGS

CYCLES = 8
MAX_COMMITS = 40  # before a kill
ROOT = Path(__file__).parents[2]


def write_until_killed(path: Path, first: int, commits: int) -> int:
    """The last number that was reported by a writer killed after so many commits, while it goes on committing."""
    command = [sys.executable, "-m", "tests.crash.journal_writer", str(path), str(first)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        reported = [writer.stdout.readline() for _ in range(commits)]
        writer.kill()
        reported += writer.stdout.readlines()  # what it said between our last look and its end
    assert all(line.endswith("\n") for line in reported), "the writer ended by itself"
    return int(reported[-1])


def numbers(journal: SqliteJournal, column: str, table: str) -> Counter[int]:
    """How often each number stands in a column."""
    rows = journal._conn.execute(f"SELECT {column} FROM {table}").fetchall()  # noqa: S608 - of this file
    return Counter(int(text.replace("-", " ").split()[-1]) for (text,) in rows)


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """A journal whose writer was killed in every cycle, and the last number that was reported."""
    rng = random.Random(1)  # which commits are followed by a kill; when exactly is up to the machine
    path = tmp_path_factory.mktemp("killed") / "journal.db"
    last = 0
    for _ in range(CYCLES):
        first = last + 1
        last = write_until_killed(path, first, rng.randint(1, MAX_COMMITS))
        assert not quarantine.closed_cleanly(path)
        with closing(open_journal(StoreSettings(path=path, reserve_bytes=0))) as journal:
            assert journal.quarantined is None
            last_written = int(journal.states()["newest"])
        assert last_written in (last, last + 1)  # committed, but killed before it could be said
        last = last_written
    return path, last


def test_every_batch_is_there_once_and_whole(killed: tuple[Path, int]) -> None:
    path, last = killed
    once = Counter(range(1, last + 1))
    with closing(open_journal(StoreSettings(path=path, reserve_bytes=0))) as journal:
        readings = Counter(int(r.value) for _, block in journal.readings_since(0) for r in block)
        assert readings == Counter(dict.fromkeys(once, READINGS))
        for column, table in (
            ("text", "log_line"),
            ("text", "verdict"),
            ("alarm_id", "alarm_event"),
            ("key", "outbox"),
        ):
            assert numbers(journal, column, table) == once, table
        assert journal.seen() == {1: last.to_bytes(8, "big")}


def test_what_was_marked_as_sent_is_what_the_last_commit_knew(killed: tuple[Path, int]) -> None:
    path, last = killed
    with closing(open_journal(StoreSettings(path=path, reserve_bytes=0))) as journal:
        unsent = journal._conn.execute("SELECT key FROM outbox WHERE sent IS NULL").fetchall()
        assert unsent == [(f"key-{last}",)]
        assert journal._conn.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
