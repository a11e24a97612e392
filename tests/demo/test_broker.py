"""The demo's broker: found, started on loopback, stopped, or explained."""

from __future__ import annotations

import importlib.util
import shutil
import socket
from pathlib import Path

import pytest

from edge_agent.demo.broker import HOST, KINDS, choose, find_mosquitto, start_broker
from edge_agent.errors import LinkError
from edge_agent.mqtt.feed import Feed
from edge_agent.mqtt.watch import Watch


def installed(kind: str) -> bool:
    return find_mosquitto() is not None if kind == "mosquitto" else importlib.util.find_spec("iotcore") is not None


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


@pytest.mark.broker
@pytest.mark.parametrize("kind", KINDS)
def test_a_broker_carries_messages_until_it_is_stopped(kind: str, tmp_path: Path) -> None:
    if not installed(kind):
        pytest.skip(f"{kind} is not installed")
    broker = start_broker(tmp_path, kind=kind)
    try:
        assert broker.kind == kind
        watch = Watch(broker.host, broker.port, ("plant/+/log",))
        watch.open()
        with Feed(broker.host, broker.port) as feed:
            feed.publish("plant/p-1/vib", b"2.1")
            feed.publish("plant/p-1/log", b"greased")
            assert feed.drain()
        received = watch.take(10.0)
        assert received is not None
        assert tuple(received) == ("plant/p-1/log", b"greased")
        assert watch.take(0) is None
        watch.close()
    finally:
        broker.stop()
    assert not listens(broker.port)
    broker.stop()


@pytest.mark.broker
def test_a_taken_port_is_refused_with_a_way_out(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(LinkError, match=f"port {port} of 127.0.0.1 is taken") as caught:
            start_broker(tmp_path, port=port)
    assert "--port" in caught.value.hint


def test_a_broker_that_does_not_come_up_shows_its_last_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "mosquitto"
    program.write_text("#!/bin/sh\necho no ports left\nexit 3\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LinkError, match=r"mosquitto does not listen on 127\.0\.0\.1:\d+; it ended with 3") as caught:
        start_broker(tmp_path, kind="mosquitto")
    assert str(caught.value).endswith("\n    no ports left")
    assert "--broker iotcore" in caught.value.hint


@pytest.mark.broker
def test_mosquitto_is_found_outside_the_path_of_a_user(monkeypatch: pytest.MonkeyPatch) -> None:
    found = find_mosquitto()
    if found is None or not found.startswith(("/usr/sbin/", "/usr/local/sbin/", "/sbin/")):
        pytest.skip("mosquitto is not where only root's PATH leads")
    monkeypatch.setenv("PATH", "/nowhere")
    assert find_mosquitto() is not None


def test_without_any_broker_the_commands_to_install_one_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name, path: None)  # noqa: ARG005 - the signature of the original
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(LinkError, match="neither mosquitto nor iotcore is installed") as caught:
        choose(None)
    assert "apt-get install mosquitto" in caught.value.hint
    assert "-m pip install iotcore" in caught.value.hint
    with pytest.raises(LinkError, match="broker 'iotcore' is not installed") as caught:
        choose("iotcore")
    assert "pip install iotcore" in caught.value.hint
