"""Packages of node that tests compare with, as scripts/test-tools installs them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = ROOT / ".venv" / "node" / "node_modules"
TIMEOUT_S = 60.0


def run_node(script: Path, package: str, said: str) -> str:
    """What a script prints that is told something; skips the test without node or the package, but fails it in CI."""
    program = shutil.which("node")
    if program is None or not (MODULES / package).is_dir():
        assert not os.environ.get("CI"), f"node or its package {package} is missing: scripts/test-tools installs both"
        pytest.skip(f"node or its package {package} is not installed: scripts/test-tools does it")
    done = subprocess.run(
        [program, str(script)],
        input=said,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
        env={**os.environ, "NODE_PATH": str(MODULES)},
    )

    assert done.returncode == 0, done.stderr
    return done.stdout
