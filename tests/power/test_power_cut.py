"""A journal whose power is cut anywhere holds what was reported, once and whole (G1); the judge finds one that lies."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from edge_agent.errors import StoreError
from edge_agent.store.database import StoreSettings
from edge_agent.store.journal import SqliteJournal, open_journal
from tests.crash.journal_writer import READINGS
from tests.crash.test_journal_kill import numbers
from tests.power.judge import SEED, Cut, judge
from tests.power.recording import ROOT, Recording, begin
from tests.power.writer import batch

COMMITS = 300
DAMAGED = b"no database, but long enough for one " * 200


def write(recording: Recording, commits: int, *options: str) -> None:
    """Let a recorded writer commit so many batches."""
    path = recording.folder / "state" / "journal.db"
    command = [sys.executable, "-m", "tests.power.writer", str(path), str(SEED), str(commits), *options]
    subprocess.run(command, cwd=ROOT, env=recording.environment(), check=True, timeout=200, stdout=subprocess.DEVNULL)


def committed_by(cut: Cut) -> tuple[set[int], int]:
    """The batches that were reported as committed, and up to which verdicts may be gone."""
    said = [line.split() for line in cut.said()]
    committed = {int(line[1]) for line in said if line[0] == "committed"}
    return committed, max((int(line[1]) for line in said if line[0] == "forgets"), default=0)


def reported_is_there(cut: Cut) -> Iterator[str]:
    """What breaks the promise: all that was reported is there once, nothing is damaged, and work goes on."""
    try:
        with closing(open_journal(StoreSettings(path=cut.folder / "state" / "journal.db", reserve_bytes=0))) as journal:
            if journal.quarantined is not None:
                yield f"the file was set aside as {journal.quarantined.name}"
            yield from not_whole(journal, *committed_by(cut))
            journal.commit(batch(10_000))
    except (StoreError, sqlite3.Error, ValueError) as error:  # a number may be garbage
        yield str(error)


def not_whole(journal: SqliteJournal, committed: set[int], forgotten: int) -> Iterator[str]:
    """What is missing, torn or repeated in a journal."""
    conn = journal._conn
    if (found := conn.execute("PRAGMA integrity_check").fetchall()) != [("ok",)]:
        yield f"integrity_check: {found[0][0]}"
    readings = Counter(int(r.value) for _, block in journal.readings_since(0) for r in block)
    yield from differences(readings, committed, READINGS, "readings")
    for column, table in (("text", "log_line"), ("alarm_id", "alarm_event"), ("key", "outbox")):
        yield from differences(numbers(journal, column, table), committed, 1, table)
    kept = {number for number in committed if number > forgotten}
    yield from differences(numbers(journal, "text", "verdict"), kept, 1, "verdict")
    newest = int(journal.states().get("newest", b"0"))
    if newest != max(readings, default=0):
        yield f"state: the newest is {newest}, the newest readings are of {max(readings, default=0)}"


def differences(found: Counter[int], committed: set[int], times: int, what: str) -> Iterator[str]:
    """What of a table is lost, repeated or half there; what was not reported yet is there whole or not at all."""
    lost = sorted(number for number in committed if found[number] < times)
    if lost:
        yield f"{what}: {len(lost)} of {len(committed)} reported batches are lost, the first is {lost[0]}"
    strange = sorted(n for n, count in found.items() if count > times or (count < times and n not in committed))
    if strange:
        yield f"{what}: {found[strange[0]]} of batch {strange[0]} are there instead of {times}"


def test_what_was_reported_survives_a_power_cut_at_any_moment(shim: Path, place: Path) -> None:
    recording = begin(shim, place / "disk")
    write(recording, COMMITS)

    findings = judge(recording, reported_is_there)

    assert not findings, "\n".join(map(str, findings))


def test_the_judge_finds_what_a_journal_without_syncs_loses(shim: Path, place: Path) -> None:
    recording = begin(shim, place / "disk")
    write(recording, 60, "--careless")

    findings = judge(recording, reported_is_there, count=30)

    assert any("reported batches are lost" in finding.what for finding in findings)
    for state in place.glob("*-cut-*"):  # what breaks a promise is kept to be looked at; here it was asked for
        shutil.rmtree(state)


def damage_is_kept(cut: Cut) -> Iterator[str]:
    """What breaks the promise: the damaged file is kept as evidence, and what was reported since is there."""
    state = cut.folder / "state"
    if not any(path.read_bytes() == DAMAGED for path in state.iterdir()):
        yield f"the damaged file is gone: {sorted(path.name for path in state.iterdir())}"
    try:
        with closing(open_journal(StoreSettings(path=state / "journal.db", reserve_bytes=0))) as journal:
            committed, forgotten = committed_by(cut)
            if journal.quarantined is not None and committed:
                yield f"a journal with commits was set aside as {journal.quarantined.name}"
            yield from not_whole(journal, committed, forgotten)
    except (StoreError, sqlite3.Error, ValueError) as error:  # a number may be garbage
        yield str(error)


def test_a_cut_while_a_damaged_file_is_set_aside_loses_neither_it_nor_what_comes_after(shim: Path, place: Path) -> None:
    state = place / "disk" / "state"
    state.mkdir(parents=True)
    (state / "journal.db").write_bytes(DAMAGED)
    recording = begin(shim, place / "disk")
    write(recording, 5)

    findings = judge(recording, damage_is_kept)

    assert not findings, "\n".join(map(str, findings))
