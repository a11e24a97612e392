"""Commands to a running agent: over a real mosquitto, and from the gateway's own shell while the broker is away."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edge_agent.store import queries
from tests.bundle.tiny import TINY
from tests.mosquitto import until
from tests.small_agent import LIMIT, PATIENCE_S, ROOT, SmallAgent, small_agent

pytestmark = pytest.mark.broker
ROOT_TOPIC = "pdm/v1/t/s/gw/"


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[SmallAgent]:
    """A running agent whose pump has passed its limit."""
    with small_agent(tmp_path, tmp_path / "agent.db") as agent:
        agent.start()
        agent.send("temp", LIMIT + 5.0)
        until(lambda: bool(agent.told()), "the alarm is raised", PATIENCE_S)
        yield agent


def asked(agent: SmallAgent, name: str, body: dict[str, object]) -> tuple[str, bytes, dict[str, object]]:
    """Ask over MQTT 5 as a fleet page would: topic, correlation data and fields of the answer."""
    answers: list[tuple[str, bytes, dict[str, object]]] = []
    ready = threading.Event()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, "desk", protocol=mqtt.MQTTv5)

    def answered(_client: mqtt.Client, _userdata: object, message: mqtt.MQTTMessage) -> None:
        data = getattr(message.properties, "CorrelationData", b"")
        answers.append((message.topic, data, json.loads(message.payload)))

    client.on_message = answered
    client.on_subscribe = lambda *_: ready.set()
    client.connect("127.0.0.1", agent.broker.port)
    client.subscribe("desk/answers", qos=1)
    client.loop_start()
    try:
        assert ready.wait(PATIENCE_S)
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.ResponseTopic, properties.CorrelationData = "desk/answers", b"\x00\x01"
        client.publish(f"{ROOT_TOPIC}cmd/{name}", json.dumps(body), qos=1, properties=properties)
        until(lambda: bool(answers), f"{name} is answered", PATIENCE_S)
    finally:
        client.disconnect()
        client.loop_stop()
    return answers[0]


def shell(agent: SmallAgent, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command from the gateway's own shell."""
    command = [sys.executable, "-m", "edge_agent", *arguments, "--config", str(agent.config)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S, check=False)


def retained(agent: SmallAgent, alarm: str) -> bytes:
    """The newest message on the retained topic of an alarm."""
    return agent.ear.payloads(f"{ROOT_TOPIC}asset/p1/alarm/{alarm}")[-1]


def test_an_acknowledgement_is_answered_where_mqtt_5_says_and_closes_what_is_over(agent: SmallAgent) -> None:
    alarm = str(agent.told()[0]["alarm"])
    topic, correlation, answer = asked(agent, "ack", {"alarm": alarm, "actor": "anna", "label": "real"})
    agent.send("temp", LIMIT - 20.0)
    until(lambda: retained(agent, alarm) == b"", "the alarm is closed", PATIENCE_S)

    assert (topic, correlation) == ("desk/answers", b"\x00\x01")
    assert (answer["accepted"], answer["answer"], answer["alarm"]) == (True, "done", alarm)
    assert [(told["transition"], told["actor"], told["open"]) for told in agent.told()] == [
        ("raised", "", True), ("acked", "anna", True), ("cleared", "", False),
    ]  # fmt: skip
    with closing(queries.open_readonly(agent.database)) as db:
        assert [(c.name, c.actor, c.label) for c in queries.commands(db)] == [("ack", "anna", "real")]


@pytest.mark.long
def test_an_alarm_that_is_over_stays_retained_until_it_is_acknowledged(agent: SmallAgent) -> None:
    alarm = str(agent.told()[0]["alarm"])
    agent.send("temp", LIMIT - 20.0)
    until(lambda: len(agent.told()) > 1, "it has cleared", PATIENCE_S)
    until(lambda: json.loads(retained(agent, alarm))["data"]["transition"] == "cleared", "it is retained", PATIENCE_S)
    asked(agent, "ack", {"alarm": alarm})

    until(lambda: retained(agent, alarm) == b"", "the alarm is closed", PATIENCE_S)


def test_a_chattering_sensor_pages_once(agent: SmallAgent) -> None:
    """One raise; what goes to and fro within the off-delay or beyond the rate is no page."""
    for _ in range(30):
        agent.send("flow", 1.0)
        agent.send("temp", LIMIT + 1.0, LIMIT + 2.0)
    agent.wait_for_readings(LIMIT + 5.0)
    agent.send("temp", LIMIT - 20.0)
    until(lambda: agent.told()[-1]["transition"] == "cleared", "it clears", PATIENCE_S)

    assert [told["transition"] for told in agent.told()] == ["raised", "cleared"]


@pytest.mark.long
def test_what_is_asked_and_cannot_be_done_is_answered_with_a_reason(agent: SmallAgent) -> None:
    for name, body, answer in (
        ("ack", {"alarm": "no-such"}, "unknown_alarm"),
        ("shelve", {"asset": "p1"}, "invalid"),
        ("shutdown", {}, "unknown_command"),
        ("model-activate", {"bundle": "other"}, "refused"),
    ):
        assert asked(agent, name, dict(body))[2]["answer"] == answer


@pytest.mark.long
def test_a_question_is_answered_in_plain_words(agent: SmallAgent) -> None:
    _, _, answer = asked(agent, "ask", {"asset": "p1"})

    assert answer["accepted"]
    assert "temp" in str(answer["text"])


