"""The report role from the outside: trained, exported, measured."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from edge_agent.bundle.classify import open_session
from edge_agent.bundle.load import load_bundle
from edge_agent.training.report.commands import evaluate_report, train_report
from edge_agent.training.report.model import ReportDecoder, Shape, export_decoder
from tests.bundle.tiny import TINY

pytestmark = pytest.mark.train


def test_the_exported_decoder_answers_as_the_model_piece_by_piece(tmp_path: Path) -> None:
    torch.manual_seed(1)
    model = ReportDecoder(Shape(50, dim=16, layers=2, heads=2, inner=32)).eval()
    export_decoder(model, tmp_path / "report.onnx")
    session = open_session(tmp_path / "report.onnx")
    ids = np.arange(3, 23, dtype=np.int64)[None]
    with torch.no_grad():
        expected = model.head(model.states(torch.from_numpy(ids)))[0].numpy()
    cache = [np.zeros((1, 2, 0, 8), np.float32)] * 4
    found = []
    for start, end in ((0, 9), (9, 10), (10, 20)):
        past = {f"past_key_values.{n}.{p}": cache[2 * n + i] for n in range(2) for i, p in enumerate(("key", "value"))}
        logits, *cache = session.run(
            None,
            {
                "input_ids": ids[:, start:end], "attention_mask": np.ones((1, end), np.int64),
                "position_ids": np.arange(start, end, dtype=np.int64)[None], **past,
            },
        )  # fmt: skip
        found.append(logits[0])

    np.testing.assert_allclose(np.concatenate(found), expected, atol=1e-4)


@pytest.mark.slow
def test_a_quick_training_makes_a_bundle_that_writes_and_is_measured(tmp_path: Path) -> None:
    out, runs = tmp_path / "made", tmp_path / "runs"
    arguments = [
        "--quick",
        "--lives",
        "10",
        "--steps",
        "30",
        "--bundle",
        str(TINY),
        "--out",
        str(out),
        "--runs",
        str(runs),
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trained = CliRunner().invoke(train_report, arguments, catch_exceptions=False)
        again = CliRunner().invoke(train_report, arguments, catch_exceptions=False)
        measured = CliRunner().invoke(evaluate_report, [str(out), "--windows", "60", "--json"], catch_exceptions=False)

    assert trained.exit_code == again.exit_code == measured.exit_code == 0
    assert "resumed at step 30" in again.stderr
    figures = json.loads(measured.stdout)
    assert load_bundle(out).report is not None
    assert 0 < figures["report_windows"] <= 60
    for fault in ("report_numbers", "report_units", "report_names", "report_wrong_ways"):
        assert figures[fault] == 0
    assert figures["report_whole"] == 1.0
    assert figures["report_template_share"] <= 0.05


def test_a_bundle_without_a_report_model_is_refused_with_what_to_do() -> None:
    result = CliRunner().invoke(evaluate_report, [str(TINY)])

    assert "has no report model" in str(result.exception)
    assert "edge-agent train report" in getattr(result.exception, "hint", "")


def test_help_needs_no_torch() -> None:
    assert "--quick" in CliRunner().invoke(train_report, ["--help"]).output
