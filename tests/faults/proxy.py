"""A proxy between the agent and the broker that knows where packets begin and end, and does harm at a chosen one.

It notes every message and acknowledgement in the ledger, also those it then keeps to itself: what counts is what was
said, not what came through. `Trap` names the moment; what happens then (kill, cut, stall) is told to it.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum

from tests.faults.ledger import Ledger
from tests.faults.mqtt5 import CHUNK, Kind, Packet, Splitter

END_S = 20.0


class Way(Enum):
    """Which way a packet goes."""

    UP = "from the agent to the broker"
    DOWN = "from the broker to the agent"


class Share(Enum):
    """How much of the packet that springs a trap goes through; nothing that follows does."""

    NOTHING = 0
    HALF = 1
    ALL = 2


@dataclass(slots=True)
class Trap:
    """Springs at the n-th packet that fits."""

    way: Way
    kind: Kind
    count: int
    share: Share
    action: Callable[[], None]  # on the proxy's thread
    ending: bytes = b""  # of the topic, where it is a PUBLISH
    sprung: threading.Event = field(default_factory=threading.Event)

    def hit(self, way: Way, packet: Packet) -> bool:
        """Whether this packet springs it."""
        if way is not self.way or packet.kind != self.kind or self.sprung.is_set():
            return False
        topic_end = packet.body + 2 + int.from_bytes(packet.raw[packet.body : packet.body + 2])
        if self.ending and not packet.raw[:topic_end].endswith(self.ending):
            return False
        self.count -= 1
        return self.count <= 0


class Proxy:
    """A loopback port that passes on to another."""

    def __init__(self, target: int, ledger: Ledger) -> None:
        self.open = True  # False: new connections are refused
        self.linger = False  # True: the broker is not told when the agent's end closes
        self.flow = threading.Event()  # cleared: nothing goes through, nothing breaks
        self.flow.set()
        self.subscribed = threading.Event()  # the agent has subscribed since somebody cleared this
        self._target, self._ledger = target, ledger
        self._lock = threading.Lock()  # one trap, two directions
        self._trap: Trap | None = None
        self._lines: list[_Line] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._acceptor = threading.Thread(target=self._accept, name="proxy", daemon=True)
        self._acceptor.start()

    def arm(self, trap: Trap | None) -> None:
        """Set a trap, or none."""
        with self._lock:
            self._trap = trap

    def cut(self) -> None:
        """Break all connections."""
        for line in self._lines:
            line.end(line.agent)
            line.end(line.broker)

    def cut_agent(self) -> None:
        """Break the agent's ends only."""
        for line in self._lines:
            line.end(line.agent)

    def deafen(self) -> None:
        """Break the broker's ends only: the agent's connections look alive, but nobody is there."""
        for line in self._lines:
            line.deaf = line.silent = True
            line.end(line.broker)

    def close(self) -> None:
        """End it."""
        self.open = False
        self.flow.set()
        self.linger = False
        self.cut()
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._acceptor.join(END_S)
        for line in self._lines:
            line.close()

    def _accept(self) -> None:
        while True:
            try:
                agent, _ = self._server.accept()
            except OSError:
                return
            if not self.open:
                agent.close()
                continue
            try:
                broker = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                agent.close()
                continue
            for sock in (agent, broker):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            line = _Line(agent, broker)
            self._lines = [one for one in self._lines if not one.closed_if_over()] + [line]
            for way in Way:
                line.start(threading.Thread(target=self._pass_on, args=(line, way), name=way.name, daemon=True))

    def _pass_on(self, line: _Line, way: Way) -> None:
        source, sink = (line.agent, line.broker) if way is Way.UP else (line.broker, line.agent)
        splitter = Splitter()
        with suppress(OSError):
            while data := source.recv(CHUNK):
                through = bytearray()
                for packet in splitter.feed(data):
                    self._note(way, packet)
                    if not line.silent:
                        through += self._admitted(line, way, packet, sink, through)
                self.flow.wait()
                if through and not line.silent:
                    sink.sendall(through)
        if way is Way.UP and not self.linger:
            line.end(line.broker)
        elif way is Way.DOWN and not line.deaf:
            line.end(line.agent)

    def _admitted(self, line: _Line, way: Way, packet: Packet, sink: socket.socket, before: bytearray) -> bytes:
        """What of a packet goes through with those before it; nothing once it has sprung the trap."""
        with self._lock:
            trap = self._trap
            if trap is None or not trap.hit(way, packet):
                return packet.raw
        through = packet.raw[: len(packet.raw) * trap.share.value // Share.ALL.value]
        line.silent = True
        with suppress(OSError):  # the other end was quicker
            sink.sendall(before + through)
        before.clear()
        trap.action()
        trap.sprung.set()
        return b""

    def _note(self, way: Way, packet: Packet) -> None:
        if way is Way.UP and packet.kind == Kind.PUBACK:
            self._ledger.acknowledged(packet.mid)
        elif way is Way.DOWN and packet.kind == Kind.PUBLISH:
            self._ledger.handed(packet)
        elif way is Way.DOWN and packet.kind == Kind.CONNACK and not packet.session_present:
            self._ledger.session_began()
        elif way is Way.DOWN and packet.kind == Kind.SUBACK:
            self.subscribed.set()


class _Line:
    """One connection of the agent, and ours to the broker for it."""

    def __init__(self, agent: socket.socket, broker: socket.socket) -> None:
        self.agent, self.broker = agent, broker
        self.silent = False  # nothing goes through any more
        self.deaf = False  # the agent is not told that the broker's end is closed
        self._threads: list[threading.Thread] = []

    def start(self, thread: threading.Thread) -> None:
        """Let one direction flow."""
        self._threads.append(thread)
        thread.start()

    @staticmethod
    def end(sock: socket.socket) -> None:
        """Close both directions of an end."""
        with suppress(OSError):  # it is closed already
            sock.shutdown(socket.SHUT_RDWR)

    def closed_if_over(self) -> bool:
        """Whether both directions have ended; then the sockets are closed."""
        if any(thread.is_alive() for thread in self._threads):
            return False
        self.agent.close()
        self.broker.close()
        return True

    def close(self) -> None:
        """Wait for the end of both directions, and close."""
        for thread in self._threads:
            thread.join(END_S)
        assert self.closed_if_over(), "a direction of the proxy does not end"
