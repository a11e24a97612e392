"""How a healthy machine is run, with all that looks odd and is not: load steps, stops, hot days, new filters, spikes.

Nothing here is a fault. Every run, healthy or not, is made of these, so that oddity alone is no proof of damage.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge_agent.simulate.machines import AMBIENT_C, STEP_S, Floats, MachineClass
from edge_agent.simulate.physics import Operation, smoothed

COMMISSIONING = 75  # steps at the start without stops or oddities: the baseline is learned in them
RAMP_KEEP = 0.55  # a drive reaches a new set point within about 4 steps
DAY_S = 86400.0
WARMEST_S = 15 * 3600.0  # time of day
SEASON_C = 4.0  # deviation of a day's mean ambient from 20 °C
ODDITIES = ("stop", "hot_day", "filter_change", "spike", "visit", "process_change")
FOULING = {"filter_dp_pa": 0.35, "separator_dp_bar": 0.3, "oil_particles_ppm": 0.4, "suction_pressure_bar": 0.2}
PROCESS_SHIFT = {
    "discharge_pressure_bar": 0.05, "static_pressure_pa": 0.06, "flow_m3h": -0.05, "airflow_m3h": -0.05,
    "motor_current_a": 0.03, "current_a": 0.04, "oil_pressure_bar": 0.04, "delivery_m3min": -0.04,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Oddity:
    """Something harmless that happened, and when; what a technician may write about."""

    kind: str  # one of ODDITIES
    step: int


@dataclass(frozen=True, slots=True)
class Day:
    """A healthy plan: how the machine is run and what harmless things happen."""

    operation: Operation
    oddities: tuple[Oddity, ...]


def plan(rng: np.random.Generator, kind: MachineClass, times: Floats, oddities: tuple[str, ...] | None = None) -> Day:
    """A plan for the given times (steps,); None draws the oddities, a tuple prescribes them at drawn moments."""
    steps, n = len(times), len(kind.signals)
    if oddities is None:
        count = int(rng.choice(4, p=[0.3, 0.35, 0.25, 0.1]))
        oddities = tuple(str(kind) for kind in rng.choice(ODDITIES, size=count, replace=False))
    load = _load(rng, kind, steps)
    ambient = hall_temperature(rng, times)
    factor, glitch = np.ones((steps, n)), np.zeros((steps, n))
    names = [s.name for s in kind.signals]
    happened = []
    for oddity in oddities:
        step = int(rng.integers(COMMISSIONING, steps - 1))
        happened.append(Oddity(oddity, step))
        if oddity in {"stop", "visit"}:
            load[step : step + int(rng.integers(4, 25))] = 0.0
        elif oddity == "hot_day":
            ambient += rng.uniform(5.0, 11.0) / (1.0 + np.exp(-(np.arange(steps) - step) / rng.uniform(15.0, 40.0)))
        elif oddity == "filter_change":
            _foul(rng, names, factor, step)
        elif oddity == "process_change":
            _shift_process(rng, names, factor, step)
        else:
            glitch[step, rng.integers(n)] = rng.choice([-1.0, 1.0]) * rng.uniform(0.5, 2.5)
    return Day(Operation(_ramped(load), ambient, factor, glitch), tuple(sorted(happened, key=lambda o: o.step)))


def shut_down(operation: Operation, start: int, end: int) -> Operation:
    """The same operation with the machine standing from `start` until `end`."""
    load = operation.load.copy()
    load[start:end] = 0.0
    load[end : end + 4] *= 1.0 - RAMP_KEEP ** np.arange(1, 5)[: len(load[end : end + 4])]
    return Operation(load, operation.ambient, operation.factor, operation.glitch)


def hall_temperature(rng: np.random.Generator, times: Floats) -> Floats:
    """Ambient temperature in a hall, (steps,), °C: a daily cycle around a seasonal mean."""
    mean = AMBIENT_C + SEASON_C * rng.standard_normal()
    swing = rng.uniform(1.0, 4.5)
    phase = 2 * np.pi * ((times % DAY_S) - WARMEST_S) / DAY_S
    drift = np.cumsum(rng.standard_normal(len(times))) * 0.03 * np.sqrt(STEP_S / 60.0)
    return np.asarray(mean + swing * np.cos(phase) + drift)


def _load(rng: np.random.Generator, kind: MachineClass, steps: int) -> Floats:
    """Set points of the process, held for an hour or several, (steps,)."""
    load = np.full(steps, rng.choice(kind.set_points))
    if rng.random() < 0.6:  # noqa: PLR2004 - the others run at one set point all day
        step = int(rng.integers(20, 150))
        while step < steps:
            load[step:] = rng.choice(kind.set_points)
            step += int(rng.integers(30, 200))
    return load


def _ramped(load: Floats) -> Floats:
    ramped = smoothed(load[:, None], np.array([RAMP_KEEP]))[:, 0]
    return np.where(load == 0.0, np.where(ramped < 0.3 * ramped.max(), 0.0, ramped), ramped)  # a stop is abrupt


def _foul(rng: np.random.Generator, names: list[str], factor: Floats, step: int) -> None:
    """Ordinary fouling that a routine filter change takes away at `step`."""
    steps = len(factor)
    strength = rng.uniform(0.4, 1.0)
    for name, most in FOULING.items():
        if name in names:
            growth = strength * most * np.minimum(np.arange(steps) / max(step, 1), 1.0)
            growth[step:] = 0.0
            factor[:, names.index(name)] *= 1.0 + growth


def _shift_process(rng: np.random.Generator, names: list[str], factor: Floats, step: int) -> None:
    """Another product or a throttled valve: pressures, flows and currents move together and stay."""
    strength = rng.choice([-1.0, 1.0]) * rng.uniform(0.4, 1.2)
    reach = np.clip((np.arange(len(factor)) - step) / rng.uniform(1.0, 25.0), 0.0, 1.0)
    for name, most in PROCESS_SHIFT.items():
        if name in names:
            factor[:, names.index(name)] *= 1.0 + strength * most * reach
