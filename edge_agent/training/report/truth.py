"""A simulated run → which channels its fault truly moves, and how much. Read from the tables of the simulator alone.

A channel counts as moved where the fault's effect at that severity is larger than SEEN ordinary deviations of the
channel (noise, own wander and the process together), so that it could be seen at all.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from edge_agent.simulate.faults import find_fault
from edge_agent.simulate.history import Run
from edge_agent.simulate.machines import machine_class

SEEN: Final = 2.0


def moved(run: Run, step: int) -> tuple[str, ...]:
    """The channels that the fault of a run moves at a step, the most moved first; empty where nothing shows."""
    if run.onset is None or step < run.onset or (run.repaired is not None and step >= run.repaired):
        return ()
    if run.channel:
        return (run.channel,)
    signals = {signal.name: signal for signal in machine_class(run.spec.name).signals}
    effects = []
    for effect in find_fault(run.spec.name, run.fault).effects:
        signal = signals[effect.channel]
        severity = float(run.severity[max(step - round(signal.lag), 0)])
        ordinary = float(np.hypot(np.hypot(signal.noise, signal.wander), signal.process))
        effects.append((abs(effect.rise) * severity**effect.power / ordinary, effect.channel))
    return tuple(name for size, name in sorted(effects, key=lambda e: (-e[0], e[1])) if size >= SEEN)


def standing(run: Run, step: int) -> bool:
    """Whether the machine stands still at a step: its condition channel, the last one, reads nothing."""
    return not float(run.values[step, -1]) > 0.0
