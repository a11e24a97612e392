"""A small pump as values: classes, readings, windows and models that the tests of the core share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from edge_agent.core.baseline import GRID, Floats, Reference
from edge_agent.core.pipeline import Judge, Outcome, Pipeline
from edge_agent.core.types import (
    AlarmEvent,
    AlarmPolicy,
    ChannelSpec,
    ChannelState,
    ClassSpec,
    Limits,
    Reading,
    Scores,
    Verdict,
    Window,
)
from edge_agent.core.window import Windower

LABELS = ("none", "VIB", "OHE")
VIB = ChannelSpec(
    name="vib", unit="mm/s", component="drive-end bearing", limits=Limits(high_warning=4.5, high_alarm=7.0)
)
TEMP = ChannelSpec(name="temp", unit="degC", component="motor")
FLOW = ChannelSpec(name="flow", unit="m3/h", component="impeller", limits=Limits(low_alarm=5.0))
LOAD = ChannelSpec(name="load", unit="%", condition=True)
POWER = ChannelSpec(name="power", unit="W", expression="temp * flow", limits=Limits(high_alarm=2000.0))

PUMP = ClassSpec(name="pump", channels=(VIB, TEMP, FLOW), step_s=60.0, baseline_steps=20)
NORMAL: Mapping[str, tuple[float, float]] = {  # channel → healthy value and deviation
    "vib": (2.0, 0.1),
    "temp": (60.0, 1.0),
    "flow": (20.0, 0.5),
}


def noise(steps: int, seed: int = 1) -> dict[str, Floats]:
    """Healthy values of the pump, rounded to float32 as readings are."""
    rng = np.random.default_rng(seed)
    return {name: rng.normal(m, s, steps).astype(np.float32).astype(float) for name, (m, s) in NORMAL.items()}


def readings(
    values: Mapping[str, Sequence[float] | Floats], *, first: int = 0, step_s: float = 60.0, asset: str = "p1"
) -> list[Reading]:
    """One reading per channel and step, ten seconds into the step and a second apart; NaN is left out."""
    steps = max(len(series) for series in values.values())
    return [
        Reading(asset, name, (first + i) * step_s + (10.0 + k) * step_s / 60.0, float(series[i]))
        for i in range(steps)
        for k, (name, series) in enumerate(values.items())
        if i < len(series) and not np.isnan(series[i])
    ]


def reading_of(channel: str, value: float, time: float, asset: str = "p1") -> Reading:
    """One reading."""
    return Reading(asset, channel, time, value)


def pushed(windower: Windower, given: Iterable[Reading]) -> list[Window]:
    """All windows that the readings close."""
    return [window for reading in given for window in windower.push(reading)]


def state(window: Window, name: str) -> ChannelState:
    """A channel of a window."""
    return next(c for c in window.channels if c.name == name)


def channel(name: str = "vib", shift: float = 0.0, **changes: object) -> ChannelState:
    """A channel of a class that is not known, at its own normal but for what is said."""
    plain = ChannelState(name, "mm/s", "drive-end bearing", 2.0, 2.0, None, shift, 0.0, 0.0, 0.0)
    return replace(plain, **changes)  # type: ignore[arg-type]  # the dataclass refuses unknown names


def window(*channels: ChannelState, **changes: object) -> Window:
    """A window of pump p1 at noon of a day, but for what is said."""
    plain = Window("p1", "pump", 100, 1717243140.0, 1717243200.0, None, channels, (), learning=False)
    return replace(plain, **changes)  # type: ignore[arg-type]  # the dataclass refuses unknown names


def reference(channels: Sequence[str] = tuple(NORMAL), loads: Sequence[float] = ()) -> Reference:
    """A class reference: each load (per cent) is a regime in which all values are that much higher."""
    regimes = np.array(loads, dtype=float).reshape(-1, 1) / 10.0 if loads else np.zeros((1, 0))
    factors = [1.0 + load / 100.0 for load in loads] or [1.0]
    return Reference(
        channels=tuple(channels),
        conditions=("load",) if loads else (),
        regimes=regimes,
        condition_scale=np.full(regimes.shape[1], 10.0),
        center=np.array([[NORMAL[name][0] * factor for name in channels] for factor in factors]),
        scale=np.array([[NORMAL[name][1] for name in channels] for _ in factors]),
        grid=np.tile((GRID - 0.5) * 8.0, (len(channels), 1)),
    )


def scores(risk: float, mode: str = "VIB", *, undecided: bool = False) -> Scores:
    """Scores that are sure of one mode."""
    return Scores(risk, tuple(0.8 if label == mode else 0.1 for label in LABELS), undecided)


def pipeline(
    spec: ClassSpec = PUMP,
    score: Callable[[str], Scores] = lambda _text: scores(0.0, "none"),
    policy: AlarmPolicy | None = None,
    references: Mapping[str, Reference] | None = None,
) -> Pipeline:
    """A pipeline whose assets p1, p2, … are pumps; the model's threshold is 0.5."""
    return Pipeline(
        {spec.name: spec},
        lambda asset: spec.name if asset.startswith("p") else None,
        references or {},
        policy or AlarmPolicy(),
        Judge(score=score, labels=LABELS, threshold=0.5),
    )


def outcomes(target: Pipeline, given: Iterable[Reading]) -> list[Outcome]:
    """What each reading brought."""
    return [target.reading(reading) for reading in given]


def verdicts(found: Iterable[Outcome]) -> list[Verdict]:
    """All verdicts, in order."""
    return [verdict for outcome in found for verdict in outcome.verdicts]


def events(found: Iterable[Outcome]) -> list[AlarmEvent]:
    """All alarm events, in order."""
    return [event for outcome in found for event in outcome.events]
