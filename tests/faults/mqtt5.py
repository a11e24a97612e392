"""MQTT 5 for the oracle: packets as they pass by, and a client that publishes or listens.

Written apart from `edge_agent.mqtt` and from paho on purpose: a judge must not share its eyes with the accused. Only
what the oracle needs of the standard; nothing here may know of agents or faults. Source: OASIS MQTT 5, chapters 1 to 3.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum

ANSWER_S = 20.0
CHUNK = 65536
MAX_MID = 65535
FAILURE = 0x80  # reason codes from here on refuse
_MORE = 0x80  # a length goes on in the next byte
_DUP = 0x08
_CLEAN, _FOREVER = 0x02, 0xFFFFFFFF  # clean start; a session that does not expire


class Kind(IntEnum):
    """The packets that matter here (chapter 2.1.2)."""

    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    SUBSCRIBE = 8
    SUBACK = 9
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet as it was on the wire."""

    raw: bytes
    body: int  # where its variable header begins

    @property
    def kind(self) -> int:
        """One of `Kind`, or another number of the standard."""
        return self.raw[0] >> 4

    @property
    def mid(self) -> int:
        """Packet id of a PUBACK, SUBSCRIBE or SUBACK."""
        return int.from_bytes(self.raw[self.body : self.body + 2])

    @property
    def reason(self) -> int:
        """Reason code of a PUBACK, 0 where it has none."""
        return self.raw[self.body + 2] if len(self.raw) > self.body + 2 else 0

    @property
    def session_present(self) -> bool:
        """Of a CONNACK: whether the broker still had the session."""
        return bool(self.raw[self.body] & 1)


@dataclass(frozen=True, slots=True)
class Published:
    """What a PUBLISH says."""

    mid: int  # 0 for QoS 0
    qos: int
    dup: bool
    topic: str
    payload: bytes


def published(packet: Packet) -> Published:
    """The content of a PUBLISH."""
    raw, at = packet.raw, packet.body
    qos = raw[0] >> 1 & 3
    end = at + 2 + int.from_bytes(raw[at : at + 2])
    topic = raw[at + 2 : end].decode()
    mid = 0
    if qos:
        mid, end = int.from_bytes(raw[end : end + 2]), end + 2
    start, length = _length(raw, end)
    return Published(mid, qos, bool(raw[0] & _DUP), topic, raw[start + length :])


