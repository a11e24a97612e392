"""The last good bundle: a copy of what has passed its checks, used when the configured one no longer does (promise G4).

A copy is a folder named by the SHA-256 of its manifest, which names those of its files. It is moved into place whole,
so that a power cut leaves the old copy or the new one, and passes every check of `load_bundle` again before it judges.
One copy is kept. What judges is decided here; who is told of it is not.
"""

from __future__ import annotations

import logging
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_agent.bundle.load import Bundle, file_sha256, load_bundle
from edge_agent.bundle.manifest import MANIFEST, read_manifest
from edge_agent.errors import BundleError

RESERVE_BYTES: Final = 64 << 20  # free disk that stays for the journal's alarms; then no copy is made
_UNFINISHED: Final = "unfinished"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The bundle that judges."""

    bundle: Bundle
    fault: BundleError | None  # why the configured one does not; None where it does


def choose_bundle(folder: Path, copies: Path) -> Chosen:
    """The bundle in a folder, or the last good one where that fails its checks.

    Raises:
        BundleError: it fails, and there is no good copy; what is wrong with the configured one.
    """
    try:
        return Chosen(_load(folder), None)
    except BundleError as fault:
        for copy in _whole(copies):
            try:
                bundle = _load(copy)
            except BundleError as error:
                logger.warning("last_good_refused path=%s error=%s", copy, error)
                continue
            logger.error("bundle_fallback error=%s using=%s hint=%s", fault, copy, fault.hint)  # noqa: TRY400 - one line
            return Chosen(bundle, fault)
        raise


def _load(folder: Path) -> Bundle:
    try:
        return load_bundle(folder)
    except OSError as error:
        raise BundleError(f"bundle {folder} cannot be read: {error}", hint="install the bundle again") from error


def keep_last_good(folder: Path, copies: Path) -> None:
    """Copy a bundle that has passed its checks to where `choose_bundle` looks, unless a whole copy of it is there.

    Without a copy the agent works as well, so a full disk is said and no more. `copies` lies in a folder that exists.
    """
    try:
        name = file_sha256(folder / MANIFEST)
        if not _is_whole(copies / name, name):
            _copy(folder, copies, name)
        for other in copies.iterdir():
            if other.name != name:
                shutil.rmtree(other)
    except (OSError, BundleError) as error:
        logger.warning("last_good_not_kept bundle=%s error=%s", folder, error)


def _copy(folder: Path, copies: Path, name: str) -> None:
    """Copy a bundle as one change; `name` is the SHA-256 of its manifest.

    Raises:
        OSError: it cannot be written, or too little disk would be left.
        BundleError: the bundle changes while it is copied.
    """
    files = (MANIFEST, *read_manifest(folder).files)
    needed = sum((folder / file).stat().st_size for file in files) + RESERVE_BYTES
    if (free := shutil.disk_usage(copies.parent).free) < needed:
        raise OSError(f"{free} bytes are free on its disk, {needed} are needed")
    if not copies.is_dir():
        copies.mkdir(mode=0o700)
        _sync(copies.parent)
    new, kept = copies / _UNFINISHED, copies / name
    for left_over in (new, kept):
        if left_over.exists():
            shutil.rmtree(left_over)
    new.mkdir()
    for file in files:
        (new / file).write_bytes((folder / file).read_bytes())
        _sync(new / file)
    _sync(new)
    if not _is_whole(new, name):
        raise BundleError(f"bundle {folder} changes while it is copied")
    new.replace(kept)
    _sync(copies)


def _whole(copies: Path) -> list[Path]:
    """The copies that are whole, newest first."""
    try:
        found = [copy for copy in copies.iterdir() if _is_whole(copy, copy.name)]
        return sorted(found, key=lambda copy: copy.stat().st_mtime, reverse=True)
    except OSError:
        return []


def _is_whole(copy: Path, name: str) -> bool:
    """Whether a copy is of the manifest with this SHA-256, and all its files are."""
    try:
        if file_sha256(copy / MANIFEST) != name:
            return False
        return all(file_sha256(copy / file) == sha256 for file, sha256 in read_manifest(copy).files.items())
    except BundleError:
        return False


def _sync(path: Path) -> None:
    """Make a file, or the names in a folder, safe from a power cut.

    Raises:
        OSError: it cannot be done.
    """
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
