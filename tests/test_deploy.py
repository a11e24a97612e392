"""What is copied onto a gateway: the broker's configuration, tried by a real mosquitto, and the install script."""

from __future__ import annotations

import getpass
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

DEPLOY = Path(__file__).parents[1] / "deploy"
DEADLINE_S = 20.0
USERS = ("gw-hall-3", "sensors-hall-3", "fleet")
SEARCH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
MOSQUITTO = shutil.which("mosquitto", path=SEARCH)
PASSWD = shutil.which("mosquitto_passwd", path=SEARCH)


def wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, f"not within {DEADLINE_S:.0f} s: {what}"
        time.sleep(0.02)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert isinstance(port, int)
    return port


class Broker:
    """A mosquitto that runs on the files of deploy/, included as Debian's own configuration includes them."""

    def __init__(self, folder: Path) -> None:
        assert MOSQUITTO is not None
        assert PASSWD is not None
        self.command = [MOSQUITTO, "-c", str(folder / "mosquitto.conf")]
        self.port = free_port()
        self.database = folder / "mosquitto.db"
        self.log = folder / "log"
        (folder / "conf.d").mkdir()
        (folder / "mosquitto.conf").write_text(
            f"user {getpass.getuser()}\n"
            "persistence true\n"
            f"persistence_location {folder}/\n"
            f"include_dir {folder}/conf.d\n",
            encoding="utf-8",
        )
        text = (DEPLOY / "mosquitto.conf").read_text(encoding="utf-8")
        text = text.replace("listener 1883 ", f"listener {self.port} ").replace("/etc/mosquitto/", f"{folder}/")
        (folder / "conf.d" / "edge-agent.conf").write_text(text, encoding="utf-8")
        shutil.copy(DEPLOY / "mosquitto-acl.example", folder / "edge-agent.acl")
        (folder / "edge-agent.passwd").touch(mode=0o600)
        for user in USERS:
            command = [PASSWD, "-b", str(folder / "edge-agent.passwd"), user, f"secret of {user}"]
            subprocess.run(command, check=True, capture_output=True, timeout=30)
        self.start()

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log)
        wait_until(self.answers, f"mosquitto listens ({self.log.read_text(encoding='utf-8')})")

    def answers(self) -> bool:
        assert self.process.poll() is None, self.log.read_text(encoding="utf-8")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(timeout=DEADLINE_S)


