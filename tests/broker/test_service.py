"""The agent as systemd runs it: started, reloaded and stopped against a real notify socket."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge_agent.demo.broker import start_broker
from edge_agent.demo.script import plant_script
from edge_agent.demo.settings import CONFIG_NAME, DATABASE_NAME, write_settings

pytestmark = pytest.mark.broker
DEADLINE_S = 30.0


class Service:
    """One agent with a notify socket."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / CONFIG_NAME
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(folder / "notify"))
        self.socket.settimeout(DEADLINE_S)
        environment = {**os.environ, "NOTIFY_SOCKET": str(folder / "notify"), "WATCHDOG_USEC": "2000000"}
        with (folder / "agent.log").open("ab") as log:
            self.agent = subprocess.Popen(
                [sys.executable, "-m", "edge_agent", "run", str(self.config)], stderr=log, env=environment
            )

    def wait_for(self, word: str) -> str:
        """The next datagram that begins with a word."""
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end:
            message = self.socket.recv(4096).decode()
            if message.startswith(word):
                return message
        raise AssertionError(f"no {word} within {DEADLINE_S} s: {self.log()}")

    def log(self) -> str:
        """What the agent wrote."""
        return (self.folder / "agent.log").read_text(encoding="utf-8")


@contextmanager
def service(folder: Path) -> Iterator[Service]:
    """A broker and an agent for one test."""
    broker = start_broker(folder, kind="mosquitto")
    write_settings(folder / CONFIG_NAME, folder / DATABASE_NAME, plant_script(time.time()), "127.0.0.1", broker.port)
    running = Service(folder)
    try:
        yield running
    finally:
        if running.agent.poll() is None:
            running.agent.kill()
        running.agent.wait(10)
        running.socket.close()
        broker.stop()


def test_it_says_ready_feeds_the_watchdog_and_stops_on_request(tmp_path: Path) -> None:
    """READY after the self-test and the migration, WATCHDOG while it moves, STOPPING and exit 0 on SIGTERM."""
    with service(tmp_path) as running:
        assert "bundle default@" in running.wait_for("READY=1")
        running.wait_for("WATCHDOG=1")
        running.wait_for("WATCHDOG=1")
        running.agent.send_signal(signal.SIGTERM)
        running.wait_for("STOPPING=1")

        assert running.agent.wait(20) == 0


def test_a_reload_takes_a_good_file_and_refuses_a_bad_one(tmp_path: Path) -> None:
    """SIGHUP with faults in the file: said in the log, nothing stops; mended: RELOADING, then READY again."""
    with service(tmp_path) as running:
        running.wait_for("READY=1")
        good = running.config.read_text(encoding="utf-8")
        running.config.write_text(good.replace("[gateway]", "[gateway]\nnmae = 1"), encoding="utf-8")
        running.agent.send_signal(signal.SIGHUP)
        end = time.monotonic() + DEADLINE_S
        while "reload_refused" not in running.log():
            assert time.monotonic() < end
            time.sleep(0.05)
        assert running.agent.poll() is None

        running.config.write_text(good, encoding="utf-8")
        running.agent.send_signal(signal.SIGHUP)
        assert "MONOTONIC_USEC=" in running.wait_for("RELOADING=1")
        running.wait_for("READY=1")

        assert running.agent.poll() is None


def test_a_wrong_configuration_ends_with_78_and_says_what_to_do(tmp_path: Path) -> None:
    """RestartPreventExitStatus=78 in the unit: systemd does not try it again."""
    config = tmp_path / "broken.toml"
    config.write_text("[gateway]\nname = 'x'\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "edge_agent", "run", str(config)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 78
    assert "Error:" in done.stderr
    assert "Try:" in done.stderr
