"""Which QoS 1 messages were taken before: packet id and digest of the newest, as the commits have them.

A message with the DUP flag whose mark is known was committed, but its acknowledgement did not reach the broker (MQTT 5
§4.4). Without the flag the same content is another message. Belongs to the engine thread.
"""

from __future__ import annotations

from itertools import islice

from edge_agent.core.identity import mark
from edge_agent.ports import Arrival


class Marks:
    """Packet id → mark of the newest messages, oldest first."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._known: dict[int, bytes] = {}

    def restore(self, known: dict[int, bytes]) -> None:
        """Take over what the journal holds."""
        self._known.update(known)
        self.trim()

    def take(self, arrival: Arrival) -> tuple[int, bytes] | None:
        """The mark of a QoS 1 message, to be written with it; None where it was taken before."""
        known, now = self._known.pop(arrival.mid, None), mark(arrival.topic, arrival.payload)
        self._known[arrival.mid] = now
        return None if arrival.dup and known == now else (arrival.mid, now)

    def trim(self) -> None:
        """Forget what the broker can no longer send again."""
        for mid in list(islice(self._known, max(len(self._known) - self._kept, 0))):
            del self._known[mid]
