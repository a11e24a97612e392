"""The parts of a plant: nothing that is measured on was learned from, and each part holds both kinds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge_agent.errors import DataError
from edge_agent.training.plant.histories import Plant, plant_of
from edge_agent.training.plant.source import read_files
from edge_agent.training.plant.split import CHECK, LEARN, TEST, cut, split
from tests.training.own_files import HOW, SETTINGS, plant_files, plant_rows, write

pytestmark = pytest.mark.train


def few(folder: Path) -> Plant:
    """Two assets that fail six times in all."""
    rows, _ = plant_rows(2, 400, 0)
    failures = [[f"press-{k % 2}", 60 * (k + 1), "VIB"] for k in range(6)]
    data = write(folder / "plant.csv", ("time", "asset", "heat_c", "shake_mm_s"), rows)
    known = write(folder / "failures.csv", ("asset", "time", "mode"), failures)
    return plant_of(read_files(data, known, None, HOW), SETTINGS)


def test_an_asset_belongs_to_one_part_and_each_part_has_failing_ones(tmp_path: Path) -> None:
    plant = plant_of(read_files(*plant_files(tmp_path, assets=20, failing=10), None, HOW), SETTINGS)
    parts = split(plant.runs)

    assert all(len(set(part.tolist())) == 1 for part in parts.part)
    failing = [int(part[0]) for run, part in zip(plant.runs, parts.part, strict=True) if run.risky.any()]
    assert [failing.count(part) for part in (LEARN, CHECK, TEST)] == [6, 2, 2]
    assert parts.said.startswith("split by asset: 12 to learn from, 4 for")
    assert len({int(group[0]) for group in parts.group}) == 20


def test_few_failing_assets_are_split_by_time(tmp_path: Path) -> None:
    plant = few(tmp_path)
    parts = split(plant.runs)

    assert parts.said.startswith("split by time, because only 2 asset(s) failed")
    latest: dict[int, float] = {}
    earliest: dict[int, float] = {}
    for run, part in zip(plant.runs, parts.part, strict=True):
        for number in (LEARN, CHECK, TEST):
            if (part == number).any():
                latest[number] = max(latest.get(number, -np.inf), run.times[part == number].max())
                earliest[number] = min(earliest.get(number, np.inf), run.times[part == number].min())
    assert latest[LEARN] < earliest[CHECK] < latest[CHECK] < earliest[TEST]


def test_no_window_of_a_part_points_at_a_failure_of_a_later_one(tmp_path: Path) -> None:
    rows, _ = plant_rows(1, 400, 0)
    failures = [["press-0", time, ""] for time in (100, 200, 208, 300, 308)]  # borders lie within a horizon
    data = write(tmp_path / "plant.csv", ("time", "asset", "heat_c", "shake_mm_s"), rows)
    known = write(tmp_path / "failures.csv", ("asset", "time", "mode"), failures)
    [run] = plant_of(read_files(data, known, None, HOW), SETTINGS).runs
    parts = split([run])
    first = run.times[parts.part[0] == CHECK].min()

    learned = (parts.part[0] == LEARN) & run.risky
    assert (run.times[learned] + run.left[learned] < first + 1).all()
    assert (parts.part[0] == -1).any()


def test_the_class_reference_sees_nothing_after_the_part_to_learn_from(tmp_path: Path) -> None:
    plant = few(tmp_path)
    parts = split(plant.runs)

    for run, part, learned in zip(plant.runs, parts.part, parts.learned(plant.runs), strict=True):
        assert learned.times[-1] == run.times[part == LEARN].max()


def test_a_shortened_run_keeps_everything_else(tmp_path: Path) -> None:
    run = few(tmp_path).runs[0]

    assert cut(run, len(run.times)).left.tolist() == run.left.tolist()
    assert len(cut(run, 7).values) == 7
    assert cut(run, 7).horizon == SETTINGS.horizon


def test_failures_at_one_moment_cannot_be_split_by_time(tmp_path: Path) -> None:
    rows, failures = plant_rows(4, 100, 4)
    data = write(tmp_path / "plant.csv", ("time", "asset", "heat_c", "shake_mm_s"), rows)
    known = write(tmp_path / "failures.csv", ("asset", "time", "mode"), failures)
    plant = plant_of(read_files(data, known, None, HOW), SETTINGS)

    with pytest.raises(DataError, match="needs one"):
        split(plant.runs)
