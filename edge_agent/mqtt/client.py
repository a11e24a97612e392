"""paho's client, set up for an agent: a session that outlives us, our own acknowledgements, bounded buffers, a pulse.

A broker may send more than the receive maximum: mosquitto 2.0.11, Debian 12's, holds it only until the first
acknowledgement (measured: 759 unacknowledged messages at a maximum of 20; mosquitto issue 2301). So beyond it we stop
reading, and TCP holds the broker back; what we have to say still goes out.

Messages pass paho by (`intake`), and all PUBACKs of a batch are one packet to it; renewed TLS files are taken up
between two connections; what is closed leaves no socket open. For that five private names of paho's are used
(`_create_socket`, `_packet_queue`, `_last_bytes_received`, `_ssl_context`, `_reset_sockets`), so its version is bounded
in pyproject.toml and tests/broker holds this class to a real broker. No topic alias: we allow none. No maximum packet
size either: the broker would keep what is larger to itself without a word, where the intake counts it. The callbacks
are `link`'s.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, cast

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edge_agent.config import Broker
from edge_agent.core.types import Outgoing
from edge_agent.mqtt import packets
from edge_agent.mqtt.intake import Intake
from edge_agent.mqtt.packets import Publish
from edge_agent.ports import Relief

if TYPE_CHECKING:
    from paho.mqtt.client import SocketLike

INFLIGHT = 10  # unacknowledged messages from us; brokers allow 10 (HiveMQ) to 65535
MAX_QUEUED = 1000  # given to paho at once; the publisher gives it 16
PAUSE_S = 0.01  # between looks whether there is room again
PUBACK = 0x40  # first byte
BUFFER = 128 * 1024  # bytes of messages that may wait in the system, which would take megabytes; Linux doubles it


class MqttClient(mqtt.Client):
    """A client whose network thread beats at each turn of its loop, and which hands over messages many at a time."""

    def __init__(  # noqa: PLR0913 - what paho is set up with, and the two ends of the intake
        self,
        broker: Broker,
        client_id: str,
        will: Outgoing,
        context: ssl.SSLContext | None,
        *,
        take: Callable[[Sequence[Publish]], None],
        room: Callable[[], int],
        relief: Relief,
    ) -> None:
        """Set up a client; it connects when told. `take`, `room` and `relief` are those of `Intake`."""
        v5 = broker.protocol == "5"
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id,
            clean_session=None if v5 else False,
            protocol=MQTTProtocolVersion.MQTTv5 if v5 else MQTTProtocolVersion.MQTTv311,
            manual_ack=True,
        )
        self.pulse = 0.0  # monotonic time of the last beat
        self._take, self._room, self._relief, self._v5 = take, room, relief, v5
        self._intake: Intake | None = None  # of the current connection
        self.max_inflight_messages_set(INFLIGHT)
        self.max_queued_messages_set(MAX_QUEUED)
        self.will_set(will.topic, will.payload, will.qos, will.retain)
        if broker.username is not None:
            password = None if broker.password is None else broker.password.get_secret_value()
            self.username_pw_set(broker.username, password)
        if context is not None:
            self.tls_set_context(context)

    def aim(self, broker: Broker) -> None:
        """Say where to connect to once the network thread runs."""
        if broker.protocol != "5":
            self.connect_async(broker.host, broker.effective_port, broker.keepalive_s)
            return
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = broker.session_expiry_s
        properties.ReceiveMaximum = broker.receive_maximum
        self.connect_async(
            broker.host, broker.effective_port, broker.keepalive_s, clean_start=False, properties=properties
        )

    def renew(self, context: ssl.SSLContext) -> None:
        """Encrypt the next connections in this way; paho lets it be said only once."""
        self._ssl_context = None
        self.tls_set_context(context)

    def beat(self) -> None:
        """Note that the network thread moves."""
        self.pulse = time.monotonic()

    def acknowledge(self, mids: Sequence[int]) -> None:
        """Send the PUBACKs of these messages of QoS 1 as one piece: paho would wake up and write once for each."""
        if mids:
            self._packet_queue(PUBACK, packets.pubacks(mids), mids[0], packets.AT_LEAST_ONCE)

    def cut(self) -> None:
        """End the connection, whatever is still to be sent."""
        if self._intake is not None:
            self._intake.shutdown()

    def release(self) -> None:
        """Close the pair of sockets that wakes the network thread up; when that has ended and nobody sends any more.

        paho leaves them to the garbage collector, which may come to the sockets first and complains of each.
        """
        self._reset_sockets(sockpair_only=True)

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:
        """As paho's, but messages go to `take`; waits a little while there is no room for them."""
        if self._intake is not None:
            if self._intake.blocked:
                time.sleep(PAUSE_S)
            self._intake.confirm_at_once()
        return super().loop_read(max_packets)

    def loop_misc(self) -> MQTTErrorCode:
        """As paho's; called at the end of each turn, at least once a second while connected."""
        self.beat()
        return super().loop_misc()

    def _create_socket(self) -> SocketLike:
        """As paho's, with an `Intake` before it."""
        stream = cast("socket.socket", super()._create_socket())  # we use neither unix sockets nor websockets
        # No waiting for more to send: an alarm would stand 40 ms behind an acknowledgement (Nagle and delayed ACK)
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        self._intake = Intake(stream, self._taken, self._room, self._relief, properties=self._v5)
        return self._intake

    def _taken(self, messages: Sequence[Publish]) -> None:
        """Hand over; messages are a sign of life as good as the packets that paho sees."""
        self._last_bytes_received = time.monotonic()
        self._take(messages)
