"""Commands left beside the journal."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge_agent.errors import StoreError
from edge_agent.store.spool import MOST, MOST_BYTES, FileSpool, leave, spool_folder


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Where a journal lies."""
    return tmp_path / "agent.db"


def test_a_command_waits_until_it_is_done(journal: Path) -> None:
    leave(journal, "ack", "r-1", b'{"alarm": "x"}')
    spool = FileSpool(journal)
    [(entry, name, payload)] = spool.waiting()

    assert (name, payload) == ("ack", b'{"alarm": "x"}')
    assert len(spool.waiting()) == 1
    spool.done(entry)
    assert spool.waiting() == []
    spool.done(entry)


def test_the_oldest_comes_first(journal: Path) -> None:
    for number, age in (("a", 1), ("b", 3), ("c", 2)):
        os.utime(leave(journal, "ack", number, b"{}"), (1000 - age, 1000 - age))

    assert [entry for entry, _, _ in FileSpool(journal).waiting()] == ["ack.b.json", "ack.c.json", "ack.a.json"]


def test_what_is_still_being_written_is_no_command(journal: Path) -> None:
    spool = FileSpool(journal)
    (spool_folder(journal) / ".half").write_bytes(b"{")
    (spool_folder(journal) / "ack.folder.json").mkdir()

    assert spool.waiting() == []


def test_a_flood_of_files_and_a_huge_one_are_looked_at_in_parts(journal: Path) -> None:
    for number in range(MOST + 5):
        leave(journal, "ack", f"r-{number}", b"x" * (MOST_BYTES + 1))
    found = FileSpool(journal).waiting()

    assert len(found) == MOST
    assert {len(payload) for _, _, payload in found} == {MOST_BYTES}


def test_a_folder_that_cannot_be_read_holds_nothing(journal: Path) -> None:
    spool_folder(journal).write_bytes(b"")

    assert FileSpool(journal).waiting() == []


def test_a_file_that_cannot_be_read_stops_no_other(journal: Path, caplog: pytest.LogCaptureFixture) -> None:
    leave(journal, "ack", "r-1", b"{}")
    gone = leave(journal, "ack", "r-2", b"{}")
    spool = FileSpool(journal)
    before = Path.open

    def refusing(path: Path, *arguments: str) -> object:
        if path.name == gone.name:
            raise PermissionError(13, "Permission denied")
        return before(path, *arguments)  # type: ignore[call-overload]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "open", refusing)
        found = spool.waiting()

    assert [entry for entry, _, _ in found] == ["ack.r-1.json"]
    assert "command_unreadable" in caplog.text


def test_a_place_that_cannot_be_written_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="command for") as raised:
        leave(tmp_path / "nowhere" / "agent.db", "ack", "r-1", b"{}")

    assert "root" in raised.value.hint
