"""The ledger: what was sent, what the broker accepted, what it handed to the agent, and what the agent acknowledged.

Written by the oracle's own client and by the proxy, which sees every packet between broker and agent. It only notes;
what follows from it is said in `judge`.

A *delivery* is one message as the broker hands it over for the first time. Handed over again with the DUP flag, under
its packet id and in the same session, it is the same delivery, and storing it twice is the agent's fault (G1). Anything
else is a new delivery, even with the same content. A broker that was killed may have forgotten acknowledgements; what
it repeats then of what it had been told is noted as unsure, because nobody could know it after so long a time.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tests.faults.mqtt5 import FAILURE, Packet, Published, published
from tests.faults.plan import Message


@dataclass(slots=True)
class Delivery:
    """One message handed to the agent."""

    number: int
    mid: int
    acked: bool = False
    unsure: bool = False
    times: int = 1  # how often it was handed over


class Ledger:
    """Notes of one run; used by several threads."""

    def __init__(self) -> None:
        self.accepted: set[int] = set()  # numbers of messages the broker has acknowledged
        self.refused: Counter[int] = Counter()  # reason codes
        self.deliveries: list[Delivery] = []  # in the order in which the broker first handed them over
        self.strange: list[str] = []  # what nobody should ever see
        self.excused: set[int] = set()  # accepted by a broker that has died since, and never handed over
        self._lock = threading.Lock()
        self._numbers: dict[tuple[str, bytes], int] = {}
        self._done: set[int] = set()  # numbers the agent has acknowledged at least once
        self._waiting: set[int] = set()  # accepted, but not acknowledged by the agent
        self._open: dict[int, Delivery] = {}  # packet id → its newest delivery in the broker's session of the agent
        self._shaken = False  # the broker has died in this session

    def sending(self, messages: Sequence[Message]) -> None:
        """Note messages before they are sent."""
        with self._lock:
            self._numbers.update({(m.topic, m.payload): m.number for m in messages})

    def accept(self, number: int, reason: int) -> None:
        """Note that the broker has acknowledged a message."""
        with self._lock:
            if reason >= FAILURE:
                self.refused[reason] += 1
                return
            self.accepted.add(number)
            if number not in self._done:
                self._waiting.add(number)

    def handed(self, packet: Packet) -> None:
        """Note a message from the broker to the agent."""
        message = published(packet)
        with self._lock:
            number = self._numbers.get((message.topic, message.payload))
            if number is None:
                self.strange.append(f"handed over, but never sent: {message.topic} {message.payload[:80]!r}")
                return
            self._hand(message, number)

    def acknowledged(self, mid: int) -> None:
        """Note a PUBACK of the agent."""
        with self._lock:
            delivery = self._open.get(mid)
            if delivery is None:
                self.strange.append(f"acknowledged, but never handed over: packet {mid}")
                return
            delivery.acked = True
            self._done.add(delivery.number)
            self._waiting.discard(delivery.number)

    def session_began(self) -> None:
        """Note that the broker has a new session for the agent: packet ids begin anew."""
        with self._lock:
            self._open.clear()
            self._shaken = False

    def broker_died(self, *, emptied: bool) -> None:
        """Note that the broker was killed: what was under way may be lost with it, and was not the agent's to keep."""
        with self._lock:
            self._shaken = not emptied
            self.excused |= self._waiting
            self._waiting.clear()

    def waiting(self) -> int:
        """How many accepted messages the agent has not acknowledged yet."""
        with self._lock:
            return len(self._waiting)

    def _hand(self, message: Published, number: int) -> None:
        known = self._open.get(message.mid)
        again = message.dup and known is not None and known.number == number
        if again and known is not None and not (self._shaken and known.acked):
            known.times += 1
            return
        delivery = Delivery(number, message.mid, unsure=again)
        self._open[message.mid] = delivery
        self.deliveries.append(delivery)
