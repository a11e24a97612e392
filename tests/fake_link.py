"""The Link as a fake: a broker's session in memory, with the connection in the hands of the test."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edge_agent.core.types import Outgoing
from edge_agent.ports import Arrival

OnDone = Callable[[bool, str], None]


class FakeLink:
    """Behaves as a link on a broker that keeps our session; everything happens in the caller's thread.

    `deliver` is a message from the broker, `cut` and `restore` break and mend the connection. While `holding` is set
    the broker acknowledges nothing of ours. `published` is what it has taken, `refused` the topics it refuses.
    """

    def __init__(self, *, connects: bool = True) -> None:
        self.connected = False
        self.epoch = 0
        self.session_present = False
        self.published: list[Outgoing] = []
        self.acked: list[int] = []  # packet ids, in order
        self.refused: set[str] = set()
        self.holding = False
        self.living = True
        self.closed = False
        self._connects = connects
        self._mid = 0
        self._unacked: dict[int, Arrival] = {}
        self._flying: list[tuple[Outgoing, OnDone]] = []
        self._waiting: list[tuple[str, bytes]] = []  # QoS 1 messages that came while we were away
        self._on_message: Callable[[Arrival], None] = lambda _arrival: None
        self._on_change: Callable[[bool], None] = lambda _connected: None

    # ------------------------------------------------------------------------------------------------ the port

    def open(self, on_message: Callable[[Arrival], None], on_change: Callable[[bool], None]) -> None:
        self._on_message, self._on_change = on_message, on_change
        if self._connects:
            self.restore()

    def ack(self, arrivals: Sequence[Arrival]) -> None:
        for arrival in arrivals:
            if arrival.qos and self.connected and arrival.epoch == self.epoch and arrival.mid in self._unacked:
                del self._unacked[arrival.mid]
                self.acked.append(arrival.mid)

    def publish(self, message: Outgoing, on_done: OnDone) -> None:
        if not self.connected:
            on_done(False, "disconnected")
        elif message.topic in self.refused:
            on_done(False, "not_authorized")
        elif self.holding:
            self._flying.append((message, on_done))
        else:
            self.published.append(message)
            on_done(True, "acknowledged")

    def alive(self, now: float) -> bool:  # noqa: ARG002 - a fake has no thread that could stall
        return self.living and not self.closed

    def fault(self) -> BaseException | None:
        return None

    def close(self) -> None:
        self.cut()
        self.closed = True

    # ------------------------------------------------------------------------------------------------ for tests

    def deliver(self, topic: str, payload: bytes, qos: int = 1, time: float = 0.0) -> None:
        """A message from the broker; QoS 1 waits for us when we are away."""
        if self.connected:
            mid = self._next_mid() if qos else 0
            arrival = Arrival(self.epoch, mid, qos, topic, payload, time)
            if qos:
                self._unacked[mid] = arrival
            self._on_message(arrival)
        elif qos:
            self._waiting.append((topic, payload))

    def release(self) -> None:
        """Acknowledge what was held back."""
        flying, self._flying, self.holding = self._flying, [], False
        for message, on_done in flying:
            self.publish(message, on_done)

    def cut(self) -> None:
        """Break the connection."""
        was, self.connected = self.connected, False
        flying, self._flying = self._flying, []
        for _message, on_done in flying:
            on_done(False, "disconnected")
        if was:
            self._on_change(False)

    def restore(self) -> None:
        """Connect: what was not acknowledged comes again, marked as such, then what has come meanwhile."""
        self.session_present = self.epoch > 0
        self.epoch += 1
        self.connected = True
        self._on_change(True)
        for mid, arrival in list(self._unacked.items()):
            self._unacked[mid] = again = arrival._replace(epoch=self.epoch, dup=True)
            self._on_message(again)
        waiting, self._waiting = self._waiting, []
        for topic, payload in waiting:
            self.deliver(topic, payload)

    def _next_mid(self) -> int:
        self._mid = self._mid % 65535 + 1
        return self._mid
