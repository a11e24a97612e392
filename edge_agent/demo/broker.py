"""A broker for the demo, on a free loopback port: mosquitto where it is installed, else iotcore (rumqttd).

Its configuration and its process belong here. It keeps nothing, asks nobody who he is, and listens on 127.0.0.1.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import sys
import time
from pathlib import Path
from typing import Final

from edge_agent.demo.child import Child
from edge_agent.errors import LinkError

HOST: Final = "127.0.0.1"
KINDS: Final = ("mosquitto", "iotcore")
START_S: Final = 20.0  # a cold start from a slow card
_PAUSE_S: Final = 0.02
_SBIN: Final = ("/usr/local/sbin", "/usr/sbin", "/sbin")  # Debian puts mosquitto where only root's PATH leads

_MOSQUITTO: Final = """\
listener {port} {host}
allow_anonymous true
persistence false
max_queued_messages 0
log_type error
log_type warning
"""
# The v5 listener exists only in rumqttd's own configuration file; its log would be a segment of 16 MB at most.
_RUMQTTD: Final = """\
id = 0

[router]
id = 0
max_connections = 100
max_outgoing_packet_count = 200
max_segment_size = 16777216
max_segment_count = 10

[v5.1]
name = "demo"
listen = "{host}:{port}"
next_connection_delay_ms = 1

[v5.1.connections]
connection_timeout_ms = 60000
max_payload_size = 262144
max_inflight_count = 100
dynamic_filters = true
"""


class Broker:
    """A running broker."""

    def __init__(self, kind: str, port: int, child: Child) -> None:
        self.kind = kind
        self.host = HOST
        self.port = port
        self._child = child

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid

    def stop(self) -> None:
        """End it. Safe to call twice."""
        self._child.stop()


def start_broker(folder: Path, *, kind: str | None = None, port: int | None = None) -> Broker:
    """A running broker that accepts connections; its files are in `folder`. None: the best kind, a free port.

    Raises:
        LinkError: there is none to start, the port is taken, or it did not come up.
    """
    kind = choose(kind)
    if port is None:
        port = _free_port()
    elif _answers(port):
        raise LinkError(f"port {port} of {HOST} is taken", hint="leave out --port, or name a free one")
    child = Child(_command(kind, folder, port), folder / "broker.log")
    deadline = time.monotonic() + START_S
    while not _answers(port):
        if child.exit_code is not None or time.monotonic() > deadline:
            code = child.stop()
            told = "".join(f"\n    {line}" for line in child.tail(5))
            raise LinkError(
                f"{kind} does not listen on {HOST}:{port}; it ended with {code}{told}",
                hint=f"try the other one: --broker {'iotcore' if kind == 'mosquitto' else 'mosquitto'}",
            )
        time.sleep(_PAUSE_S)
    return Broker(kind, port, child)


def choose(kind: str | None) -> str:
    """The kind of broker to start: the one asked for, else the first that is installed.

    Raises:
        LinkError: it is not installed.
    """
    if kind in {None, "mosquitto"} and find_mosquitto() is not None:
        return "mosquitto"
    if kind in {None, "iotcore"} and importlib.util.find_spec("iotcore") is not None:
        return "iotcore"
    apt, pip = "sudo apt-get install mosquitto", f"{sys.executable} -m pip install iotcore"
    if kind is None:
        raise LinkError("the demo needs a broker; neither mosquitto nor iotcore is installed", hint=f"{apt}, or {pip}")
    raise LinkError(f"broker {kind!r} is not installed", hint=apt if kind == "mosquitto" else pip)


def find_mosquitto() -> str | None:
    """The path of the mosquitto broker, or None."""
    return shutil.which("mosquitto", path=os.pathsep.join((os.environ.get("PATH", os.defpath), *_SBIN)))


def _command(kind: str, folder: Path, port: int) -> tuple[str, ...]:
    if kind == "mosquitto":
        settings = folder / "mosquitto.conf"
        # started by root it would become another user, and the kernel would forget to end it with us (prctl(2))
        user = "user root\n" if os.geteuid() == 0 else ""
        settings.write_text(_MOSQUITTO.format(host=HOST, port=port) + user, encoding="utf-8")
        return (find_mosquitto() or kind, "-c", str(settings))
    settings = folder / "rumqttd.toml"
    settings.write_text(_RUMQTTD.format(host=HOST, port=port), encoding="utf-8")
    # rumqttd's spans are shown as an ERROR for every packet, so only what is critical is asked for
    return (sys.executable, "-m", "iotcore", "--config", str(settings), "--log-level", "CRITICAL")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=0.5):
            return True
    except OSError:
        return False
