"""A folder to write CSV files in (as for `tables`), the public data where they are, and a broker of our own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.tables.conftest import Load, Write, load_lines, write

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("EDGE_AGENT_DATA", ROOT.parent / "shared" / "data"))
START_S = 20.0

__all__ = ["Load", "Write", "load_lines", "write"]


@pytest.fixture
def data() -> Callable[[str], Path]:
    """The path of a public file; skips where the data are not there."""

    def found(name: str) -> Path:
        path = DATA / name
        if not path.exists():
            pytest.skip(f"no public data at {path}: set EDGE_AGENT_DATA to their folder")
        return path

    return found


class Mosquitto:
    """A real broker on a free loopback port; stopped by its process id."""

    def __init__(self, folder: Path, *settings: str) -> None:
        binary = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}{os.pathsep}/usr/sbin")
        if binary is None:
            if os.environ.get("CI"):
                pytest.fail("mosquitto is not installed")
            pytest.skip("mosquitto is not installed")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._command = [binary, "-c", str(folder / "mosquitto.conf")]
        lines = (f"listener {self.port} 127.0.0.1", "user root", "persistence false", *settings)  # no root: ignored
        (folder / "mosquitto.conf").write_text("\n".join(lines) + "\n")
        self.start()

    def start(self) -> None:
        """Start it, and wait until it listens."""
        self._process = subprocess.Popen(self._command, stderr=subprocess.DEVNULL)
        end = time.monotonic() + START_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1.0).close()
            except OSError:
                assert self._process.poll() is None, "mosquitto ended"
                assert time.monotonic() < end, "mosquitto does not listen"
                time.sleep(0.02)
            else:
                return

    def stop(self) -> None:
        """Stop it and wait for its end."""
        self._process.terminate()
        self._process.wait(START_S)


@pytest.fixture
def start_mosquitto(tmp_path: Path) -> Iterator[Callable[..., Mosquitto]]:
    """Start a broker with more settings than the listener; it is stopped after the test."""
    started: list[Mosquitto] = []

    def start(*settings: str) -> Mosquitto:
        started.append(Mosquitto(tmp_path, *settings))
        return started[-1]

    yield start
    for broker in started:
        broker.stop()


@pytest.fixture
def mosquitto(start_mosquitto: Callable[..., Mosquitto]) -> Mosquitto:
    """A broker that lets everybody in."""
    return start_mosquitto("allow_anonymous true")
