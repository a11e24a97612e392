"""What comes in is bounded by bytes as well as by number: held to a real broker (G3)."""

from __future__ import annotations

import pytest

from edge_agent.config import Broker
from edge_agent.core.decode import MAX_PAYLOAD
from edge_agent.mqtt.intake import LARGEST
from edge_agent.mqtt.ledger import MAX_UNACKED_BYTES
from tests.links import Probe, onlooker, opened, paho_link
from tests.mosquitto import Mosquitto, until

pytestmark = pytest.mark.broker


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_payload_of_ten_megabytes_is_counted_and_never_comes_again(broker: Mosquitto, protocol: str) -> None:
    """Of QoS 0 and of QoS 1; what follows is as usual, and the broker holds nothing back after the answer."""
    ours = Broker.model_validate({"host": "127.0.0.1", "port": broker.port, "protocol": protocol})
    with opened(paho_link(ours, "gw", "in/#")) as probe, onlooker(broker.port) as other:
        for qos in (0, 1):
            other.publish(f"in/large/{qos}", bytes(10_000_000), qos=qos)
        other.publish("in/small", b"1")
        until(lambda: b"1" in probe.payloads, "the small one has come")
        arrivals = list(probe.arrivals)
        probe.link.ack(arrivals)
        assert [(a.topic, a.payload, a.left_out > 10_000_000) for a in arrivals] == [
            ("in/large/0", b"", True), ("in/large/1", b"", True), ("in/small", b"1", False),
        ]  # fmt: skip
    with opened(paho_link(ours, "gw", "in/#")) as again, onlooker(broker.port) as other:
        other.publish("in/small", b"3")
        until(lambda: again.payloads[-1:] == [b"3"], "the next one has come")
        assert [a.topic for a in again.arrivals if a.left_out] == []


def test_the_link_stops_reading_at_its_bound_of_bytes_and_goes_on_after_the_answers(broker: Mosquitto) -> None:
    """A receive maximum of 1000 of the largest payloads would be 256 MB."""
    payload = bytes(MAX_PAYLOAD)
    count = 100
    ours = Broker.model_validate({"host": "127.0.0.1", "port": broker.port, "receive_maximum": 1000})
    with opened(paho_link(ours, "gw", "in/#")) as probe, onlooker(broker.port) as other:
        for _ in range(count):
            other.publish("in/a", payload)
        _until_still(probe)
        held = sum(len(arrival.payload) for arrival in probe.arrivals)
        assert MAX_UNACKED_BYTES <= held < MAX_UNACKED_BYTES + 2 * LARGEST

        answered = 0
        while answered < count:
            ready = probe.arrivals[answered:]
            probe.link.ack(ready)
            answered += len(ready)
            until(lambda seen=answered: len(probe.arrivals) > seen or seen == count, "the rest comes")  # type: ignore[misc]
        assert [len(arrival.payload) for arrival in probe.arrivals] == [MAX_PAYLOAD] * count


def _until_still(probe: Probe) -> None:
    """Wait until the intake waits for room."""
    client = probe.link._client  # type: ignore[attr-defined]
    until(lambda: client._intake is not None and client._intake.blocked, "the link stops reading")
