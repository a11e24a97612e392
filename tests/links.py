"""What tests of a Link need: a probe that notes what comes back, an onlooker, messages."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from edge_agent.config import Broker
from edge_agent.core.types import Outgoing
from edge_agent.mqtt.link import PahoLink
from edge_agent.ports import Arrival, Link, Relief
from tests.mosquitto import until

STATE = "pdm/v1/acme/plant-1/gw-1/state"


def message(topic: str, payload: bytes = b"x", *, qos: int = 1, retain: bool = False) -> Outgoing:
    """An outgoing message."""
    return Outgoing(f"key-{topic}", topic, payload, qos, retain, 0, topic)


class AlwaysRoom:
    """The port `Relief` of who takes whatever comes."""

    def full(self) -> str:
        return ""

    def shed(self, cause: str, count: int) -> None:
        raise AssertionError(f"{count} shed by {cause!r}")


def paho_link(
    broker: Broker,
    client_id: str,
    *subscriptions: str,
    relief: Relief = AlwaysRoom(),  # noqa: B008 - it has no state
) -> PahoLink:
    """The real link with short waits."""
    return PahoLink(
        broker,
        client_id,
        subscriptions=subscriptions,
        will=message(STATE, b"offline", retain=True),
        birth=lambda: message(STATE, b"online", retain=True),
        farewell=lambda: message(STATE, b"stopped", retain=True),
        relief=relief,
        retry_base_s=0.05,
        retry_cap_s=0.2,
    )


class Probe:
    """Opens a link and notes what it says."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.arrivals: list[Arrival] = []
        self.changes: list[bool] = []
        self.done: list[tuple[bool, str]] = []

    def open(self) -> None:
        """Open and wait for the connection."""
        self.link.open(self.arrivals.append, self.changes.append)
        until(lambda: self.link.connected, "the link is connected")

    def publish(self, *messages: Outgoing) -> None:
        """Publish without waiting."""
        for one in messages:
            self.link.publish(one, lambda delivered, reason: self.done.append((delivered, reason)))

    @property
    def payloads(self) -> list[bytes]:
        """What has come, in order."""
        return [arrival.payload for arrival in list(self.arrivals)]


@contextmanager
def opened(link: Link) -> Iterator[Probe]:
    """An open link."""
    probe = Probe(link)
    try:
        probe.open()
        yield probe
    finally:
        link.close()


class Onlooker:
    """Another client of the broker: publishes, and hears some topics."""

    def __init__(
        self,
        port: int,
        *topics: str,
        username: str | None = None,
        password: str | None = None,
        protocol: str = "5",
    ) -> None:
        self.heard: list[tuple[str, bytes, bool]] = []
        self._subscribed = threading.Event()
        version = mqtt.MQTTv5 if protocol == "5" else mqtt.MQTTv311
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=version)
        self._client.on_message = lambda _c, _u, m: self.heard.append((m.topic, bytes(m.payload), m.retain))
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        if username is not None:
            self._client.username_pw_set(username, password)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        if topics:
            self._client.subscribe([(topic, 1) for topic in topics])
            assert self._subscribed.wait(10)

    def publish(self, topic: str, *payloads: bytes, qos: int = 1, retain: bool = False) -> None:
        """Publish and wait for the broker's word."""
        for payload in payloads:
            self._client.publish(topic, payload, qos, retain).wait_for_publish(10)

    def publish_all(self, topic: str, count: int) -> None:
        """Publish many at once; waits for the last."""
        infos = [self._client.publish(topic, str(n), 1) for n in range(count)]
        infos[-1].wait_for_publish(20)

    def payloads(self, topic: str) -> list[bytes]:
        """What was heard on a topic, in order."""
        return [payload for name, payload, _ in list(self.heard) if name == topic]

    def close(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()
        self._client._reset_sockets(sockpair_only=True)  # else left to the garbage collector, see MqttClient.release


@contextmanager
def onlooker(port: int, *topics: str, username: str | None = None, password: str | None = None) -> Iterator[Onlooker]:
    """An onlooker for the length of a test."""
    one = Onlooker(port, *topics, username=username, password=password)
    try:
        yield one
    finally:
        one.close()
