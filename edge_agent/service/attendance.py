"""When each asset was last heard, by arrival: whose steps must be closed for it, and who has been silent for too long.

Arrival counts, not event time: old data replayed fast are no outage. Belongs to the engine thread; nothing is decided
here but who is quiet, and one look costs no more than there are quiet assets.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from edge_agent.core.pipeline import Pipeline
from edge_agent.core.types import CLOSE, Reading


@dataclass(frozen=True, slots=True)
class Quiet:
    """What follows from the silence of assets."""

    closes: list[Reading] = field(default_factory=list)  # markers that close their open steps
    silent: list[str] = field(default_factory=list)  # assets that have just been silent for too long


class Attendance:
    """Monotonic time of the last arrival of each asset, the longest unheard first."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._arrived: dict[str, float] = {}
        self._silent: set[str] = set()
        specs = [windower.spec for windower in pipeline.windowers.values()]
        patience = (min(spec.step_s + spec.lateness_s, spec.silent_after_s) for spec in specs)
        self._patience = min(patience, default=0.0)  # nobody is quiet who was heard more recently

    def __len__(self) -> int:
        return len(self._arrived)

    def begin(self, now: float) -> None:
        """Take it that every asset the pipeline knows has been heard just now: nobody knows how long we were away."""
        self._arrived = {a: now for w in self._pipeline.windowers.values() for a in w.tracks}

    def heard(self, asset: str, now: float) -> None:
        """Note a reading of an asset; `now` never goes back."""
        self._arrived.pop(asset, None)  # to the end of the order
        self._arrived[asset] = now
        if self._silent:
            self._silent.discard(asset)

    def look(self, now: float) -> Quiet:
        """What is to be done about the assets that are quiet now; a silence is told of once."""
        quiet = Quiet()
        for asset, at in self._arrived.items():
            unheard = now - at
            if unheard <= self._patience:
                break  # and so is everybody after it
            windower = self._pipeline.windower(asset)
            track = None if windower is None else windower.tracks.get(asset)
            if windower is None or track is None:
                continue
            spec = windower.spec
            if track.open and unheard > spec.step_s + spec.lateness_s:
                quiet.closes.append(Reading(asset, CLOSE, (max(track.open) + 1) * spec.step_s, 0.0))
            if asset not in self._silent and unheard > spec.silent_after_s:
                self._silent.add(asset)
                quiet.silent.append(asset)
        return quiet
