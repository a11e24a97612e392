"""Machines of a kind nobody declared: channels that follow a few hidden causes, and stretches in which that breaks.

What a fault does is drawn from what any instrument can show: a mean that steps or creeps, a spread that grows, a
channel that no longer follows the others, an oscillation, a reading that stands still. What is harmless is drawn as
well: warm-up and drift that go on after commissioning, slow cycles, set points, single spikes. Nothing here knows a
failure mode, a horizon or a technician; a rig is a pure function of its seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge_agent.core.types import ChannelSpec, ClassSpec

Floats = NDArray[np.float64]

STEP_S: Final = 1.0
EPOCH: Final = 1_735_689_600.0  # 2025-01-01 00:00 UTC
BASELINES: Final = (60, 120, 250, 400)  # steps of commissioning
CHANNELS: Final = (3, 14)
STEPS_AFTER: Final = (350, 800)  # of the run, after commissioning
SOUND_SHARE: Final = 0.2  # rigs without any fault
SHOWS: Final = 0.25  # share of a fault's full size from which it counts as showing
_GAP: Final = 30  # steps between commissioning and the first fault, and after a fault
_NAMES: Final = (
    "temperature", "temp_1", "temp_2", "thermocouple", "oil_temperature", "winding_temp", "ambient", "pressure",
    "pressure_in", "pressure_out", "dp_filter", "vacuum", "flow", "flow_rate", "volume_flow", "level", "speed", "rpm",
    "torque", "position", "valve_position", "current", "current_l1", "current_l2", "voltage", "power", "vib_x", "vib_y",
    "vib_z", "acceleration_1", "acceleration_2", "rms", "noise_db", "humidity", "ph", "conductivity", "force", "strain",
    "frequency", "opening", "load", "s1", "s2", "s3", "s4", "s5", "ch_01", "ch_02", "ch_03", "value",
)  # fmt: skip
_KINDS: Final = ("rig", "machine", "unit", "line", "skid", "station", "loop", "unknown", "equipment", "asset")


@dataclass(frozen=True, slots=True)
class Rig:
    """One run of one rig, with the truth of every step."""

    asset: str
    spec: ClassSpec
    times: Floats  # (steps,) start of each step
    values: Floats  # (steps, n)
    faulty: NDArray[np.bool_]  # (steps,) whether a fault shows


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A fault: where it is, and its size over the run."""

    size: Floats  # (steps,) 0 where there is none, 1 at its full size


def simulate_rig(seed: int, number: int) -> Rig:
    """Rig `number` of a series; series of different seeds share none."""
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(number,))))
    baseline = int(rng.choice(BASELINES))
    steps = baseline + int(rng.integers(*STEPS_AFTER))
    n = int(rng.integers(*CHANNELS, endpoint=True))
    causes = _causes(rng, steps, baseline)
    weights = rng.normal(size=(causes.shape[1], n)) * (rng.random((causes.shape[1], n)) < 0.6)  # noqa: PLR2004
    noise = _noise(rng, steps, n)
    followed = causes @ weights
    own = rng.uniform(0.3, 1.5, n)
    sound = followed + own * noise
    spread = np.sqrt((followed[:baseline].var(axis=0) + own**2) + 1e-6)  # one deviation of commissioning
    sound = sound + spread * _harmless(rng, steps, n, baseline)
    values, faulty = sound, np.zeros(steps, dtype=np.bool_)
    for stretch in _stretches(rng, steps, baseline):
        values = _broken(rng, values, followed, spread, stretch)
        faulty |= stretch.size >= SHOWS
    values = rng.uniform(-50.0, 400.0, n) + values / spread * np.exp(rng.normal(0.0, 2.0, n))
    values = _as_read(rng, values, baseline)
    names = [str(name) for name in rng.choice(_NAMES, n, replace=False)]
    spec = ClassSpec(
        name=str(rng.choice(_KINDS)), channels=tuple(ChannelSpec(name=name) for name in names), step_s=STEP_S,
        complete=True, baseline_steps=baseline, silent_after_s=1e9,
    )  # fmt: skip
    times = EPOCH + STEP_S * (int(rng.integers(0, 365 * 86_400)) + np.arange(steps, dtype=np.float64))
    return Rig(f"rig-{seed}-{number}", spec, times, values.astype(np.float32).astype(np.float64), faulty)


