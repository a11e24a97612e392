"""What others beside us are told, end to end: the agent as users start it, a real mosquitto, another client.

The client keeps to what each system's documentation says; tests/data/home-assistant and docs/outputs.md name it.
"""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path

import pytest

from tests.broker.conftest import StartBroker
from tests.core.outputs.home import discovered, state
from tests.links import Onlooker, onlooker
from tests.mosquitto import until
from tests.small_agent import LIMIT, PATIENCE_S, ROOT, START, small_agent

pytestmark = [pytest.mark.broker, pytest.mark.long]


def test_a_flat_topic_has_one_object_per_revision_also_of_an_agent_that_was_killed(tmp_path: Path) -> None:
    with (
        small_agent(tmp_path, tmp_path / "agent.db", more='[outputs]\nflat = "alarms/flat"\n') as agent,
        onlooker(agent.broker.port, "alarms/#") as ear,
    ):
        agent.start()
        agent.send("temp", LIMIT + 5.0)
        until(lambda: len(ear.payloads("alarms/flat")) >= 1, "the raise is heard", PATIENCE_S)
        agent.stop(signal.SIGKILL)
        agent.start()
        agent.send("temp", LIMIT - 20.0)
        until(lambda: json.loads(ear.payloads("alarms/flat")[-1])["rev"] == 2, "and the clear", PATIENCE_S)
        said = {payload: json.loads(payload) for payload in ear.payloads("alarms/flat")}.values()
        told = agent.told()

    assert [(one["transition"], one["active"], one["channel"], one["limit"]) for one in said] == [
        ("raised", True, "temp", LIMIT), ("cleared", False, "temp", None),
    ]  # fmt: skip
    assert {one["alarm"] for one in said} == {one["alarm"] for one in told}
    assert not any(isinstance(value, dict | list) for one in said for value in one.values())


# ---------------------------------------------------------------------------------------------------- Home Assistant

CONFIG = "homeassistant/device/t__s__gw__p1/config"
HOME = ("homeassistant/#", "pdm/v1/t/s/gw/state", "pdm/v1/t/s/gw/asset/#")


def retained(port: int) -> dict[str, bytes]:
    """What a Home Assistant that starts now is given, by topic."""
    with onlooker(port, *HOME, "mark") as late:
        late.publish("mark", b"x")  # delivered after what is retained
        until(lambda: bool(late.payloads("mark")), "everything retained is heard")
        return {topic: payload for topic, payload, kept in late.heard if kept}


def shown(port: int) -> dict[str, str | None]:
    """The entities of p1 as a Home Assistant that starts now shows them; none where it has no such device."""
    found = retained(port)
    return {key: state(entity, found) for key, entity in discovered(found[CONFIG]).items()} if CONFIG in found else {}


def problem(port: int) -> str | None:
    return shown(port).get("problem")


def test_home_assistant_discovers_an_asset_and_shows_its_alarm_through_a_kill(tmp_path: Path) -> None:
    with small_agent(tmp_path, tmp_path / "agent.db", more="[outputs]\nhome_assistant = true\n") as agent:
        port = agent.broker.port
        agent.start()
        agent.send("temp", LIMIT - 20.0)
        until(lambda: problem(port) == "OFF", "a healthy machine has no problem", PATIENCE_S)
        agent.send("temp", LIMIT + 5.0)
        until(lambda: problem(port) == "ON", "the alarm is a problem", PATIENCE_S)
        until(lambda: bool(agent.told()), "its event is heard", PATIENCE_S)
        assert shown(port)["alarm_severity"] == "critical"
        assert str(shown(port)["alarm_summary"]) == agent.told()[0]["summary"]

        agent.stop(signal.SIGKILL)
        until(lambda: problem(port) == "unavailable", "the will makes it unavailable", PATIENCE_S)
        agent.start()
        assert problem(port) == "ON"
        agent.send("temp", LIMIT - 20.0)
        until(lambda: problem(port) == "OFF", "the clear is heard", PATIENCE_S)
        agent.stop()
        assert problem(port) == "unavailable"


