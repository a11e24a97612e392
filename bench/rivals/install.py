"""The rivals, brought by their own package managers into a folder that is no part of the project, once.

Versions are pinned, so that a figure can be repeated; what cannot be installed is left out and said.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import click

from bench.figures import UnmeasuredError

THINGSBOARD, NODE_RED, NODE_RED_SQLITE = "3.8.5", "4.1.15", "1.1.1"
INSTALL_S = 1800.0  # node-red-node-sqlite compiles SQLite where no binary can be fetched: ten minutes on two cores
OLDEST_NODE = 18


def default_folder() -> Path:
    """The user's folder for what can be made again. Source: XDG Base Directory Specification, XDG_CACHE_HOME."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "edge-agent" / "rivals"


def thingsboard_gateway(rivals: Path) -> Path:
    """The Python that runs thingsboard-gateway.

    Raises:
        UnmeasuredError: it cannot be installed here.
    """
    place = rivals / f"thingsboard-gateway-{THINGSBOARD}"
    python = place / "bin" / "python"
    if not (place / "installed").exists():
        _run([sys.executable, "-m", "venv", "--clear", str(place)], rivals, "thingsboard-gateway, its environment")
        package = f"thingsboard-gateway=={THINGSBOARD}"
        _run([str(python), "-m", "pip", "install", "--quiet", package], rivals, f"{package}, by pip")
        (place / "installed").touch()
    return python


def node_red(rivals: Path) -> tuple[str, Path]:
    """The node program, and Node-RED's script.

    Raises:
        UnmeasuredError: it cannot be installed here.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise UnmeasuredError("node or npm is not installed (sudo apt-get install nodejs npm)")
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=False, timeout=30).stdout  # noqa: S603
    if int(told.strip("v\n").partition(".")[0] or 0) < OLDEST_NODE:
        raise UnmeasuredError(f"node {told.strip()} is older than {OLDEST_NODE}, which Node-RED {NODE_RED} needs")
    place = rivals / f"node-red-{NODE_RED}"
    place.mkdir(parents=True, exist_ok=True)
    if not (place / "installed").exists():
        packages = [f"node-red@{NODE_RED}", f"node-red-node-sqlite@{NODE_RED_SQLITE}"]
        command = [npm, "install", "--no-audit", "--no-fund", "--prefix", str(place), *packages]
        _run(command, place, f"{' and '.join(packages)}, by npm (SQLite may have to be compiled: ten minutes)")
        (place / "installed").touch()
    return node, place / "node_modules" / "node-red" / "red.js"


def _run(command: list[str], folder: Path, what: str) -> None:
    click.echo(f"installing {what} ...", err=True)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        done = subprocess.run(  # noqa: S603 - our own command lines
            command, cwd=folder, capture_output=True, text=True, check=False, timeout=INSTALL_S
        )
    except subprocess.TimeoutExpired as error:
        raise UnmeasuredError(f"not within {INSTALL_S:.0f} s: {what}") from error
    if done.returncode:
        said = " / ".join(done.stderr.strip().splitlines()[-3:])
        raise UnmeasuredError(f"{what} ended with {done.returncode}: {said}")
