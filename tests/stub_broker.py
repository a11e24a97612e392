"""A broker that says only what a test tells it to: for answers that a real one cannot be brought to give."""

from __future__ import annotations

import socket
import threading

CONNECT, PUBLISH, SUBSCRIBE, PUBACK, PUBREC, PUBCOMP = 0x10, 0x30, 0x80, 0x40, 0x50, 0x70
ACCEPT_5, ACCEPT_311 = b"\x20\x03\x00\x00\x00", b"\x20\x02\x00\x00"
REFUSE_VERSION = b"\x20\x02\x00\x01"  # how a broker that knows 3.1.1 only answers


class StubBroker:
    """Answers each CONNECT with `connack`, nothing else with anything; keeps the packets it got."""

    def __init__(self, connack: bytes) -> None:
        self.connack = connack
        self.packets: list[bytes] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._reading = threading.Event()
        self._reading.set()
        self._client: socket.socket | None = None
        self._thread = threading.Thread(target=self._serve, name="stub-broker", daemon=True)
        self._thread.start()

    def say(self, packet: bytes) -> None:
        """Send a packet to the client."""
        assert self._client is not None
        self._client.sendall(packet)

    def got(self, kind: int) -> list[bytes]:
        """The packets of a kind."""
        return [packet for packet in list(self.packets) if packet[0] & 0xF0 == kind]

    def freeze(self) -> None:
        """Read no more."""
        self._reading.clear()

    def drop(self) -> None:
        """Close the connection."""
        if self._client is not None:
            self._client.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End it."""
        self._server.close()
        self._reading.set()
        try:
            self.drop()
        except OSError:
            return  # closed by the other side

    def _serve(self) -> None:
        while True:
            try:
                self._client, _ = self._server.accept()
                self._talk(self._client)
            except OSError:
                if self._server.fileno() < 0:
                    return

    def _talk(self, client: socket.socket) -> None:
        with client, client.makefile("rb") as stream:
            while head := stream.read(1):
                length, shift = 0, 0
                while True:
                    byte = stream.read(1)[0]
                    length |= (byte & 0x7F) << shift
                    shift += 7
                    if not byte & 0x80:
                        break
                self.packets.append(head + stream.read(length))
                if head[0] & 0xF0 == CONNECT:
                    client.sendall(self.connack)
                self._reading.wait()
