"""The agent as a Sparkplug edge node at a real mosquitto, read by sparkplug-payload from npm."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
from pydantic import SecretStr

from edge_agent.config import Broker
from edge_agent.core.sparkplug.own_node import OwnEdgeNode
from edge_agent.core.sparkplug.payload import DataType, Metric, Payload, encoded
from edge_agent.mqtt import sparkplug
from edge_agent.mqtt.sparkplug import SparkplugNode
from tests.core.sparkplug.test_own_node import CLEARED, EVENT, VERDICT
from tests.core.sparkplug.test_second import asked
from tests.links import Onlooker, onlooker
from tests.mosquitto import Mosquitto, Proxy, until
from tests.small_agent import LIMIT, PATIENCE_S, small_agent

pytestmark = [pytest.mark.broker, pytest.mark.long]

REBIRTH = encoded(Payload(metrics=(Metric(name="Node Control/Rebirth", datatype=DataType.BOOLEAN, value=True),)))


class Heard(NamedTuple):
    """One message as a host application reads it."""

    verb: str
    seq: int | None
    values: dict[str, object]  # by name; aliases resolved by the births before
    historical: bool


def host(ear: Onlooker) -> list[Heard]:
    """All that was said so far, read by the second implementation."""
    said = [(topic, payload) for topic, payload, _ in list(ear.heard) if "CMD" not in topic]
    names: dict[object, str] = {}
    found = []
    for (topic, _), message in zip(said, asked(*({"decode": payload.hex()} for _, payload in said)), strict=True):
        assert isinstance(message, dict)
        metrics = message["metrics"]
        names |= {one["alias"]: one["name"] for one in metrics if "name" in one and "alias" in one}
        found.append(
            Heard(
                topic.split("/")[2],
                int(message["seq"]) if "seq" in message else None,
                {one["name"] if "name" in one else names[one["alias"]]: one["value"] for one in metrics},
                any(one.get("isHistorical") for one in metrics),
            )
        )
    return found


def verbs(ear: Onlooker) -> list[str]:
    return [topic.split("/")[2] for topic, _, _ in list(ear.heard) if "CMD" not in topic]


@contextmanager
def edge_node(port: int) -> Iterator[tuple[SparkplugNode, list[int]]]:
    """A node at a broker, and what it had to shed."""
    shed: list[int] = []
    broker = Broker(host="127.0.0.1", port=port)
    node = SparkplugNode(broker, "gw-sparkplug", OwnEdgeNode("pdm", "gw"), on_shed=lambda _, lost: shed.append(lost))
    node.open()
    try:
        yield node, shed
    finally:
        node.close()
        assert node.fault() is None


def test_an_alarm_is_told_through_a_kill_and_a_rebirth(tmp_path: Path) -> None:
    with (
        small_agent(tmp_path, tmp_path / "agent.db") as agent,
        onlooker(agent.broker.port, "spBv1.0/#") as ear,
    ):
        config = agent.config.read_text(encoding="utf-8")
        agent.config.write_text(config + '[sparkplug]\ngroup = "pdm"\n', encoding="utf-8")
        agent.start()
        agent.send("temp", LIMIT + 5.0)
        until(lambda: verbs(ear) == ["NBIRTH", "DBIRTH"], "the asset is born", PATIENCE_S)
        agent.stop(signal.SIGKILL)
        until(lambda: verbs(ear)[2:] == ["NDEATH"], "the will is said", PATIENCE_S)
        agent.start()
        until(lambda: verbs(ear)[3:] == ["NBIRTH", "DBIRTH"], "it is born again", PATIENCE_S)
        agent.send("temp", LIMIT - 20.0)
        until(lambda: verbs(ear)[5:] == ["DDATA"], "the clear is told", PATIENCE_S)
        ear.publish("spBv1.0/pdm/NCMD/gw", REBIRTH, qos=0)
        until(lambda: verbs(ear)[6:] == ["NBIRTH", "DBIRTH"], "it is born when asked", PATIENCE_S)
        assert agent.stop() == 0
        until(lambda: verbs(ear)[8:] == ["NDEATH"], "a goodbye is a death", PATIENCE_S)
        told = agent.told()

    heard = host(ear)
    births, devices = [one for one in heard if "N" in one.verb], [one for one in heard if one.verb == "DBIRTH"]
    assert [one.seq for one in heard] == [0, 1, None, 0, 1, 2, 0, 1, None]
    assert {str(one.values["bdSeq"]) for one in births if "NBIRTH" in one.verb or "NDEATH" in one.verb} == {"0"}
    assert [one.values["alarm/active"] for one in devices] == [True, True, False]
    assert {one.values["alarm/id"] for one in devices[:2]} == {told[0]["alarm"]}
    assert (devices[0].values["alarm/summary"], devices[0].values["alarm/severity_number"]) == (told[0]["summary"], 900)
    assert heard[5].values["alarm/active"] is False
    assert not any(one.historical for one in heard)


def test_what_is_decided_while_there_is_no_connection_is_told_after_it_as_historical(
    broker: Mosquitto, proxy: Proxy
) -> None:
    with onlooker(broker.port, "spBv1.0/#") as ear, edge_node(proxy.port) as (node, shed):
        until(lambda: verbs(ear) == ["NBIRTH"], "it is born")
        node.told([], [VERDICT])
        until(lambda: verbs(ear)[1:] == ["DBIRTH"], "its first asset too")
        proxy.cut()
        until(lambda: verbs(ear)[2:] == ["NDEATH"], "the will is said")
        node.told([EVENT], [])
        node.told([CLEARED], [])
        until(lambda: len(node._kept) == 2, "both are kept")
        proxy.restore()
        until(lambda: verbs(ear)[3:] == ["NBIRTH", "DBIRTH", "DDATA", "DDATA"], "both are told")
        node.told([replace(EVENT, id="a2", time=EVENT.time + 99)], [])
        until(lambda: verbs(ear)[7:] == ["DDATA"], "what is decided now is told now")

    heard = host(ear)
    assert [str(one.values["bdSeq"]) for one in heard if one.verb in {"NBIRTH", "NDEATH"}] == ["0", "0", "1", "1"]
    assert [one.seq for one in heard] == [0, 1, None, 0, 1, 2, 3, 4, None]
    assert [(one.values["alarm/active"], one.historical) for one in heard[4:8]] == [
        (False, False), (True, True), (False, True), (True, False),
    ]  # fmt: skip
    assert shed == []


def test_what_is_kept_and_what_waits_is_bounded_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sparkplug, "MAX_KEPT", 3)
    with edge_node(1) as (node, shed):  # nobody listens there
        for i in range(5):
            node.told([], [replace(VERDICT, asset=f"p{i}")])
        until(lambda: shed == [1, 1], "the oldest made room")
        assert [change.asset for change in node._kept] == ["p2", "p3", "p4"]

    shed.clear()
    monkeypatch.setattr(sparkplug, "MAX_TOLD", 2)
    still = OwnEdgeNode("pdm", "still")
    unopened = SparkplugNode(Broker(host="127.0.0.1"), "still", still, on_shed=lambda _, lost: shed.append(lost))
    for _ in range(5):  # nothing takes them
        unopened.told([], [VERDICT])
    unopened.told([], [])
    assert shed == [1, 1, 1]


def test_whoever_asks_for_births_all_the_time_gets_no_more_than_one_a_second(broker: Mosquitto) -> None:
    with onlooker(broker.port, "spBv1.0/#") as ear, edge_node(broker.port):
        until(lambda: verbs(ear) == ["NBIRTH"], "it is born")
        ear.publish("spBv1.0/pdm/NCMD/gw", b"\xff", *[REBIRTH] * 200, qos=0)
        until(lambda: len(verbs(ear)) >= 2, "it is born again")

    assert verbs(ear).count("NBIRTH") <= 3


LOGIN = ("gw", "rightly")


def test_an_old_broker_with_a_login_is_spoken_to_in_its_own_version(tmp_path: Path) -> None:
    passwords = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(passwords), *LOGIN], check=True, capture_output=True)  # noqa: S607
    closed = Mosquitto(tmp_path, "allow_anonymous false", f"password_file {passwords}")
    try:
        with onlooker(closed.port, "spBv1.0/#", username=LOGIN[0], password=LOGIN[1]) as ear:
            wrong = old_node(closed.port, "wrongly")
            wrong.open()
            until(lambda: "not authorised" in closed.log.read_text(encoding="utf-8"), "it is refused")
            wrong.close()
            right = old_node(closed.port, LOGIN[1])
            right.open()
            until(lambda: verbs(ear) == ["NBIRTH"], "it is born")
            right.close()
            until(lambda: verbs(ear) == ["NBIRTH", "NDEATH"], "it says goodbye")
    finally:
        closed.stop()
    assert (wrong.fault(), right.fault()) == (None, None)


def old_node(port: int, password: str) -> SparkplugNode:
    """A node that speaks MQTT 3.1.1 and logs in."""
    broker = Broker(host="127.0.0.1", port=port, protocol="3.1.1", username=LOGIN[0], password=SecretStr(password))
    return SparkplugNode(broker, "gw-sparkplug", OwnEdgeNode("pdm", "gw"), on_shed=lambda _, __: None)
