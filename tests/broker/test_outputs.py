"""What others beside us are told, end to end: the agent as users start it, a real mosquitto, another client.

The client keeps to what each system's documentation says; tests/data/home-assistant and docs/outputs.md name it.
"""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from tests.links import onlooker
from tests.mosquitto import until
from tests.small_agent import LIMIT, PATIENCE_S, small_agent

pytestmark = pytest.mark.broker


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
        agent.send("temp", LIMIT - 20.0, LIMIT - 20.0)
        until(lambda: json.loads(ear.payloads("alarms/flat")[-1])["rev"] == 2, "and the clear", PATIENCE_S)
        said = {payload: json.loads(payload) for payload in ear.payloads("alarms/flat")}.values()
        told = agent.told()

    assert [(one["transition"], one["active"], one["channel"], one["limit"]) for one in said] == [
        ("raised", True, "temp", LIMIT), ("cleared", False, "temp", None),
    ]  # fmt: skip
    assert {one["alarm"] for one in said} == {one["alarm"] for one in told}
    assert not any(isinstance(value, dict | list) for one in said for value in one.values())
