"""The project's own simulator → runs: machines of known classes with their faults, and rigs of no class.

Nothing about models belongs here.

Training fleets have even seeds; `VALIDATION_SEED`, `TEST_SEED` and `FUSION_SEED` are odd, so no machine of theirs is
ever trained on.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from edge_agent.simulate import history, rigs
from edge_agent.training.runs import HORIZON_STEPS, MODES, UNKNOWN, Run

TRAINING_SEED: Final = 20_240
VALIDATION_SEED: Final = 1_001
TEST_SEED: Final = 2_001
FUSION_SEED: Final = 3_001  # a larger fleet, of which only windows with log lines are read
RIGS: Final = "rigs"  # group of the runs of rigs
SHOWS: Final = 0.15  # severity from which a fault counts as visible


def load_fleet(seed: int, runs: int) -> list[Run]:
    """The lives of a simulated fleet; a repaired machine is a new life, or runs on unannounced, half and half."""
    lives: list[Run] = []
    for number, run in enumerate(history.simulate_fleet(seed, runs)):
        lives += _lives(run, announced=number % 2 == 0)
    return lives


def _lives(run: history.Run, *, announced: bool) -> Iterator[Run]:
    steps = np.arange(len(run.times))
    repaired = len(steps) if run.repaired is None else run.repaired
    left = np.full(len(steps), np.inf)
    modes = np.zeros(len(steps), dtype=np.int8)
    if run.failure is not None:
        broken = steps < repaired
        left[broken] = run.failure - steps[broken]
        shown = np.where(run.severity >= SHOWS, MODES.index(run.mode), np.where(run.severity > 0, UNKNOWN, 0))
        shown = np.where((left <= HORIZON_STEPS) & (shown == 0), UNKNOWN, shown)
        modes[broken] = shown[broken]
    cut = repaired if announced else len(steps)
    for part, (start, end) in enumerate(((0, cut), (cut, len(steps)))):
        if end > start:
            times = run.times[start:end]
            yield Run(
                asset=f"{run.asset}-{part}", group=run.spec.name, spec=run.spec, times=times,
                values=run.values[start:end], left=left[start:end], modes=modes[start:end],
                logs=tuple(line for line in run.logs if part == 0 or line.time >= times[0]),
            )  # fmt: skip


def load_rigs(seed: int, count: int) -> list[Run]:
    """The runs of rigs nobody knows the class of; a step is risky while a fault shows, of no known mode."""
    return [_rig(rigs.simulate_rig(seed, number)) for number in range(count)]


def _rig(rig: rigs.Rig) -> Run:
    return Run(
        asset=rig.asset, group=RIGS, spec=rig.spec, times=rig.times, values=rig.values,
        left=np.where(rig.faulty, 0.0, np.inf), modes=np.where(rig.faulty, UNKNOWN, 0).astype(np.int8),
    )  # fmt: skip
