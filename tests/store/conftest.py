"""Settings and journals in a folder of their own."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.store.database import StoreSettings
from edge_agent.store.journal import SqliteJournal, open_journal

NOBODY = 65534


@pytest.fixture
def settings(tmp_path: Path) -> StoreSettings:
    return StoreSettings(path=tmp_path / "journal.db", reserve_bytes=0)


@pytest.fixture
def journal(settings: StoreSettings) -> Iterator[SqliteJournal]:
    opened = open_journal(settings)
    yield opened
    opened.close()


@pytest.fixture
def as_nobody() -> Iterator[Path]:
    """A folder that everybody may enter, and a process without the rights of root while the test runs."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    mine = os.geteuid()
    if mine == 0:
        os.chown(folder, NOBODY, NOBODY)
        os.seteuid(NOBODY)
    try:
        yield folder
    finally:
        os.seteuid(mine)
        shutil.rmtree(folder)
