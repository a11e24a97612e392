"""A real mosquitto on a free loopback port, and a proxy that can cut the way to it. Used by fixtures."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

DEADLINE_S = 20.0


def find_mosquitto() -> str:
    """The path of the broker; skips the test without one, but fails it in CI."""
    path = shutil.which(
        "mosquitto", path=os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])
    )
    if path is None:
        assert not os.environ.get("CI"), "mosquitto is missing: scripts/test-tools installs it"
        pytest.skip("mosquitto is not installed")
    return path


def until(claim: Callable[[], bool], what: str, deadline_s: float = DEADLINE_S) -> None:
    """Poll until a claim holds; fail with its name at the deadline."""
    end = time.monotonic() + deadline_s
    while not claim():
        assert time.monotonic() < end, f"not within {deadline_s:.0f} s: {what}"
        time.sleep(0.01)


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def listens(port: int) -> bool:
    """Whether somebody takes connections on a loopback port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Mosquitto:
    """One broker; `lines` are added to its configuration."""

    protocol = "5"

    def __init__(self, folder: Path, *lines: str, port: int | None = None) -> None:
        self.port = free_port() if port is None else port
        self._program = find_mosquitto()
        closed = any(line.startswith("allow_anonymous") for line in lines)
        config = [
            f"listener {self.port} 127.0.0.1",
            "log_type all",
            "max_inflight_messages 1000",
            *(["user root"] if os.geteuid() == 0 else []),  # else it could not read a test's folder
            *([] if closed else ["allow_anonymous true"]),
            *lines,
        ]
        self.config = folder / f"mosquitto-{self.port}.conf"
        self.config.write_text("\n".join(config) + "\n", encoding="utf-8")
        self.log = folder / f"mosquitto-{self.port}.log"
        self.start()

    def start(self) -> None:
        """Start and wait until it listens."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen([self._program, "-c", str(self.config)], stdout=log, stderr=log)
        until(self._listens, f"mosquitto listens; it said: {self.log.read_text(encoding='utf-8')}")

    def stop(self) -> None:
        """End it; its sessions are gone."""
        self._process.terminate()
        self._process.wait(DEADLINE_S)

    def subscribed(self, client_id: str) -> bool:
        """Whether a client has subscribed since it started: before that there is no session to keep messages for it."""
        return f"Sending SUBACK to {client_id}" in self.log.read_text(encoding="utf-8")

    def _listens(self) -> bool:
        assert self._process.poll() is None, self.log.read_text(encoding="utf-8")
        return listens(self.port)


class Proxy:
    """A TCP port that passes on to another, until it is cut."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._open = True
        self._ways: list[socket.socket] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        threading.Thread(target=self._accept, name="proxy", daemon=True).start()

    def cut(self) -> None:
        """Break all connections, as a pulled cable does at the next packet, and take no new ones."""
        self._open = False
        self._break()

    def restore(self) -> None:
        """Take connections again."""
        self._open = True

    def close(self) -> None:
        """End it."""
        self.cut()
        self._server.close()

    def _break(self) -> None:
        ways, self._ways = self._ways, []
        for way in ways:
            try:
                way.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # closed already

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            if not self._open:
                client.close()
                continue
            server = socket.create_connection(("127.0.0.1", self._target))
            self._ways += [client, server]
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=_pass_on, args=(source, sink), name="proxy-way", daemon=True).start()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    """Copy until either side ends, then end both."""
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        pass
    finally:
        for way in (source, sink):
            try:
                way.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        source.close()
