"""Public files as they are published: read without help, judged as their protocols say."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from edge_agent.offline.commands import backtest
from edge_agent.offline.study import Study, StudySettings, prepare, study
from edge_agent.tables.csvfile import Format
from edge_agent.tables.layout import Layout
from edge_agent.tables.presets import CMAPSS
from edge_agent.tables.series import FileSettings, load
from edge_agent.tables.times import Timeline
from edge_agent.tables.truth import TruthSource, truths
from tests.offline.conftest import ROOT
from tests.offline.loud import LoudModel

pytestmark = pytest.mark.data
Find = Callable[[str], Path]
PLAIN = FileSettings(form=Format(), layout=Layout())
ENGINES = FileSettings(
    form=Format(separator=CMAPSS.separator, header=False, columns=CMAPSS.columns),
    layout=Layout(time=(CMAPSS.time,), asset=CMAPSS.asset, conditions=CMAPSS.conditions),
)


def run(path: Path, settings: StudySettings) -> Study:
    return study(prepare([path], settings, {}), settings, LoudModel().judge(), {})


def test_skab_is_judged_by_its_protocol(data: Find) -> None:
    """400 rows of baseline, then row by row; gaps of a second are no rows."""
    layout = Layout(label="anomaly", ignore=("changepoint",))
    settings = StudySettings(
        how=FileSettings(form=Format(), layout=layout), source=TruthSource(label="anomaly"), baseline_steps=400
    )
    done = run(data("skab/valve1/0.csv"), settings)
    (result,) = done.files

    assert (result.case.dataset.timeline, result.case.dataset.step_s) == (Timeline.DATES, 1.0)
    assert len(result.case.dataset.channels) == 8
    assert (done.pooled.rows, done.pooled.learning, done.pooled.windows, done.pooled.positives) == (1147, 400, 747, 401)
    assert len(done.pooled.episodes) == 1
    assert done.pooled.rules[-1].counts.f1 == pytest.approx(2 * 401 / (747 + 401))


def test_bearings_that_run_to_failure_are_told(data: Find) -> None:
    settings = StudySettings(how=PLAIN, source=TruthSource(run_to_failure=True, horizon=200), baseline_steps=60)
    done = run(data("ims_bearing/merged_dataset_BearingTest_2.csv.gz"), settings)
    (result,) = done.files

    assert result.case.dataset.channels == ("Bearing 1", "Bearing 2", "Bearing 3", "Bearing 4")
    assert result.case.dataset.step_s == 600.0
    assert (done.pooled.windows, done.pooled.shared, done.pooled.detected) == (924, 0, 1)
    assert done.pooled.lead is not None
    assert done.pooled.lead > 86400.0


def test_engines_fail_as_far_ahead_as_published(data: Find) -> None:
    """At the last row of each engine of FD001 25 of 100 have at most 30 cycles left."""
    dataset = load(data("cmapss/test_FD001.txt.gz"), ENGINES)

    known = truths(dataset, TruthSource(rul=data("cmapss/RUL_FD001.txt.gz")), Format(), [])

    assert (len(dataset.series), dataset.rows, dataset.step_s) == (100, 13096, 1.0)
    assert (dataset.channels[:2], dataset.channels[-3:]) == (("T2", "T24"), ("set1", "set2", "set3"))
    assert sum(truth.labels[-1] == 1.0 for truth in known.values()) == 25
    assert known["1"].episodes[0].end == 31 + 112


@pytest.mark.slow
def test_default_bundle_foresees_failures_of_engines(data: Find) -> None:
    """Every tenth cycle of FD001, threshold as the bundle brings it: far above a guess, few false alarms."""
    folder = ROOT / "models" / "default"
    if not (folder / "bundle.toml").exists():
        pytest.skip("no default bundle in models/default")
    command = ["--preset", "cmapss", "--rul", str(data("cmapss/RUL_FD001.txt.gz")), "--every", "10", "--json"]
    result = CliRunner().invoke(backtest, [str(data("cmapss/test_FD001.txt.gz")), "--bundle", str(folder), *command])
    assert result.exception is None, result.output
    pooled = json.loads(result.output)["pooled"]

    assert (pooled["assets"], pooled["windows"]) == (100, 1065)
    assert pooled["pr_auc"] > 0.7
    assert pooled["rules"]["window"]["f1"] > 5 * pooled["rules"]["always"]["f1"]
    assert pooled["false_alarms"] <= 5


def test_milling_machine_is_read_without_its_answers(data: Find) -> None:
    dataset = load(data("ai4i2020/ai4i2020.csv"), FileSettings(form=Format(), layout=Layout(label="Machine failure")))

    assert (dataset.timeline, dataset.rows) == (Timeline.ROWS, 10_000)
    assert "Air temperature [K]" in dataset.channels
    assert not {"UDI", "Product ID", "Type", "Machine failure"} & set(dataset.channels)


def test_temperature_of_an_office_is_hourly(data: Find) -> None:
    dataset = load(data("nab/ambient_temperature_system_failure.csv.gz"), PLAIN)

    assert (dataset.channels, dataset.timeline, dataset.step_s) == (("value",), Timeline.DATES, 3600.0)
