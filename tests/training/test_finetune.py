"""`train finetune` from the outside: from CSV files to a bundle that the agent loads, and the figures beside it."""

from __future__ import annotations

import tomllib
import warnings
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from edge_agent.bundle.load import load_bundle
from edge_agent.errors import EdgeAgentError
from edge_agent.training import commands
from edge_agent.training.batches import NO_AUGMENTATION, Augmenter
from edge_agent.training.examples import build, subset
from edge_agent.training.plant.commands import finetune
from edge_agent.training.plant.figures import Answers, compare, drawn, figures_of
from edge_agent.training.plant.histories import plant_of
from edge_agent.training.plant.source import read_files
from tests.bundle.tiny import TINY
from tests.training.own_files import HOW, SETTINGS, plant_files

pytestmark = pytest.mark.train

SMALL = ("--base", str(TINY), "--simulated", "8", "--epochs", "1", "--minutes", "0.01", "--horizon", "10")


def invoke(*arguments: str) -> Result:
    """The command, run here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's exporter says that it is not the newest one
        return CliRunner().invoke(finetune, arguments)


@pytest.mark.slow
def test_files_of_a_plant_become_a_bundle_the_agent_loads(tmp_path: Path) -> None:
    data, failures = plant_files(tmp_path)
    out = tmp_path / "mine"
    arguments = ("--data", str(data), "--failures", str(failures), "--out", str(out), "--runs", str(tmp_path / "runs"))
    result = invoke(*arguments, *SMALL, "--baseline", "20", "--class", "press")
    assert result.exit_code == 0, result.output

    bundle = load_bundle(out)
    assert bundle.manifest.name == "mine"
    assert bundle.manifest.horizon == "fails within 10 steps"
    assert bundle.references["press"].channels == ("heat_c", "shake_mm_s")
    assert set(load_bundle(TINY).references) < set(bundle.references)
    assert bundle.manifest.data[-1].name == "plant"
    assert {"own_pr_auc", "own_pr_auc_base", "own_pr_auc_trees", "simulator_pr_auc_base"} <= set(
        bundle.manifest.figures
    )
    card = (out / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert str(tmp_path) not in card
    assert "step(s) at the end of 2 asset(s) left out" in card
    lines = result.stdout.splitlines()
    assert any(line.split()[:3] == ["base", "fine-tuned", "boosted"] for line in lines)
    assert tomllib.loads("\n".join(lines[-2:])) == {"bundle": {"path": str(out.resolve())}}

    again = invoke(*arguments, *SMALL, "--baseline", "20", "--class", "press")
    assert again.exit_code == 0
    assert "resumed at step 20" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "one of --data and --database"),
        (("--data", "DATA"), "--data without --failures"),
        (("--data", "DATA", "--database", "DATA"), "one of --data and --database"),
        (("--database", "DATA", "--logs", "DATA"), "--logs with --database"),
        (("--data", "DATA", "--failures", "FAILURES", "--class", "Press Line"), "no name of a class"),
        (("--data", "DATA", "--failures", "FAILURES", "--base", "OUT"), "is the base itself"),
    ],
)
def test_options_that_make_no_sense_are_refused(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    data, failures = plant_files(tmp_path)
    names = {"DATA": str(data), "FAILURES": str(failures), "OUT": str(tmp_path / "out")}
    result = invoke(*(names.get(one, one) for one in arguments), "--out", str(tmp_path / "out"))

    assert isinstance(result.exception, EdgeAgentError)
    assert message in str(result.exception)
    assert result.exception.hint


def test_the_group_knows_the_command() -> None:
    result = CliRunner().invoke(commands.train, ["finetune", "--help"])

    assert "--failures failures.csv" in result.output


def test_chosen_examples_are_those_of_the_whole(tmp_path: Path) -> None:
    bundle = load_bundle(TINY)
    plant = plant_of(read_files(*plant_files(tmp_path, steps=40), None, HOW), SETTINGS)
    counted: list[int] = []
    whole = build(plant.runs[:2], None, bundle.risk.encoder, lambda: counted.append(1))
    chosen = np.array([70, 3, 12])
    part = subset(whole, chosen)

    assert len(counted) == len(whole) == sum(len(run.times) for run in plant.runs[:2])
    assert [part.lines(k) for k in range(3)] == [whole.lines(n) for n in chosen.tolist()]
    assert part.left.tolist() == whole.left[chosen].tolist()
    assert part.features.shape == (3, whole.features.shape[1])
    augmenter = Augmenter(bundle.risk.encoder, NO_AUGMENTATION, np.random.default_rng(1))
    assert sorted(augmenter.lines(part.lines(1))) == sorted(whole.lines(3))


def test_a_comparison_states_all_three_and_keeps_them_apart() -> None:
    rng = np.random.default_rng(1)
    label = (rng.random(400) < 0.2).astype(np.float32)
    good, poor = Answers(0.8 * label.astype(np.float64) + 0.1, 0.5), Answers(rng.random(400), 0.5)
    rows = compare(label, np.arange(400) // 10, poor, good, poor)
    figures = {figure.name: figure for figure in figures_of(rows)}

    assert str(figures["own_f1"].model).startswith("1.000")
    assert str(figures["own_pr_auc_base"].model) == str(figures["own_pr_auc"].trees)
    assert "prevalence 0." in figures["own_pr_auc"].what
    lines = drawn(rows)
    assert len(lines) == len(rows) + 1
    assert lines[0].index("fine-tuned") == lines[1].index("1.000")
