"""A mosquitto that a test may kill, start again on the same port, or replace by an empty one."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

from tests.mosquitto import DEADLINE_S, find_mosquitto, free_port, until

# As deploy/mosquitto.conf keeps sessions; the queue is unbounded, because the oracle wants to know what is lost, and by
# whom. `log_type all` would be a gigabyte in a long run.
PERSISTENCE = "persistence true\npersistence_location {folder}/\nautosave_on_changes true\nautosave_interval 1\n"
CONFIG = """
listener {port} 127.0.0.1
allow_anonymous true
max_inflight_messages 1000
max_queued_messages 0
log_type error
log_type warning
{user}{persistence}"""


class Broker:
    """One mosquitto on one port."""

    def __init__(self, folder: Path, *, persistent: bool = False) -> None:
        self.port = free_port()
        self._folder = folder / "broker"
        self._folder.mkdir()
        self._config = self._folder / "mosquitto.conf"
        self._config.write_text(
            CONFIG.format(
                port=self.port,
                user="user root\n" if os.geteuid() == 0 else "",  # else it could not write to a test's folder
                persistence=PERSISTENCE.format(folder=self._folder) if persistent else "",
            ),
            encoding="utf-8",
        )
        self.start()

    def start(self) -> None:
        """Start and wait until it listens."""
        with (self._folder / "mosquitto.log").open("ab") as log:
            self._process = subprocess.Popen([find_mosquitto(), "-c", str(self._config)], stdout=log, stderr=log)
        until(self._listens, "mosquitto listens")

    def stop(self) -> None:
        """End it as a service manager does: what it keeps is written."""
        self._process.terminate()
        self._process.wait(DEADLINE_S)

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait(DEADLINE_S)

    def empty(self) -> None:
        """Let the next start find nothing."""
        (self._folder / "mosquitto.db").unlink(missing_ok=True)

    def _listens(self) -> bool:
        assert self._process.poll() is None, (self._folder / "mosquitto.log").read_text(encoding="utf-8")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0
