"""A real RabbitMQ node with its MQTT plugin on loopback: a second broker, and one that speaks 3.1.1 only.

Its data, log, cookie and name service (epmd) are its own, so it meets no other node of this machine. It keeps sessions
of QoS 1 across a restart. What it does otherwise than mosquitto: retained messages come to exact topics only.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.mosquitto import free_port, listens, until

PROGRAMS = Path("/usr/lib/rabbitmq/bin")  # those in /usr/sbin change to the service's user and its folders
START_S = 120.0  # Erlang and Mnesia on a busy computer
CONFIG = """
listeners.tcp = none
mqtt.listeners.tcp.1 = 127.0.0.1:{port}
mqtt.allow_anonymous = true
mqtt.default_user = guest
mqtt.default_pass = guest
mqtt.prefetch = 10
log.console = true
log.console.level = info
"""


def find_rabbitmq() -> tuple[Path, str]:
    """The server program and Erlang's name service; skips the test without them, but fails it in CI."""
    program, names = PROGRAMS / "rabbitmq-server", shutil.which("epmd")
    if names is None or not program.exists():
        assert not os.environ.get("CI"), "rabbitmq-server is missing: `scripts/test-tools long` installs it"
        pytest.skip("rabbitmq-server is not installed")
    return program, names


class RabbitMq:
    """One node; `stop` and `start` restart it with all that it has stored."""

    protocol = "3.1.1"

    def __init__(self, folder: Path) -> None:
        self._program, epmd = find_rabbitmq()
        self.port = free_port()
        home = folder / "rabbitmq"
        home.mkdir()
        names, distribution = free_port(), free_port()
        (home / "rabbitmq.conf").write_text(CONFIG.format(port=self.port), encoding="utf-8")
        (home / "enabled_plugins").write_text("[rabbitmq_mqtt].\n", encoding="utf-8")
        self.log = home / "node.log"
        self._environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith(("RABBITMQ_", "ERL_"))},
            "HOME": str(home),  # its cookie
            "RABBITMQ_NODENAME": f"edge-agent-test-{self.port}@localhost",
            "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
            "RABBITMQ_LOG_BASE": str(home / "log"),
            "RABBITMQ_PID_FILE": str(home / "node.pid"),
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_CONF_ENV_FILE": str(home / "none"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "ERL_EPMD_PORT": str(names),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }
        self._names = subprocess.Popen(
            [epmd, "-port", str(names), "-address", "127.0.0.1"], env=self._environment, stderr=subprocess.DEVNULL
        )
        self._node: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start and wait until it takes MQTT connections."""
        until(lambda: listens(int(self._environment["ERL_EPMD_PORT"])), "epmd listens")
        with self.log.open("ab") as log:
            self._node = subprocess.Popen(
                [self._program], env=self._environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip
        until(lambda: self._alive() and listens(self.port), "RabbitMQ takes MQTT connections", START_S)

    def stop(self) -> None:
        """End the node as an operator does; what is durable is kept."""
        if self._node is not None and self._node.poll() is None:
            os.killpg(self._node.pid, signal.SIGTERM)
            self._node.wait(START_S)

    def close(self) -> None:
        """End the node and its name service."""
        self.stop()
        self._names.terminate()
        self._names.wait(START_S)

    def subscribed(self, client_id: str) -> bool:
        """Whether a client has a session that keeps messages for it."""
        return self.waiting(client_id) is not None

    def waiting(self, client_id: str) -> tuple[int, int] | None:
        """Messages of QoS 1 that a client has still to be given, and to acknowledge; None where it has no session."""
        done = subprocess.run(
            [PROGRAMS / "rabbitmqctl", "--quiet", "list_queues", "name", "messages_ready", "messages_unacknowledged"],
            env=self._environment, capture_output=True, text=True, timeout=START_S, check=True,
        )  # fmt: skip
        rows = [line.split("\t") for line in done.stdout.splitlines()]
        found = [row for row in rows if row[0] == f"mqtt-subscription-{client_id}qos1"]
        return (int(found[0][1]), int(found[0][2])) if found else None

    def _alive(self) -> bool:
        assert self._node is not None
        assert self._node.poll() is None, self.log.read_text(encoding="utf-8")
        return True
