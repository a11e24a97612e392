"""A budget that fills up by itself: so much a second, up to so much; and how far commits are stretched to keep to one.

Pure: the caller says how much time has passed. Publishing is paced with it, and writing to flash.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

DAY_S = 86400.0
BURST_SHARE = 0.2  # of a day's bytes may be written at once; the rest comes in evenly, so that no day is overspent
SCARCE = 0.25  # of the burst left: from here on commits are stretched
MOST_STRETCH = 10.0  # a commit every 20 s instead of every 2: what is lost to readers is freshness, never a reading


@dataclass(frozen=True, slots=True)
class Bucket:
    """What may be spent now."""

    level: float  # below zero: a debt, never larger than the capacity
    capacity: float
    refill: float  # a second

    def after(self, elapsed_s: float) -> Bucket:
        """The bucket so many seconds later."""
        return replace(self, level=min(self.level + self.refill * max(elapsed_s, 0.0), self.capacity))

    def spend(self, amount: float) -> Bucket:
        """The bucket with so much less in it."""
        return replace(self, level=max(self.level - amount, -self.capacity))


def full(capacity: float, refill: float) -> Bucket:
    """A bucket of so much, full."""
    return Bucket(capacity, capacity, refill)


def daily(amount: float) -> Bucket:
    """A full bucket that lets no more than `amount` through in its first day: a burst at once, the rest evenly."""
    return full(amount * BURST_SHARE, amount * (1.0 - BURST_SHARE) / DAY_S)


def stretch(bucket: Bucket) -> float:
    """How many times longer commits are grouped: 1 while there is plenty, `MOST_STRETCH` where nothing is left."""
    scarce = SCARCE * bucket.capacity
    missing = min(max(scarce - bucket.level, 0.0) / scarce, 1.0)
    return 1.0 + (MOST_STRETCH - 1.0) * missing