def _causes(rng: np.random.Generator, steps: int, baseline: int) -> Floats:
    """Hidden causes, (steps, k), each of deviation one: noise of some memory, a slow cycle, or a set point."""
    found = []
    for _ in range(int(rng.integers(1, 4))):
        kind = rng.random()
        if kind < 0.6:  # noqa: PLR2004
            found.append(_remembering(rng, steps, rng.choice([0.0, 0.5, 0.8, 0.95, 0.99])))
        elif kind < 0.8:  # noqa: PLR2004
            period = baseline * rng.uniform(0.1, 1.2)
            found.append(np.sqrt(2.0) * np.sin(2 * np.pi * (np.arange(steps) / period + rng.random())))
        else:
            points = rng.choice(rng.normal(size=int(rng.integers(2, 5))), steps)  # all are run during commissioning
            found.append(np.repeat(points, rng.integers(5, max(6, baseline // 8), steps))[:steps])
    return np.stack(found, axis=1)


def _remembering(rng: np.random.Generator, steps: int, memory: float) -> Floats:
    """An autoregressive series of deviation one, (steps,)."""
    noise = rng.normal(size=steps) * np.sqrt(1.0 - memory**2)
    out = np.empty(steps)
    out[0] = rng.normal()
    for i in range(1, steps):
        out[i] = memory * out[i - 1] + noise[i]
    return out


def _noise(rng: np.random.Generator, steps: int, n: int) -> Floats:
    """What each instrument adds, (steps, n), each of about deviation one."""
    out = rng.normal(size=(steps, n))
    for column in range(n):
        kind = rng.random()
        if kind < 0.3:  # noqa: PLR2004
            out[:, column] = _remembering(rng, steps, rng.uniform(0.3, 0.97))
        elif kind < 0.45:  # noqa: PLR2004
            out[:, column] = rng.standard_t(3, steps) / np.sqrt(3.0)
    return out


def _harmless(rng: np.random.Generator, steps: int, n: int, baseline: int) -> Floats:
    """Warm-up, drift and spikes in deviations of commissioning, (steps, n)."""
    out = np.zeros((steps, n))
    time = np.arange(steps)
    if rng.random() < 0.3:  # noqa: PLR2004 - something goes on that began before commissioning
        course = (
            1.0 - np.exp(-time / (baseline * rng.uniform(0.3, 3.0)))
            if rng.random() < 0.5  # noqa: PLR2004
            else time / baseline * rng.uniform(0.2, 1.0)
        )
        moved = rng.random(n) < rng.uniform(0.1, 0.6)
        out += course[:, None] * np.where(moved, rng.normal(0.0, 1.2, n), 0.0)
    if rng.random() < 0.25:  # noqa: PLR2004 - a slow cycle of the hall or the day
        period = baseline * rng.uniform(1.0, 6.0)
        cycle = np.sin(2 * np.pi * (time / period + rng.random()))
        out += cycle[:, None] * np.where(rng.random(n) < 0.4, rng.normal(0.0, 0.7, n), 0.0)  # noqa: PLR2004
    spikes = rng.random((steps, n)) < rng.choice([0.0, 0.001, 0.004])
    out += spikes * rng.normal(0.0, 8.0, (steps, n))
    return out


def _stretches(rng: np.random.Generator, steps: int, baseline: int) -> list[_Stretch]:
    """The faults of a run: none, one or two, of any length, that come and go at once or bit by bit."""
    if rng.random() < SOUND_SHARE:
        return []
    found = []
    start = baseline + _GAP + int(rng.integers(0, (steps - baseline) // 2))
    for _ in range(int(rng.integers(1, 3))):
        left = steps - start
        if left < 2 * _GAP:
            break
        length = left if rng.random() < 0.15 else int(rng.integers(_GAP, left))  # noqa: PLR2004 - some never end
        size = np.zeros(steps)
        rise = int(rng.choice(np.array([1, rng.integers(3, 20), rng.integers(20, 120)])))
        fall = int(rng.choice(np.array([1, rng.integers(3, 40)])))
        course = np.minimum(1.0, np.arange(1, length + 1) / rise)
        ended = start + length < steps
        size[start : start + length] = np.minimum(course, np.arange(length, 0, -1) / fall) if ended else course
        found.append(_Stretch(size))
        start += length + _GAP + int(rng.integers(0, 100))
    return found


def _broken(rng: np.random.Generator, values: Floats, followed: Floats, spread: Floats, fault: _Stretch) -> Floats:
    """The values with a fault in them: some channels moved, noisier, torn from the others, swinging or standing."""
    steps, n = values.shape
    out = values.copy()
    hit = rng.permutation(n)[: int(rng.integers(1, n + 1))]
    strength = float(np.exp(rng.normal(1.1, 0.6)))  # median 3 deviations
    size = fault.size[:, None]
    for column in hit.tolist():
        kind = rng.random()
        mine = strength * float(np.exp(rng.normal(0.0, 0.4))) * spread[column]
        grown = size[:, 0]
        if kind < 0.55:  # noqa: PLR2004
            out[:, column] += rng.choice([-1.0, 1.0]) * mine * grown
        elif kind < 0.75:  # noqa: PLR2004
            out[:, column] += mine * grown * rng.normal(size=steps)
        elif kind < 0.87:  # noqa: PLR2004 - no longer moved by what moves the others
            out[:, column] -= grown * followed[:, column] * rng.uniform(0.7, 2.0)
        elif kind < 0.95:  # noqa: PLR2004
            out[:, column] += mine * grown * np.sin(2 * np.pi * np.arange(steps) / rng.uniform(3.0, 40.0))
        else:
            begun = int(np.argmax(grown > 0))
            out[:, column] = np.where(grown > 0, out[begun, column], out[:, column])
    return out


def _as_read(rng: np.random.Generator, values: Floats, baseline: int) -> Floats:
    """The values as an instrument of finite resolution gives them."""
    out = values.copy()
    for column in range(values.shape[1]):
        if rng.random() < 0.3:  # noqa: PLR2004
            grain = float(values[:baseline, column].std()) * rng.uniform(0.1, 1.5)
            out[:, column] = np.round(out[:, column] / grain) * grain
    return out
