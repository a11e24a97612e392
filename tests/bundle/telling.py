"""The tiny bundle with a tiny report model: `edge-agent train report --quick --bundle tests/data/tiny-bundle`."""

from __future__ import annotations

import shutil
from pathlib import Path

from edge_agent.bundle.load import file_sha256
from edge_agent.bundle.manifest import HASHED, MANIFEST, REPORT_HASHED, format_manifest, read_manifest
from edge_agent.core.report import VERSION
from tests.bundle.tiny import TINY

TELLING = Path(__file__).parents[1] / "data" / "tiny-report"  # only what a report model adds to a bundle


def telling_bundle(folder: Path) -> Path:
    """A bundle that writes summaries, in a folder of its own that a test may spoil."""
    shutil.copytree(TINY, folder)
    for name in REPORT_HASHED:
        shutil.copyfile(TELLING / name, folder / name)
    return signed(folder)


def signed(folder: Path) -> Path:
    """The bundle with a manifest that fits its files as they are now."""
    files = {name: file_sha256(folder / name) for name in (*HASHED, *REPORT_HASHED)}
    manifest = read_manifest(folder).model_copy(update={"report": VERSION, "files": files})
    (folder / MANIFEST).write_text(format_manifest(manifest), encoding="utf-8")
    return folder
