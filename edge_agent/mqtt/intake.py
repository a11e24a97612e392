"""Between the broker's socket and paho: takes the messages out of the stream, leaves everything else to paho.

paho reads a packet with five system calls and builds some thirty objects for the properties of a message: 38 of 88 µs
that one cost with it (measured once). So the stream is read in pieces of some hundred messages, and PUBLISH packets
of QoS 0 and 1 never reach paho. All others do, in their place in the stream: a message that came behind the CONNACK is
not handed over before paho has read the CONNACK.

Where there is no place for messages of QoS 0, whole ones are counted and read past: what must not be lost stands behind
them in the same stream, and a flood of them must not keep it waiting.

A message larger than `LARGEST` is never kept whole: its topic and packet id are handed over, so that it is counted and
acknowledged, and the rest of it is read past.

Belongs to the network thread. `pending` tells paho's loop that there is something to do although the operating system
has nothing more.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Sequence
from typing import Final

from edge_agent.core.decode import MAX_PAYLOAD
from edge_agent.mqtt import packets
from edge_agent.mqtt.packets import Publish
from edge_agent.ports import Relief

CHUNK: Final = 16 * 1024  # bytes: about 120 messages, a millisecond; then paho may send again
GULP: Final = 16 * CHUNK  # while QoS 0 is read past: each read waits its turn for the interpreter beside the engine
LARGEST: Final = MAX_PAYLOAD + 64 * 1024  # bytes of a packet: the largest payload that is decoded, topic and properties
_QUICKACK: Final[int | None] = getattr(socket, "TCP_QUICKACK", None)  # Linux has it


class Intake:
    """A socket as paho sees it."""

    def __init__(
        self,
        stream: socket.socket,
        take: Callable[[Sequence[Publish]], None],
        room: Callable[[], int],
        relief: Relief,
        *,
        properties: bool,
    ) -> None:
        """Stand between a socket and paho.

        Args:
            stream: the socket, plain or encrypted.
            take: gets the messages, in order.
            room: how many messages of QoS 1 may still be handed over; the rest waits.
            relief: says when there is no place for QoS 0, and counts what is read past then.
            properties: whether MQTT 5 is spoken.
        """
        self.blocked = False  # whether a message waits for room
        self._stream, self._take, self._room, self._properties = stream, take, room, properties
        self._relief = relief
        self._data = bytearray()  # not sorted yet; begins with the beginning of a packet
        self._ready = False  # there may be a whole packet in it
        self._foreign = b""  # rest of a packet that is paho's
        self._past = 0  # bytes still to come of a message that is not kept
        self._decrypted = stream.pending if isinstance(stream, ssl.SSLSocket) else lambda: 0  # what TLS holds for us

    def recv(self, size: int) -> bytes:
        """The next bytes for paho; empty at the end of the stream.

        Raises:
            BlockingIOError: there are none now.
        """
        if not self._foreign:
            self._sort()
        if not self._foreign and not self.blocked:
            came = self._stream.recv(GULP if self._relief.full() else CHUNK)
            if not came:
                return b""
            self._data += came
            self._sort()
        if not self._foreign:
            raise BlockingIOError
        part, self._foreign = self._foreign[:size], self._foreign[size:]
        return part

    def pending(self) -> int:
        """Bytes to look at without waiting for the operating system to have more."""
        return len(self._foreign) + (len(self._data) if self._ready else 0) + self._decrypted()

    def send(self, data: bytes | bytearray) -> int:
        """As the socket's."""
        return self._stream.send(data)

    def confirm_at_once(self) -> None:
        """Have the system confirm what is read next when it is read; where it knows no such wish, nothing is done.

        A broker with Nagle's algorithm (mosquitto, unless `set_tcp_nodelay`) keeps a message back until what it sent
        before is confirmed, and Linux waits up to 40 ms with that. The wish holds for a while only.
        Source: tcp(7), TCP_QUICKACK.
        """
        if _QUICKACK is not None:
            self._stream.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)

    def fileno(self) -> int:
        """As the socket's."""
        return self._stream.fileno()

    def setblocking(self, flag: bool) -> None:  # noqa: FBT001 - as the standard library has it
        """As the socket's."""
        self._stream.setblocking(flag)

    def shutdown(self) -> None:
        """Cut both ways, whatever is still to be sent."""
        self._stream.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """As the socket's."""
        self._stream.close()

    def _sort(self) -> None:
        """Take messages as far as there is room, up to the first packet that is paho's."""
        data, size, at = self._data, len(self._data), min(self._past, len(self._data))
        self._past -= at
        room, taken = self._room(), list[Publish]()
        self.blocked = False
        cause = self._relief.full()
        while not self._foreign and at < size:
            try:
                if cause:
                    at = self._read_past(at, cause)
                found = packets.bounds(data, at)
                if found is None:
                    break
                body, end = found
                qos = packets.publish_qos(data[at])
                if qos <= packets.AT_LEAST_ONCE:
                    message = self._message(at, body, end)
                    if message is None:
                        break
                    if qos and room <= 0:
                        self.blocked = True
                        break
                    taken.append(message)
                    room -= qos
                elif end > size:
                    break
                else:
                    self._foreign = bytes(data[at:end])
                self._past = max(end - size, 0)
                at = min(end, size)
            except ValueError:  # paho ends the connection for it, as the standard demands
                self._foreign, at = bytes(data[at:]), size
        del data[:at]
        self._ready = self.blocked or (self._foreign != b"" and data != b"")
        if taken:
            self._take(taken)

    def _read_past(self, at: int, cause: str) -> int:
        """Where the messages of QoS 0 from `at` end; they are counted."""
        count, end = packets.past_qos_0(self._data, at)
        if count:
            self._relief.shed(cause, count)
            self._take(())  # a sign of life
        return end

    def _message(self, at: int, body: int, end: int) -> Publish | None:
        """The message that begins at `at`, without its payload where it is too large; None while it is not there."""
        if end - at > LARGEST:
            return packets.oversized(self._data, at, body, end)
        if end > len(self._data):
            return None
        return packets.publish(self._data, at, body, end, properties=self._properties)