@pytest.mark.long
def test_a_reload_by_command_leaves_alarms_and_flags_as_they_were(agent: SmallAgent) -> None:
    alarm = str(agent.told()[0]["alarm"])
    asked(agent, "shelve", {"alarm": alarm, "duration_s": 3600})
    before = len(agent.states())
    asked(agent, "reload", {})
    until(lambda: "online" in agent.states()[before:], "the agent is online again", PATIENCE_S)
    agent.send("temp", LIMIT - 20.0)
    until(lambda: agent.told()[-1]["transition"] == "cleared", "it clears", PATIENCE_S)

    assert agent.told()[-1]["alarm"] == alarm
    assert agent.told()[-1]["shelved_until"] is not None


def test_the_shell_reaches_the_agent_without_a_broker(agent: SmallAgent) -> None:
    alarm = str(agent.told()[0]["alarm"])
    agent.broker.stop()
    done = shell(agent, "ack", alarm, "--label", "false", "--actor", "bert", "--wait", "60")
    unknown = shell(agent, "shelve", "no-such-asset", "--for", "1h", "--wait", "60")

    assert (done.returncode, done.stdout) == (0, "ack: done\n")
    assert unknown.returncode != 0
    assert "unknown_asset" in unknown.stderr
    with closing(queries.open_readonly(agent.database)) as db:
        assert [(c.actor, c.via, c.label) for c in queries.commands(db) if c.name == "ack"] == [
            ("bert", "local", "false")
        ]


@pytest.mark.long
def test_a_command_left_for_an_agent_that_is_not_running_is_obeyed_when_it_starts(agent: SmallAgent) -> None:
    alarm = str(agent.told()[0]["alarm"])
    agent.stop()
    left = shell(agent, "ack", alarm, "--wait", "0.1")
    agent.start()

    until(lambda: agent.told()[-1]["transition"] == "acked", "it is acknowledged", PATIENCE_S)
    assert "left for the agent" in left.stdout


@pytest.mark.long
def test_a_shelf_ends_by_itself_and_what_still_stands_is_told_again(agent: SmallAgent) -> None:
    asked(agent, "shelve", {"alarm": str(agent.told()[0]["alarm"]), "duration_s": 3.0})
    until(lambda: agent.told()[-1]["transition"] == "unshelved", "the shelf has ended", PATIENCE_S)

    assert [(told["transition"], told["shelved_until"] is None) for told in agent.told()] == [
        ("raised", True), ("shelved", False), ("unshelved", True),
    ]  # fmt: skip


@pytest.mark.long
def test_what_a_kill_interrupts_is_done_by_the_next_start_and_answered_once(tmp_path: Path) -> None:
    """The bundle's manifest is a pipe at first, so that looking it over takes until the kill."""
    request = b'{"bundle": "other", "request_id": "r-1"}'
    library = tmp_path / "library"
    (library / "other").mkdir(parents=True)
    pipe = library / "other" / "bundle.toml"
    os.mkfifo(pipe)
    end = os.open(pipe, os.O_RDWR)  # whoever reads waits for what is never written
    with small_agent(tmp_path, tmp_path / "agent.db") as agent:
        config = agent.config.read_text(encoding="utf-8")
        agent.config.write_text(config.replace("[bundle]", f"[bundle]\nlibrary = {json.dumps(str(library))}"))
        agent.start()
        agent.ear.publish(f"{ROOT_TOPIC}cmd/model-activate", request, request)
        until(lambda: b"r-1" in kept(agent, "errands"), "it is written that it is under way", PATIENCE_S)
        agent.stop(signal.SIGKILL)
        os.close(end)
        pipe.unlink()
        shutil.copytree(TINY, library / "other", dirs_exist_ok=True)
        before = len(agent.states())
        agent.start()
        until(lambda: bool(results(agent, "r-1")), "it is answered", PATIENCE_S)
        until(lambda: agent.states()[before:].count("online") == 2, "the agent has begun anew with it", PATIENCE_S)
        agent.ear.publish(f"{ROOT_TOPIC}cmd/model-activate", request)
        until(lambda: len(results(agent, "r-1")) > 1, "a repeat is answered", PATIENCE_S)
        with closing(queries.open_readonly(agent.database)) as db:
            records = [(record.name, record.answer) for record in queries.commands(db)]

    assert [json.loads(payload)["detail"] for payload in results(agent, "r-1")] == ["done", "answered before"]
    assert records == [("model-activate", "done")]
    assert json.loads((tmp_path / "agent.db.active-bundle").read_bytes()) == {"bundle": "other"}


def results(agent: SmallAgent, request_id: str) -> list[bytes]:
    """The answers to a request; one that was sent again is one."""
    return list(dict.fromkeys(agent.ear.payloads(f"{ROOT_TOPIC}cmd-result/{request_id}")))


def kept(agent: SmallAgent, name: str) -> bytes:
    """A state as the journal has it."""
    with closing(queries.open_readonly(agent.database)) as db:
        row = db.execute("SELECT data FROM state WHERE name = ?", (name,)).fetchone()
    return b"" if row is None else bytes(row[0])


ORDERS = """
[[source]]
topic = "orders/{asset}"
kind = "order"
[source.json]
order = "no"
status = "state"
"""


@pytest.mark.long
def test_a_work_order_is_written_down_and_leaves_hard_limits_alone(tmp_path: Path) -> None:
    with small_agent(tmp_path, tmp_path / "agent.db", more=ORDERS) as agent:
        agent.start()
        agent.send("temp", 20.0)
        agent.ear.publish("orders/p1", b'{"no": "4711", "state": "opened"}')
        agent.send("temp", LIMIT + 5.0)
        until(lambda: bool(agent.told()), "the alarm is raised", PATIENCE_S)
        with closing(queries.open_readonly(agent.database)) as db:
            found = [(record.name, record.asset, record.answer) for record in queries.commands(db)]

    assert found == [("work-order", "p1", "done")]
    assert agent.told()[0]["shelved_until"] is None
