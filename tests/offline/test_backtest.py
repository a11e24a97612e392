"""Files judged by the pipeline that serves: same verdicts, right windows, right labels."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge_agent.core.pipeline import CLOSE, Pipeline
from edge_agent.core.types import AlarmPolicy, ChannelSpec, ClassSpec, LogLine, Reading, Verdict
from edge_agent.offline.backtest import Course, Settings, Watch, judge_dataset
from edge_agent.tables.csvfile import Format
from edge_agent.tables.layout import Layout
from edge_agent.tables.series import Dataset, FileSettings, default_baseline, load, offset
from edge_agent.tables.truth import TruthSource, truths
from tests.offline.conftest import Load, Write
from tests.offline.loud import LoudModel

BASELINE = 20


def pump_lines(rows: int = 60, fails: int | None = 40, start: float = 0.0, step: float = 1.0) -> list[str]:
    """Two noisy channels; from row `fails` on the first one runs away."""
    rng = np.random.default_rng(7)
    lines = ["time,vibration,temperature"]
    for i in range(rows):
        away = 0.0 if fails is None else max(0, i - fails) * 0.5
        lines.append(f"{start + i * step},{2 + away + 0.1 * rng.normal():.5f},{60 + rng.normal():.5f}")
    return lines


def judged(dataset: Dataset, settings: Settings | None = None, source: TruthSource | None = None) -> Course:
    known = truths(dataset, source or TruthSource(run_to_failure=True, horizon=15), Format(), [])
    settings = settings or Settings(baseline_steps=BASELINE)
    return judge_dataset(dataset, known, {}, LoudModel().judge(), {}, settings)[0]


def test_backtest_and_pipeline_fed_by_hand_give_the_same_verdicts(write: Write) -> None:
    """The file is read here by nothing but the csv module, in the words of the issue: same windows, text and model."""
    path = write(*pump_lines(step=60.0, start=1_700_000_040.0))
    log = LogLine("pump", 1_700_000_040.0 + 45 * 60, "bearing noisy at drive end")
    told: list[Verdict] = []
    dataset = load(path, FileSettings(form=Format(), layout=Layout(), step_s=60.0))
    judge_dataset(
        dataset, {}, {"pump": [log]}, LoudModel().judge(), {}, Settings(baseline_steps=BASELINE),
        Watch(verdict=lambda verdict, _label: told.append(verdict)),
    )  # fmt: skip

    spec = ClassSpec(
        name="unknown", channels=(ChannelSpec(name="vibration"), ChannelSpec(name="temperature")), step_s=60.0,
        baseline_steps=BASELINE, silent_after_s=3600.0,
    )  # fmt: skip
    pipeline = Pipeline({"unknown": spec}, lambda _: "unknown", {}, AlarmPolicy(), LoudModel().judge())
    by_hand: list[Verdict] = []
    with path.open(newline="") as stream:
        for row in csv.DictReader(stream):
            time = float(row["time"])
            if time == log.time:
                pipeline.log(log)
            for channel in ("vibration", "temperature"):
                value = float(np.float32(float(row[channel])))
                by_hand += pipeline.reading(Reading("pump", channel, time, value)).verdicts
    by_hand += pipeline.reading(Reading("pump", CLOSE, math.inf, 0.0)).verdicts

    assert len(by_hand) == 60
    assert any("bearing noisy" in verdict.text for verdict in by_hand)
    assert [replace(verdict, time=verdict.time + 60.0) for verdict in told] == by_hand


def test_time_of_a_verdict_is_that_of_its_newest_row(load_lines: Load) -> None:
    course = judged(load_lines(*pump_lines(start=100.0, step=10.0)))

    assert course.times.tolist() == [100.0 + 10.0 * i for i in range(60)]


def test_windows_of_the_baseline_are_not_judged(load_lines: Load) -> None:
    course = judged(load_lines(*pump_lines()))

    assert course.learning.tolist() == [True] * BASELINE + [False] * 40
    assert course.judged.sum() == 40
    assert not course.decided[:BASELINE].any()


def test_failing_pump_is_told_before_the_end(load_lines: Load) -> None:
    course = judged(load_lines(*pump_lines()))

    assert len(course.alarms) == 1
    assert 40.0 < course.alarms[0].raised < 50.0
    assert course.alarms[0].cleared == math.inf
    assert course.alarms[0].mode == "VIB"
    assert course.standing[-5:].all()
    assert not course.standing[: int(course.alarms[0].raised)].any()


def test_sound_pump_is_left_alone(load_lines: Load) -> None:
    course = judged(load_lines(*pump_lines(fails=None)))

    assert course.alarms == ()
    assert course.risk[BASELINE:].max() < 0.5


def test_labels_follow_their_rows(load_lines: Load) -> None:
    course = judged(load_lines(*pump_lines()))

    assert np.flatnonzero(course.labels == 1.0).tolist() == list(range(44, 60))


def test_order_of_rows_in_the_file_does_not_matter(load_lines: Load) -> None:
    lines = pump_lines()
    straight = judged(load_lines(*lines))
    shuffled = judged(load_lines(lines[0], *(lines[1 + i] for i in np.random.default_rng(3).permutation(60))))

    assert shuffled.risk.tolist() == straight.risk.tolist()


def test_rows_of_the_same_time_are_one_step(load_lines: Load) -> None:
    lines = pump_lines()
    single = judged(load_lines(*lines))
    doubled = judged(load_lines(lines[0], *(line for line in lines[1:] for _ in range(2))))

    assert doubled.shared == 60
    assert doubled.risk.tolist() == single.risk.tolist()


def test_label_of_a_shared_step_is_the_highest(load_lines: Load) -> None:
    lines = [f"{t},{t % 7},{0 if t < 30 else 1}" for t in range(40)]
    dataset = load_lines("time,x,bad", *lines, "29,5,1", layout=Layout(label="bad"))
    course = judged(dataset, source=TruthSource(label="bad"))

    assert np.flatnonzero(course.labels == 1.0)[0] == 29


def test_jittering_rows_keep_a_step_each(load_lines: Load) -> None:
    rng = np.random.default_rng(5)
    times = 1_700_000_000.0 + np.arange(100) + rng.uniform(-0.2, 0.2, 100)
    dataset = load_lines("time,x", *(f"{t:.4f},{rng.normal():.4f}" for t in times))

    course = judged(dataset)

    assert course.shared == 0
    assert len(course.times) == 100


def test_step_that_is_asked_for_is_cut_as_the_agent_cuts_it(write: Write) -> None:
    path = write("time,x", *(f"{1_700_000_000 + 10 * i},{i % 5}" for i in range(120)))
    dataset = load(path, FileSettings(form=Format(), layout=Layout(), step_s=60.0))

    course = judged(dataset)

    assert offset(dataset.series[0], dataset) == 0.0
    assert len(course.times) == 21  # 1,200 s from second 20 of a minute on touch 21 minutes
    assert course.shared == 120 - 21


def test_gap_in_the_record_invents_no_windows(load_lines: Load) -> None:
    lines = pump_lines(fails=None)
    course = judged(
        load_lines(*lines[:31], *(f"{float(line.split(',')[0]) + 500},{line.split(',', 1)[1]}" for line in lines[31:]))
    )

    assert len(course.times) == 60
    assert course.times[30] == 530.0


def test_every_nth_step_is_judged(load_lines: Load) -> None:
    course = judged(load_lines(*pump_lines()), Settings(baseline_steps=BASELINE, every=5))

    assert len(course.times) == 12


def test_assets_do_not_know_each_other(load_lines: Load) -> None:
    lines = pump_lines()
    alone = judged(load_lines(*lines))
    both = load_lines(
        "m,time,vibration,temperature",
        *(f"{m},{line}" for line in lines[1:] for m in ("p1", "p2")),
        layout=Layout(asset="m"),
    )
    courses = judge_dataset(both, {}, {}, LoudModel().judge(), {}, Settings(baseline_steps=BASELINE))

    assert [course.risk.tolist() for course in courses] == [alone.risk.tolist()] * 2


def test_missing_values_are_passed_over(load_lines: Load) -> None:
    lines = [line if i % 3 else f"{line.rsplit(',', 1)[0]}," for i, line in enumerate(pump_lines()[1:])]
    course = judged(load_lines("time,vibration,temperature", *lines))

    assert len(course.times) == 60
    assert len(course.alarms) == 1


def test_channel_that_falls_silent_is_counted_apart_from_risk(load_lines: Load) -> None:
    rows = [f"{i},{i % 5},{i % 7 if i < 30 else ''}" for i in range(150)]
    course = judged(load_lines("time,x,y", *rows))

    assert course.other_alarms == 1
    assert course.alarms == ()


def test_log_line_after_the_last_row_changes_nothing(load_lines: Load) -> None:
    dataset = load_lines(*pump_lines())
    late = [LogLine("pump", 500.0, "new bearing fitted")]
    model = LoudModel()
    judge_dataset(dataset, {}, {"pump": late}, model.judge(), {}, Settings(baseline_steps=BASELINE))

    assert not any("new bearing" in text for text in model.texts)


def test_log_line_is_quoted_from_its_own_step_on(load_lines: Load) -> None:
    dataset = load_lines(*pump_lines())
    told: list[Verdict] = []
    judge_dataset(
        dataset, {}, {"pump": [LogLine("pump", 45.0, "bearing noisy")]}, LoudModel().judge(), {},
        Settings(baseline_steps=BASELINE), Watch(verdict=lambda verdict, _label: told.append(verdict)),
    )  # fmt: skip

    assert [verdict.time for verdict in told if "bearing noisy" in verdict.text] == [float(t) for t in range(45, 60)]


@pytest.mark.parametrize(("rows", "steps"), [((5000, 900), 60), ((300, 5000), 30), ((100,), 20)])
def test_baseline_is_a_tenth_of_the_shortest_asset_within_bounds(
    tmp_path: Path, rows: Sequence[int], steps: int
) -> None:
    datasets = []
    for i, count in enumerate(rows):
        path = tmp_path / f"{i}.csv"
        path.write_text("time,x\n" + "".join(f"{t},{t % 7}\n" for t in range(count)))
        datasets.append(load(path, FileSettings(form=Format(), layout=Layout())))

    assert default_baseline(datasets) == steps
