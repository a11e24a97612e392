"""How long the engine waits for more messages before it commits: a broker may be waiting for us.

Brokers let only so many messages through until they are acknowledged: we say how many at most, but some let fewer
(EMQX 32, HiveMQ 10), and none tells. Then a full batch never comes, and the pause of a batch would be lost each time.
So it is looked at what follows an answer after a silence: messages at once mean that the broker had waited for it.
"""

from __future__ import annotations

PROMPT_S = 0.05  # so soon after the answer: it had been waiting
SILENCE_S = 0.1  # nothing came for so long
LEAST = 10  # messages owed; brokers let at least so many through


class Patience:
    """Owned by the engine thread; monotonic seconds."""

    def __init__(self) -> None:
        self.narrow = False  # the broker waits for our answers
        self._last = 0.0  # when a message came
        self._answered = -PROMPT_S  # when we answered after a silence; at no time that could be prompt
        self._looking = False

    def wait_s(self, owed: int, longest_s: float) -> float:
        """How long to wait for the next message when so many are owed an answer."""
        return min(SILENCE_S, longest_s) if self.narrow and owed >= LEAST else longest_s

    def over(self, owed: int, now: float) -> bool:
        """Whether a narrow broker waits for our answer, whatever else comes meanwhile."""
        return self.narrow and owed >= LEAST and now - self._last >= SILENCE_S

    def came(self, now: float) -> None:
        """A message came that is owed an answer."""
        if self._looking:
            self.narrow, self._looking = now - self._answered < PROMPT_S, False
        self._last = now

    def answered(self, now: float, owed: int) -> None:
        """So many messages were acknowledged."""
        if owed >= LEAST and now - self._last >= SILENCE_S:
            self._answered, self._looking = now, True
