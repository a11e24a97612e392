"""The ablation of log and sensors, on the tiny bundle: what is taken away, and that the same is compared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge_agent.bundle.encode import Kind
from edge_agent.bundle.load import Bundle, load_bundle
from edge_agent.training import fleet, fusion
from edge_agent.training.examples import Examples, build
from edge_agent.training.runs import MODES, UNKNOWN, Run
from tests.bundle.tiny import TINY

pytestmark = pytest.mark.train


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return load_bundle(TINY)


@pytest.fixture(scope="module")
def pumps(bundle: Bundle) -> Examples:
    told = [run for run in fleet.load_fleet(fleet.TEST_SEED, 30) if run.group == "pump" and _writes_of_a_fault(run)]
    return build(told[:2], bundle.references["pump"], bundle.risk.encoder)


def _writes_of_a_fault(run: Run) -> bool:
    shown = run.times[run.modes > 0]
    return len(shown) > 0 and any(line.time <= shown[-1] for line in run.logs)


def test_only_windows_with_a_log_line_and_a_known_mode_are_compared(bundle: Bundle, pumps: Examples) -> None:
    found = fusion.ablate(bundle, [pumps])

    told = [
        n
        for n in range(len(pumps))
        if pumps.mode[n] != UNKNOWN and any(line.kind is Kind.LOG for line in pumps.lines(n))
    ]
    assert 0 < found.windows <= len(told)
    assert set(found.modes) == {MODES[i] for i in np.unique(pumps.mode[told])}


def test_real_lines_restrict_the_windows_to_modes_that_have_one(bundle: Bundle, pumps: Examples) -> None:
    modes = [mode for mode in fusion.ablate(bundle, [pumps]).modes if mode != "none"]
    found = fusion.ablate(bundle, [pumps], {modes[0]: ["shaking badly"]})

    assert found.modes == (modes[0],)


def test_the_gain_is_both_less_the_better_of_the_two(bundle: Bundle, pumps: Examples) -> None:
    found = fusion.ablate(bundle, [pumps])

    assert found.gain.value == pytest.approx(found.both.value - max(found.sensors.value, found.logs.value))
    assert found.gain.low <= found.gain.value <= found.gain.high


def test_real_lines_are_read_by_label_split_on_the_last_comma(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("shaking, badly,Vibration\nweak,Other\n", encoding="utf-8")

    assert fusion.real_lines(tmp_path) == {"VIB": ["shaking, badly"]}
    assert fusion.real_lines(tmp_path / "absent") == {}