def test_home_assistant_that_starts_is_sent_its_devices_again(tmp_path: Path) -> None:
    with (
        small_agent(tmp_path, tmp_path / "agent.db", more="[outputs]\nhome_assistant = true\n") as agent,
        onlooker(agent.broker.port, "homeassistant/device/#") as home,
    ):
        agent.start()
        agent.send("temp", LIMIT - 20.0)
        until(lambda: len(home.payloads(CONFIG)) == 1, "the device is announced", PATIENCE_S)
        home.publish("homeassistant/status", b"offline", b"online")
        until(lambda: len(home.payloads(CONFIG)) == 2, "and again", PATIENCE_S)
        agent.send("temp", LIMIT - 21.0)
        agent.wait_for_readings(LIMIT - 20.0, LIMIT - 21.0)

    first, again = home.payloads(CONFIG)
    assert first == again
    assert "input_refused" not in agent.log()


@pytest.mark.slow
def test_a_device_that_left_the_configuration_or_whose_output_is_off_is_removed(tmp_path: Path) -> None:
    with small_agent(tmp_path, tmp_path / "agent.db", more="[outputs]\nhome_assistant = true\n") as agent:
        port, whole = agent.broker.port, agent.config.read_text(encoding="utf-8")

        def reloaded(text: str) -> None:
            agent.config.write_text(text, encoding="utf-8")
            agent.reload()

        agent.start()
        agent.send("temp", LIMIT + 5.0)
        until(lambda: problem(port) == "ON", "the alarm is a problem", PATIENCE_S)
        for without in (whole.replace('"*" = "pump"', '"q*" = "pump"'), whole.replace("home_assistant = true", "")):
            reloaded(without)
            until(lambda: not any("home" in topic or topic.endswith("/alarms") for topic in retained(port)), "gone")
            reloaded(whole)
            agent.send("temp", LIMIT + 5.0)
            until(lambda: problem(port) == "ON", "it is there again, and so is its alarm", PATIENCE_S)


# ---------------------------------------------------------------------------------------------------- ThingsBoard


def test_thingsboard_is_told_by_its_gateway_api(tmp_path: Path) -> None:
    with (
        small_agent(tmp_path, tmp_path / "agent.db", more="[outputs]\nthingsboard = true\n") as agent,
        onlooker(agent.broker.port, "v1/#") as board,
    ):
        agent.start()
        agent.send("temp", LIMIT + 5.0)
        until(lambda: problems(board)[-1:] == [True], "the alarm is an attribute", PATIENCE_S)
        agent.send("temp", LIMIT - 20.0)
        until(lambda: problems(board)[-1:] == [False], "and its end", PATIENCE_S)
        until(lambda: len(points(board)) >= 2, "both are telemetry", PATIENCE_S)

    [connected] = board.payloads("v1/gateway/connect")
    assert json.loads(connected) == {"device": "p1", "type": "pump"}
    alarms = [(ts, values["alarm_transition"]) for ts, values in points(board)]
    assert alarms == [((START + 1) * 1000, "raised"), ((START + 2) * 1000, "cleared")]


def test_the_bridge_of_the_documentation_hands_thingsboard_s_topics_on(start_broker: StartBroker) -> None:
    page = (ROOT / "docs" / "outputs.md").read_text(encoding="utf-8")
    bridge = re.findall(r"^```\n(connection .*?)```", page, re.MULTILINE | re.DOTALL)[0]
    far = start_broker()
    with onlooker(far.port, "v1/#") as board:
        lines = bridge.replace("thingsboard.example:1883", f"127.0.0.1:{far.port}").splitlines()
        with onlooker(start_broker(*lines).port) as agent:
            agent.publish("v1/gateway/connect", b"{}")
            agent.publish("v1/gateway/telemetry", b"{}")
            until(lambda: len(board.heard) == 2, "both are handed on")

    assert [topic for topic, _, _ in board.heard] == ["v1/gateway/connect", "v1/gateway/telemetry"]


def problems(board: Onlooker) -> list[bool]:
    """Whether an alarm stands, as ThingsBoard was told one after the other."""
    return [json.loads(payload)["p1"]["problem"] for payload in board.payloads("v1/gateway/attributes")]


def points(board: Onlooker) -> list[tuple[int, dict[str, object]]]:
    """The alarm telemetry ThingsBoard was sent."""
    sent = [point for payload in board.payloads("v1/gateway/telemetry") for point in json.loads(payload)["p1"]]
    return [(point["ts"], point["values"]) for point in sent if "alarm" in point["values"]]
