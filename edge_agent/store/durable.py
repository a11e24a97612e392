"""Changes to the files beside the database that a power cut leaves whole or undone: names synced, contents replaced."""

from __future__ import annotations

import os
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Make the names in a folder safe from a power cut.

    Raises:
        OSError: it cannot be done.
    """
    _sync(folder, os.O_RDONLY | os.O_DIRECTORY)


def replace_text(path: Path, text: str) -> None:
    """Make a text the whole content of a file.

    Raises:
        OSError: it cannot be written; what was there before stays.
    """
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_text(text, encoding="utf-8")
    _sync(fresh, os.O_RDWR)
    fresh.replace(path)
    sync_folder(path.parent)


def _sync(path: Path, flags: int) -> None:
    handle = os.open(path, flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
