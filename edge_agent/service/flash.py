"""What this process writes to the disk, as the kernel counts it, and how far commits are stretched to keep to a budget.

Flash wears out by what is written. The least harmful way to write less is to commit less often: nothing is lost by it,
readings are only acknowledged and shown later. Alarms commit at once all the same.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from edge_agent.core.budget import DAY_S, daily, stretch
from edge_agent.metrics import Metrics

logger = logging.getLogger(__name__)

LOOK_S = 10.0
SLOT_S = 600.0  # between two remembered counts; a day of them shows the rate of a day
SLOTS = 144


def written_bytes() -> int:
    """Bytes this process has caused to be written so far; 0 where the kernel does not tell.

    Source: proc(5), /proc/pid/io, write_bytes: counted when a page is made dirty. What the file system writes for its
    own journal is not in it.
    """
    try:
        lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("write_bytes:")), 0)


class FlashWatch:
    """Looks at what is written; owned by the main thread, `stretch` and `per_day` may be read by any."""

    def __init__(
        self,
        bytes_per_day: float,
        metrics: Metrics,
        written: Callable[[], int] = written_bytes,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.stretch = 1.0  # times longer that commits are grouped
        self.per_day = 0.0  # bytes, at the rate of the last day, or since the start
        self._metrics, self._written, self._now = metrics, written, now
        self._bucket = daily(bytes_per_day)
        self._at, self._count = now(), written()
        self._slots = deque([(self._at, self._count)], maxlen=SLOTS)
        self._told = False

    def look(self) -> None:
        """Count anew, unless the last time was a moment ago."""
        now = self._now()
        if now - self._at < LOOK_S:
            return
        count = self._written()
        self._bucket = self._bucket.after(now - self._at).spend(count - self._count)
        self._at, self._count = now, count
        since, before = self._slots[0]
        self.per_day = (count - before) / (now - since) * DAY_S
        if now - self._slots[-1][0] >= SLOT_S:
            self._slots.append((now, count))
        self.stretch = stretch(self._bucket)
        self._metrics.flash_bytes.set(count)
        self._metrics.flash_bytes_per_day.set(self.per_day)
        self._metrics.commit_stretch.set(self.stretch)
        self._tell()

    def _tell(self) -> None:
        """Say once when commits begin to be stretched, and when they no longer are."""
        saving = self.stretch > 1.0
        if saving and not self._told:
            logger.warning(
                "flash_saving mb_per_day=%.0f hint=commits are grouped longer; raise `flash_mb_per_day` of [store] "
                "where the disk bears it, or send fewer readings",
                self.per_day / 1e6,
            )
        elif self._told and not saving:
            logger.info("flash_recovered mb_per_day=%.0f", self.per_day / 1e6)
        self._told = saving
