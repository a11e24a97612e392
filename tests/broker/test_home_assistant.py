"""A real Home Assistant discovers a machine and shows its alarm.

Needs HOME_ASSISTANT_PYTHON, a Python that has Home Assistant 2024.11 or newer; nothing here makes one:
`python3.13 -m venv FOLDER; FOLDER/bin/pip install homeassistant==2025.4.4 paho-mqtt==2.1.0`, then FOLDER/bin/python.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.mosquitto import free_port, until
from tests.small_agent import LIMIT, PATIENCE_S, small_agent

pytestmark = [pytest.mark.broker, pytest.mark.long]
PROGRAM = Path(__file__).with_name("home_assistant.py")


class Home:
    """A running Home Assistant: what it shows, and what it complained of."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def shown(self) -> dict[str, Any]:
        """Its states and devices as it last wrote them."""
        found: dict[str, Any] = json.loads((self._folder / "shown.json").read_text(encoding="utf-8"))
        return found

    def state(self, entity: str) -> str | None:
        """The state of an entity; None where there is none."""
        state: str | None = self.shown["states"].get(entity, {}).get("state")
        return state

    def complaints(self) -> list[str]:
        """What it logged of its MQTT integration."""
        lines = (self._folder / "log").read_text(encoding="utf-8").splitlines()
        return [line for line in lines if "homeassistant.components" in line and "mqtt" in line]


@contextmanager
def home_assistant(folder: Path, broker_port: int) -> Iterator[Home]:
    """Home Assistant on a broker."""
    python = os.environ.get("HOME_ASSISTANT_PYTHON")
    if python is None:
        pytest.skip("HOME_ASSISTANT_PYTHON names no Python that has Home Assistant")
    folder.mkdir()
    command = [python, str(PROGRAM), str(folder), str(broker_port), str(free_port())]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        until((folder / "shown.json").exists, "Home Assistant runs", PATIENCE_S)
        yield Home(folder)
    finally:
        (folder / "stop").touch()
        process.wait(PATIENCE_S)


def test_home_assistant_shows_a_machine_its_alarm_and_that_the_agent_is_gone(tmp_path: Path) -> None:
    problem = "binary_sensor.p1_problem"
    with (
        small_agent(tmp_path, tmp_path / "agent.db", more="[outputs]\nhome_assistant = true\n") as agent,
        home_assistant(tmp_path / "home", agent.broker.port) as home,
    ):
        whole = agent.config.read_text(encoding="utf-8")
        agent.start()
        agent.send("temp", LIMIT - 20.0)
        until(lambda: home.state(problem) == "off", "the machine is discovered", PATIENCE_S)
        assert home.shown["devices"] == ["p1"]
        agent.send("temp", LIMIT + 5.0)
        until(lambda: home.state(problem) == "on", "its alarm is a problem", PATIENCE_S)
        until(lambda: home.state("sensor.p1_alarm_severity") == "critical", "with a severity", PATIENCE_S)
        until(lambda: bool(agent.told()), "its event is heard", PATIENCE_S)
        [alarm] = home.shown["states"][problem]["attributes"]["alarms"]
        assert alarm["evidence"][0]["value"] == LIMIT + 5.0
        assert home.state("sensor.p1_alarm_summary") == alarm["summary"] == agent.told()[0]["summary"]

        agent.stop(signal.SIGKILL)
        until(lambda: home.state(problem) == "unavailable", "the agent is gone", PATIENCE_S)
        agent.start()
        until(lambda: home.state(problem) == "on", "the alarm stands still", PATIENCE_S)
        agent.send("temp", LIMIT - 20.0)
        until(lambda: home.state(problem) == "off", "it has cleared", PATIENCE_S)

        agent.config.write_text(whole.replace('"*" = "pump"', '"q*" = "pump"'), encoding="utf-8")
        agent.reload()
        until(lambda: home.shown["devices"] == [], "the machine is gone from the configuration", PATIENCE_S)
        assert home.state(problem) is None
        assert home.complaints() == []
