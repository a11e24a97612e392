"""Recorded engines as a script: which are chosen, what is sent, what is said of wrong files."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from edge_agent.bundle.load import default_bundle, load_bundle
from edge_agent.demo.engines import GROUP, engines_script
from edge_agent.errors import DataError
from edge_agent.simulate.turbofan import SETTINGS, SPEC

NOW = 1_800_000_000.5


def write(folder: Path, left: list[int], *, cycles: int = 45, columns: int = 26) -> Path:
    """Engines with so many cycles left, engine k with `cycles` + k rows."""
    rows = [
        [unit, cycle, *(unit + cycle / 100 + c for c in range(columns - 2))]
        for unit in range(1, len(left) + 1)
        for cycle in range(1, cycles + unit + 1)
    ]
    folder.mkdir(exist_ok=True)
    with gzip.open(folder / "test_FD001.txt.gz", "wt") as out:
        np.savetxt(out, np.array(rows), fmt="%.4f")
    with gzip.open(folder / "RUL_FD001.txt.gz", "wt") as out:
        np.savetxt(out, np.array(left), fmt="%d")
    return folder


def test_the_nearest_and_the_farthest_from_failure_are_chosen(tmp_path: Path) -> None:
    left = [50, 7, 90, 8, 140, 9, 60, 10, 130, 11, 120, 110, 100]
    script = engines_script(write(tmp_path, left), NOW)
    near = [machine.name for machine in script.machines if machine.truth.fails]
    assert near == ["engine-002", "engine-004", "engine-006", "engine-008", "engine-010"]
    far = {machine.name for machine in script.machines if not machine.truth.fails}
    assert far == {"engine-005", "engine-009", "engine-011", "engine-012", "engine-013"}
    assert script.machines[0].truth.failure == script.steps - 1 + 7


def test_all_records_end_at_the_last_step_which_is_not_in_the_future(tmp_path: Path) -> None:
    script = engines_script(write(tmp_path / "cmapss", list(range(12))).parent, NOW)
    steps = list(script.play())
    assert len(steps) == script.steps
    assert len(steps[-1].messages) == 2 * GROUP
    assert len(steps[0].messages) == 1
    row = json.loads(steps[-1].messages[0].payload)
    assert NOW - 3 < row["ts"] <= NOW
    assert [name for name in row if name != "ts"] == [channel.name for channel in SPEC.channels]
    assert steps[-1].messages[0].readings == len(SPEC.channels)


def test_engines_are_described_as_the_model_has_learned_them() -> None:
    reference = load_bundle(default_bundle()).references[SPEC.name]

    assert {channel.name for channel in SPEC.channels if not channel.condition} <= set(reference.channels)
    assert reference.conditions == SETTINGS


@pytest.mark.parametrize(
    ("left", "cycles", "columns", "said"),
    [
        ([1, 2, 3], 45, 26, "holds 3 engines of 40 cycles, 10 needed"),
        (list(range(12)), 5, 26, "holds 0 engines of 40 cycles"),
        (list(range(12)), 45, 20, "has 20 columns, 26 expected"),
    ],
)
def test_files_that_cannot_be_played_are_refused(
    tmp_path: Path, left: list[int], cycles: int, columns: int, said: str
) -> None:
    with pytest.raises(DataError, match=said) as caught:
        engines_script(write(tmp_path, left, cycles=cycles, columns=columns), NOW)
    assert "test_FD001.txt.gz" in caught.value.hint


def test_a_missing_file_and_a_damaged_one_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no test_FD001\.txt\.gz in"):
        engines_script(tmp_path, NOW)
    folder = write(tmp_path, list(range(12)))
    (folder / "RUL_FD001.txt.gz").write_bytes(b"no gzip")
    with pytest.raises(DataError, match=r"RUL_FD001\.txt\.gz cannot be read as a C-MAPSS table"):
        engines_script(folder, NOW)


def test_a_table_of_other_engines_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path, list(range(12)))
    with gzip.open(folder / "RUL_FD001.txt.gz", "wt") as out:
        out.write("1\n2\n")
    with pytest.raises(DataError, match="has 2 rows for 12 engines"):
        engines_script(folder, NOW)


@pytest.mark.data
def test_the_recorded_engines_can_be_played(data_folder: Path) -> None:
    script = engines_script(data_folder, NOW)
    assert len(script.machines) == 2 * GROUP
    assert sum(1 for _ in script.play()) == script.steps
