"""What came in and what was written, counted for metrics and health. Nothing is decided by a number of these.

Belongs to the engine thread, but for `numbers`, which any thread may read.
"""

from __future__ import annotations

from dataclasses import dataclass

from edge_agent.metrics import Metrics
from edge_agent.ports import Batch


@dataclass(frozen=True, slots=True)
class EngineNumbers:
    """What the engine tells of itself; replaced as a whole, so that any thread may read it."""

    readings: int = 0
    verdicts: int = 0
    assets: int = 0
    alarms_active: int = 0
    faults: tuple[tuple[str, int], ...] = ()


class Tally:
    """Counts between turns what costs a lock to count: the metrics hear of it once a turn."""

    def __init__(self, metrics: Metrics) -> None:
        self.numbers = EngineNumbers()
        self.readings = 0  # accepted, not in the metrics yet
        self._messages = [0, 0, 0]  # by QoS, likewise
        self._metrics = metrics

    def message(self, qos: int) -> None:
        """Count a message."""
        self._messages[qos] += 1

    def turned(self, *, waiting: int) -> None:
        """Bring the metrics of what has come up to date; `waiting` is in the inbox."""
        for qos, taken in enumerate(self._messages):
            if taken:
                self._metrics.messages.labels(str(qos)).inc(taken)
        self._metrics.readings.inc(self.readings)
        self._metrics.inbox.set(waiting)
        self._messages, self.readings = [0, 0, 0], 0

    def written(self, batch: Batch, *, assets: int, alarms_active: int, faults: tuple[tuple[str, int], ...]) -> None:
        """Count what a commit has written, and note how things are after it."""
        self._metrics.alarms_active.set(alarms_active)
        self.numbers = EngineNumbers(
            readings=self.numbers.readings + len(batch.readings),
            verdicts=self.numbers.verdicts + len(batch.verdicts),
            assets=assets,
            alarms_active=alarms_active,
            faults=faults,
        )
