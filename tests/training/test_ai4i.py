"""AI4I by its protocol, on a table made here: derived channels, texts, folds, thresholds from training rows alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from edge_agent.bundle.load import load_bundle
from edge_agent.errors import DataError
from edge_agent.training import ai4i, commands
from edge_agent.training.snapshots import Snapshots, class_reference, examples, texts
from tests.bundle.tiny import TINY
from tests.training.own_files import write

pytestmark = pytest.mark.train

HEADER = (
    "UDI", "Product ID", "Type", "Air temperature [K]", "Process temperature [K]", "Rotational speed [rpm]",
    "Torque [Nm]", "Tool wear [min]", "Machine failure", "TWF",
)  # fmt: skip


def table(folder: Path, rows: int = 400) -> Path:
    """A folder with a table in the format of AI4I: rows of high torque fail."""
    rng = np.random.default_rng(5)
    made = []
    for number in range(rows):
        torque, wear = 40 + 10 * rng.normal(), int(rng.integers(0, 220))
        fails = int(torque > 55)
        made.append(
            [number, "x", "LMH"[number % 3], 300.0, 310 + rng.normal(), 1500, round(torque, 2), wear, fails, fails]
        )
    for row in made:
        row[3], row[5] = round(300 + rng.normal(), 2), int(1500 + 50 * rng.normal())
    folder.mkdir()
    write(folder / ai4i.FILE, HEADER, made)
    return folder


def test_derived_channels_are_power_temperature_difference_and_overstrain(tmp_path: Path) -> None:
    rows = ai4i.load(table(tmp_path / "data")).rows
    of = dict(zip(rows.channels, rows.values[1].tolist(), strict=True))

    assert of["power_w"] == pytest.approx(of["torque_nm"] * of["speed_rpm"] * 2 * np.pi / 60)
    assert of["cooling_k"] == pytest.approx(of["process_k"] - of["air_k"])
    assert of["overstrain"] == pytest.approx(of["wear_min"] * of["torque_nm"] / 12_000)


def test_failure_mode_flags_are_no_channels(tmp_path: Path) -> None:
    assert not {"TWF", "UDI", "Machine failure"} & set(ai4i.load(table(tmp_path / "data")).rows.channels)


def test_a_folder_without_the_file_or_with_another_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not there") as caught:
        ai4i.load(tmp_path)
    assert ai4i.FILE in caught.value.hint
    folder = table(tmp_path / "data")
    path = folder / ai4i.FILE
    path.write_text(path.read_text(encoding="utf-8").replace(",x,L,", ",x,Q,", 1), encoding="utf-8")
    with pytest.raises(DataError, match="Type is 'Q'"):
        ai4i.load(folder)


def test_a_table_with_too_few_failures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="of 100 rows fail: too few"):
        ai4i.load(table(tmp_path / "data", rows=100))


def test_invented_rows_obey_what_is_derived_and_how_finely_is_measured(tmp_path: Path) -> None:
    mill = ai4i.load(table(tmp_path / "data"))
    like, near = np.arange(300), np.flatnonzero(mill.rows.label[:300] > 0)
    made = ai4i.invented(mill, near, like, 2000, seed=1)
    of = dict(zip(made.channels, made.values.T, strict=True))

    assert made.channels == mill.rows.channels
    assert of["cooling_k"] == pytest.approx(of["process_k"] - of["air_k"])
    assert of["power_w"] == pytest.approx(of["torque_nm"] * of["speed_rpm"] * 2 * np.pi / 60)
    worn = of["overstrain"] > 0
    limits = np.round(of["wear_min"][worn] * of["torque_nm"][worn] / of["overstrain"][worn])
    assert set(limits.tolist()) == {11_000.0, 12_000.0, 13_000.0}
    assert of["wear_min"].min() >= 0.0
    assert np.array_equal(of["torque_nm"], np.round(of["torque_nm"], 1))
    assert np.array_equal(made.values, ai4i.invented(mill, near, like, 2000, seed=1).values)


def test_half_of_the_invented_rows_lie_near_the_odd_ones(tmp_path: Path) -> None:
    mill = ai4i.load(table(tmp_path / "data"))
    like, near = np.arange(300), np.flatnonzero(mill.rows.label[:300] > 0)
    torque = ai4i.invented(mill, near, like, 4000, seed=1).values[:, mill.rows.channels.index("torque_nm")]

    assert mill.rows.label[:300].mean() < 0.12
    assert 0.3 < (torque > 55).mean() < 0.6


def test_a_row_says_its_level_in_the_class_and_its_distance_from_the_centre() -> None:
    values = np.column_stack([np.arange(1001.0), np.arange(1001.0)[::-1]])
    rows = Snapshots("mill", ("torque_nm", "wear_min"), values, np.zeros(1001, np.float32))
    reference = class_reference(rows, np.arange(1001))
    lines = texts(rows, reference)[900].splitlines()

    assert lines[0] == "mill"
    assert sorted(line.split()[:4] for line in lines[1:]) == [
        ["torque_nm", "q90", "q90", "q90"],
        ["wear_min", "q10", "q10", "q10"],
    ]
    assert examples(rows, reference, load_bundle(TINY).risk.encoder).features.shape == (1001, 2)


def test_the_reference_of_a_fold_knows_only_its_training_rows() -> None:
    values = np.concatenate([np.arange(100.0), [1e6] * 5])[:, None]
    rows = Snapshots("mill", ("torque_nm",), values, np.zeros(105, np.float32))

    assert class_reference(rows, np.arange(100)).grid.max() < 2.0


def test_the_summary_pools_the_folds_and_compares_the_same_rows() -> None:
    label = np.tile([0.0, 1.0], 50).astype(np.float32)
    rows = Snapshots("mill", ("torque_nm",), label[:, None].astype(np.float64), label)
    right, blind = label.astype(np.float64), np.ones(50)
    folds = [
        ai4i.Fold(np.arange(50), right[:50], blind, 0.5, 0.5),
        ai4i.Fold(np.arange(50, 100), right[50:], blind, 0.5, 0.5),
    ]
    found = ai4i.summarise(rows, folds)

    assert found.f1.value == 1.0
    assert found.f1_trees.value == pytest.approx(2 / 3)
    assert found.difference.value == pytest.approx(1 / 3)
    assert found.folds[0] == pytest.approx((1.0, 2 / 3))


@pytest.mark.slow
def test_the_command_prints_a_figure_for_model_and_trees_and_logs_it(tmp_path: Path) -> None:
    data, runs = table(tmp_path / "data"), tmp_path / "runs"
    arguments = ["ai4i", "--data", str(data), "--bundle", str(TINY), "--steps", "2", "--runs", str(runs), "--json"]
    first = CliRunner().invoke(commands.evaluate, arguments, catch_exceptions=False)
    again = CliRunner().invoke(commands.evaluate, arguments, catch_exceptions=False)

    figures = json.loads(first.stdout)
    assert figures["ai4i_f1_trees"] > 0.9
    assert 0.0 <= figures["ai4i_f1"] <= 1.0
    assert len(figures["folds"]) == 5
    assert "step 2/2" in first.stderr
    assert "step 2/2" not in again.stderr
    assert json.loads(again.stdout) == figures
    assert len((runs / "evaluations.jsonl").read_text(encoding="utf-8").splitlines()) == 2
