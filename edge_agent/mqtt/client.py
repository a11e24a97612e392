"""paho's client, set up for an agent: a session that outlives us, our own acknowledgements, bounded buffers, a pulse.

A broker may send more than the receive maximum: mosquitto 2.0.11, Debian 12's, holds it only until the first
acknowledgement (measured: 759 unacknowledged messages at a maximum of 20; mosquitto issue 2301). So beyond it we stop
reading, and TCP holds the broker back; what we have to say still goes out.

No topic alias: paho does not resolve them. No callbacks here; those are `link`'s.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edge_agent.config import Broker
from edge_agent.core.types import Outgoing

INFLIGHT = 10  # unacknowledged messages from us; brokers allow 10 (HiveMQ) to 65535
MAX_QUEUED = 1000  # given to paho at once; the publisher gives it 16
PAUSE_S = 0.01  # between looks whether there is room again
MAX_PACKET = 1 << 20  # bytes; what is larger the broker keeps to itself (MQTT 5). Decoding refuses 256 KiB


def _send_at_once(_client: mqtt.Client, _userdata: object, sock: object) -> None:
    """No waiting for more to send: an alarm would stand 40 ms behind an acknowledgement (Nagle and delayed ACK)."""
    if isinstance(sock, socket.socket):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class MqttClient(mqtt.Client):
    """A client whose network thread beats at each turn of its loop."""

    def __init__(self, broker: Broker, client_id: str, will: Outgoing, context: ssl.SSLContext | None) -> None:
        """Set up a client; it connects when told."""
        v5 = broker.protocol == "5"
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id,
            clean_session=None if v5 else False,
            protocol=MQTTProtocolVersion.MQTTv5 if v5 else MQTTProtocolVersion.MQTTv311,
            manual_ack=True,
        )
        self.pulse = 0.0  # monotonic time of the last beat
        self.overfull: Callable[[], bool] = lambda: False  # whether more has come than we asked for
        self.on_socket_open = _send_at_once
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
        properties.MaximumPacketSize = MAX_PACKET
        self.connect_async(
            broker.host, broker.effective_port, broker.keepalive_s, clean_start=False, properties=properties
        )

    def beat(self) -> None:
        """Note that the network thread moves."""
        self.pulse = time.monotonic()

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:
        """As paho's; leaves what has come with the operating system while we are overfull."""
        if self.overfull():
            time.sleep(PAUSE_S)
            return MQTTErrorCode.MQTT_ERR_SUCCESS
        return super().loop_read(max_packets)

    def loop_misc(self) -> MQTTErrorCode:
        """As paho's; called at the end of each turn, at least once a second while connected."""
        self.beat()
        return super().loop_misc()
