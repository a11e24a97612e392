"""A small publisher: sends with QoS 1, at most so many messages ahead of the broker's acknowledgements.

For `replay` and the demo, which can wait. The agent itself speaks through `link.py`: its messages lie in an outbox and
must survive. Strategy: every message is acknowledged once and in order of sending, so two counters say all; nothing
depends on packet ids, which race with `publish`.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge_agent.errors import LinkError, UsageError

WINDOW: Final = 100  # messages ahead of the broker; more bring no speed and only memory
CONNECT_S: Final = 10.0
PATIENCE_S: Final = 30.0  # how long a broker may be silent while it owes acknowledgements
KEEPALIVE_S: Final = 30
_RETRY_S: Final = 2
_PORT, _TLS_PORT = 1883, 8883
_TAKEN: Final = 0  # MQTT_ERR_SUCCESS
_OFFLINE: Final = 4  # MQTT_ERR_NO_CONN: paho keeps a QoS 1 message all the same and sends it after the reconnect
_BAD_VERSION: Final = (1, 132)  # CONNACK: unacceptable protocol version
_BAD_LOGIN: Final = (4, 5, 134, 135)  # CONNACK: bad user name or password, not authorized

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """How to introduce oneself to a broker."""

    user: str = ""
    password: str = ""
    tls: bool = False
    ca: Path | None = None  # certificate of the authority that signed the broker's; None: those of the system
    client_id: str = ""  # empty: the broker makes one
    version: int = 5  # 5, or 4 for MQTT 3.1.1

    def __repr__(self) -> str:
        """Without the password: it must not reach a log."""
        return f"Login(user={self.user!r}, tls={self.tls})"


def parse_broker(text: str) -> tuple[str, int, bool]:
    """Host, port and whether TLS is meant, of `host`, `host:port`, `mqtt://host:port` or `mqtts://host:port`.

    Raises:
        UsageError: the text names no broker.
    """
    try:
        parts = urlsplit(text if "://" in text else f"mqtt://{text}")
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in {"mqtt", "mqtts"} or not parts.hostname or parts.username:
        raise UsageError(f"{text!r} is no broker", hint="--broker takes host:port, or mqtts://host:port for TLS")
    tls = parts.scheme == "mqtts"
    return parts.hostname, port if port is not None else _TLS_PORT if tls else _PORT, tls


class Feed:
    """A connection that publishes. Used by one thread; paho's own thread only counts."""

    def __init__(
        self, host: str, port: int, login: Login | None = None, *, window: int = WINDOW, patience_s: float = PATIENCE_S
    ) -> None:
        login = login if login is not None else Login()
        self._where = f"broker {host}:{port}"
        self._host, self._port, self._login = host, port, login
        self._window, self._patience_s = window, patience_s
        self._change = threading.Condition()
        self._online = False
        self._answer: ReasonCode | None = None  # why the broker refused the connection
        self._refusal = ""  # why it refused a message
        self._sent = self._acknowledged = 0
        self._client = Client(
            CallbackAPIVersion.VERSION2, client_id=login.client_id, protocol=MQTTProtocolVersion(login.version)
        )
        self._client.max_inflight_messages_set(window)
        self._client.reconnect_delay_set(1, _RETRY_S)
        if login.user:
            self._client.username_pw_set(login.user, login.password or None)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_publish = self._on_publish

    def __enter__(self) -> Self:
        self.connect()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def acknowledged(self) -> int:
        """Messages the broker has acknowledged: the first so many that were published."""
        with self._change:
            return self._acknowledged

    def connect(self, timeout_s: float = CONNECT_S) -> None:
        """Connect and wait until the broker has agreed.

        Raises:
            LinkError: it cannot be reached, or it refused.
        """
        try:
            if self._login.tls:
                self._client.tls_set(ca_certs=None if self._login.ca is None else str(self._login.ca))
            self._client.connect(self._host, self._port, keepalive=KEEPALIVE_S)
        except (OSError, ValueError) as error:  # ssl errors are OSErrors
            raise LinkError(
                f"{self._where} cannot be reached: {error}",
                hint="check that a broker runs there, the port, and that TLS is meant on both sides (mqtts://)",
            ) from error
        self._client.loop_start()
        with self._change:
            self._change.wait_for(lambda: self._online or self._answer is not None, timeout_s)
            online, answer = self._online, self._answer
        if not online:
            self.close()
            raise self._refused(answer, timeout_s)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Send with QoS 1; waits while a whole window is not acknowledged.

        Raises:
            LinkError: the topic is none, the broker refused a message, or it has acknowledged nothing for the time of
                patience.
        """
        self._make_room()
        with self._change:
            self._sent += 1  # before sending: the acknowledgement may come before `publish` returns
        try:
            code = self._client.publish(topic, payload, qos=1, retain=retain).rc
        except ValueError as error:  # a topic with wildcards, a payload of more than 256 MB
            self._forget_one()
            raise LinkError(f"no message can be sent to {topic!r}: {error}", hint="check the topic") from error
        if code not in {_TAKEN, _OFFLINE}:
            self._forget_one()
            raise LinkError(f"{self._where} did not take a message for {topic!r} (paho code {code})")

    def drain(self, timeout_s: float = PATIENCE_S) -> bool:
        """Whether everything was acknowledged within the time.

        Raises:
            LinkError: the broker refused a message.
        """
        with self._change:
            done = self._change.wait_for(lambda: self._settled(0), timeout_s)
            self._raise_refusal()
        return done

    def close(self) -> None:
        """Say goodbye, disconnect and join paho's thread; what is not acknowledged may be lost."""
        self._client.disconnect()
        self._client.loop_stop()
        self._client._reset_sockets(sockpair_only=True)  # noqa: SLF001 - paho leaves them to the garbage collector

    def _make_room(self) -> None:
        """Wait until another message fits into the window; patience begins anew with each acknowledgement."""
        with self._change:
            while not self._settled(self._window - 1):
                before = self._acknowledged
                if not self._change.wait_for(partial(self._moved, before), self._patience_s):
                    state = "acknowledges nothing" if self._online else "is away"
                    raise LinkError(
                        f"{self._where} {state} for {self._patience_s:g} s; {self._sent - before} messages are open",
                        hint="check the broker and the network",
                    )
            self._raise_refusal()

    def _forget_one(self) -> None:
        with self._change:
            self._sent -= 1

    def _settled(self, most: int) -> bool:
        return self._refusal != "" or self._sent - self._acknowledged <= most

    def _moved(self, before: int) -> bool:
        return self._refusal != "" or self._acknowledged > before

    def _raise_refusal(self) -> None:
        if self._refusal:
            raise LinkError(
                f"{self._where} refused a message: {self._refusal}",
                hint="check that the user may write to the topic (the broker's access list)",
            )

    def _refused(self, answer: ReasonCode | None, timeout_s: float) -> LinkError:
        if answer is None:
            return LinkError(
                f"{self._where} has not answered within {timeout_s:g} s",
                hint="something listens there that is perhaps no MQTT broker, or TLS is meant (mqtts://)",
            )
        hint = "check the broker's log"
        if answer.value in _BAD_LOGIN:
            hint = "check --user and the password"
        elif answer.value in _BAD_VERSION:
            hint = "the broker speaks another version of MQTT: --mqtt 3.1.1"
        return LinkError(f"{self._where} refused the connection: {answer}", hint=hint)

    # ------------------------------------------------------------------------------------------------ paho's thread
    # An exception in a callback would kill paho's thread silently, so these only set fields and notify.

    def _on_connect(
        self, _client: Client, _data: object, _flags: ConnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        with self._change:
            # MQTT 5 §3.2.2.3.3: no more messages unacknowledged than the broker says; paho does not look
            self._window = min(self._window, getattr(properties, "ReceiveMaximum", self._window))
            self._online = not reason.is_failure
            self._answer = reason if reason.is_failure else None
            self._change.notify_all()

    def _on_disconnect(
        self,
        _client: Client,
        _data: object,
        _flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        with self._change:
            self._online = False
            self._change.notify_all()
        if reason.is_failure:
            logger.info("feed_disconnected reason=%s", reason)

    def _on_publish(
        self, _client: Client, _data: object, _mid: int, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        with self._change:
            self._acknowledged += 1
            if reason.is_failure:
                self._refusal = str(reason)
            self._change.notify_all()
