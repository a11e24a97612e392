"""Commands left in a folder beside the journal: how `edge-agent ack` reaches the agent without broker or socket.

A command is one file, moved into place whole, and stays until what it asked for is written: it survives an agent that
is not running. Whoever may write into the folder may command the agent; the folder belongs to the agent's user.
"""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from edge_agent.errors import StoreError

logger = logging.getLogger(__name__)

SUFFIX: Final = ".json"
MOST: Final = 100  # files looked at in one turn
MOST_BYTES: Final = 64 * 1024


def spool_folder(journal: Path) -> Path:
    """The folder beside a journal."""
    return journal.with_name(f"{journal.name}.commands")


def leave(journal: Path, name: str, request_id: str, payload: bytes) -> Path:
    """Leave a command for the agent; the file it lies in.

    Raises:
        StoreError: the folder cannot be written.
    """
    folder = spool_folder(journal)
    entry = folder / f"{name}.{request_id}{SUFFIX}"
    unfinished = folder / f".{uuid.uuid4().hex}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        with unfinished.open("xb") as file:
            file.write(payload)
            file.flush()
            os.fsync(file.fileno())
        unfinished.chmod(0o644)  # root may leave what the agent's own user reads
        unfinished.replace(entry)
    except OSError as error:
        raise StoreError(
            f"command for {journal}: {folder}: {error.strerror}",
            hint="run it as the agent's user or as root; check `path` of [store]",
        ) from error
    return entry


class FileSpool:
    """The folder as the agent sees it."""

    def __init__(self, journal: Path) -> None:
        self._folder = spool_folder(journal)
        with suppress(OSError):
            self._folder.mkdir(mode=0o700, exist_ok=True)

    def waiting(self) -> Sequence[tuple[str, str, bytes]]:
        """Name of the entry, name of the command, payload: oldest first."""
        try:
            with os.scandir(self._folder) as entries:
                files = sorted((e.stat().st_mtime, e.name) for e in entries if e.name.endswith(SUFFIX) and e.is_file())
        except OSError:
            return []
        found = []
        for _, entry in files[:MOST]:
            try:
                with (self._folder / entry).open("rb") as file:
                    found.append((entry, entry.split(".", 1)[0], file.read(MOST_BYTES)))
            except OSError as error:
                logger.error("command_unreadable file=%s error=%s", self._folder / entry, error)  # noqa: TRY400 - one line
        return found

    def done(self, entry: str) -> None:
        """Forget an entry: what it asked for is written."""
        with suppress(OSError):
            (self._folder / entry).unlink()
