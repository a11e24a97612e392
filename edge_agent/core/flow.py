"""How the readings of one asset arrive, and the way each takes: judged at once, put aside, or stored unjudged.

Pure: the caller says when a reading arrived. A time of arrival is never compared with an event time itself but only by
its usual `lag` (arrival minus event), so neither a time zone mistaken at the source nor our own clock makes a reading
old. Rules:
1. Ordinary is what comes with the usual lag. The lag follows what is ordinary, so it may drift.
2. More than `tolerance_s` behind it is old. What is old but newer than all that was judged may be the buffer of an
   outage, in any order: the asset is put on hold, everything of it is put aside and judged in order of event time,
   `settle_s` after the last old reading or `flush_s` after the first. So it is after a gap longer than `tolerance_s`:
   a buffer may follow.
3. What is older than what was judged is late, what is more than `tolerance_s` ahead is of the future: stored, not
   judged. One sensor with a bad clock so spoils nobody else's time.
4. When most channels of an asset keep to another lag, the asset's clock was set: that is the usual lag from then on.
5. A limit crossed now waits for a buffer no longer than `settle_s`.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum

from edge_agent.core.types import ClassSpec

STEADY_S = 5.0  # a lag that moves less within `settle_s` is no buffer being emptied: that would catch up faster


class Way(StrEnum):
    """What becomes of a reading."""

    JUDGED = "judged"
    HELD = "held"
    LATE = "late"
    FUTURE = "future"
    RESET = "reset"  # judged, after the asset's time was set to it


@dataclass(slots=True)
class Stray:
    """A channel whose readings keep away from the usual lag."""

    since: float  # arrival of the first of them
    last: float  # arrival of the newest
    low: float  # least and
    high: float  # greatest lag of them


@dataclass(slots=True, kw_only=True)
class Flow:
    """What is known of the arrivals of one asset; times of arrival are seconds that never jump."""

    tolerance_s: float
    settle_s: float
    flush_s: float
    lag: float | None = None  # None: not known yet
    newest: float = -math.inf  # newest event time that came in the ordinary way or was put aside
    holding: bool = False
    strays: dict[str, Stray] = field(default_factory=dict)
    noted: float = math.inf  # usual lag as it was last written down
    _began: float = 0.0  # arrival of what began the hold
    _old: float = 0.0  # arrival of the newest old reading of the hold
    _crossed: float = math.inf  # arrival of the first crossing of a limit in the hold

    @classmethod
    def of(cls, spec: ClassSpec, *, lag: float | None = None, newest: float = -math.inf) -> Flow:
        """The flow of an asset of a class: what the class calls silence is an outage."""
        return cls(
            tolerance_s=max(spec.silent_after_s, spec.lateness_s),
            settle_s=spec.settle_s,
            flush_s=spec.flush_s,
            lag=lag,
            newest=newest,
        )

    def ordinary(self, channel: str, time: float, arrival: float) -> bool:
        """Whether a reading is to be judged at once: the usual case, and all that is done in it."""
        if self.lag is None or self.holding:
            return False
        lag = arrival - time
        if abs(lag - self.lag) > self.tolerance_s or time - self.newest > self.tolerance_s:
            return False
        if self.strays:
            self.strays.pop(channel, None)
        if time >= self.newest:
            self.newest, self.lag = time, lag
        return True

    def take(self, channel: str, time: float, arrival: float, *, judged: float, heard: Collection[str]) -> Way:
        """The way of a reading that is not ordinary.

        `judged` is the event time up to which the asset was judged, `heard` its channels that were heard lately.
        """
        lag = arrival - time
        if self.lag is None and (self.holding or time >= self.newest - self.tolerance_s):
            apart = self.newest - time  # channels of a live asset are stamped a little apart: that is no buffer
            return self._usual(time, arrival, lag, old=self.holding and apart > STEADY_S)
        if self.lag is not None and abs(lag - self.lag) <= self.tolerance_s:
            self.strays.pop(channel, None)
            return self._usual(time, arrival, lag, old=False)
        behind = self.lag is None or lag > self.lag
        self._stray(channel, arrival, lag)
        if self._set_anew(heard):
            self.strays.clear()
            self.lag = lag
            if behind and time >= judged:
                return self._usual(time, arrival, lag, old=False)
            self.holding, self.newest = False, time
            return Way.RESET
        if not behind:
            return Way.FUTURE
        return Way.LATE if time < judged else self._aside(time, arrival, old=True)

    def crossed(self, arrival: float) -> None:
        """Note that an ordinary reading that was put aside crosses a limit."""
        self._crossed = min(self._crossed, arrival)

    @property
    def pressing(self) -> bool:
        """Whether a limit was crossed in the hold."""
        return self._crossed < math.inf

    def due(self, arrival: float) -> bool:
        """Whether what was put aside is to be judged now."""
        return self.holding and (
            arrival - max(self._old, self._began) >= self.settle_s
            or arrival - self._began >= self.flush_s
            or arrival - self._crossed >= self.settle_s
        )

    def hold(self, arrival: float) -> None:
        """Begin to put readings aside."""
        self.holding, self._began, self._old, self._crossed = True, arrival, -math.inf, math.inf

    def release(self, arrival: float) -> None:
        """Note that all that was put aside has been judged."""
        self.holding = False
        if self.lag is None:
            self.lag = arrival - self.newest

    @property
    def moved(self) -> bool:
        """Whether the usual lag has moved so far that it must be written down anew, for the time after a restart."""
        return self.lag is not None and abs(self.lag - self.noted) > self.tolerance_s / 2

    # ------------------------------------------------------------------------------------------------ ways

    def _usual(self, time: float, arrival: float, lag: float, *, old: bool) -> Way:
        """What has the usual lag, or makes its own the usual one: judged, unless there is a hold or a gap."""
        gap = self.newest > -math.inf and time - self.newest > self.tolerance_s
        if self.holding or gap:
            if self.lag is not None and time >= self.newest:
                self.lag = lag
            return self._aside(time, arrival, old=old)
        self.newest, self.lag = max(time, self.newest), lag
        return Way.JUDGED

    def _aside(self, time: float, arrival: float, *, old: bool) -> Way:
        if not self.holding:
            self.hold(arrival)
        if old:
            self._old = arrival
        self.newest = max(self.newest, time)
        return Way.HELD

    def _stray(self, channel: str, arrival: float, lag: float) -> None:
        stray = self.strays.get(channel)
        if stray is None or max(stray.high, lag) - min(stray.low, lag) > self.tolerance_s:
            self.strays[channel] = Stray(arrival, arrival, lag, lag)
            return
        stray.last, stray.low, stray.high = arrival, min(stray.low, lag), max(stray.high, lag)

    def _set_anew(self, heard: Collection[str]) -> bool:
        """Whether most channels keep to a lag of their own: long enough for their span, which a buffer shrinks."""
        kept = [
            name
            for name, stray in self.strays.items()
            if stray.last - stray.since >= (self.settle_s if stray.high - stray.low <= STEADY_S else self.flush_s)
        ]
        return 2 * len(kept) > len(self.strays.keys() | set(heard))
