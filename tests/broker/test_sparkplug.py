"""Sparkplug B end to end: the agent as users start it, a real mosquitto, an edge node that knows the specification."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from edge_agent.core.sparkplug.address import REBIRTH
from edge_agent.core.sparkplug.payload import DataType, Metric, Payload, decoded, encoded
from tests.links import Onlooker, onlooker
from tests.mosquitto import until
from tests.small_agent import LIMIT, PATIENCE_S, START, small_agent

pytestmark = pytest.mark.broker

SOURCE = '[[source]]\ntopic = "spBv1.0/plant1/#"\nformat = "sparkplug"\n'
DEVICE = "gate/press-4"


class EdgeNode:
    """The edge node `gate` with one device, whose metrics have the aliases 1 (flow) and 2 (temp)."""

    def __init__(self, ear: Onlooker) -> None:
        self._ear, self._seq, self._second = ear, 0, 0

    def born(self, **values: float) -> None:
        """Say who is there and what it measures; with values of the moment."""
        self._seq = 0
        self._say("NBIRTH", "gate", Metric(name="bdSeq", datatype=DataType.INT64, value=0))
        self._say("DBIRTH", DEVICE, *self._metrics(values, named=True))

    def measure(self, **values: float) -> None:
        """Say values by alias only."""
        self._say("DDATA", DEVICE, *self._metrics(values, named=False))

    def asked(self) -> list[object]:
        """The values of the rebirth requests it was sent."""
        sent = [decoded(one) for one in self._ear.payloads("spBv1.0/plant1/NCMD/gate")]
        return [metric.value for one in sent for metric in one.metrics if metric.name == REBIRTH]

    def _metrics(self, values: dict[str, float], *, named: bool) -> list[Metric]:
        self._second += 1
        return [
            Metric(
                name=name if named else None,
                alias=alias,
                timestamp=int((START + self._second) * 1000),
                datatype=DataType.FLOAT,
                value=values.get(name),
                is_null=name not in values,
            )
            for alias, name in ((1, "flow"), (2, "temp"))
            if named or name in values
        ]

    def _say(self, verb: str, names: str, *metrics: Metric) -> None:
        said = Payload(timestamp=int((START + self._second) * 1000), seq=self._seq, metrics=metrics)
        self._seq = (self._seq + 1) % 256
        self._ear.publish(f"spBv1.0/plant1/{verb}/{names}", encoded(said), qos=0)


def test_an_edge_node_is_read_through_a_kill_and_asked_for_what_only_it_can_say(tmp_path: Path) -> None:
    with (
        small_agent(tmp_path, tmp_path / "agent.db") as agent,
        onlooker(agent.broker.port, "spBv1.0/plant1/NCMD/+") as ear,
    ):
        agent.config.write_text(agent.config.read_text(encoding="utf-8") + SOURCE, encoding="utf-8")
        gate = EdgeNode(ear)
        agent.start()
        gate.measure(flow=1.0)
        until(lambda: gate.asked() == [True], "a birth is asked for, once", PATIENCE_S)
        gate.born(flow=2.0)
        agent.wait_for_readings(2.0)
        gate.measure(temp=LIMIT + 5.0)
        until(lambda: len(agent.told()) == 1, "the alarm is told", PATIENCE_S)

        agent.stop(signal.SIGKILL)
        agent.start()
        gate.measure(flow=3.0)
        agent.wait_for_readings(2.0, LIMIT + 5.0, 3.0)
        until(lambda: gate.asked() == [True, True], "and once after the start", PATIENCE_S)

    assert agent.readings()[1.0] == 0
    assert {(one["asset"], one["kind"], one["active"]) for one in agent.told()} == {("press-4", "limit:temp", True)}
