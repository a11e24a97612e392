"""Several files under the same settings, and the doubts about them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge_agent.core.baseline import GRID, Reference
from edge_agent.core.types import AlarmPolicy
from edge_agent.errors import UsageError
from edge_agent.offline.study import Study, StudySettings, prepare, study
from edge_agent.tables.csvfile import Format
from edge_agent.tables.layout import Layout
from edge_agent.tables.series import FileSettings
from edge_agent.tables.truth import TruthSource
from tests.offline.conftest import Write
from tests.offline.loud import LoudModel
from tests.offline.test_backtest import pump_lines

PLAIN = FileSettings(form=Format(), layout=Layout())
TO_FAILURE = StudySettings(how=PLAIN, source=TruthSource(run_to_failure=True, horizon=15), baseline_steps=20)


def two_regimes() -> Reference:
    """A pump of two speeds; at the higher one everything is ten times as much."""
    return Reference(
        channels=("vibration", "temperature"),
        conditions=("speed",),
        regimes=np.array([[1.0], [2.0]]),
        condition_scale=np.array([1000.0]),
        center=np.array([[2.0, 60.0], [20.0, 600.0]]),
        scale=np.array([[0.1, 1.0], [1.0, 10.0]]),
        grid=np.tile(np.linspace(-3.0, 3.0, len(GRID)), (2, 1)),
    )


def run(paths: list[Path], settings: StudySettings, references: dict[str, Reference] | None = None) -> Study:
    known = references or {}
    return study(prepare(paths, settings, known), settings, LoudModel().judge(), known)


def test_files_are_pooled_and_keep_their_own_figures(write: Write) -> None:
    failing = write(*pump_lines(), name="failing.csv")
    other = write(*pump_lines(rows=80, fails=55), name="other.csv")

    done = run([failing, other], TO_FAILURE)

    assert [(result.figures.name, result.figures.windows) for result in done.files] == [("failing", 40), ("other", 60)]
    assert (done.pooled.name, done.pooled.assets, done.pooled.windows) == ("all files", 2, 100)
    assert (done.pooled.detected, done.pooled.false_alarms) == (2, 0)
    assert done.pooled.positives == 32


def test_threshold_is_the_models_unless_told(write: Write) -> None:
    path = write(*pump_lines())

    own = run([path], TO_FAILURE)
    told = run([path], replace(TO_FAILURE, policy=AlarmPolicy(raise_at=0.99)))

    assert (own.threshold, own.pooled.alarms) == (0.5, 1)
    assert (told.threshold, told.pooled.alarms) == (0.99, 0)


def test_files_of_one_name_are_told_apart_by_their_folders(write: Write, tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    first = write(*pump_lines(), name="run.csv")
    second = write(*pump_lines(), name="b/run.csv")

    done = run([first, second], TO_FAILURE)

    assert [result.figures.name for result in done.files] == [str(first), str(second)]


def test_note_about_all_files_is_said_once(write: Write) -> None:
    done = run([write(*pump_lines(), name=name) for name in ("a.csv", "b.csv")], TO_FAILURE)

    assert ("all files", "time is column 'time'") in done.notes()


def test_asset_too_short_for_its_baseline_is_said(write: Write) -> None:
    done = run([write(*pump_lines(rows=15, fails=None))], TO_FAILURE)

    assert done.pooled.windows == 0
    assert any("too short to be judged after 20 steps" in note for _, note in done.notes())


def test_baseline_that_holds_failing_rows_is_said(write: Write) -> None:
    done = run([write(*pump_lines(rows=30))], TO_FAILURE)

    assert any("labelled as failing within the baseline" in note for _, note in done.notes())


def test_forgotten_asset_column_is_suspected(write: Write) -> None:
    lines = [f"{t},{t % 7},{m}" for t in range(40) for m in range(3)]

    done = run([write("time,x,y", *lines)], TO_FAILURE)

    assert any("column that names the machine" in note for _, note in done.notes())


def test_class_takes_out_the_operating_condition(write: Write) -> None:
    """A pump that changes its speed is sound; without its class the change looks like a fault."""
    rng = np.random.default_rng(11)
    lines = []
    for t in range(80):
        fast = t >= 40
        factor = 10.0 if fast else 1.0
        vibration, temperature = factor * (2 + 0.1 * rng.normal()), factor * (60 + rng.normal())
        lines.append(f"{t},{2000 if fast else 1000},{vibration:.4f},{temperature:.4f}")
    path = write("time,speed,vibration,temperature", *lines)
    known = replace(TO_FAILURE, asset_class="pump", source=TruthSource())
    unknown = replace(known, asset_class="unknown", how=replace(PLAIN, layout=Layout(conditions=("speed",))))

    as_pump = run([path], known, {"pump": two_regimes()})
    as_any = run([path], unknown)

    assert as_pump.pooled.alarms == 0
    assert as_any.pooled.alarms == 1
    assert any("knows no regimes: 'speed' left out" in note for _, note in as_any.notes())


def test_class_the_bundle_does_not_know_is_refused(write: Write) -> None:
    with pytest.raises(UsageError, match="no class 'fan'; it knows pump"):
        run([write(*pump_lines())], replace(TO_FAILURE, asset_class="fan"), {"pump": two_regimes()})


def test_every_file_needs_its_own_numbers_of_steps_left(write: Write) -> None:
    paths = [write(*pump_lines(), name=name) for name in ("a.csv", "b.csv")]
    left = write("5", name="RUL.txt")

    with pytest.raises(UsageError, match=r"1 --rul file\(s\) for 2 file\(s\)"):
        run(paths, replace(TO_FAILURE, source=TruthSource(), ruls=(left,)))

    done = run(paths, replace(TO_FAILURE, source=TruthSource(horizon=15), ruls=(left, left)))
    assert done.pooled.positives == 2 * 11


def test_log_about_other_machines_is_said(write: Write) -> None:
    log = write("asset,time,text", "fan,4,noisy", name="log.csv")

    done = run([write(*pump_lines())], replace(TO_FAILURE, logs=log))

    assert any("has no line about an asset of this file" in note for _, note in done.notes())
