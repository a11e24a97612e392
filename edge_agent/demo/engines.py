"""NASA's recorded turbofan engines as a script: ten of the C-MAPSS test set FD001, played to where their record ends.

Five are the nearest to their failure, five the farthest from it, by the set's own RUL table. Column names and units are
those the bundle's `turbofan` reference was learned with. A cycle counts as one second.

Source: A. Saxena et al., Damage Propagation Modeling for Aircraft Engine Run-to-Failure Simulation, PHM 2008, table 2.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge_agent.demo.script import Machine, Message, Script, Step, Truth, row_message
from edge_agent.errors import DataError
from edge_agent.simulate.turbofan import SPEC

Floats = NDArray[np.float64]

GROUP: Final = 5  # engines near failure, and as many far from it
MIN_CYCLES: Final = 40  # twice the baseline: a shorter record shows nothing
CYCLE_WALL_S: Final = 0.1  # 2400 readings and 100 verdicts a second
FILES: Final = ("test_FD001.txt.gz", "RUL_FD001.txt.gz")
_HINT: Final = f"DIR/cmapss (or DIR) must hold {FILES[0]} and {FILES[1]} of NASA's C-MAPSS data"


@dataclass(frozen=True, slots=True)
class _Engine:
    name: str
    values: Floats  # (cycles, columns of SPEC)
    left: int  # cycles from the last one to the failure


def engines_script(folder: Path, now: float) -> Script:
    """Ten recorded engines, all ending at about `now`.

    Raises:
        DataError: the files are missing or no C-MAPSS tables.
    """
    near, far = _chosen(folder)
    steps = max(len(engine.values) for engine in (*near, *far))
    start = float(int(now) - steps - 1)
    return Script(
        title=f"ten recorded engines (C-MAPSS FD001); the first {GROUP} are near their failure",
        machines=tuple(
            Machine(name=engine.name, spec=SPEC, truth=Truth(fails=k < GROUP, failure=steps - 1 + engine.left))
            for k, engine in enumerate((*near, *far))
        ),
        start=start,
        step_s=SPEC.step_s,
        steps=steps,
        wall_s=CYCLE_WALL_S,
        word="cycle",
        play=lambda: _steps((*near, *far), start, steps),
        phases=(
            (0, "the engines with the longest record begin; the agent learns their first 20 cycles as normal"),
            (SPEC.baseline_steps, "engines join as their records begin; all records end together"),
            (steps - 40, "the last 40 cycles on record"),
        ),
        end_of_life="the failure by NASA's table",
        rows=True,
    )


def _chosen(folder: Path) -> tuple[list[_Engine], list[_Engine]]:
    table, left = (_table(_file(folder, name)) for name in FILES)
    if table.shape[1] != 2 + len(SPEC.channels):
        raise DataError(f"{FILES[0]} has {table.shape[1]} columns, {2 + len(SPEC.channels)} expected", hint=_HINT)
    units = [int(unit) for unit in np.unique(table[:, 0])]
    if len(left) != len(units):
        raise DataError(f"{FILES[1]} has {len(left)} rows for {len(units)} engines in {folder}", hint=_HINT)
    engines = [
        _Engine(f"engine-{unit:03d}", table[table[:, 0] == unit, 2:], int(left[k, 0])) for k, unit in enumerate(units)
    ]
    long = sorted((e for e in engines if len(e.values) >= MIN_CYCLES), key=lambda engine: engine.left)
    if len(long) < 2 * GROUP:
        raise DataError(f"{folder} holds {len(long)} engines of {MIN_CYCLES} cycles, {2 * GROUP} needed", hint=_HINT)
    return long[:GROUP], long[-GROUP:]


def _file(folder: Path, name: str) -> Path:
    found = next((path for path in (folder / "cmapss" / name, folder / name) if path.is_file()), None)
    if found is None:
        raise DataError(f"no {name} in {folder / 'cmapss'} or {folder}", hint=_HINT)
    return found


def _table(path: Path) -> Floats:
    try:
        with gzip.open(path, "rt", encoding="ascii") as lines:
            return np.loadtxt(lines, ndmin=2)
    except (OSError, EOFError, ValueError) as error:
        raise DataError(f"{path} cannot be read as a C-MAPSS table: {error}", hint=_HINT) from error


def _steps(engines: tuple[_Engine, ...], start: float, steps: int) -> Iterator[Step]:
    names = [channel.name for channel in SPEC.channels]
    for number in range(steps):
        time = start + number * SPEC.step_s
        messages: list[Message] = []
        for engine in engines:
            cycle = number - (steps - len(engine.values))
            if cycle >= 0:
                values = engine.values[cycle].tolist()
                messages.append(row_message(engine.name, time, zip(names, values, strict=True)))
        yield Step(number, time, tuple(messages))
