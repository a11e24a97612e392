"""How often a change of unit is seen where there is none, and where there is one: `python -m bench.units`.

Simulated machines with and without faults, then the same machines whose channels come in another unit from some step
on; with `--data FOLDER` (CONTRIBUTING.md) also recorded rigs and engines, in units they are given here.
"""

from __future__ import annotations

import argparse
import gzip
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge_agent.core.types import ChannelSpec, ClassSpec, Reading
from edge_agent.core.unit_step import suspects
from edge_agent.core.window import Windower
from edge_agent.simulate.harmless import COMMISSIONING
from edge_agent.simulate.history import Run, simulate_fleet
from edge_agent.simulate.rigs import simulate_rig

Floats = NDArray[np.float64]
SEED: Final = 9_100_001  # of no fleet that is trained on
AFTER: Final = 20  # steps after commissioning before a unit changes, and left after it
SKAB: Final = ("g", "g", "A", "bar", "degC", "degC", "V", "l/min")
HYDRAULIC: Final = {"CE": "%", "CP": "kW", "FS1": "l/min", "FS2": "l/min", "SE": "%", "TS1": "degC", "TS2": "degC",
                    "TS3": "degC", "TS4": "degC", "VS1": "mm/s"}  # fmt: skip
CMAPSS: Final = (*("degC",) * 4, *("psi",) * 3, "rpm", "rpm", "1", "psi", "%", "rpm", "rpm", "%", "1", "%", "rpm", "%",
                 "kg/s", "kg/s")  # fmt: skip


class Course(NamedTuple):
    """A machine's values, step by step, NaN where an instrument said nothing."""

    spec: ClassSpec
    values: Floats  # (steps, measured channels in the order of the spec)


@dataclass(slots=True)
class Count:
    """What was seen over some courses."""

    courses: int = 0
    steps: int = 0
    suspected: int = 0  # steps in which a channel was kept out
    told: int = 0  # channels told to come in another unit

    def __str__(self) -> str:
        return f"{self.courses} courses, {self.steps} steps: told {self.told}, suspected in {self.suspected} steps"


def seen(course: Course) -> tuple[int, set[tuple[str, str]]]:
    """Steps in which a channel was suspected, and which channels were told, with their units."""
    spec = replace(course.spec, complete=False, lateness_s=0.0, running="")
    windower, names = Windower(spec), [c.name for c in spec.channels if not c.expression]
    suspected, told = 0, set()
    for number, row in enumerate(course.values):
        windows = []
        for name, value in zip(names, row, strict=True):
            if np.isfinite(value):
                windows += windower.push(Reading("m", name, number * spec.step_s, float(value)))
        for window in windows:
            suspected += bool(window.misread)
            told |= {(part.channel, part.unit) for part in window.misread if part.confirmed}
    return suspected, told


def counted(courses: Iterator[Course]) -> Count:
    """What is seen over courses in which no unit changes."""
    count = Count()
    for course in courses:
        suspected, told = seen(course)
        count.courses += 1
        count.steps += len(course.values)
        count.suspected += suspected
        count.told += len(told)
        if told:
            print(f"  told of {course.spec.name}: {sorted(told)}")
    return count


def changed(runs: list[Run], rng: np.random.Generator) -> Mapping[str, tuple[int, int]]:
    """By change of unit, in how many of the runs it was told, and of how many."""
    found: dict[str, tuple[int, int]] = {}
    for run in runs:
        channels = [c for c in run.spec.channels if not c.expression]
        if len(run.values) < COMMISSIONING + 3 * AFTER:
            continue
        for column, channel in enumerate(channels):
            for suspect in suspects(channel) if not channel.condition else ():
                at = int(rng.integers(COMMISSIONING + AFTER, len(run.values) - AFTER))
                values = run.values[: at + AFTER].copy()
                values[at:, column] = values[at:, column] * suspect.change.scale + suspect.change.offset
                _, told = seen(Course(run.spec, values))
                pair = (suspect.unit, channel.unit) if suspect.settled else (channel.unit, suspect.unit)
                name = f"{pair[0]} -> {pair[1]}{' (settled)' if suspect.settled else ''}"
                hits, tries = found.get(name, (0, 0))
                found[name] = hits + ((channel.name, suspect.unit) in told), tries + 1
    return found


def simulated(seed: int, runs: int) -> list[Run]:
    """Machines of all classes, most with a fault."""
    return list(simulate_fleet(seed, runs))


def rigs(seed: int, count: int) -> Iterator[Course]:
    """Rigs of no class, their channels given units in turn."""
    units = ("degC", "bar", "mm/s", "rpm", "kW", "m3/h", "A", "%", "mm", "g")
    for number in range(count):
        rig = simulate_rig(seed, number)
        channels = tuple(replace(c, unit=units[i % len(units)]) for i, c in enumerate(rig.spec.channels))
        yield Course(replace(rig.spec, channels=channels), rig.values)


def skab(folder: Path) -> Iterator[Course]:
    """Valve 1 of the SKAB rig."""
    for file in sorted((folder / "skab" / "valve1").glob("*.csv")):
        values = np.loadtxt(file, delimiter=";", skiprows=1, usecols=range(1, 9))
        yield Course(_spec("skab", SKAB, 400), values)


def hydraulic(folder: Path) -> Iterator[Course]:
    """The hydraulic rig, a step a load cycle."""
    columns = []
    for name in HYDRAULIC:
        with gzip.open(folder / "uci_hydraulic" / f"{name}.txt.gz", "rt") as file:
            columns.append(np.loadtxt(file).mean(axis=1))
    yield Course(_spec("hydraulic", tuple(HYDRAULIC.values()), 60), np.stack(columns, axis=1))


def engines(folder: Path) -> Iterator[Course]:
    """Turbofan engines to their failure; those of FD002 change their operating condition in every step."""
    for name in ("FD001", "FD002", "FD003"):
        with gzip.open(folder / "cmapss" / f"train_{name}.txt.gz", "rt") as file:
            rows = np.loadtxt(file)
        for engine in np.unique(rows[:, 0]):
            yield Course(_spec(name, CMAPSS, 30), rows[rows[:, 0] == engine, 5:26])


def _spec(name: str, units: tuple[str, ...], baseline_steps: int) -> ClassSpec:
    channels = tuple(ChannelSpec(name=f"c{i}", unit=unit) for i, unit in enumerate(units))
    return ClassSpec(name=name, channels=channels, step_s=1.0, baseline_steps=baseline_steps, silent_after_s=1e9)


def main() -> None:
    """Print what was seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200, help="simulated machines, and rigs")
    parser.add_argument("--changes", type=int, default=20, help="machines whose units are changed, one by one")
    parser.add_argument("--data", type=Path, help="folder of the public data sets")
    asked = parser.parse_args()
    fleet = simulated(SEED, asked.runs)
    print(f"no unit changes, machines: {counted(Course(run.spec, run.values) for run in fleet)}", flush=True)
    print(f"no unit changes, rigs: {counted(rigs(SEED, asked.runs))}", flush=True)
    if asked.data is not None:
        for name, courses in (("SKAB valve1", skab), ("hydraulic", hydraulic), ("engines", engines)):
            print(f"no unit changes, {name}: {counted(courses(asked.data))}", flush=True)
    print(f"a unit changes, told within {AFTER} steps:")
    for name, (hits, tries) in sorted(changed(fleet[: asked.changes], np.random.default_rng(SEED)).items()):
        print(f"  {name}: {hits} of {tries}", flush=True)


if __name__ == "__main__":
    main()