class Peer:
    """An MQTT 5 client that remembers what it was told."""

    def __init__(self, broker: Broker, user: str | None) -> None:
        self.answer: ReasonCode | None = None
        self.published: list[ReasonCode] = []
        self.subscribed = 0
        self.payloads: list[bytes] = []
        self.client = Client(CallbackAPIVersion.VERSION2, f"test-{user}", protocol=MQTTProtocolVersion.MQTTv5)
        if user is not None:
            self.client.username_pw_set(user, f"secret of {user}")
        self.client.on_connect = self._on_connect
        self.client.on_publish = self._on_publish
        self.client.on_message = self._on_message
        self.client.on_subscribe = self._on_subscribe
        session = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        session.SessionExpiryInterval = 3600
        self.client.connect("127.0.0.1", broker.port, clean_start=False, properties=session)
        self.client.loop_start()
        wait_until(lambda: self.answer is not None, "the broker answers")

    def _on_connect(
        self, _client: Client, _data: object, _flags: ConnectFlags, reason: ReasonCode, _more: Properties | None
    ) -> None:
        self.answer = reason

    def _on_publish(
        self, _client: Client, _data: object, _mid: int, reason: ReasonCode, _more: Properties | None
    ) -> None:
        self.published.append(reason)

    def _on_subscribe(
        self, _client: Client, _data: object, _mid: int, reasons: list[ReasonCode], _more: Properties | None
    ) -> None:
        self.subscribed += len(reasons)

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        self.payloads.append(bytes(message.payload))

    def subscribe(self, topic: str) -> None:
        before = self.subscribed
        self.client.subscribe(topic, qos=1)
        wait_until(lambda: self.subscribed > before, f"subscribed to {topic}")

    def publish(self, topic: str, payload: bytes = b"1") -> ReasonCode:
        before = len(self.published)
        self.client.publish(topic, payload, qos=1)
        wait_until(lambda: len(self.published) > before, f"published on {topic}")
        return self.published[-1]

    def leave(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    if MOSQUITTO is None or PASSWD is None:
        if os.environ.get("CI") == "true":
            pytest.fail("mosquitto is not installed")
        pytest.skip("mosquitto is not installed")
    running = Broker(tmp_path)
    yield running
    running.kill()


@pytest.fixture
def join(broker: Broker) -> Iterator[Callable[[str | None], Peer]]:
    peers: list[Peer] = []

    def joined(user: str | None) -> Peer:
        peers.append(Peer(broker, user))
        return peers[-1]

    yield joined
    for peer in peers:
        peer.leave()


@pytest.mark.broker
def test_nobody_enters_without_a_name(join: Callable[[str | None], Peer]) -> None:
    answer = join(None).answer

    assert answer is not None
    assert answer.is_failure


@pytest.mark.broker
@pytest.mark.parametrize(
    ("user", "topic", "allowed"),
    [
        ("gw-hall-3", "pdm/v1/acme/plant-1/gw-hall-3/event", True),
        ("gw-hall-3", "pdm/v1/acme/plant-1/gw-hall-4/event", False),
        ("gw-hall-3", "plant-1/hall-3/pump-7/temperature", False),
        ("sensors-hall-3", "plant-1/hall-3/pump-7/temperature", True),
        ("sensors-hall-3", "pdm/v1/acme/plant-1/gw-hall-3/cmd/ack", False),
        ("fleet", "pdm/v1/acme/plant-1/gw-hall-3/cmd/ack", True),
        ("fleet", "pdm/v1/acme/plant-1/gw-hall-3/event", False),
    ],
)
def test_each_writes_to_its_own_branch_only(
    join: Callable[[str | None], Peer], user: str, topic: str, *, allowed: bool
) -> None:
    assert join(user).publish(topic).is_failure is not allowed


@pytest.mark.broker
@pytest.mark.parametrize(
    "topic",
    ["homeassistant/device/acme__plant-1__gw-hall-3__pump-7/config", "v1/gateway/telemetry", "plant-1/alarms"],
)
def test_the_gateway_tells_other_systems_where_the_lines_for_it_are_switched_on(
    broker: Broker, join: Callable[[str | None], Peer], topic: str
) -> None:
    before = join("gw-hall-3")
    assert before.publish(topic).is_failure
    before.leave()
    rights = broker.log.parent / "edge-agent.acl"
    switched_on = re.sub(r"^#(user|topic) ", r"\1 ", rights.read_text(encoding="utf-8"), flags=re.MULTILINE)
    rights.write_text(switched_on, encoding="utf-8")
    broker.kill()
    broker.start()

    assert not join("gw-hall-3").publish(topic).is_failure


@pytest.mark.broker
def test_the_gateway_hears_its_machines_and_not_another_gateway(join: Callable[[str | None], Peer]) -> None:
    gateway, sensors, fleet = join("gw-hall-3"), join("sensors-hall-3"), join("fleet")
    gateway.subscribe("plant-1/#")
    gateway.subscribe("pdm/v1/#")

    fleet.publish("pdm/v1/acme/plant-1/gw-hall-4/cmd/ack", b"for another")
    fleet.publish("pdm/v1/acme/plant-1/gw-hall-3/cmd/ack", b"for us")
    sensors.publish("plant-1/hall-3/pump-7/temperature", b"81.2")

    wait_until(lambda: len(gateway.payloads) >= 2, "both messages arrive")
    assert sorted(gateway.payloads) == [b"81.2", b"for us"]


@pytest.mark.broker
def test_what_waits_for_an_agent_outlives_a_power_cut(broker: Broker, join: Callable[[str | None], Peer]) -> None:
    gateway = join("gw-hall-3")
    gateway.subscribe("plant-1/hall-3/#")
    gateway.leave()
    sensors = join("sensors-hall-3")
    sent = [f"reading {number} of eleven".encode() for number in range(11)]
    for payload in sent:
        sensors.publish("plant-1/hall-3/pump-7/temperature", payload)
    wait_until(lambda: broker.database.exists() and sent[-1] in broker.database.read_bytes(), "the broker has written")

    broker.kill()
    broker.start()
    back = join("gw-hall-3")

    wait_until(lambda: len(back.payloads) >= len(sent), "everything is redelivered")
    assert back.payloads == sent


def test_the_broker_listens_on_this_computer_only() -> None:
    text = (DEPLOY / "mosquitto.conf").read_text(encoding="utf-8")

    assert re.findall(r"^listener .*$", text, flags=re.MULTILINE) == ["listener 1883 127.0.0.1"]


def install(*arguments: str, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": f"{path}:{SEARCH}" if path else SEARCH}
    command = [str(DEPLOY / "install.sh"), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)


def test_the_install_script_explains_itself() -> None:
    result = install("--help")

    assert result.returncode == 0
    assert "/opt/edge-agent" in result.stdout


def test_the_install_script_refuses_what_it_does_not_know() -> None:
    result = install("--everything")

    assert result.returncode == 2
    assert "Usage:" in result.stderr


@pytest.mark.parametrize(
    ("bits", "machine", "reason"),
    [("32", "armv7l", "32-bit"), ("32", "aarch64", "32-bit"), ("64", "riscv64", "no build of onnxruntime")],
)
def test_the_install_script_refuses_a_system_without_wheels(
    tmp_path: Path, bits: str, machine: str, reason: str
) -> None:
    """A 64-bit kernel under a 32-bit system is what older Raspberry Pi installations have."""
    for name, text in (("getconf", bits), ("uname", f"$([ $1 = -s ] && echo Linux || echo {machine})")):
        stand_in = tmp_path / name
        stand_in.write_text(f'#!/bin/sh\necho "{text}"\n', encoding="utf-8")
        stand_in.chmod(0o755)

    result = install(path=tmp_path)

    assert result.returncode == 1
    assert reason in result.stderr
    assert "Try: " in result.stderr
