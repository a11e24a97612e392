"""A subscriber that looks on: what a dashboard would receive, in order of arrival.

Unlike the link of the agent it keeps no session, acknowledges at once and loses what comes while it is away.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Sequence
from typing import Final, NamedTuple

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge_agent.errors import LinkError

CONNECT_S: Final = 10.0
KEEPALIVE_S: Final = 30
_RETRY_S: Final = 2


class Received(NamedTuple):
    """One message."""

    topic: str
    payload: bytes


class Watch:
    """A connection that subscribes and hands on what comes."""

    def __init__(self, host: str, port: int, filters: Sequence[str]) -> None:
        self._host, self._port, self._filters = host, port, tuple(filters)
        self._received: queue.SimpleQueue[Received] = queue.SimpleQueue()
        self._subscribed = threading.Event()
        self._refused = ""
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
        self._client.reconnect_delay_set(1, _RETRY_S)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message

    def open(self) -> None:
        """Connect and subscribe.

        Raises:
            LinkError: the broker did not let us within `CONNECT_S`.
        """
        where = f"broker {self._host}:{self._port}"
        try:
            self._client.connect(self._host, self._port, keepalive=KEEPALIVE_S)
        except OSError as error:
            raise LinkError(f"{where} cannot be reached: {error}", hint="check that it runs there") from error
        self._client.loop_start()
        deadline = time.monotonic() + CONNECT_S
        while not self._subscribed.wait(0.05):
            if self._refused or time.monotonic() > deadline:
                self.close()
                reason = self._refused or "no answer"
                raise LinkError(
                    f"{where} did not accept a subscription to {', '.join(self._filters)}: {reason}",
                    hint="check that it speaks MQTT 5 and lets this client subscribe",
                )

    def take(self, timeout_s: float) -> Received | None:
        """The next message, waiting for it at most so long."""
        try:
            return self._received.get(timeout=timeout_s) if timeout_s > 0 else self._received.get_nowait()
        except queue.Empty:
            return None

    def close(self) -> None:
        """Disconnect and join."""
        self._client.disconnect()
        self._client.loop_stop()
        self._client._reset_sockets(sockpair_only=True)  # noqa: SLF001 - paho leaves them to the garbage collector

    # ------------------------------------------------------------------------------------------------ network thread

    def _on_connect(
        self, client: Client, _data: object, _flags: ConnectFlags, code: ReasonCode, _properties: Properties | None
    ) -> None:
        if code.is_failure:
            self._refused = str(code)
            return
        client.subscribe([(name, 1) for name in self._filters])

    def _on_subscribe(
        self, _client: Client, _data: object, _mid: int, codes: list[ReasonCode], _properties: Properties | None
    ) -> None:
        refused = [str(code) for code in codes if code.is_failure]
        if refused:
            self._refused = ", ".join(refused)
            return
        self._subscribed.set()

    def _on_disconnect(
        self, _client: Client, _data: object, _flags: DisconnectFlags, code: ReasonCode, _properties: Properties | None
    ) -> None:
        if not self._subscribed.is_set() and code.is_failure:
            self._refused = self._refused or str(code)  # the refusal itself says more than the disconnect after it

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        try:
            topic = message.topic  # paho decodes it here, and raises for what is no UTF-8
        except UnicodeDecodeError:
            return
        self._received.put(Received(topic, bytes(message.payload)))
