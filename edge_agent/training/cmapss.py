"""NASA's C-MAPSS turbofan sets → runs. Nothing about models belongs here.

Source: A. Saxena et al., Damage Propagation Modeling for Aircraft Engine Run-to-Failure Simulation, PHM 2008; the
channel names are those of its table 2.
"""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Final

import numpy as np

from edge_agent.core.baseline import Floats
from edge_agent.errors import DataError
from edge_agent.simulate.turbofan import SPEC
from edge_agent.training.runs import MODES, UNKNOWN, Run

MODE: Final = "PDE"  # parameter deviation: efficiency and flow drift of compressor or fan
SHOWS: Final = 60  # cycles before the failure from which the fault shows in every engine
HEALTHY: Final = 150  # cycles before the failure beyond which nothing is wrong yet (the fault begins unannounced)
_COLUMNS: Final = 2 + len(SPEC.channels)


def _table(path: Path, columns: int) -> Floats:
    try:
        with gzip.open(path, "rt") as lines:
            table = np.loadtxt(lines, ndmin=2)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as a C-MAPSS table: {error}", hint=_HINT) from error
    if table.shape[1] != columns:
        raise DataError(f"{path} has {table.shape[1]} columns, {columns} expected", hint=_HINT)
    return table


_HINT: Final = "--data takes the folder that holds train_FD001.txt.gz, test_FD001.txt.gz, RUL_FD001.txt.gz ..."


def _runs(table: Floats, group: str, split: str, left: Floats | None) -> list[Run]:
    runs = []
    for k, unit in enumerate(np.unique(table[:, 0])):
        rows = table[table[:, 0] == unit]
        values = rows[:, 2:].astype(np.float32).astype(np.float64)  # as the agent rounds at decode
        cycles_left = rows[-1, 1] - rows[:, 1] + (0.0 if left is None else left[k])
        modes = np.where(cycles_left <= SHOWS, MODES.index(MODE), np.where(cycles_left > HEALTHY, 0, UNKNOWN))
        runs.append(
            Run(
                asset=f"{group.lower()}-{split}-{int(unit):03d}", group=group, spec=SPEC, times=rows[:, 1].copy(),
                values=values, left=cycles_left, modes=modes.astype(np.int8),
            )
        )  # fmt: skip
    return runs


def load_train(folder: Path, name: str) -> list[Run]:
    """The engines of `train_<name>.txt.gz`, each run to failure.

    Raises:
        DataError: the file is missing or no C-MAPSS table.
    """
    return _runs(_table(folder / f"train_{name}.txt.gz", _COLUMNS), name, "train", None)


def load_test(folder: Path, name: str) -> list[Run]:
    """The engines of `test_<name>.txt.gz`, cut off; their failure lies as many cycles ahead as `RUL_<name>` says.

    Raises:
        DataError: a file is missing, no C-MAPSS table, or the two do not belong together.
    """
    table = _table(folder / f"test_{name}.txt.gz", _COLUMNS)
    left = _table(folder / f"RUL_{name}.txt.gz", 1)[:, 0]
    units = len(np.unique(table[:, 0]))
    if len(left) != units:
        raise DataError(f"RUL_{name} has {len(left)} rows for {units} engines in {folder}", hint=_HINT)
    return _runs(table, name, "test", left)
