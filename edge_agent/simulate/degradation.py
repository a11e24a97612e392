"""How a fault grows and what it does to the readings.

Severity runs from 0 (sound) to 1 (functional failure) as a gamma process around a linear, exponential or power-law
mean (Source: van Noortwijk, A survey of the application of gamma processes in maintenance, Reliability Engineering &
System Safety 94(1), 2009). Which fault touches which channel is a table in `faults.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge_agent.simulate.faults import Fault
from edge_agent.simulate.machines import Floats, Machine
from edge_agent.simulate.physics import Damage

WORST = 1.2  # severity at which damage stops growing: a failed part that is still run
SCATTER = 0.25  # log deviation of an effect between two faults of one kind
GAMMA_SHAPE = 0.6  # of each step's increment; smaller = jumpier growth


@dataclass(frozen=True, slots=True)
class Course:
    """When a fault happens, in steps of the run."""

    onset: int  # degradation begins to be physically present
    failure: int  # severity reaches 1, or would have but for the repair
    stopped: int | None = None  # the machine is shut down for the repair; None where it is not
    repaired: int | None = None  # it runs again, sound


def grow(rng: np.random.Generator, steps: int, course: Course) -> Floats:
    """The severity over a run, (steps,): 0 until the onset, 1 at the failure, then on to WORST; 0 after the repair."""
    life = course.failure - course.onset
    shape = rng.integers(3)
    bend = rng.uniform(2.0, 4.5) if shape == 1 else rng.uniform(1.3, 2.6)
    return follow(rng, steps, course, ("linear", "exponential", "power")[shape], bend if life > 1 else 1.0)


def follow(rng: np.random.Generator, steps: int, course: Course, law: str, bend: float) -> Floats:
    """The severity along a growth law (`linear`, `exponential` with rate, `power` with exponent `bend`), (steps,)."""
    age = (np.arange(steps) - course.onset) / (course.failure - course.onset)
    reach = float(max(age[-1], 1.0)) + 1.0 / (course.failure - course.onset)
    x = np.arange(0.0, reach, 1.0 / (course.failure - course.onset))  # ages from onset on
    mean = {"linear": x, "exponential": np.expm1(bend * x) / np.expm1(bend), "power": x**bend}[law]
    increments = np.diff(mean, prepend=0.0) * rng.gamma(GAMMA_SHAPE, 1.0 / GAMMA_SHAPE, len(mean))
    grown = np.cumsum(increments)
    grown /= max(grown[course.failure - course.onset], 1e-12)
    severity = np.zeros(steps)
    later = steps - course.onset
    severity[course.onset :] = np.minimum(grown[:later], WORST)
    if course.repaired is not None:
        severity[course.repaired :] = 0.0
    return severity


def damage(rng: np.random.Generator, machine: Machine, fault: Fault | None, severity: Floats) -> Damage:
    """What a fault of that severity does to each channel, (steps, n); nothing without a fault."""
    names = [s.name for s in machine.kind.signals]
    rise = np.zeros((len(severity), len(names)))
    rough = np.zeros_like(rise)
    for effect in fault.effects if fault is not None else ():
        column = names.index(effect.channel)
        strength = np.exp(SCATTER * rng.standard_normal())
        rise[:, column] += strength * effect.rise * severity**effect.power
        rough[:, column] += strength * effect.rough * severity
    return Damage(rise, rough)


def corrupt(rng: np.random.Generator, kind: str, shown: Floats, severity: Floats, scale: float) -> Floats:
    """What a failing instrument makes of a channel, (steps,); `scale` is the channel's rated rise.

    `stuck` holds its last value ever longer, `drift` wanders off, `spikes` and `dropout` (NaN) come ever more often.
    """
    lot = rng.random(len(shown))
    if kind == "stuck":
        fresh = np.where((lot < np.sqrt(severity)) & (severity > 0), 0, np.arange(len(shown)))
        return np.asarray(shown[np.maximum.accumulate(fresh)])
    if kind == "drift":
        way = float(rng.choice([-1.0, 1.0])) * rng.uniform(0.4, 1.0)
        return shown + way * scale * severity
    if kind == "spikes":
        height = rng.choice([-1.0, 1.0]) * rng.uniform(0.6, 2.0, len(shown)) * scale
        return np.where(lot < 0.3 * severity, shown + height, shown)
    return np.where(lot < 0.8 * severity, np.nan, shown)
