"""The agent's connection to the broker, as `ports.Link`; knows the traps of paho's callbacks.

- An exception in a callback would kill paho's thread silently: every body is guarded, what it raised is `fault()`.
- paho is never the buffer: nothing is published while there is no connection, and what it holds is dropped before each
  connect, because a resend would ignore every limit.
- An acknowledgement of an older connection could hit a new message of the same packet id: each connection has an epoch.

- A certificate that has expired is renewed by whoever looks after it, not by a restart: before each connection changed
  TLS files are read again.

Messages come many at a time (`_taken`), past paho; only those of QoS 2, which we never ask for, come through it.
Callbacks come on the network thread and must not block.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Sequence

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from edge_agent.config import Broker
from edge_agent.core.types import Outgoing
from edge_agent.errors import LinkError
from edge_agent.mqtt import reasons, tls
from edge_agent.mqtt.client import INFLIGHT, MqttClient
from edge_agent.mqtt.guard import Guard
from edge_agent.mqtt.ledger import DISCONNECTED, Ledger, OnDone, unheard
from edge_agent.mqtt.packets import AT_LEAST_ONCE, Publish
from edge_agent.mqtt.tries import Tries
from edge_agent.ports import Arrival, Relief

logger = logging.getLogger(__name__)

UNSENDABLE = "unsendable"
ACKNOWLEDGED = "acknowledged"
STALL_S = 30.0  # paho's loop turns at least once a second while connected
CONNECT_S = 45.0  # looking up a name (30 s at worst), connecting (5 s) and shaking hands (5 s) block the loop
FAREWELL_S = 2.0
CLOSE_S = 3.0


class PahoLink:
    """One connection to one broker, kept up for ever."""

    def __init__(  # noqa: PLR0913 - the composition root names each part once
        self,
        broker: Broker,
        client_id: str,
        *,
        subscriptions: Sequence[str],
        will: Outgoing,
        birth: Callable[[], Outgoing],
        farewell: Callable[[], Outgoing] | None = None,
        relief: Relief,
        retry_base_s: float = 1.0,
        retry_cap_s: float = 60.0,
    ) -> None:
        """Prepare a connection.

        Args:
            broker: where and how.
            client_id: unique at the broker.
            subscriptions: topic filters, all at QoS 1. Those of a former run stay in the broker's session until it
                expires: messages of a topic no longer configured may still come.
            will: what the broker says for us when we are cut off.
            birth: makes what is said first on each connection.
            farewell: makes what is said last before a clean goodbye.
            relief: says when messages of QoS 0 find no place and are read past.
            retry_base_s: first wait before connecting again.
            retry_cap_s: longest such wait.

        Raises:
            LinkError: a TLS file cannot be used.
        """
        self.problem: LinkError | None = None  # why there is no connection, or no permission; None when all is well
        self.session_present = False  # whether the broker still had our session at the last connect
        self._broker, self._name = broker, f"{broker.host}:{broker.effective_port}"
        self._subscriptions, self._birth, self._farewell = tuple(subscriptions), birth, farewell
        self._v5 = broker.protocol == "5"
        self._encryption = tls.Encryption(broker.tls) if broker.tls is not None and broker.tls.enabled else None
        self._guard = Guard()
        self._ledger = Ledger(broker.receive_maximum)
        self._on_message: Callable[[Arrival], None] = lambda _arrival: None
        self._on_change: Callable[[bool], None] = lambda _connected: None
        # Of the network thread alone.
        self._thread: threading.Thread | None = None
        self._tries = Tries(broker, self._encryption, retry_base_s, retry_cap_s)
        self._closing = False
        self._refused: set[str] = set()  # topics whose refusal was logged on this connection
        client = self._client = MqttClient(
            broker,
            client_id,
            will,
            None if self._encryption is None else self._encryption.context,
            take=self._taken,
            room=self._ledger.room,
            relief=relief,
        )
        client.on_pre_connect, client.on_connect = self._pre_connect, self._connect
        client.on_connect_fail, client.on_disconnect = self._connect_fail, self._disconnect
        client.on_subscribe, client.on_publish, client.on_message = self._subscribed, self._published, self._message

    # ------------------------------------------------------------------------------------------------ any thread

    @property
    def connected(self) -> bool:
        """Whether the broker has accepted us."""
        return self._ledger.connected

    @property
    def epoch(self) -> int:
        """Number of the current connection, or of the last one; 0 before the first."""
        return self._ledger.epoch

    def fault(self) -> BaseException | None:
        """What a callback raised unexpectedly, or None."""
        return self._guard.fault

    def open(self, on_message: Callable[[Arrival], None], on_change: Callable[[bool], None]) -> None:
        """Connect and subscribe in the background; calls back on the network thread."""
        self._on_message, self._on_change = on_message, on_change
        self._client.aim(self._broker)
        self._client.beat()
        self._client.loop_start()

    def ack(self, arrivals: Sequence[Arrival]) -> None:
        """Acknowledge messages of QoS 1, but for those whose connection is gone."""
        with self._ledger.answering(arrivals) as ours:
            self._client.acknowledge([arrival.mid for arrival in ours if arrival.qos == AT_LEAST_ONCE])
            for arrival in ours:
                if arrival.qos > AT_LEAST_ONCE:
                    self._client.ack(arrival.mid, arrival.qos)

    def publish(self, message: Outgoing, on_done: OnDone) -> None:
        """Send; `on_done(delivered, reason)` when acknowledged, refused, or cut off."""
        epoch = self._ledger.current()
        if epoch is None:
            on_done(False, DISCONNECTED)  # noqa: FBT003 - the port's callback
            return
        try:
            info = self._client.publish(
                message.topic, message.payload, message.qos, message.retain, self._properties(message)
            )
        except ValueError:  # no topic or no QoS: a row of the outbox that was damaged
            on_done(False, UNSENDABLE)  # noqa: FBT003 - the port's callback
            return
        self._ledger.sent(epoch, info.mid, info.rc, message.topic, on_done)

    def _properties(self, message: Outgoing) -> Properties | None:
        """The properties of a message: an answer bears the correlation data of what it answers (MQTT 5 only)."""
        if not message.correlation or not self._v5:
            return None
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho has it so
        properties.CorrelationData = message.correlation
        return properties

    def alive(self, now: float) -> bool:
        """Whether the network thread lives: no callback failed, and its loop has turned of late."""
        if self._guard.fault is not None or (self._thread is not None and not self._thread.is_alive()):
            return False
        return now - self._client.pulse < (STALL_S if self.connected else STALL_S + CONNECT_S + 2 * self._tries.wait_s)

    def close(self) -> None:
        """Say goodbye, disconnect and join."""
        if self._farewell is not None and self.connected:
            said = threading.Event()
            self.publish(self._farewell(), lambda _delivered, _reason: said.set())
            said.wait(FAREWELL_S)
        self._closing = True
        self._client.disconnect()
        stopper = threading.Thread(target=self._client.loop_stop, name="link-stop", daemon=True)
        stopper.start()
        stopper.join(CLOSE_S)
        if stopper.is_alive():  # the broker takes nothing more
            self._client.cut()
            stopper.join(CLOSE_S)
        self._lost()
        if not stopper.is_alive():
            self._client.release()

    # ------------------------------------------------------------------------------------------------ network thread

    def _taken(self, messages: Sequence[Publish]) -> None:
        with self._guard:
            now, epoch, arrivals, useless = time.time(), self.epoch, list[Arrival](), list[int]()
            for mid, qos, dup, retain, topic, payload, left_out, properties in messages:
                try:
                    arrivals.append(
                        Arrival(epoch, mid, qos, topic.decode(), payload, now, dup, retain, left_out, properties)
                    )
                except UnicodeDecodeError:  # no broker should let it through, and nobody could use it
                    if qos == AT_LEAST_ONCE:
                        useless.append(mid)
            self._ledger.took(arrivals)
            self._client.acknowledge(useless)
            for arrival in arrivals:
                with self._guard:
                    self._on_message(arrival)

    def _message(self, _client: mqtt.Client, _userdata: object, message: mqtt.MQTTMessage) -> None:
        topic = message._topic  # noqa: SLF001 - `topic` raises where it is no text
        self._taken([Publish(message.mid, message.qos, message.dup, message.retain, topic, bytes(message.payload))])

    def _published(
        self, _client: mqtt.Client, _userdata: object, mid: int, code: ReasonCode, _properties: Properties | None
    ) -> None:
        with self._guard:
            done = (False, reasons.reason_key(code.getName())) if code.is_failure else (True, ACKNOWLEDGED)
            found = self._ledger.answered(mid, done)
            if found is None:
                return
            topic, on_done = found
            if code.is_failure and topic not in self._refused:
                self._refused.add(topic)
                logger.error(
                    "publish_refused topic=%s reason=%s hint=%s", topic, done[1], reasons.permission_hint(done[1])
                )
            on_done(*done)

    def _pre_connect(self, client: mqtt.Client, _userdata: object) -> None:
        with self._guard:
            self._thread = threading.current_thread()
            self._tries.begin()
            self._client.beat()
            client.drop_out_messages()
            self._lost()
            self._renew()

    def _renew(self) -> None:
        """Read changed TLS files again; where they cannot be used (half written, perhaps) the old ones stay."""
        if self._encryption is None:
            return
        try:
            if not self._encryption.renew():
                return
        except LinkError as error:
            self._failed(error)
            return
        self._client.renew(self._encryption.context)
        self._tries.renewed()
        logger.info("tls_renewed broker=%s", self._name)

    def _connect(
        self,
        client: mqtt.Client,
        _userdata: object,
        flags: mqtt.ConnectFlags,
        code: ReasonCode,
        properties: Properties | None,
    ) -> None:
        with self._guard:
            if code.is_failure:
                self._failed(self._tries.refused(code.getName()))
                return
            self._tries.accepted()
            first = self.epoch == 0
            self.problem, self.session_present = None, flags.session_present
            self._refused.clear()
            self._ledger.begin()
            logger.info("link_up broker=%s epoch=%d session=%s", self._name, self.epoch, flags.session_present)
            if getattr(properties, "ReceiveMaximum", INFLIGHT) < INFLIGHT:
                logger.warning("link_narrow broker=%s hint=raise its receive maximum to %d", self._name, INFLIGHT)
            self.publish(self._birth(), unheard)
            if self._subscriptions and (self._v5 or first or not flags.session_present):
                self._subscribe(client)
            self._on_change(True)  # noqa: FBT003 - the port's callback

    def _subscribe(self, client: mqtt.Client) -> None:
        """Subscribe to all; MQTT 5 lets us do so each time without getting the retained messages again."""
        if self._v5:
            options = SubscribeOptions(qos=1, retainHandling=SubscribeOptions.RETAIN_SEND_IF_NEW_SUB)
            client.subscribe([(topic, options) for topic in self._subscriptions])
        else:
            client.subscribe([(topic, 1) for topic in self._subscriptions])

    def _subscribed(
        self, _client: mqtt.Client, _userdata: object, _mid: int, codes: list[ReasonCode], _properties: object
    ) -> None:
        with self._guard:
            for topic, code in zip(self._subscriptions, codes, strict=False):
                if code.is_failure:
                    reason = reasons.reason_key(code.getName())
                    hint = reasons.permission_hint(reason)
                    self.problem = LinkError(f"broker {self._name} refuses {topic!r}: {reason}", hint=hint)
                    logger.error("subscribe_refused topic=%s reason=%s hint=%s", topic, reason, hint)

    def _connect_fail(self, _client: mqtt.Client, _userdata: object) -> None:
        with self._guard:
            self._client.beat()
            error = sys.exception()  # paho calls us from its `except`
            self._failed(self._tries.failed(error))
            self._back_off()

    def _disconnect(
        self,
        _client: mqtt.Client,
        _userdata: object,
        _flags: mqtt.DisconnectFlags,
        code: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        with self._guard:
            self._client.beat()
            was = self.connected
            self._lost()
            if self._closing:
                return
            problem = self._tries.cut(reasons.reason_key(code.getName())) if was else self._tries.hung_up()
            if problem is not None:
                self._failed(problem)
            self._back_off()

    def _failed(self, problem: LinkError) -> None:
        if str(problem) != str(self.problem):
            logger.warning("link_down reason=%s hint=%s", problem, problem.hint)
        self.problem = problem

    def _back_off(self) -> None:
        """Let paho wait as we want."""
        wait_s = self._tries.next_wait()
        self._client.reconnect_delay_set(wait_s, wait_s)  # type: ignore[arg-type]  # it takes any number

    def _lost(self) -> None:
        """Give up what is on its way: the connection is gone."""
        if self._ledger.end():
            self._on_change(False)  # noqa: FBT003 - the port's callback
