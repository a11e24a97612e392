"""paho's client as we set it up: what is queued in it, what it asks of the system."""

from __future__ import annotations

import socket
from typing import Final

import pytest

from edge_agent.config import Broker
from edge_agent.mqtt.client import MqttClient
from tests.links import AlwaysRoom, message

QUICKACK: Final[int | None] = getattr(socket, "TCP_QUICKACK", None)


def set_up(broker: Broker) -> MqttClient:
    """A client that takes messages and does nothing with them."""
    return MqttClient(
        broker, "gw", message("state"), None, take=lambda _messages: None, room=lambda: 1, relief=AlwaysRoom()
    )


def test_the_acknowledgements_of_a_batch_are_one_piece_for_paho() -> None:
    """It would wake up and write once for each."""
    broker = Broker.model_validate({"host": "127.0.0.1"})
    client = set_up(broker)
    client.acknowledge([])
    client.acknowledge(range(1, 101))

    [queued] = client._out_packet
    assert len(queued["packet"]) == 400


@pytest.mark.skipif(QUICKACK is None, reason="the operating system knows no TCP_QUICKACK")
def test_each_read_asks_the_system_to_confirm_at_once() -> None:
    """A broker with Nagle's algorithm would keep the next readings back for up to 40 ms."""
    assert QUICKACK is not None
    with socket.create_server(("127.0.0.1", 0)) as listener:
        broker = Broker.model_validate({"host": "127.0.0.1", "port": listener.getsockname()[1]})
        client = set_up(broker)
        client.aim(broker)
        client.reconnect()
        assert client._intake is not None
        stream = client._intake._stream
        stream.setsockopt(socket.IPPROTO_TCP, QUICKACK, 0)  # as the system does by itself after a while
        client.loop_read()

        assert stream.getsockopt(socket.IPPROTO_TCP, QUICKACK) == 1
        client.cut()
        client._sock_close()
