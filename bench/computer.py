"""What the figures were measured on: processor, memory, disk, versions. Read from the kernel and the packages."""

from __future__ import annotations

import os
import platform
import sqlite3
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from edge_agent import __version__
from edge_agent.bundle.load import default_bundle
from edge_agent.bundle.manifest import RISK, read_manifest
from edge_agent.demo.broker import find_mosquitto

PACKAGES = ("onnxruntime", "numpy", "tokenizers", "paho-mqtt", "pydantic", "sqlite-utils")
MEMORY_COSTS = ("pandas",)  # imported by sqlite-utils wherever it is installed, some 30 MB


def describe(folder: Path) -> dict[str, str]:
    """What a reader of the figures must know of this computer; `folder` is where the databases are made."""
    manifest = read_manifest(default_bundle())
    load = os.getloadavg()[0]
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": f"{processor()}, {os.cpu_count()} cores, {platform.machine()}",
        "memory": f"{_total_memory_mb():.0f} MB",
        "disk": file_system(folder),
        "system": f"{_distribution()}, Linux {platform.release()}",
        "load before": f"{load:.2f}",
        "python": platform.python_version(),
        "packages": ", ".join(f"{name} {_version(name)}" for name in PACKAGES) + f", sqlite {sqlite3.sqlite_version}",
        "broker": broker(),
        "agent": f"edge-agent {__version__}",
        "bundle": f"{manifest.name}@{manifest.version}, risk.onnx {manifest.files[RISK][:12]}",
        "also installed": ", ".join(name for name in MEMORY_COSTS if find_spec(name)) or "nothing that costs memory",
    }


def processor() -> str:
    """The name of the processor; on a Raspberry Pi that of the board."""
    board = Path("/proc/device-tree/model")
    if board.is_file():
        return board.read_text(encoding="utf-8", errors="replace").strip("\0 \n")
    return _field(Path("/proc/cpuinfo"), "model name") or "unknown processor"


def file_system(folder: Path) -> str:
    """The kind of file system a folder lies on, by its longest mount point. Source: proc(5), mounts."""
    best, kind = "", "unknown"
    for line in Path("/proc/mounts").read_text(encoding="utf-8", errors="replace").splitlines():
        _, point, found, *_ = line.split(" ")
        if folder.resolve().is_relative_to(point) and len(point) >= len(best):
            best, kind = point, found
    return kind


def broker() -> str:
    """The broker and its version."""
    found = find_mosquitto()
    if found is None:
        return "none"
    told = subprocess.run([found, "-h"], capture_output=True, text=True, timeout=10, check=False)  # noqa: S603
    return (told.stdout.splitlines() or ["mosquitto"])[0]


def _total_memory_mb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e6


def _distribution() -> str:
    release = Path("/etc/os-release")
    if not release.is_file():
        return platform.system()
    lines = release.read_text(encoding="utf-8").splitlines()
    return next((x.partition("=")[2].strip('"') for x in lines if x.startswith("PRETTY_NAME=")), platform.system())


def _field(path: Path, name: str) -> str:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.partition(":")[0].strip() == name), "")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"
