"""paho's client as we set it up: what is queued in it."""

from __future__ import annotations

from edge_agent.config import Broker
from edge_agent.mqtt.client import MqttClient
from tests.links import message


def test_the_acknowledgements_of_a_batch_are_one_piece_for_paho() -> None:
    """It would wake up and write once for each."""
    broker = Broker.model_validate({"host": "127.0.0.1"})
    client = MqttClient(broker, "gw", message("state"), None, take=lambda _messages: None, room=lambda: 1)
    client.acknowledge([])
    client.acknowledge(range(1, 101))

    [queued] = client._out_packet
    assert len(queued["packet"]) == 400
