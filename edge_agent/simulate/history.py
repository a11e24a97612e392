"""Whole runs of machines, healthy or failing, with their logs: what models are trained on and tests are made of.

A run is a pure function of asset class, seed, fault and length. Nothing here knows windows, texts or labels' horizons.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from edge_agent.core.types import ClassSpec, LogLine
from edge_agent.errors import UsageError
from edge_agent.simulate.degradation import Course, corrupt, damage, grow
from edge_agent.simulate.faults import FAULTS, HEALTHY, Fault, find_fault
from edge_agent.simulate.harmless import COMMISSIONING, plan, shut_down
from edge_agent.simulate.logbook import keep
from edge_agent.simulate.machines import CLASSES, STEP_S, Floats, build, class_spec, machine_class
from edge_agent.simulate.physics import measure, rounded

TRAINING_SEEDS = range(0, 1_000_000, 2)  # odd ones below a million are for validation and tests
EPOCH = 1_735_689_600.0  # 2025-01-01 00:00 UTC, a multiple of the step
HEALTHY_SHARE = 0.4
PREVENTED = 0.2  # share of faults that are repaired before the function is lost
MIN_STEPS = 160  # room for commissioning, an onset and a life
RUN_STEPS = (200, 600)  # of the runs of a fleet
MIN_LIFE = 30  # steps from onset to failure


@dataclass(frozen=True, slots=True)
class Run:
    """One machine over some hundred steps, with the truth about it."""

    asset: str
    spec: ClassSpec
    times: Floats  # (steps,) start of each step
    values: Floats  # (steps, measured channels in the order of the spec), NaN where an instrument said nothing
    mode: str  # ISO 14224 code, `none` for a healthy machine
    fault: str  # name of the fault in FAULTS, `none` for a healthy machine
    component: str  # maintainable item, empty for a healthy machine
    channel: str  # channel whose instrument fails, empty unless the mode is AIR
    onset: int | None  # step at which degradation begins to be physically present
    failure: int | None  # step of functional failure, or at which it would have come but for an earlier repair
    repaired: int | None  # step from which the machine runs sound again
    severity: Floats  # (steps,) 0 sound, 1 functional failure
    logs: tuple[LogLine, ...]


def simulate_run(asset_class: str, seed: int, *, fault: str | None, steps: int) -> Run:
    """A run of a machine of that class; `fault` is a name of `faults.FAULTS[asset_class]`, None for a healthy one.

    Raises:
        UsageError: there is no such class or fault, or too few steps.
    """
    chosen = None if fault is None or fault == HEALTHY else find_fault(asset_class, fault)
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed)))
    return _simulate(rng, f"{asset_class}-{seed}", asset_class, chosen, steps)


def simulate_fleet(seed: int, runs: int) -> Iterator[Run]:
    """That many runs of all classes and faults, 40 % of them healthy; fleets of different seeds share no machine."""
    for number in range(runs):
        rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(number,))))
        asset_class = str(rng.choice(list(CLASSES)))
        faults = FAULTS[asset_class]
        modes = sorted({fault.mode for fault in faults})
        fault: Fault | None = None
        if rng.random() >= HEALTHY_SHARE:
            mode = str(rng.choice(modes))  # modes first: or the many kinds of VIB would crowd out the others
            alike = [one for one in faults if one.mode == mode]
            fault = alike[rng.integers(len(alike))]
        steps = int(rng.integers(*RUN_STEPS, endpoint=True))
        yield _simulate(rng, f"{asset_class}-{seed}-{number}", asset_class, fault, steps)


def _simulate(rng: np.random.Generator, asset: str, asset_class: str, fault: Fault | None, steps: int) -> Run:
    if steps < MIN_STEPS:
        message = f"a run of {steps} steps has no room for commissioning and a fault"
        raise UsageError(message, hint=f"simulate at least {MIN_STEPS} steps")
    kind = machine_class(asset_class)
    machine = build(rng, kind)
    times = EPOCH + STEP_S * (rng.integers(0, 365 * 1440) + np.arange(steps, dtype=np.float64))
    day = plan(rng, kind, times)
    operation, course, severity = day.operation, None, np.zeros(steps)
    if fault is not None:
        course = _course(rng, steps, stops=not fault.sensor)
        severity = grow(rng, steps, course)
        if course.stopped is not None and course.repaired is not None:
            operation = shut_down(operation, course.stopped, course.repaired)
    values = measure(rng, machine, operation, damage(rng, machine, fault, severity))
    channel = ""
    if fault is not None and fault.sensor:
        column = int(rng.integers(len(kind.signals)))
        channel = kind.signals[column].name
        scale = abs(float(machine.rated[column]))
        values[:, column] = corrupt(rng, fault.sensor, values[:, column], severity, scale)
    rumours = FAULTS[asset_class]
    logs = keep(
        rng, asset, times, day.oddities, fault=fault, course=course, severity=severity,
        rumour=rumours[rng.integers(len(rumours))],
    )  # fmt: skip
    return Run(
        asset=asset,
        spec=class_spec(asset_class),
        times=times,
        values=rounded(machine, values),
        mode=HEALTHY if fault is None else fault.mode,
        fault=HEALTHY if fault is None else fault.name,
        component="" if fault is None else fault.component,
        channel=channel,
        onset=None if course is None else course.onset,
        failure=None if course is None else course.failure,
        repaired=None if course is None else course.repaired,
        severity=severity,
        logs=logs,
    )


def _course(rng: np.random.Generator, steps: int, *, stops: bool) -> Course:
    """When the fault of a run begins, fails and is repaired; failure always lies within the run."""
    onset = int(rng.integers(COMMISSIONING, max(COMMISSIONING + 1, int(0.55 * steps) - MIN_LIFE)))
    failure = onset + int(rng.integers(MIN_LIFE, max(MIN_LIFE + 1, steps - onset - 10)))
    if rng.random() < PREVENTED:
        stopped = onset + int(rng.uniform(0.5, 0.95) * (failure - onset))
    else:
        stopped = failure + int(rng.integers(3, 45))
    repaired = stopped + (int(rng.integers(5, 25)) if stops else 0)
    if repaired >= steps:
        return Course(onset, failure)
    return Course(onset, failure, stopped if stops else None, repaired)
