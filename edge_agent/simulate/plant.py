"""The demo plant: five machines, one of which fails and is repaired, as events in event-time order.

The script only: who waits between events, and where they are sent, is the caller's business. Commissioning, then the
drive-end bearing of P-101 wears over an hour of event time, a technician hears it, the machine runs on for a while, is
stopped and repaired, and runs sound. The other four are healthy, with the oddities of healthy machines.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np

from edge_agent.core.types import ClassSpec, LogLine, Reading
from edge_agent.simulate.degradation import Course, damage, follow
from edge_agent.simulate.faults import find_fault
from edge_agent.simulate.harmless import COMMISSIONING, hall_temperature, plan, shut_down
from edge_agent.simulate.history import EPOCH
from edge_agent.simulate.logbook import write_oddity, write_routine
from edge_agent.simulate.machines import STEP_S, Floats, Machine, build, class_spec, machine_class
from edge_agent.simulate.physics import RUNNING, Operation, measure, rounded

DEMO_SEED: Final = 9_000_009  # demo seeds are 9,000,000 and larger; training never uses them
STEPS: Final = 260  # at 4 steps a second: 65 s
PUMP: Final = "P-101"
ONSET: Final = COMMISSIONING  # steps of the script of P-101
FAILURE: Final = ONSET + 60
STOPPED: Final = FAILURE + 15
REPAIRED: Final = STOPPED + 6
WEAR_RATE: Final = 3.0  # of the exponential growth
HEARD: Final = 0.4  # severity at which a technician on his round hears it
PUMP_LOAD: Final = 0.95  # the pump feeds a steady process
ORDER: Final = "WO-48213"
STAGGER_S: Final = 0.5  # between the scans of two machines
HEARD_LINE: Final = "DE brg noisy, hot to touch - check next shift"
REPAIR_LINE: Final = "replaced DE bearing, realigned coupling"


class WorkOrder(NamedTuple):
    """A structured work-order event: what, unlike free text, may shelve alarms and re-learn a baseline."""

    asset: str
    time: float
    order: str
    status: str  # `opened` or `closed`
    repaired: bool  # closed with a repair: the machine is not what it was
    text: str


PlantEvent = Reading | LogLine | WorkOrder


@dataclass(frozen=True, slots=True)
class Position:
    """A machine of the plant and the oddities it will show."""

    asset: str
    asset_class: str
    oddities: tuple[str, ...]


POSITIONS: Final = (
    Position(PUMP, "pump", ()),
    Position("M-201", "motor", ("spike",)),
    Position("F-301", "fan", ("filter_change",)),
    Position("G-401", "gearbox", ("process_change", "spike")),
    Position("C-501", "compressor", ("stop",)),
)


@dataclass(frozen=True, slots=True)
class _Recorded:
    """What the instruments of one machine will show."""

    position: Position
    channels: tuple[str, ...]
    values: Floats  # (STEPS, channels)


class Plant:
    """A pure, repeatable sequence of plant events; each iteration begins anew."""

    def __init__(self, seed: int = DEMO_SEED, step_s: float = STEP_S, start: float = EPOCH) -> None:
        self.step_s = step_s
        self.start = start - start % step_s  # whole steps, so that one scan never straddles two
        self.times: Floats = self.start + step_s * np.arange(STEPS, dtype=np.float64)
        self._machines: list[_Recorded] = []
        self._notes: list[LogLine | WorkOrder] = []
        hall, *own = np.random.SeedSequence(seed).spawn(1 + len(POSITIONS))
        self._hall = hall_temperature(np.random.Generator(np.random.PCG64(hall)), self.times)
        for position, seeded in zip(POSITIONS, own, strict=True):
            rng = np.random.Generator(np.random.PCG64(seeded))
            self._machines.append(self._pump(rng, position) if position.asset == PUMP else self._other(rng, position))
        self._notes.sort(key=lambda note: note.time)

    @property
    def specs(self) -> dict[str, ClassSpec]:
        """The class specification of each asset, by its raw name."""
        return {p.asset: _judged_while_running(p.asset_class) for p in POSITIONS}

    def __iter__(self) -> Iterator[PlantEvent]:
        """The events in order of their time: readings of every step and channel, log lines, work orders."""
        notes = iter(self._notes)
        note = next(notes, None)
        for step, time in enumerate(self.times):
            for number, machine in enumerate(self._machines):
                moment = float(time) + STAGGER_S * number
                while note is not None and note.time < moment:
                    yield note
                    note = next(notes, None)
                for channel, value in zip(machine.channels, machine.values[step], strict=True):
                    yield Reading(machine.position.asset, channel, moment, float(value))
        while note is not None:
            yield note
            note = next(notes, None)

    def _pump(self, rng: np.random.Generator, position: Position) -> _Recorded:
        machine = build(rng, machine_class(position.asset_class))
        day = plan(rng, machine.kind, self.times, position.oddities).operation
        steady = Operation(np.full(STEPS, PUMP_LOAD), self._hall, day.factor, day.glitch)
        severity = follow(rng, STEPS, Course(ONSET, FAILURE, STOPPED, REPAIRED), "exponential", WEAR_RATE)
        harm = damage(rng, machine, find_fault("pump", "bearing_wear_de"), severity)
        self._say(position.asset, 20, "weekly PM done, greased both ends", "kowalski")
        self._say(position.asset, int(np.argmax(severity >= HEARD)), HEARD_LINE, "jm")
        self._order(position.asset, STOPPED, "opened", "bearing change drive end")
        self._say(position.asset, REPAIRED - 1, REPAIR_LINE, "kowalski")
        self._order(position.asset, REPAIRED, "closed", "DE bearing replaced, coupling aligned")
        return _recorded(position, machine, measure(rng, machine, shut_down(steady, STOPPED, REPAIRED), harm))

    def _other(self, rng: np.random.Generator, position: Position) -> _Recorded:
        machine = build(rng, machine_class(position.asset_class))
        day = plan(rng, machine.kind, self.times, position.oddities)
        for oddity in day.oddities:
            self._say(position.asset, oddity.step, write_oddity(rng, oddity.kind), "shift B")
        self._say(position.asset, int(rng.integers(STEPS)), write_routine(rng), "a.novak")
        sound = damage(rng, machine, None, np.zeros(STEPS))
        return _recorded(position, machine, measure(rng, machine, replace(day.operation, ambient=self._hall), sound))

    def _say(self, asset: str, step: int, text: str, author: str) -> None:
        self._notes.append(LogLine(asset, float(self.times[step]) + self.step_s / 2, text, author))

    def _order(self, asset: str, step: int, status: str, text: str) -> None:
        self._notes.append(WorkOrder(asset, float(self.times[step]), ORDER, status, status == "closed", text))


def _judged_while_running(asset_class: str) -> ClassSpec:
    """The class, with the load or speed from which its machines run."""
    kind = machine_class(asset_class)
    return replace(class_spec(asset_class), running=f"{kind.condition} > {RUNNING * kind.rated:g}")


def _recorded(position: Position, machine: Machine, values: Floats) -> _Recorded:
    names = (*(signal.name for signal in machine.kind.signals), machine.kind.condition)
    return _Recorded(position, names, rounded(machine, values))
