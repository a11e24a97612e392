"""The way of every reading as it arrives: judged at once, put aside, or stored unjudged (promises G5, G6).

Here, and not in the core, because it takes a clock: what is decided becomes markers between the readings, so that the
journal tells a rebuild all of it. Belongs to the engine thread.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from typing import NamedTuple

from edge_agent.core.flow import Flow, Way
from edge_agent.core.pipeline import Pipeline
from edge_agent.core.types import FUTURE, HOLD, LATE, ROLL, SET, ChannelSpec, Clock, Reading
from edge_agent.core.window import Windower
from edge_agent.service.clock import ClockWatch

logger = logging.getLogger(__name__)

LAG = "lag/"  # before the asset, name of a state: its usual lag in seconds, by the wall clock
MAX_ASIDE = 1_000_000  # readings put aside at once, 18 MB: past half of it no hold is waited for, past it none is taken
SLICE_VERDICTS = 16  # so much of what was put aside is judged at once: others wait no longer than that


class Received(NamedTuple):
    """What is to be done about one reading, in this order: journal and pipeline get all of it."""

    way: Way
    entries: tuple[Reading, ...]


class Reception:
    """How the readings of all assets arrive."""

    def __init__(self, pipeline: Pipeline, clock: ClockWatch, *, max_aside: int = MAX_ASIDE) -> None:
        self._pipeline, self._clock, self._max_aside = pipeline, clock, max_aside
        self._flows: dict[str, Flow] = {}
        self._aside = 0  # readings put aside
        self._holds: set[str] = set()  # assets on hold
        self._rolling: list[str] = []  # those whose hold is over, but not all of it judged
        self._lags: dict[str, float] = {}  # of assets not heard since the start
        self.states: dict[str, bytes] = {}  # usual lags that have changed: the next commit takes them

    # ------------------------------------------------------------------------------------------------ life

    def restore(self, states: Mapping[str, bytes], now: float) -> None:
        """Go on with the holds of the pipeline, and with the usual lags as they were written."""
        for name, blob in states.items():
            if name.startswith(LAG):
                try:
                    self._lags[name.removeprefix(LAG)] = float(blob)
                except ValueError as error:
                    logger.error("lag_damaged state=%s error=%s (it is learned anew)", name, error)  # noqa: TRY400
        arrival = self._clock.steady(now)
        for asset, aside in self._pipeline.aside.items():
            windower = self._pipeline.windower(asset)
            if windower is not None:
                flow = self._flows[asset] = self._known(windower, asset)
                flow.newest = max(flow.newest, aside.newest)
                flow.hold(arrival)
                self._holds.add(asset)
        self._recount()

    @property
    def rolling(self) -> bool:
        """Whether something waits to be judged that was put aside."""
        return bool(self._rolling)

    def holds(self, asset: str) -> bool:
        """Whether the readings of an asset are put aside."""
        return asset in self._holds

    # ------------------------------------------------------------------------------------------------ readings

    def take(self, reading: Reading, now: float) -> Received:
        """The way of a reading that arrives at this monotonic time."""
        arrival = self._clock.steady(now)
        flow = self._flows.get(reading.asset)
        if flow is not None and flow.ordinary(reading.channel, reading.time, arrival):
            received = Received(Way.JUDGED, (reading,))
        else:
            windower = self._pipeline.windower(reading.asset)
            channel = self._pipeline.channel(reading.asset, reading.channel)
            if windower is None or channel is None:
                return Received(Way.JUDGED, (reading,))  # the pipeline refuses it
            if flow is None:
                flow = self._flows[reading.asset] = self._begun(windower, reading, arrival)
            received = self._apart(flow, windower, channel, reading, arrival)
        if flow.moved and flow.lag is not None and self._trusted:
            flow.noted = flow.lag
            self.states[LAG + reading.asset] = f"{flow.lag + self._clock.drift:.3f}".encode()
        return received

    def roll(self, now: float) -> Reading | None:
        """The marker that judges the next part of what was put aside; None where nothing is due."""
        arrival = self._clock.steady(now)
        crowded = self._aside > self._max_aside // 2
        due = [asset for asset in self._holds if crowded or self._flows[asset].due(arrival)]
        self._rolling += sorted(asset for asset in due if asset not in self._rolling)
        if not self._rolling:
            return None
        asset = min(self._rolling, key=lambda name: not self._flows[name].pressing)
        windower, aside = self._pipeline.windower(asset), self._pipeline.aside.get(asset)
        if windower is not None and aside is not None:
            until = aside.oldest + SLICE_VERDICTS * windower.spec.verdict_every * windower.spec.step_s
            if until < aside.newest:
                return Reading(asset, ROLL, until, 0.0)
        return self._ended(asset, arrival)

    def rolled(self) -> None:
        """Note that the pipeline has taken the marker."""
        self._recount()

    # ------------------------------------------------------------------------------------------------ ways

    def _apart(
        self, flow: Flow, windower: Windower, channel: ChannelSpec, reading: Reading, arrival: float
    ) -> Received:
        asset = reading.asset
        way = flow.take(
            reading.channel,
            reading.time,
            arrival,
            judged=windower.judged_until(asset),
            heard=windower.heard(asset),
        )
        if way is Way.HELD:
            return self._put_aside(flow, channel, reading, arrival)
        if way is Way.RESET:
            logger.warning("asset_clock_set asset=%s to=%.3f lag_s=%.1f", asset, reading.time, flow.lag or 0.0)
            before = (self._ended(asset, arrival),) if asset in self._holds else ()
            return Received(way, (*before, Reading(asset, SET, reading.time, 0.0), reading))
        if way is Way.JUDGED:
            return Received(way, (reading,))
        sign = LATE if way is Way.LATE else FUTURE
        return Received(way, (reading._replace(channel=sign + reading.channel),))

    def _put_aside(self, flow: Flow, channel: ChannelSpec, reading: Reading, arrival: float) -> Received:
        asset = reading.asset
        if self._aside >= self._max_aside:
            flow.holding = asset in self._holds
            return Received(Way.LATE, (reading._replace(channel=LATE + reading.channel),))
        self._aside += 1
        if flow.lag is None:
            current = reading.time >= flow.newest
        else:
            current = arrival - reading.time - flow.lag <= flow.tolerance_s
        if current and channel.limits.crossed(reading.value) is not None:
            flow.crossed(arrival)
        if asset in self._holds:
            return Received(Way.HELD, (reading,))
        self._holds.add(asset)
        return Received(Way.HELD, (Reading(asset, HOLD, reading.time, 0.0), reading))

    def _ended(self, asset: str, arrival: float) -> Reading:
        """The marker that ends a hold: all that was put aside is judged."""
        aside = self._pipeline.aside.get(asset)
        self._aside -= 0 if aside is None else len(aside)
        self._flows[asset].release(arrival)
        self._holds.discard(asset)
        self._rolling = [other for other in self._rolling if other != asset]
        return Reading(asset, ROLL, arrival if aside is None else aside.newest, 1.0)

    def _recount(self) -> None:
        self._aside = sum(len(aside) for aside in self._pipeline.aside.values())

    def _begun(self, windower: Windower, reading: Reading, arrival: float) -> Flow:
        """The flow of an asset at its first reading since the start."""
        if reading.asset in windower.tracks:
            return self._known(windower, reading.asset)
        flow = Flow.of(windower.spec)
        if self._trusted and reading.time - arrival > flow.tolerance_s:
            flow.lag = 0.0  # never heard before, and of the future: our own clock is the only one to hold it to
        return flow

    def _known(self, windower: Windower, asset: str) -> Flow:
        """The flow of an asset that was heard before this start."""
        lag = self._lags.pop(asset, None) if self._trusted else None
        track = windower.tracks.get(asset)
        return Flow.of(windower.spec, lag=lag, newest=-math.inf if track is None else track.newest)

    @property
    def _trusted(self) -> bool:
        """Whether the wall clock was ever set: lags by it then mean something after a restart."""
        return self._clock.quality() is not Clock.UNSYNCED
