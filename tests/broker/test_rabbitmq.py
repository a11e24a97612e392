"""The agent over MQTT 3.1.1 at another broker than mosquitto: RabbitMQ with its MQTT plugin."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mosquitto import until
from tests.rabbitmq import RabbitMq
from tests.small_agent import CLIENT_ID, LIMIT, PATIENCE_S, SmallAgent, small_agent

pytestmark = [pytest.mark.broker, pytest.mark.slow, pytest.mark.long]


@pytest.fixture
def rabbit(tmp_path: Path) -> Iterator[RabbitMq]:
    """A node of its own."""
    node = RabbitMq(tmp_path)
    yield node
    node.close()


def told(agent: SmallAgent) -> list[tuple[object, object]]:
    """Which transitions of which alarms were told."""
    return [(event["kind"], event["transition"]) for event in agent.told()]


def test_readings_alarms_and_a_restart_of_the_broker(tmp_path: Path, rabbit: RabbitMq) -> None:
    """Each reading is stored and acknowledged once, the alarm goes out, and after a restart all goes on."""
    with small_agent(tmp_path, tmp_path / "edge.db", broker=rabbit) as agent:
        agent.start()
        before = [20.0 + n / 4 for n in range(60)]
        agent.send("flow", *before)
        agent.wait_for_readings(*before)
        until(lambda: rabbit.waiting(CLIENT_ID) == (0, 0), "all is acknowledged", PATIENCE_S)
        agent.send("temp", LIMIT + 5.0)
        until(lambda: ("limit:temp", "raised") in told(agent), "the alarm is told", PATIENCE_S)

        agent.ear.close()
        rabbit.stop()
        rabbit.start()
        agent.listen()
        after = [50.0 + n / 4 for n in range(60)]
        agent.send("flow", *after)
        agent.send("temp", 15.0)
        agent.wait_for_readings(*before, *after)
        until(lambda: ("limit:temp", "cleared") in told(agent), "the end of the alarm is told", PATIENCE_S)
        until(lambda: rabbit.waiting(CLIENT_ID) == (0, 0), "all is acknowledged again", PATIENCE_S)

        assert told(agent).count(("limit:temp", "cleared")) == 1
        assert agent.stop() == 0
        until(lambda: agent.states()[-1:] == ["stopped"], "it has said goodbye", PATIENCE_S)


def test_what_comes_while_the_agent_is_dead_waits_in_its_session_and_its_will_is_told(
    tmp_path: Path, rabbit: RabbitMq
) -> None:
    with small_agent(tmp_path, tmp_path / "edge.db", broker=rabbit) as agent:
        agent.start()
        agent.send("flow", 1.0, 2.0)
        agent.wait_for_readings(1.0, 2.0)
        agent.stop(signal.SIGKILL)
        until(lambda: agent.states()[-1:] == ["offline"], "the broker has told its will", PATIENCE_S)
        agent.send("flow", 3.0, 4.0, 5.0)
        agent.start()

        agent.wait_for_readings(1.0, 2.0, 3.0, 4.0, 5.0)
        until(lambda: rabbit.waiting(CLIENT_ID) == (0, 0), "all is acknowledged", PATIENCE_S)
