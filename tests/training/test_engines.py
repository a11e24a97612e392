"""FD001 with several seeds: arithmetic, refusals, and the command on engines made here."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from edge_agent.bundle.load import load_bundle
from edge_agent.errors import BundleError
from edge_agent.training import commands, engines
from tests.bundle.tiny import TINY

pytestmark = pytest.mark.train

DEFAULT = Path(__file__).parents[2] / "models" / "default"


def judged(*risk: float, threshold: float = 0.5) -> engines.Engines:
    """Four engines, of which the first two fail."""
    return engines.Engines(np.array([1.0, 1.0, 0.0, 0.0]), np.array(risk), threshold)


def wearing_engines(units: int, cycles: int, seed: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """A table in the format of C-MAPSS: all sensors drift in the last forty cycles."""
    rng = np.random.default_rng(seed)
    rows = [
        [unit, cycle, *(rng.normal(100, 1, 24) + 0.2 * max(cycle - cycles + 40, 0))]
        for unit in range(1, units + 1)
        for cycle in range(1, cycles + 1)
    ]
    return np.array(rows)


def test_every_seed_is_judged_at_its_own_threshold_and_the_mean_is_of_their_f1() -> None:
    right, half = judged(0.9, 0.6, 0.1, 0.2), judged(0.9, 0.1, 0.1, 0.2)
    found = engines.summarise([right, half, judged(0.3, 0.3, 0.1, 0.2, threshold=0.25)], half)

    assert [one.value for one in found.seeds] == [1.0, pytest.approx(2 / 3), 1.0]
    assert found.mean.value == pytest.approx((1.0 + 2 / 3 + 1.0) / 3)
    assert found.trees.value == found.seeds[1].value
    assert (found.engines, found.failing) == (4, 2)
    assert found.mean.low <= found.mean.value <= found.mean.high


def test_a_base_that_does_not_know_these_engines_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="does not know the class 'turbofan'") as caught:
        engines.judge(load_bundle(TINY), tmp_path, [1], 1, tmp_path, print)
    assert "models/default" in caught.value.hint


@pytest.mark.slow
def test_the_command_shows_every_seed_their_mean_and_trees_and_logs_it(tmp_path: Path) -> None:
    data, runs = tmp_path / "data", tmp_path / "runs"
    data.mkdir()
    for name, units, cycles, seed in (("train", 14, 90, 1), ("test", 6, 80, 2)):
        with gzip.open(data / f"{name}_FD001.txt.gz", "wt") as stream:
            np.savetxt(stream, wearing_engines(units, cycles, seed))
    with gzip.open(data / "RUL_FD001.txt.gz", "wt") as stream:
        np.savetxt(stream, [5, 10, 100, 20, 120, 130])
    arguments = ["engines", "--data", str(data), "--bundle", str(DEFAULT), "--seeds", "2", "--steps", "2"]
    arguments += ["--runs", str(runs)]
    first = CliRunner().invoke(commands.evaluate, [*arguments, "--json"], catch_exceptions=False)
    again = CliRunner().invoke(commands.evaluate, [*arguments, "--json"], catch_exceptions=False)
    table = CliRunner().invoke(commands.evaluate, arguments, catch_exceptions=False)

    figures = json.loads(first.stdout)
    assert (figures["engines"], figures["engines_failing"]) == (6, 3)
    seeds = [figures["engines_f1_seed1"], figures["engines_f1_seed2"]]
    assert figures["engines_f1_mean"] == pytest.approx(np.mean(seeds))
    assert "step 2/2" in first.stderr
    assert "step 2/2" not in again.stderr
    assert json.loads(again.stdout) == figures
    assert table.stdout.count("fine-tuned, seed") == 2
    assert "boosted trees" in table.stdout
    assert len((runs / "evaluations.jsonl").read_text(encoding="utf-8").splitlines()) == 3
