"""Tries to connect to the broker: what the end of each means, and how long to wait before the next.

Of the network thread alone, so without a lock; others may read `wait_s`. What an error or a reason says by itself
belongs to `reasons`, what follows from the tries before it here: was there an answer, for how long, how often in a row.
"""

from __future__ import annotations

import random
import time
from typing import Final

from edge_agent.config import Broker
from edge_agent.core.backoff import delay
from edge_agent.errors import LinkError
from edge_agent.mqtt import reasons, tls

STABLE_S: Final = 10.0  # a connection that lasted so long was a good one: the next wait is short again
QUICK_CUTS: Final = 3  # connections in a row that did not, until we suspect a second client with our id
PROBES: Final = 3  # of a TLS connection that ends without an answer, each a connection of its own


class Tries:
    """The tries to connect to one broker."""

    def __init__(self, broker: Broker, encryption: tls.Encryption | None, base_s: float, cap_s: float) -> None:
        """None made yet; the wait doubles from `base_s` up to `cap_s` seconds."""
        self.wait_s = 0.0  # before the next
        self.count = 0  # since a connection held
        self._broker, self._name, self._encryption = broker, f"{broker.host}:{broker.effective_port}", encryption
        self._base_s, self._cap_s = base_s, cap_s
        self._answered, self._since, self._quick_cuts = False, 0.0, 0

    def begin(self) -> None:
        """Note that a connection is tried."""
        self._answered = False

    def accepted(self) -> None:
        """Note that the broker has let us in."""
        self._answered, self._since = True, time.monotonic()

    def renewed(self) -> None:
        """Note that TLS files were read again: what was found out about the old ones no longer holds."""
        self.count = 0

    def refused(self, name: str) -> LinkError:
        """What the broker's refusal for this reason means."""
        self._answered = True
        return reasons.of_refusal(name, self._name, self._broker.protocol)

    def failed(self, error: BaseException | None) -> LinkError:
        """What this error while connecting means."""
        return reasons.of_connect(error, self._name, encrypted=self._encryption is not None)

    def cut(self, reason: str) -> LinkError:
        """What the end of a connection means; many short ones in a row look like two clients with one id."""
        if time.monotonic() - self._since >= STABLE_S:
            self.count = self._quick_cuts = 0
        else:
            self._quick_cuts += 1
        suspect = reason == "session_taken_over" or self._quick_cuts >= QUICK_CUTS
        hint = reasons.TAKEOVER if suspect else "we connect again; if it recurs, see the broker's log"
        return LinkError(f"broker {self._name} ended the connection: {reason}", hint=hint)

    def hung_up(self) -> LinkError | None:
        """What it means that the broker ended a try; None where it had answered, or what was found before still holds.

        With TLS there are many reasons to hang up without a word: the first times we find out which.
        """
        if self._answered:
            return None
        if self._encryption is None:
            return self.failed(ConnectionResetError())
        if self.count < PROBES:
            return tls.probe(self._broker, self._encryption.context) or self.failed(ConnectionResetError())
        return None

    def next_wait(self) -> float:
        """Seconds to wait before the next try: doubled, capped and jittered."""
        self.wait_s = delay(self.count, random.random(), self._base_s, self._cap_s)  # noqa: S311 - jitter
        self.count += 1
        return self.wait_s
