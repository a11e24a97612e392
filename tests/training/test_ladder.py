"""The ladder: what rungs are asked, how they are timed and shown, and the command on a real small training."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from click.testing import CliRunner

from edge_agent.bundle.load import load_bundle
from edge_agent.errors import UsageError
from edge_agent.training import commands
from edge_agent.training.examples import Examples, build
from edge_agent.training.fleet import TRAINING_SEED, load_fleet
from edge_agent.training.ladder import commands as ladder_commands
from edge_agent.training.ladder.exam import Exam, Settled
from edge_agent.training.ladder.footprint import medians_ms, peak_mb
from edge_agent.training.ladder.measure import Effort, measure
from edge_agent.training.ladder.splits import Splits
from edge_agent.training.ladder.table import HEADING, Ladder, Quality, Rung, drawn, in_card, table
from edge_agent.training.model import RiskEncoder
from edge_agent.training.recipe import by_group
from edge_agent.training.scoring import Floats, Indices, Interval
from edge_agent.training.stages import Stage, keep
from edge_agent.training.weights import encoder_of
from tests.bundle.tiny import TINY

pytestmark = pytest.mark.train
STEPS = 120


def lives(engines: int) -> Examples:
    """Engines of 120 windows; the k-th is cut off 12 k steps before its failure. No texts."""
    run = np.repeat(np.arange(engines), STEPS).astype(np.int32)
    step = np.tile(np.arange(STEPS), engines).astype(np.int32)
    left = (STEPS - 1 - step + 12 * run).astype(np.float64)
    count = len(run)
    none = np.zeros(count + 1, np.int32)
    return Examples(
        np.array([], np.int16), np.array([0], np.int32), np.array([], np.int8), none, (left <= 30).astype(np.float32),
        np.zeros(count, np.int8), left, run, step, np.zeros(count, np.bool_), np.zeros((count, 2), np.float32),
    )  # fmt: skip


SPLITS = Splits(
    {}, {"FD001": lives(9), "pump": lives(6), "pump?": lives(4)},
    {"FD001": lives(8), "FD004": lives(5), "fan": lives(4), "pump": lives(4)}, Path("cache"),
)  # fmt: skip


def knowing(_name: str, part: Examples, rows: Indices) -> Floats:
    """A score that falls with the steps left."""
    return 3.0 - 0.1 * part.left[rows]


def guessing(name: str, part: Examples, rows: Indices) -> Floats:
    return np.random.default_rng(len(name) + len(part)).standard_normal(len(rows))


def test_one_who_knows_is_told_from_one_who_guesses() -> None:
    exam = Exam(SPLITS, 400)
    best = exam.taken(knowing, exam.settled(knowing, calibrated=True))
    worst = exam.taken(guessing, exam.settled(guessing, calibrated=True))

    assert {area.value for area in best.areas.values()} == {1.0}
    assert best.f1 is not None
    assert best.f1.value == 1.0
    assert worst.areas["FD001"].value < 0.4
    assert best.calibration_error < worst.calibration_error + 0.2


def test_simulated_classes_are_one_data_set_and_no_set_is_judged_beyond_the_limit() -> None:
    exam = Exam(SPLITS, 400)

    assert exam.windows() == {"FD001": 400, "FD004": 400, "simulator": 400}
    assert exam.prevalence()["FD001"] == pytest.approx(float(lives(8).risk.mean()), abs=0.01)
    assert len(exam.last) == 8


def test_calibration_and_threshold_never_see_the_windows_that_judge() -> None:
    seen: list[int] = []

    def watched(name: str, part: Examples, rows: Indices) -> Floats:
        seen.append(id(part))
        return knowing(name, part, rows)

    Exam(SPLITS, 400).settled(watched, calibrated=True)

    known = [SPLITS.held_out["FD001"], SPLITS.held_out["pump"]]  # a stranger is settled on its own
    assert set(seen) == {id(part) for part in known}


def test_a_risk_that_is_one_already_is_not_calibrated() -> None:
    exam = Exam(SPLITS, 400)

    def sure(_name: str, part: Examples, rows: Indices) -> Floats:
        return part.risk[rows].astype(np.float64)

    settled = exam.settled(sure, calibrated=False)

    assert settled.calibration is None
    assert exam.taken(sure, settled).calibration_error == 0.0
    late = exam.taken(sure, Settled(None, 1.1)).f1
    assert late is not None
    assert late.value == 0.0  # the threshold that is given counts


def test_rungs_take_turns_so_that_a_busy_moment_hits_all() -> None:
    order: list[str] = []
    times = medians_ms([lambda: order.append("a"), lambda: order.append("b")], 5)

    assert len(times) == 2
    assert order[-10:] == ["a", "b"] * 5


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_memory_is_that_of_a_process_that_opens_the_model_and_nothing_else() -> None:
    base, loaded = peak_mb(), peak_mb(TINY / "risk.onnx")

    assert base is not None
    assert loaded is not None
    assert 20 < base < loaded < 200  # this process, which has torch, is larger
    code = (
        "import sys, edge_agent.training.ladder.footprint;"
        "print(sorted({'torch', 'lightgbm', 'onnx'} & set(sys.modules)))"
    )
    heavy = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert heavy.stdout.strip() == "[]"


def test_memory_of_a_model_that_cannot_be_opened_is_not_known(tmp_path: Path) -> None:
    assert peak_mb(tmp_path / "missing.onnx") is None


def ladder(*, f1: float = 0.9) -> Ladder:
    quality = Quality({"FD001": Interval(0.93, 0.9, 0.95)}, 0.004, 0.35, Interval(f1, 0.8, 1.0))
    return Ladder(
        (
            Rung("int8 (the bundle)", 1_700_000, 1.82, 1.6, 75.0, quality),
            Rung("pre-trained", 1_700_000, 6.8, 3.1, 90.0, None),
            Rung("yardstick", 66_000_000, 67.0, 25.0, None, None, ours=False),
        ),
        {"FD001": 0.025}, {"FD001": 6000}, 93, 60.0, ("Something was left out.",),
    )  # fmt: skip


def test_the_table_says_prevalence_samples_and_what_was_left_out() -> None:
    shown = table(ladder())

    assert "FD001 (0.025)" in shown
    assert "| int8 (the bundle) | 1,700,000 | 1.8 | 1.60 | 75 | 0.930 | 0.900 | 0.0040 |" in shown
    assert "| pre-trained | 1,700,000 | 6.8 | 3.10 | 90 | - | - | - |" in shown
    assert "| yardstick | 66,000,000 | 67.0 | 25.00 | - | - | - | - |" in shown
    assert "FD001 6,000" in shown
    assert "- Something was left out." in shown


def test_json_holds_intervals_and_no_nan() -> None:
    found = json.loads(json.dumps(ladder(f1=float("nan")).record(), allow_nan=False))

    assert found["rungs"][0]["quality"]["areas"]["FD001"] == {"value": 0.93, "low": 0.9, "high": 0.95}
    assert found["rungs"][0]["quality"]["f1"]["value"] is None


def test_the_picture_has_a_point_for_what_has_quality_and_a_line_for_what_has_none() -> None:
    picture = ET.fromstring(drawn(ladder()))  # noqa: S314 - our own text

    assert len(list(picture.iter("{http://www.w3.org/2000/svg}circle"))) == 1
    texts = {text.text for text in picture.iter("{http://www.w3.org/2000/svg}text")}
    assert "yardstick: 25 ms" in texts
    assert not any("pre-trained" in (text or "") for text in texts)  # a stage on the way, nothing to compare with


def test_a_card_gets_the_ladder_before_its_data_and_only_once() -> None:
    card = (TINY / "MODEL_CARD.md").read_text(encoding="utf-8")
    once = in_card(card, ladder(), "ladder.svg")
    twice = in_card(once, ladder(f1=0.5), None)

    assert once.index("## Figures") < once.index(HEADING) < once.index("## Data")
    assert "(ladder.svg)" in once
    assert twice.count(HEADING) == 1
    assert "ladder.svg" not in twice
    assert "| 0.500 |" in twice
    without = twice[: twice.index(HEADING)] + twice[twice.index("## Data") :]
    assert without == card


def test_a_bundle_without_a_card_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"MODEL_CARD\.md"):
        CliRunner().invoke(ladder_commands.ladder, [str(tmp_path), "--card"], catch_exceptions=False)


def test_pruning_to_more_than_there_is_is_refused_before_training(tmp_path: Path) -> None:
    arguments = ["--quick", "--prune", "128", "--out", str(tmp_path / "x")]
    with pytest.raises(UsageError, match="128 inner units"):
        CliRunner().invoke(commands.train_base, arguments, catch_exceptions=False)


@pytest.fixture
def pumps(tmp_path: Path) -> Splits:
    """A few simulated pumps as the tiny bundle reads them; the same ones serve all purposes here."""
    bundle = load_bundle(TINY)
    runs = by_group(load_fleet(TRAINING_SEED, 10))["pump"]
    part = build(runs, bundle.references["pump"], bundle.risk.encoder)
    cache = tmp_path / "cache-0123456789ab"
    cache.mkdir()
    return Splits({"pump": part}, {"pump": part}, {"pump": part}, cache)


def test_the_rungs_are_trees_the_stages_the_bundle_came_from_and_itself(pumps: Splits, tmp_path: Path) -> None:
    bundle = load_bundle(TINY)
    made = encoder_of(bundle)
    keep(pumps.cache, Stage.PRETRAINED, RiskEncoder(made.shape))
    keep(pumps.cache, Stage.LEARNED, RiskEncoder(replace(made.shape, layers=1)))
    keep(pumps.cache, Stage.SETTLED, made)
    keep(pumps.cache, Stage.PRUNED, RiskEncoder(made.shape))  # of another training: the bundle was not made from it

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = measure(bundle, pumps, tmp_path / "work", Effort(100, 3, yardstick=False), lambda _line: None)

    names = ["boosted trees (teacher)", "pre-trained", "distilled", "settled", "int8 (the bundle)"]
    assert [rung.name for rung in found.rungs] == names
    _, read, distilled, settled, int8 = found.rungs
    assert read.quality is None  # nobody told it what fails
    assert read.ours
    assert distilled.parameters < settled.parameters == int8.parameters
    assert settled.size_mb > 2 * int8.size_mb
    assert settled.quality is not None
    assert int8.quality is not None
    assert int8.quality.threshold == bundle.manifest.threshold
    gap = settled.quality.areas["simulator"].value - int8.quality.areas["simulator"].value
    assert abs(gap) < 0.05  # the same weights but for int8
    assert any("DistilBERT" in note for note in found.notes)


def test_without_its_stages_a_bundle_still_has_a_ladder_that_says_so(pumps: Splits, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = measure(load_bundle(TINY), pumps, tmp_path, Effort(50, 1, yardstick=False), lambda _line: None)

    assert [rung.name for rung in found.rungs] == ["boosted trees (teacher)", "int8 (the bundle)"]
    assert any(note.startswith("The float stages are left out") for note in found.notes)


@pytest.mark.slow
def test_a_pruned_training_shows_each_of_its_stages(tmp_path: Path) -> None:
    out, runs, plot = tmp_path / "made", tmp_path / "runs", tmp_path / "made" / "ladder.svg"
    made = ["--quick", "--steps", "4", "--prune", "48", "--repair", "2", "--name", "made", "--out", str(out)]
    asked = [str(out), "--fleet", "24", "--windows", "100", "--rounds", "3", "--no-distilbert"]
    shown = ["--json", "--card", "--plot", str(plot)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        CliRunner().invoke(commands.train_base, [*made, "--runs", str(runs)], catch_exceptions=False)
        result = CliRunner().invoke(
            ladder_commands.ladder, [*asked, *shown, "--runs", str(runs)], catch_exceptions=False
        )

    assert load_bundle(out).manifest.name == "made"
    rungs = json.loads(result.stdout)["rungs"]
    names = ["boosted trees (teacher)", "distilled", "refined", "settled", "pruned", "int8 (the bundle)"]
    assert [rung["name"] for rung in rungs] == names
    _, distilled, refined, settled, pruned, int8 = rungs
    assert distilled["parameters"] == refined["parameters"] == settled["parameters"]
    assert settled["parameters"] > pruned["parameters"] == int8["parameters"]
    assert int8["size_mb"] < pruned["size_mb"] < settled["size_mb"]
    assert all(0.0 < rung["quality"]["areas"]["simulator"]["value"] <= 1.0 for rung in rungs)
    card = (out / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "(ladder.svg)" in card
    assert "--prune 48 --repair 2" in card
    assert "of 128 inner\nunits per layer the 48" in card
    assert str(tmp_path) not in card
    assert plot.read_text(encoding="utf-8").startswith("<svg")
    looked = [json.loads(line)["command"] for line in (runs / "evaluations.jsonl").read_text().splitlines()]
    assert [line.split()[1] for line in looked] == ["train", "evaluate"]
