"""What is under way on the connection, in both directions: answers we owe, and messages of ours that wait for one.

Of any thread, under one lock: a connection ends on the network thread while others acknowledge and send, and what
belongs to one that is gone is neither acknowledged nor waited for. `on_done` is called outside of the lock.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from paho.mqtt.enums import MQTTErrorCode

from edge_agent.ports import Arrival

DISCONNECTED = "disconnected"
QUEUE_FULL = "queue_full"
MAX_UNACKED_BYTES = 16 << 20  # of payloads not written yet; a receive maximum of 200 could be 50 MB of the largest

OnDone = Callable[[bool, str], None]
Done = tuple[bool, str]  # delivered, reason


class Ledger:
    """The account of one connection at a time, each with its epoch."""

    def __init__(self, most: int) -> None:
        """No connection yet; `most` messages of QoS 1 may wait for our answer."""
        self.epoch = 0  # number of the current connection, or of the last one
        self.connected = False
        self._most = most
        self._lock = threading.Lock()
        # Under the lock, as what is above: number and bytes of messages we owe an answer, ours on their way by id.
        self._unacked, self._unacked_bytes = 0, 0
        self._pending: dict[int, tuple[str, OnDone]] = {}
        self._early: dict[int, Done] = {}  # acknowledged before publish() had returned its packet id

    def begin(self) -> None:
        """Open the account of a new connection."""
        with self._lock:
            self._early.clear()
            self.epoch += 1
            self.connected, self._unacked, self._unacked_bytes = True, 0, 0

    def end(self) -> bool:
        """Whether there was a connection; it is none any more, and what is on its way is given up."""
        with self._lock:
            was, self.connected = self.connected, False
            given_up = list(self._pending.values())
            self._pending.clear()
        for _topic, on_done in given_up:
            on_done(False, DISCONNECTED)  # noqa: FBT003 - the port's callback
        return was

    def current(self) -> int | None:
        """The epoch of the connection there is, or None."""
        with self._lock:
            return self.epoch if self.connected else None

    # ------------------------------------------------------------------------------------------------ what comes

    def room(self) -> int:
        """How many messages of QoS 1 may still be taken; none beyond the bound of bytes."""
        return self._most - self._unacked if self._unacked_bytes < MAX_UNACKED_BYTES else 0

    def took(self, arrivals: Sequence[Arrival]) -> None:
        """Note messages; of QoS 0 nothing is owed."""
        with self._lock:
            self._unacked += sum(1 for arrival in arrivals if arrival.qos)
            self._unacked_bytes += sum(len(arrival.payload) for arrival in arrivals if arrival.qos)

    @contextmanager
    def answering(self, arrivals: Sequence[Arrival]) -> Iterator[Sequence[Arrival]]:
        """Those that we owe an answer on this connection; until the block is left no other connection can begin."""
        with self._lock:
            ours = [arrival for arrival in arrivals if arrival.qos and self._on(arrival.epoch)]
            yield ours
            self._unacked -= len(ours)
            self._unacked_bytes -= sum(len(arrival.payload) for arrival in ours)

    # ------------------------------------------------------------------------------------------------ what goes

    def sent(self, epoch: int, mid: int, code: MQTTErrorCode, topic: str, on_done: OnDone) -> None:
        """Note a message that paho was given on the connection of this epoch, and its packet id.

        The answer may be here already: paho's publish() needs a lock that the network thread holds while it calls back,
        so it is not called under ours.
        """
        with self._lock:
            done = self._early.pop(mid, None)
            if done is None and code == MQTTErrorCode.MQTT_ERR_QUEUE_SIZE:
                done = (False, QUEUE_FULL)
            elif done is None and code == MQTTErrorCode.MQTT_ERR_SUCCESS and self._on(epoch):
                self._pending[mid] = (topic, on_done)
                return
            elif done is None:
                self._pending[mid] = (topic, unheard)  # paho may still send it; nobody waits for that
                done = (False, DISCONNECTED)
        on_done(*done)

    def answered(self, mid: int, done: Done) -> tuple[str, OnDone] | None:
        """Topic and callback of the message of this packet id; None, and the answer is kept, while it is not noted."""
        with self._lock:
            found = self._pending.pop(mid, None)
            if found is None:
                self._early[mid] = done
            return found

    def _on(self, epoch: int) -> bool:
        return self.connected and epoch == self.epoch


def unheard(_delivered: bool, _reason: str) -> None:  # noqa: FBT001 - the port's callback
    """Take note of nothing."""
