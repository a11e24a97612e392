"""Which QoS 1 messages were taken before: session, packet id and digest of the newest, as the commits have them.

A message with the DUP flag whose mark is known was committed, but its acknowledgement did not reach the broker (MQTT 5
§4.4). Without the flag the same content is another message; and so it is in another session, where packet ids begin
anew: a machine that stands says the same under the same id. Belongs to the engine thread.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from itertools import islice

from edge_agent.core.identity import mark
from edge_agent.ports import Arrival

logger = logging.getLogger(__name__)

SESSION = "session"  # name of a state: how many sessions the broker has had for us


class Marks:
    """Packet id → mark of the newest messages, oldest first."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._known: dict[int, bytes] = {}
        self._session = 0

    def restore(self, known: Mapping[int, bytes], states: Mapping[str, bytes]) -> None:
        """Take over what the journal holds."""
        try:
            self._session = int(states.get(SESSION, b"0"))
        except ValueError as error:
            logger.error("session_damaged error=%s (what comes again now is written again)", error)  # noqa: TRY400
            return
        self._known.update(known)
        self.trim()

    def take(self, arrival: Arrival) -> tuple[int, bytes] | None:
        """The mark of a QoS 1 message, to be written with it; None where it was taken before."""
        topic = f"{self._session} {arrival.topic}" if self._session else arrival.topic  # as before there were sessions
        known, now = self._known.pop(arrival.mid, None), mark(topic, arrival.payload)
        self._known[arrival.mid] = now
        return None if arrival.dup and known == now else (arrival.mid, now)

    def begin_session(self) -> bytes:
        """The state to be written: the broker has a new session for us, and nothing of the old one comes again."""
        self._session += 1
        self._known.clear()
        return str(self._session).encode()

    def trim(self) -> None:
        """Forget what the broker can no longer send again."""
        for mid in list(islice(self._known, max(len(self._known) - self._kept, 0))):
            del self._known[mid]
