"""The onlooker, against a real broker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.errors import LinkError
from edge_agent.mqtt.feed import Feed
from edge_agent.mqtt.watch import Watch
from tests.mosquitto import Mosquitto, free_port

pytestmark = pytest.mark.broker
HOST = "127.0.0.1"


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    broker = Mosquitto(tmp_path)
    yield broker
    broker.stop()


def test_messages_of_its_filters_come_in_order(mosquitto: Mosquitto) -> None:
    watch = Watch(HOST, mosquitto.port, ("a/#", "b/+/log"))
    watch.open()
    with Feed(HOST, mosquitto.port) as feed:
        for topic in ("a/1", "c/1", "b/x/log", "b/x/vib", "a/2"):
            feed.publish(topic, topic.encode())
        assert feed.drain()
    seen = [watch.take(10.0) for _ in range(3)]
    assert [m and (m.topic, m.payload) for m in seen] == [
        ("a/1", b"a/1"), ("b/x/log", b"b/x/log"), ("a/2", b"a/2"),
    ]  # fmt: skip
    assert watch.take(0) is None
    watch.close()


def test_what_is_retained_comes_first(mosquitto: Mosquitto) -> None:
    with Feed(HOST, mosquitto.port) as feed:
        feed.publish("a/state", b"online", retain=True)
        assert feed.drain()
    watch = Watch(HOST, mosquitto.port, ("a/#",))
    watch.open()
    received = watch.take(10.0)
    watch.close()
    assert received is not None
    assert received.payload == b"online"


def test_it_subscribes_again_when_the_broker_comes_back(mosquitto: Mosquitto) -> None:
    watch = Watch(HOST, mosquitto.port, ("a/#",))
    watch.open()
    mosquitto.stop()
    mosquitto.start()
    received = None
    with Feed(HOST, mosquitto.port) as feed:
        feed.publish("a/1", b"kept for whoever comes later", retain=True)
        assert feed.drain()
        received = watch.take(20.0)
    watch.close()
    assert received is not None


def test_a_broker_that_is_not_there_is_named() -> None:
    port = free_port()
    with pytest.raises(LinkError, match=rf"broker 127\.0\.0\.1:{port} cannot be reached") as caught:
        Watch(HOST, port, ("a",)).open()
    assert caught.value.hint


def test_a_refused_connection_says_why(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path, "allow_anonymous false")
    try:
        with pytest.raises(LinkError, match="Not authorized"):
            Watch(HOST, broker.port, ("a",)).open()
    finally:
        broker.stop()