class Splitter:
    """Cuts a stream into packets."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Packet]:
        """The packets that are complete with these bytes."""
        self._rest += data
        packets, at = [], 0
        while True:
            try:
                body, length = _length(self._rest, at + 1)
            except IndexError:
                break
            if body + length > len(self._rest):
                break
            packets.append(Packet(self._rest[at : body + length], body - at))
            at = body + length
        self._rest = self._rest[at:]
        return packets


def publish(topic: str, payload: bytes, mid: int = 0) -> bytes:
    """A PUBLISH of QoS 1, or of QoS 0 without a packet id."""
    return _packet(0x32 if mid else 0x30, _text(topic) + (mid.to_bytes(2) if mid else b"") + b"\x00" + payload)


class Client:
    """One connection to a broker; what it hears and what is acknowledged comes on its own thread."""

    def __init__(  # noqa: PLR0913 - what a client is, and its two ears
        self,
        port: int,
        client_id: str,
        *,
        keep: bool = False,
        subscribe: str = "",
        heard: Callable[[Published], None] = lambda _message: None,
        accepted: Callable[[int, int], None] = lambda _token, _reason: None,
    ) -> None:
        """Connect and subscribe; returns when the broker has agreed.

        Args:
            port: of the broker on loopback.
            client_id: unique at the broker.
            keep: whether the session outlives the connection.
            subscribe: topic filter, at QoS 1; empty for none.
            heard: gets every message.
            accepted: gets the token and the reason code of every message the broker has acknowledged.
        """
        self.gone = threading.Event()  # the connection has ended
        self._heard, self._accepted = heard, accepted
        self._lock = threading.Lock()
        self._settled = threading.Condition(self._lock)
        self._tokens: dict[int, int] = {}  # packet id → token of what is not acknowledged
        self._mid = 0
        self._agreed, self._subscribed = threading.Event(), threading.Event()
        self._sock = socket.create_connection(("127.0.0.1", port), ANSWER_S)
        self._sock.settimeout(None)
        properties = b"\x11" + _FOREVER.to_bytes(4) if keep else b""
        head = _text("MQTT") + bytes([5, 0 if keep else _CLEAN, 0, 0, len(properties)]) + properties
        self._sock.sendall(_packet(Kind.CONNECT << 4, head + _text(client_id)))
        self._reader = threading.Thread(target=self._read, name=f"client-{client_id}", daemon=True)
        self._reader.start()
        assert self._agreed.wait(ANSWER_S), f"no CONNACK for {client_id}"
        if subscribe:
            self._sock.sendall(_packet(Kind.SUBSCRIBE << 4 | 2, b"\xff\xff\x00" + _text(subscribe) + b"\x01"))
            assert self._subscribed.wait(ANSWER_S), f"no SUBACK for {client_id}"

    def publish(self, messages: Sequence[tuple[int, str, bytes]]) -> None:
        """Send (token, topic, payload) with QoS 1, all at once; nothing happens when the connection has ended."""
        data = bytearray()
        with self._lock:
            for token, topic, payload in messages:
                self._mid = self._mid % (MAX_MID - 1) + 1  # the last one is that of SUBSCRIBE
                self._tokens[self._mid] = token
                data += publish(topic, payload, self._mid)
        self.send(bytes(data))

    def send(self, data: bytes) -> None:
        """Send packets as they are."""
        try:
            self._sock.sendall(data)
        except OSError:
            self.gone.set()

    def wait(self, most: int, timeout_s: float = ANSWER_S) -> bool:
        """Whether no more than `most` messages are left unacknowledged, within the time and before the end."""
        with self._settled:
            self._settled.wait_for(lambda: len(self._tokens) <= most or self.gone.is_set(), timeout_s)
            return len(self._tokens) <= most

    def close(self) -> None:
        """Say goodbye, and wait for the reader."""
        self.send(_packet(Kind.DISCONNECT << 4, b""))
        with suppress(OSError):  # the broker was quicker
            self._sock.shutdown(socket.SHUT_RDWR)
        self._reader.join(ANSWER_S)
        self._sock.close()

    def _read(self) -> None:
        splitter = Splitter()
        with suppress(OSError):
            while data := self._sock.recv(CHUNK):
                for packet in splitter.feed(data):
                    self._take(packet)
        with self._settled:
            self.gone.set()
            self._settled.notify_all()

    def _take(self, packet: Packet) -> None:
        if packet.kind == Kind.PUBLISH:
            message = published(packet)
            self._heard(message)
            if message.qos:
                self.send(_packet(Kind.PUBACK << 4, message.mid.to_bytes(2)))
        elif packet.kind == Kind.PUBACK:
            with self._settled:
                token = self._tokens.pop(packet.mid)
                self._settled.notify_all()
            self._accepted(token, packet.reason)
        elif packet.kind == Kind.CONNACK:
            self._agreed.set()
        elif packet.kind == Kind.SUBACK:
            self._subscribed.set()


def _packet(first: int, content: bytes) -> bytes:
    length, size = bytearray(), len(content)
    while True:
        size, low = divmod(size, _MORE)
        length.append(low | (_MORE if size else 0))
        if not size:
            return bytes([first]) + bytes(length) + content


def _text(text: str) -> bytes:
    data = text.encode()
    return len(data).to_bytes(2) + data


def _length(data: bytes, at: int) -> tuple[int, int]:
    """The place behind a length of one to four bytes, and the length (chapter 1.5.5)."""
    length = shift = 0
    while True:
        byte = data[at]
        at += 1
        length |= (byte & ~_MORE) << shift
        shift += 7
        if byte < _MORE:
            return at, length
