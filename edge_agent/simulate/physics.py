"""How a machine answers: load, ambient temperature and degradation → what its instruments show.

Only the equations belong here; what the load is and what breaks is decided elsewhere and comes in as arrays.
n = signals of the class, without the condition channel, which is the last column of what is measured.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge_agent.simulate.machines import AMBIENT_C, Floats, Machine

WANDER_KEEP = 0.97  # slow disturbance of one channel: time constant about 33 steps
PROCESS_KEEP = 0.9  # disturbance of the process, shared by all channels: about 10 steps
CONDITION_NOISE = 0.002  # of the rated condition value
RUNNING = 0.05  # per-unit load below which a machine stands


@dataclass(frozen=True, slots=True)
class Operation:
    """How a machine is run."""

    load: Floats  # (steps,) per unit; 0 while it stands
    ambient: Floats  # (steps,) °C
    factor: Floats  # (steps, n) harmless change of each rise, 1 = none
    glitch: Floats  # (steps, n) added to the reading, fraction of the rated rise


@dataclass(frozen=True, slots=True)
class Damage:
    """What a fault does to each channel, before the machine's own inertia."""

    rise: Floats  # (steps, n) added to the drive, fraction of the rated rise
    rough: Floats  # (steps, n) added to the white noise, fraction of the rated rise


def smoothed(drive: Floats, keep: Floats) -> Floats:
    """The first-order answer `y += (1 - keep) * (drive - y)`, starting settled; (steps, n), (n,) → (steps, n)."""
    answer = np.empty_like(drive)
    answer[0] = level = drive[0]
    gained = (1.0 - keep) * drive
    for step in range(1, len(drive)):
        level = keep * level + gained[step]
        answer[step] = level
    return answer


def wandering(rng: np.random.Generator, shape: tuple[int, int], keep: float) -> Floats:
    """A stationary AR(1) disturbance of unit deviation, (steps, n)."""
    white = rng.standard_normal(shape)
    white[1:] *= np.sqrt((1.0 + keep) / (1.0 - keep))
    return smoothed(white, np.full(shape[1], keep))


def measure(rng: np.random.Generator, machine: Machine, operation: Operation, damage: Damage) -> Floats:
    """What the instruments show, before their own faults, (steps, n + 1); the condition channel is the last column."""
    signals = machine.kind.signals
    steps, n = operation.factor.shape
    power = np.array([s.power for s in signals])
    scale = np.abs(machine.rated)
    load = operation.load[:, None]  # (steps, 1)
    running = load > RUNNING
    rise = np.where(running, np.maximum(load, RUNNING) ** power, 0.0)  # (steps, n)
    process = wandering(rng, (steps, 1), PROCESS_KEEP) * np.array([s.process for s in signals])
    wander = wandering(rng, (steps, n), WANDER_KEEP) * np.array([s.wander for s in signals])
    drive = machine.rated * rise * operation.factor
    drive += scale * rise * (damage.rise + process + wander)
    warmth = np.array([s.ambient for s in signals]) * (operation.ambient[:, None] - AMBIENT_C)
    keep = np.array([np.exp(-1.0 / s.lag) if s.lag else 0.0 for s in signals])
    noise = np.array([s.noise for s in signals])
    shown = machine.idle + smoothed(drive, keep) + warmth
    floor = np.where(running, 1.0, 0.3)  # instruments are never quite still
    shown += scale * floor * (noise + damage.rough * running) * rng.standard_normal((steps, n))
    shown += scale * operation.glitch
    shown = np.where(machine.idle + np.minimum(machine.rated, 0.0) >= 0.0, np.maximum(shown, 0.0), shown)
    condition = machine.kind.rated * (operation.load + CONDITION_NOISE * running[:, 0] * rng.standard_normal(steps))
    return np.column_stack([shown, np.maximum(condition, 0.0)])


def rounded(machine: Machine, values: Floats) -> Floats:
    """Values on the grid of the instruments, (steps, n + 1)."""
    grid = np.array([*(s.resolution for s in machine.kind.signals), machine.kind.rated / 1e4])
    return np.asarray(np.round(values / grid) * grid)
