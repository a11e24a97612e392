"""`evaluate logs` from the outside."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from edge_agent.errors import DataError
from edge_agent.training.logs.commands import logs
from tests.bundle.tiny import TINY

pytestmark = pytest.mark.train

SAYS = {"leaking at the flange": "ELP", "running hot": "OHE", "noisy at drive end": "NOI"}
PARTS = ("pump", "motor", "fan", "valve", "hose", "seal")


def written(folder: Path) -> Path:
    path = folder / "orders.csv"
    rows = [f"{part} {said},{label}" for part in PARTS for said, label in SAYS.items()]
    path.write_text("\n".join(["description,mode", *rows, "odd one,XXX", ",OHE"]) + "\n", encoding="utf-8")
    return path


def evaluated(folder: Path, *more: str) -> Result:
    arguments = [str(written(folder)), "--text-column", "description", "--label-column", "mode", "--bundle", str(TINY)]
    quick = ["--steps", "40", "--runs", str(folder / "runs"), "--no-sentences"]
    return CliRunner().invoke(logs, [*arguments, *quick, *more], catch_exceptions=False)


def test_folds_are_judged_with_every_row_said_and_the_encoder_above_the_commonest_class(tmp_path: Path) -> None:
    result = evaluated(tmp_path, "--folds", "2", "--json")
    figures = json.loads(result.stdout)
    methods = figures["methods"]

    logged = json.loads((tmp_path / "runs" / "evaluations.jsonl").read_text(encoding="utf-8"))
    assert logged["figures"]["our encoder, int8, micro-F1"] == pytest.approx(
        methods["our encoder, int8"]["micro_f1"][0], abs=1e-4
    )
    assert figures["rows"] == 19
    assert "1 rows without a text were left out" in figures["notes"]
    assert "class 'XXX' has 1 distinct texts, fewer than 2 folds" in result.stderr
    assert result.stderr.count("fold ") >= 2
    assert methods["our encoder, int8"]["micro_f1"][0] > methods["commonest class"]["micro_f1"][0] + 0.2
    assert methods["character n-grams"]["gain_over_ngrams"] is None


def test_a_test_file_is_judged_by_what_the_others_taught(tmp_path: Path) -> None:
    test = tmp_path / "test.csv"
    test.write_text("mode,description\nOHE,belt running hot\n", encoding="utf-8")
    result = evaluated(tmp_path, "--test", str(test))

    assert "1 rows judged, 4 classes, learned from 19 rows, judged on test.csv" in result.stdout
    assert "| character n-grams | 1.000" in result.stdout


def test_unlabelled_lines_of_a_data_folder_are_learned_from_and_counted(tmp_path: Path) -> None:
    source = tmp_path / "data" / "fmc_mwo2kg"
    source.mkdir(parents=True)
    (source / "train.txt").write_text("fan runing hot,Overheating\nhose leaks,Leaking\n", encoding="utf-8")
    result = evaluated(tmp_path, "--folds", "2", "--data", str(tmp_path / "data"), "--pretraining", "3")

    assert "pre-training on masked tokens: step 3/3" in result.stderr
    assert "pre-trained for 3 steps on" in result.stdout
    assert "teacher per fold: n-grams; 40 steps per fold" in result.stdout


def test_a_wrong_column_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    arguments = [str(written(tmp_path)), "--label-column", "failure"]
    with pytest.raises(DataError, match="no column 'text'; its columns are: description, mode"):
        CliRunner().invoke(logs, arguments, catch_exceptions=False)


def test_help_shows_an_example_and_needs_no_torch() -> None:
    assert "--last-comma --data" in CliRunner().invoke(logs, ["--help"]).output
