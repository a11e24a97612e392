"""The commands, from the outside."""

from __future__ import annotations

import importlib.util
import json
import sys
import warnings
from pathlib import Path

import pytest
from click.testing import CliRunner

from edge_agent.bundle.load import default_bundle, load_bundle, read_golden
from edge_agent.training import commands

pytestmark = pytest.mark.train


@pytest.mark.slow
def test_a_quick_training_makes_a_sound_bundle_and_measures_it(tmp_path: Path) -> None:
    out, runs = tmp_path / "made", tmp_path / "runs"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        arguments = ["--quick", "--steps", "4", "--name", "made", "--out", str(out), "--runs", str(runs)]
        trained = CliRunner().invoke(commands.train_base, arguments, catch_exceptions=False)
        again = CliRunner().invoke(commands.train_base, arguments, catch_exceptions=False)
        measured = CliRunner().invoke(
            commands.evaluate_bundle, [str(out), "--json", "--fleet", "24", "--runs", str(runs)], catch_exceptions=False
        )

    assert trained.exit_code == again.exit_code == measured.exit_code == 0
    assert "resumed at step 4" in again.stderr
    bundle = load_bundle(out)
    figures = json.loads(measured.stdout)
    assert figures["simulator_pr_auc"] == bundle.manifest.figures["simulator_pr_auc"]
    card = (out / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert str(tmp_path) not in card
    assert "--steps 4" in card

    kept = ["--quick", "--steps", "4", "--version", "1.0.1", "--runs", str(runs), "--out", str(tmp_path / "kept")]
    CliRunner().invoke(commands.train_base, [*kept, "--weights", str(out)], catch_exceptions=False)
    taken = load_bundle(tmp_path / "kept")
    case = read_golden(out)[0]
    assert taken.risk.score(case.text).risk == pytest.approx(case.risk, abs=0.01)
    assert "with the weights of made 1.0.0" in (tmp_path / "kept" / "MODEL_CARD.md").read_text(encoding="utf-8")
    refused = CliRunner().invoke(commands.train_base, [*kept, "--weights", str(default_bundle())])
    assert "tokenizer.json and classes.json are not those of this training" in str(refused.exception)


def test_without_the_extra_the_command_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "lightgbm" else object())
    result = CliRunner().invoke(commands.train_base, ["--quick", "--out", str(tmp_path / "x")])

    assert "lightgbm" in str(result.exception)
    assert getattr(result.exception, "hint", "") == "pip install 'edge-agent[train]'"


def test_help_needs_no_torch() -> None:
    result = CliRunner().invoke(commands.train_base, ["--help"])

    assert "--quick" in result.output
