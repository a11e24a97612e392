"""The notify protocol against a real datagram socket, and the watchdog's evidence."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

from edge_agent.service.pulse import Pulse, Worker
from edge_agent.service.systemd import Notifier


def listen(path: Path) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind(str(path))
    sock.settimeout(5.0)
    return sock


def test_ready_reload_watchdog_and_stop_reach_the_notify_socket(tmp_path: Path) -> None:
    """The datagrams are those of sd_notify(3)."""
    path = tmp_path / "notify"
    with listen(path) as sock:
        notifier = Notifier({"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "30000000"})
        notifier.ready("bundle x")
        notifier.reloading()
        notifier.watchdog()
        notifier.stopping()
        received = [sock.recv(4096).decode() for _ in range(4)]

    assert received[0] == "READY=1\nSTATUS=bundle x"
    assert received[1].startswith("RELOADING=1\nMONOTONIC_USEC=")
    assert received[2:] == ["WATCHDOG=1", "STOPPING=1"]
    assert notifier.watchdog_s == 30.0


def test_an_abstract_notify_address_is_understood() -> None:
    """An address that begins with @ has no file."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind("\0edge-agent-test-notify")
        sock.settimeout(5.0)
        Notifier({"NOTIFY_SOCKET": "@edge-agent-test-notify"}).watchdog()

        assert sock.recv(64) == b"WATCHDOG=1"


def test_nothing_is_sent_where_systemd_does_not_listen() -> None:
    """Run by hand the agent is silent."""
    notifier = Notifier({})
    notifier.ready("x")

    assert notifier.watchdog_s == 0.0


def test_a_worker_whose_turn_fails_ends_and_tells() -> None:
    """The supervisor learns of it at once."""
    failed = threading.Event()

    def turn() -> None:
        raise RuntimeError("broken")

    worker = Worker("w", turn, Pulse("w", 1.0), failed)
    worker.start()

    assert failed.wait(5.0)
    assert isinstance(worker.fault, RuntimeError)
    assert worker.stop(5.0)


def test_a_worker_that_hangs_stops_beating() -> None:
    """So the watchdog is not fed for it."""
    release, failed = threading.Event(), threading.Event()
    pulse = Pulse("w", 0.05)

    def turn() -> None:
        release.wait(10.0)

    worker = Worker("w", turn, pulse, failed)
    worker.start()
    deadline = threading.Event()
    while pulse.alive:
        assert not deadline.wait(0.01)

    assert not pulse.alive
    release.set()
    assert worker.stop(5.0)
