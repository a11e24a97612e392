"""The agent as a Sparkplug edge node: a connection of its own, as MQTT allows one will each and Sparkplug needs it.

Fed with what the engine has committed, by a bounded queue that never makes it wait. One thread owns what the edge node
knows (`core/sparkplug/own_node.py`) and sends; paho's own only passes on what happens to the connection. While there
is none, changes are kept, bounded too, and told after the next birth as historical. All is QoS 0, as Sparkplug has it:
what a cut connection swallows is lost to it. The record is the agent's `event` topic, which loses nothing.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final, NamedTuple

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge_agent.config import Broker
from edge_agent.core.sparkplug.own_node import Change, OwnEdgeNode, Said, asks_for_birth
from edge_agent.core.types import AlarmEvent, Verdict
from edge_agent.mqtt import tls
from edge_agent.mqtt.guard import Guard

logger = logging.getLogger(__name__)

MAX_TOLD: Final = 1_000  # commits not looked at yet
MAX_KEPT: Final = 10_000  # changes kept while there is no connection
REBIRTH_S: Final = 1.0  # least time between two births: whoever asks all the time gets no more
SHED: Final = "sparkplug"  # cause
_RETRY_MAX_S: Final = 60
_STOP_S: Final = 5.0
_LOOK_S: Final = 0.2


class _Told(NamedTuple):
    events: tuple[AlarmEvent, ...]
    verdicts: tuple[Verdict, ...]


class _Connected(NamedTuple):
    session: int


class _Lost(NamedTuple):
    pass


class _Asked(NamedTuple):
    pass


class SparkplugNode:
    """One edge node at one broker."""

    def __init__(
        self,
        broker: Broker,
        client_id: str,
        node: OwnEdgeNode,
        *,
        on_shed: Callable[[str, int], None],
        retry_s: int = 1,
    ) -> None:
        """Prepare a connection.

        Raises:
            LinkError: a TLS file cannot be used.
        """
        self._broker, self._node, self._on_shed = broker, node, on_shed
        self._told: queue.Queue[_Told] = queue.Queue(MAX_TOLD)
        self._happened: queue.SimpleQueue[_Connected | _Lost | _Asked] = queue.SimpleQueue()
        self._wake, self._closing = threading.Event(), threading.Event()
        self._guard = Guard()
        self._up: int | None = None  # session of the connection there is; the network thread says so
        # Of the sending thread alone.
        self._session: int | None = None  # that it has said the births of
        self._kept: deque[Change] = deque()
        self._born_at = 0.0
        # Of the network thread alone.
        self._sessions = -1
        v5 = broker.protocol == "5"
        client = self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id,
            clean_session=None if v5 else True,
            protocol=MQTTProtocolVersion.MQTTv5 if v5 else MQTTProtocolVersion.MQTTv311,
        )
        if broker.username is not None:
            password = None if broker.password is None else broker.password.get_secret_value()
            client.username_pw_set(broker.username, password)
        if broker.tls is not None and broker.tls.enabled:
            client.tls_set_context(tls.client_context(broker.tls))
        client.reconnect_delay_set(retry_s, max(_RETRY_MAX_S, retry_s))
        client.on_pre_connect, client.on_connect = self._pre_connect, self._connected
        client.on_subscribe, client.on_disconnect = self._subscribed, self._disconnected
        client.on_message = self._message
        self._thread = threading.Thread(target=self._run, name="sparkplug", daemon=True)

    # ------------------------------------------------------------------------------------------------ any thread

    def told(self, events: Iterable[AlarmEvent], verdicts: Iterable[Verdict]) -> None:
        """Take what was committed; the oldest makes room, counted, where the sending thread cannot follow."""
        told = _Told(tuple(events), tuple(verdicts))
        if not (told.events or told.verdicts):
            return
        while True:
            with suppress(queue.Full):
                self._told.put_nowait(told)
                self._wake.set()
                return
            with suppress(queue.Empty):
                self._told.get_nowait()
                self._on_shed(SHED, 1)

    def fault(self) -> BaseException | None:
        """What a thread raised unexpectedly, or None."""
        return self._guard.fault

    def open(self) -> None:
        """Connect in the background."""
        self._thread.start()
        v5 = self._broker.protocol == "5"
        where = self._broker.host, self._broker.effective_port, self._broker.keepalive_s
        if v5:
            self._client.connect_async(*where, clean_start=True)
        else:
            self._client.connect_async(*where)
        self._client.loop_start()

    def close(self) -> None:
        """Say what is still to be said, then the death, and disconnect."""
        self._closing.set()
        self._wake.set()
        self._thread.join(_STOP_S)
        self._up = None
        self._client.disconnect()
        stopper = threading.Thread(target=self._client.loop_stop, name="sparkplug-stop", daemon=True)
        stopper.start()
        stopper.join(_STOP_S)

    # ------------------------------------------------------------------------------------------------ sending thread

    def _run(self) -> None:
        with self._guard:
            while not self._closing.is_set():
                self._wake.wait()
                self._wake.clear()
                self._turn()
            self._turn()
            if self._session is not None:
                self._send(self._node.death(self._session, time.time()), qos=1)

    def _turn(self) -> None:
        while not self._happened.empty():
            happened = self._happened.get_nowait()
            if isinstance(happened, _Connected):
                self._session = happened.session
                self._births()
                while self._kept and self._say(self._kept[0], late=True):
                    self._kept.popleft()
            elif isinstance(happened, _Lost):
                self._session = None
            elif self._session is not None:
                self._closing.wait(max(self._born_at + REBIRTH_S - time.monotonic(), 0.0))
                self._births()
        with suppress(queue.Empty):
            while True:
                told = self._told.get_nowait()
                for verdict in told.verdicts:
                    self._changed(self._node.risk(verdict))
                for event in told.events:
                    self._changed(self._node.alarm(event))

    def _changed(self, change: Change | None) -> None:
        if change is None or self._say(change):
            return
        if len(self._kept) >= MAX_KEPT:
            self._kept.popleft()
            self._on_shed(SHED, 1)
        self._kept.append(change)

    def _births(self) -> None:
        self._born_at = time.monotonic()
        for said in self._node.births(self._session or 0, time.time()):
            if not self._send(said):
                return

    def _say(self, change: Change, *, late: bool = False) -> bool:
        """Whether a change could be told."""
        if self._session is None:
            return False
        return all(self._send(said) for said in self._node.data(change, time.time(), late=late))

    def _send(self, said: Said, qos: int = 0) -> bool:
        """Whether a message has gone into the socket; waits for that, so nothing piles up in paho."""
        if self._session == self._up:
            info = self._client.publish(said.topic, said.payload, qos)
            while info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS and self._session == self._up:
                info.wait_for_publish(_LOOK_S)
                if info.is_published():
                    return True
        self._session = None
        return False

    # ------------------------------------------------------------------------------------------------ network thread

    def _pre_connect(self, client: mqtt.Client, _data: object) -> None:
        with self._guard:
            self._sessions += 1
            will = self._node.death(self._sessions, time.time())
            client.will_set(will.topic, will.payload, qos=1)

    def _connected(
        self, client: mqtt.Client, _data: object, _flags: object, code: ReasonCode, _properties: Properties | None
    ) -> None:
        with self._guard:
            if code.is_failure:
                logger.warning("sparkplug_refused broker=%s reason=%s", self._broker.host, code)
                return
            client.subscribe(self._node.commands, 1)

    def _subscribed(
        self, _client: mqtt.Client, _data: object, _mid: int, codes: list[ReasonCode], _properties: object
    ) -> None:
        with self._guard:
            if any(code.is_failure for code in codes):
                logger.warning("sparkplug_deaf topic=%s reason=%s", self._node.commands, codes[0])
            logger.info("sparkplug_up broker=%s session=%d", self._broker.host, self._sessions)
            self._up = self._sessions
            self._note(_Connected(self._sessions))

    def _disconnected(
        self, _client: mqtt.Client, _data: object, _flags: object, code: ReasonCode, _properties: object
    ) -> None:
        with self._guard:
            logger.info("sparkplug_down broker=%s reason=%s", self._broker.host, code)
            self._up = None
            self._note(_Lost())

    def _message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        with self._guard:
            if self._happened.empty() and asks_for_birth(bytes(message.payload)):
                self._note(_Asked())

    def _note(self, happened: _Connected | _Lost | _Asked) -> None:
        self._happened.put(happened)
        self._wake.set()
