"""A last good bundle whose keeping is interrupted by a power cut is the old one or the new one (G12)."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from edge_agent.bundle.lastgood import choose_bundle, keep_last_good
from edge_agent.errors import BundleError
from tests.bundle.test_lastgood import newer
from tests.bundle.tiny import TINY
from tests.power.judge import Cut, judge
from tests.power.recording import ROOT, begin

KEEP = """
import sys
from pathlib import Path
from edge_agent.bundle.lastgood import keep_last_good
keep_last_good(Path(sys.argv[1]), Path(sys.argv[2]))
"""


def test_a_power_cut_while_a_bundle_is_kept_leaves_the_old_copy_or_the_new(
    shim: Path, place: Path, tmp_path: Path
) -> None:
    bundle = Path(shutil.copytree(TINY, tmp_path / "bundle"))
    copies = place / "disk" / "agent.db.bundle"
    copies.parent.mkdir()
    keep_last_good(bundle, copies)
    newer(bundle)
    recording = begin(shim, copies.parent)
    subprocess.run(
        [sys.executable, "-c", KEEP, str(bundle), str(recording.folder / copies.name)],
        env=recording.environment(), check=True, cwd=ROOT, timeout=100,
    )  # fmt: skip

    def a_copy_judges(cut: Cut) -> Iterator[str]:
        try:
            version = choose_bundle(tmp_path / "nowhere", cut.folder / copies.name).bundle.manifest.version
        except BundleError as error:
            yield str(error)
        else:
            versions.add(version)

    versions: set[str] = set()
    findings = judge(recording, a_copy_judges)

    assert not findings, "\n".join(map(str, findings))
    assert versions == {"1.0.0", "2.0.0"}
