"""The hydraulic rig by its protocol, on a rig made here: statistics, blocks, folds, and errors of files."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from edge_agent.bundle.load import load_bundle
from edge_agent.core.text import MAX_CHANNELS, VALUES
from edge_agent.errors import DataError
from edge_agent.training import commands, components
from edge_agent.training.hydraulic import STATES, Rig, deal, load, statistics
from edge_agent.training.snapshots import Snapshots, class_reference, examples, texts
from tests.bundle.tiny import TINY

pytestmark = pytest.mark.train

BLOCKS, CYCLES = 24, 4
SENSORS = ("CE", "CP", "FS1", "FS2", "SE", "TS1", "TS2", "TS3", "TS4", "VS1")


def states_of(blocks: int = BLOCKS) -> NDArray[np.int64]:
    """The state of each component in each cycle: every block differs from the one before."""
    number = np.repeat(np.arange(blocks), CYCLES)
    return np.column_stack([number % 3, number % 4, (number // 2) % 3, (number // 3) % 4])


def rig_files(folder: Path, *, packed: bool = False) -> Path:
    """A folder with the files of a rig whose sensors tell the states plainly."""
    rng = np.random.default_rng(2)
    states = states_of()
    tables = {name: rng.normal(10.0, 0.1, (len(states), 60)) for name in SENSORS}
    tables["CE"] += 5.0 * states[:, :1]
    tables["FS1"][:, 9:19] -= 3.0 * states[:, 1:2]
    tables["SE"][:, 49:] += 4.0 * states[:, 2:3]
    tables["FS1"][:, 39:49] += states[:, 3:] * np.linspace(0.0, 6.0, 10)
    values = [np.array(names)[states[:, k]] for k, names in enumerate(STATES.values())]
    tables["profile"] = np.column_stack([*values, np.zeros(len(states))])
    folder.mkdir()
    for name, table in tables.items():
        path = folder / f"{name}.txt"
        np.savetxt(path, table, fmt="%.3f", delimiter="\t")
        if packed:
            path.with_suffix(".txt.gz").write_bytes(gzip.compress(path.read_bytes()))
            path.unlink()
    return folder


def test_a_cycle_is_told_by_statistics_of_its_phases(tmp_path: Path) -> None:
    rig = load(rig_files(tmp_path / "rig"))
    of = dict(zip(rig.rows.channels, np.split(rig.rows.values, len(rig.rows.channels), axis=1), strict=True))

    assert len(rig.rows.channels) <= MAX_CHANNELS
    assert all(part.shape == (BLOCKS * CYCLES, VALUES) for part in of.values())
    assert np.abs(of["fs1b"][:, 0] - (10.0 - 3.0 * rig.states[:, 1])).max() < 0.5
    assert np.abs(of["sef"][:, 3] - (10.0 + 4.0 * rig.states[:, 2])).max() < 0.5
    assert rig.rows.label.tolist() == [float(s.tolist() != [2, 3, 0, 3]) for s in rig.states]


def test_packed_files_are_the_same_rig(tmp_path: Path) -> None:
    plain, packed = load(rig_files(tmp_path / "a")), load(rig_files(tmp_path / "b", packed=True))

    assert np.array_equal(plain.rows.values, packed.rows.values)


def test_statistics_are_settled_lowest_highest_mean_rise_slope_and_deviation() -> None:
    ramp = np.arange(20.0)[None] * 2.0
    [found] = statistics(ramp)

    assert found.tolist() == pytest.approx([25.0, 0.0, 38.0, 19.0, 37.0 - 13.0, 2.0, ramp.std()])


def test_a_block_is_a_stretch_of_cycles_in_one_state_and_is_never_split(tmp_path: Path) -> None:
    rig = load(rig_files(tmp_path / "rig"))
    fold = deal(rig.states, rig.block, 5, seed=1)

    assert rig.block.tolist() == np.repeat(np.arange(BLOCKS), CYCLES).tolist()
    assert all(len(np.unique(fold[rig.block == block])) == 1 for block in range(BLOCKS))
    assert sorted(np.unique(fold)) == [0, 1, 2, 3, 4]


def test_every_state_is_in_every_training_part_and_the_deal_hangs_on_the_seed_alone() -> None:
    states, block = states_of(), np.repeat(np.arange(BLOCKS), CYCLES)
    fold = deal(states, block, 5, seed=1)

    for number in range(5):
        part = states[fold != number]
        assert [len(np.unique(column)) for column in part.T] == [3, 4, 3, 4]
    assert fold.tolist() == deal(states, block, 5, seed=1).tolist()
    assert fold.tolist() != deal(states, block, 5, seed=2).tolist()


def test_a_state_that_is_seen_in_one_block_only_is_refused() -> None:
    states = states_of()
    states[:, 0] = 1
    states[:CYCLES, 0] = 0

    with pytest.raises(DataError, match="all cycles of cooler 3 fall into one of 5 folds"):
        deal(states, np.repeat(np.arange(BLOCKS), CYCLES), 5, seed=1)


def test_a_cycle_fills_the_seven_places_of_each_channel() -> None:
    rng = np.random.default_rng(4)
    values = rng.normal(size=(200, 2 * VALUES))
    values[7] = np.quantile(values, 0.905, axis=0)
    rows = Snapshots("rig", ("fs1b", "ce"), values, np.zeros(200, np.float32))
    line = next(line for line in texts(rows, class_reference(rows, np.arange(200)))[7].splitlines() if "fs1b" in line)

    assert [word[0] for word in line.split()[1:]] == list("qqqzzzz")
    assert set(line.split()[1:4]) <= {"q89", "q90", "q91"}
    assert all(word > "z+10" for word in line.split()[4:])


def test_a_row_with_another_count_of_values_is_refused() -> None:
    with pytest.raises(ValueError, match="5 columns for 2 channels"):
        Snapshots("rig", ("a", "b"), np.zeros((3, 5)), np.zeros(3, np.float32))


def test_the_text_of_a_cycle_fits_with_all_its_channels(tmp_path: Path) -> None:
    rig = load(rig_files(tmp_path / "rig"))
    encoder = load_bundle(TINY).risk.encoder
    made = examples(rig.rows, class_reference(rig.rows, np.arange(len(rig.rows))), encoder)
    _, channel_of = encoder.assemble(made.lines(0))

    assert (
        len(set(channel_of) - {0}) == len(texts(rig.rows, class_reference(rig.rows, np.arange(9)))[0].split("\n")) - 1
    )


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("FS1", None, "holds neither FS1.txt nor FS1.txt.gz"),
        ("FS1", lambda text: text.split("\n", 1)[1], "FS1 holds 95 cycles, profile.txt 96"),
        ("SE", lambda text: text.replace("\t", "\tx", 1), "SE.txt is no table of numbers"),
        ("SE", lambda text: "\t".join(text.split("\t")[1:]), "SE.txt is no table of numbers"),
        ("SE", lambda _text: "", "SE.txt holds no numbers"),
        ("SE", lambda text: "nan" + text[text.index("\t") :], "SE.txt holds NaN"),
        ("profile", lambda text: text.replace("3.000\t", "4.000\t", 1), "cooler is 4, none of 3, 20, 100"),
        ("profile", lambda text: text.replace("\t0.000\n", "\n"), "not 5"),
    ],
)
def test_files_that_are_wrong_are_named(
    tmp_path: Path, name: str, change: Callable[[str], str] | None, message: str
) -> None:
    folder = rig_files(tmp_path / "rig")
    path = folder / f"{name}.txt"
    if change is None:
        path.unlink()
    else:
        path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")

    with pytest.raises(DataError, match=message) as caught:
        load(folder)
    assert "unchanged" in caught.value.hint


def test_the_summary_pools_the_folds_by_component() -> None:
    states = states_of()
    block = np.repeat(np.arange(BLOCKS), CYCLES)
    rig = Rig(Snapshots("rig", ("a",), np.zeros((len(states), 1)), np.zeros(len(states), np.float32)), states, block)
    blind = np.zeros_like(states)
    half = len(states) // 2
    folds = [
        components.Fold(np.arange(half), states[:half], blind[:half]),
        components.Fold(np.arange(half, len(states)), states[half:], blind[half:]),
    ]
    found = components.summarise(rig, folds)

    assert found.blocks == BLOCKS
    assert found.model["mean"].value == 1.0
    assert found.trees["cooler"].value == pytest.approx((2 * (1 / 3) / (1 / 3 + 1)) / 3)
    assert found.difference["valve"].value == pytest.approx(1.0 - found.trees["valve"].value)
    assert found.folds[0][0] == 1.0


def test_invented_cycles_are_made_of_those_that_are_learned_from_alone(tmp_path: Path) -> None:
    rig = load(rig_files(tmp_path / "rig"))
    rig.rows.values[50:] = 1e6
    more = components.invented(rig, np.arange(50), np.full(rig.rows.values.shape[1], 0.01), 200, seed=3)
    nearest = np.abs(more.values[:, None] - rig.rows.values[None, :50]).min(axis=1)  # (200, columns)

    assert more.values.shape == (200, rig.rows.values.shape[1])
    assert nearest.max() < 0.1
    assert 0.3 < (nearest == 0).mean() < 0.7
    assert len(np.unique(more.values, axis=0)) == 200
    assert rig.rows.values[:50].max() < 100.0, "the rig itself is not changed"


@pytest.mark.slow
def test_the_command_prints_a_figure_for_model_and_trees_and_logs_it(tmp_path: Path) -> None:
    data, runs = rig_files(tmp_path / "rig"), tmp_path / "runs"
    arguments = ["hydraulic", "--data", str(data), "--bundle", str(TINY), "--steps", "2", "--runs", str(runs)]
    first = CliRunner().invoke(commands.evaluate, [*arguments, "--json"], catch_exceptions=False)
    again = CliRunner().invoke(commands.evaluate, [*arguments, "--json"], catch_exceptions=False)
    table = CliRunner().invoke(commands.evaluate, arguments, catch_exceptions=False)

    figures = json.loads(first.stdout)
    assert figures["hydraulic_cooler_f1_trees"] > 0.9
    assert 0.0 <= figures["hydraulic_mean_f1"] <= 1.0
    assert figures["hydraulic_blocks"] == BLOCKS
    assert "step 2/2" in first.stderr
    assert "step 2/2" not in again.stderr
    assert json.loads(again.stdout) == figures
    assert f"5 folds of {BLOCKS} blocks" in table.stdout
    assert len((runs / "evaluations.jsonl").read_text(encoding="utf-8").splitlines()) == 3
