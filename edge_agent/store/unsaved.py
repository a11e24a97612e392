"""The note that names a file set aside and not salvaged yet: a stop in the middle costs another try and no states.

It is written before the damaged file is moved away, and goes when what could be read is in the new journal. A salvage
that takes the process down with it is not tried for ever.
"""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path
from typing import Final, NamedTuple

from edge_agent.store.durable import replace_text, sync_folder

logger = logging.getLogger(__name__)

MOST_TRIES: Final = 3


class Unsaved(NamedTuple):
    """A file set aside, of which not everything has been taken over."""

    path: Path
    tries: int  # begun
    reason: str  # why it was set aside


def leave_note(journal: Path, bad: Path, reason: str) -> None:
    """Name a file that is about to be set aside; one that waits already holds more, and stays named.

    A disk that takes no note leaves one try.
    """
    if unsaved(journal) is None:
        _write(journal, Unsaved(bad, 0, reason))


def unsaved(journal: Path) -> Unsaved | None:
    """What the note says; None where there is none, or where the file it names does not lie there."""
    try:
        name, tries, reason = _note(journal).read_text(encoding="utf-8").split("\n", 2)
        told = Unsaved(journal.with_name(name), int(tries), reason)
        return told if told.path.is_file() else None
    except (OSError, ValueError):
        return None


def may_try(journal: Path, waiting: Unsaved) -> bool:
    """Whether there is a try left; it is counted before it is made."""
    if waiting.tries >= MOST_TRIES:
        logger.error("store_not_salvaged bad=%s error=the process ended in each of %d tries", *waiting[:2])
        return False
    _write(journal, waiting._replace(tries=waiting.tries + 1))
    return True


def take_note_away(journal: Path) -> None:
    """No more is to be salvaged; for good, or after a power cut what has been sent since would come again."""
    with contextlib.suppress(OSError):
        _note(journal).unlink(missing_ok=True)
        sync_folder(journal.parent)


def _write(journal: Path, told: Unsaved) -> None:
    with contextlib.suppress(OSError):
        replace_text(_note(journal), f"{told.path.name}\n{told.tries}\n{told.reason}")


def _note(journal: Path) -> Path:
    return journal.with_name(f"{journal.name}.unsaved")
