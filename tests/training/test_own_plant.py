"""One's own plant: what is read, what is repaired and said, what is refused."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge_agent.core.types import LogLine, Reading
from edge_agent.errors import DataError
from edge_agent.ports import Batch
from edge_agent.store.database import StoreSettings
from edge_agent.store.journal import open_journal
from edge_agent.tables.layout import Layout
from edge_agent.training.plant.histories import Plant, plant_of
from edge_agent.training.plant.source import read_files, read_journal
from edge_agent.training.runs import MODES, UNKNOWN
from tests.store.journal_values import NOON, some_event
from tests.training.own_files import HOW, SETTINGS, plant_files, plant_rows, write

pytestmark = pytest.mark.train

HEADER = ("time", "asset", "heat_c", "shake_mm_s")


def plant(
    folder: Path, rows: list[list[object]], failures: list[list[object]], header: tuple[str, ...] = HEADER
) -> Plant:
    """The plant of rows and failures."""
    data = write(folder / "plant.csv", header, rows)
    known = write(folder / "failures.csv", ("asset", "time", "mode"), failures)
    return plant_of(read_files(data, known, None, HOW), SETTINGS)


def test_the_last_step_of_a_failing_asset_is_its_failure_and_a_sound_one_is_open_ended(tmp_path: Path) -> None:
    made = plant_of(read_files(*plant_files(tmp_path), None, HOW), SETTINGS)
    failing, sound = made.runs[0], made.runs[-1]

    assert failing.left[-1] == 0.0
    assert failing.risky.sum() == SETTINGS.horizon + 1
    assert set(failing.modes[-11:].tolist()) == {MODES.index("OHE")}
    assert failing.modes[0] == 0
    assert UNKNOWN in failing.modes
    assert np.isinf(sound.left).all()
    assert len(sound.times) == 80 - SETTINGS.horizon
    assert any(f"{2 * SETTINGS.horizon} step(s) at the end of 2 asset(s) left out" in note for note in made.notes)
    assert "asset is column 'asset'" in made.notes


def test_a_constant_channel_is_left_out_and_said(tmp_path: Path) -> None:
    rows, failures = plant_rows(7, 60, 7)
    made = plant(tmp_path, [[*row, 5] for row in rows], failures, (*HEADER, "stuck"))

    assert [channel.name for channel in made.spec.channels] == ["heat_c", "shake_mm_s"]
    assert "never change, so left out: 'stuck'" in made.notes


def test_only_constant_channels_are_refused(tmp_path: Path) -> None:
    rows, failures = plant_rows(7, 60, 7)

    with pytest.raises(DataError, match="no channel varies"):
        plant(tmp_path, [[time, asset, 5] for time, asset, *_ in rows], failures, HEADER[:3])


def test_duplicated_times_are_averaged_and_counted(tmp_path: Path) -> None:
    rows, failures = plant_rows(7, 60, 7)
    double = [30, "press-0", 100.0, 4.0]
    single = next(row for row in rows if row[:2] == [30, "press-0"])
    made = plant(tmp_path, [*rows, double], failures)

    assert any(note.startswith("1 row(s) share a step") for note in made.notes)
    assert made.runs[0].values[30, 0] == pytest.approx((100.0 + float(str(single[2]))) / 2, rel=1e-5)


def test_missing_values_gaps_and_empty_rows_are_counted(tmp_path: Path) -> None:
    rows, failures = plant_rows(7, 90, 7)
    rows = [row for row in rows if not (row[1] == "press-1" and 30 <= int(str(row[0])) < 50)]
    rows[3] = [*rows[3][:2], "", "nan"]
    made = plant(tmp_path, rows, failures)

    assert any(note.startswith("2 of ") and "missing" in note for note in made.notes)
    assert any(note.startswith("1 gap(s) of more than 10 steps, the longest 20") for note in made.notes)
    assert any(note.startswith("1 row(s) hold no value") for note in made.notes)
    assert len(made.runs[1].times) == 70


def test_a_baseline_is_never_learned_from_steps_before_a_failure(tmp_path: Path) -> None:
    rows, failures = plant_rows(7, 120, 7)
    made = plant(tmp_path, rows, [*failures, ["press-0", 12, "VIB"]])

    assert len(made.runs[0].times) == 120 - 13
    assert made.runs[0].left[0] == 119 - 13
    assert any("13 step(s) left out" in note for note in made.notes)


def test_a_failure_after_the_record_still_counts_and_one_far_off_does_not(tmp_path: Path) -> None:
    rows, failures = plant_rows(7, 60, 6)
    made = plant(tmp_path, rows, [*failures, ["press-6", 64, ""], ["press-5", 900, ""]])

    assert made.runs[6].left[-1] == 5.0
    assert made.runs[6].modes[-1] == UNKNOWN
    assert made.failures == 7
    assert any(note.startswith("1 failure(s) lie outside") for note in made.notes)


def test_a_word_that_is_no_failure_mode_is_unknown_and_said(tmp_path: Path) -> None:
    rows, failures = plant_rows(7, 60, 7)
    made = plant(tmp_path, rows, [[asset, time, "bearing"] for asset, time, _ in failures])

    assert made.runs[0].modes[-1] == UNKNOWN
    assert any("'BEARING'" in note and "VIB" in note for note in made.notes)


@pytest.mark.parametrize(
    ("failing", "horizon", "message"),
    [(2, 10, r"2 failure\(s\) in the record"), (7, 500, "nothing is known to be sound")],
    ids=["too few failures", "one class only"],
)
def test_what_cannot_be_learned_from_is_refused(tmp_path: Path, failing: int, horizon: int, message: str) -> None:
    rows, failures = plant_rows(7, 100, failing)
    data = write(tmp_path / "plant.csv", HEADER, rows)
    known = write(tmp_path / "failures.csv", ("asset", "time", "mode"), failures)
    history = read_files(data, known, None, HOW)

    with pytest.raises(DataError, match=message) as caught:
        plant_of(history, replace(SETTINGS, horizon=horizon, baseline_steps=2 if horizon > 100 else 20))
    assert caught.value.hint


def test_assets_too_short_for_a_baseline_are_named(tmp_path: Path) -> None:
    rows, failures = plant_rows(8, 60, 7)
    made = plant(tmp_path, [row for row in rows if row[1] != "press-7" or int(str(row[0])) < 15], failures)

    assert len(made.runs) == 7
    assert any("'press-7'" in note for note in made.notes)


def test_a_missing_column_is_named_with_those_there_are(tmp_path: Path) -> None:
    data, _ = plant_files(tmp_path)
    wrong = write(tmp_path / "wrong.csv", ("asset", "when"), [["press-0", 5]])

    with pytest.raises(DataError, match=r"wrong\.csv has no column 'time'; its columns are: asset, when"):
        read_files(data, wrong, None, HOW)
    with pytest.raises(DataError, match="has no column 'machine'"):
        read_files(data, wrong, None, replace(HOW, layout=Layout(asset="machine")))


def test_times_with_and_without_zone_are_refused(tmp_path: Path) -> None:
    rows, failures = plant_rows(7, 60, 7)
    dated = [[f"2024-05-01T{int(str(t)):02d}:00:00{'Z' if k else ''}", *rest] for k, (t, *rest) in enumerate(rows[:20])]

    with pytest.raises(DataError, match="has a time zone"):
        plant(tmp_path, dated, failures)


def test_log_lines_about_unknown_assets_are_counted(tmp_path: Path) -> None:
    data, failures = plant_files(tmp_path)
    logs = write(tmp_path / "logs.csv", ("asset", "time", "text"), [["press-0", 70, "hot"], ["crane", 3, "rope"]])
    history = read_files(data, failures, logs, HOW)

    assert "1 log line(s) from logs.csv, 1 more about unknown assets left out" in history.notes
    assert [line.text for line in plant_of(history, SETTINGS).runs[0].logs] == ["hot"]


def test_a_journal_is_a_history_and_hard_limits_are_its_failures(tmp_path: Path) -> None:
    path = tmp_path / "agent.db"
    readings = [
        Reading(f"press-{k}", name, NOON + 60.0 * step, float(step % 7 + k))
        for k in range(3) for step in range(80) for name in ("heat_c", "shake_mm_s")
    ]  # fmt: skip
    events = [
        replace(some_event(f"{k:016x}"), asset=f"press-{k}", kind="limit:heat_c", time=NOON + 60.0 * 70)
        for k in range(3)
    ]
    with closing(open_journal(StoreSettings(path=path), now=lambda: NOON)) as journal:
        line = LogLine("press-1", NOON + 600.0, "bearing noisy")
        journal.commit(
            Batch(readings=readings, logs=[line], verdicts=[], events=events, outgoing=[], states={}, seen=[])
        )
    history = read_journal(path, None, None)
    made = plant_of(history, SETTINGS)

    assert history.dataset.step_s == 60.0
    assert made.failures == 3
    assert [channel.name for channel in made.spec.channels] == ["heat_c", "shake_mm_s"]
    assert made.runs[1].risky.any()
    assert "1 log line(s) from the journal" in history.notes
    assert any(note.startswith("3 alarm(s) called real or of a hard limit count as failures") for note in history.notes)


def test_a_journal_without_failures_asks_for_them(tmp_path: Path) -> None:
    path = tmp_path / "agent.db"
    with closing(open_journal(StoreSettings(path=path), now=lambda: NOON)) as journal:
        readings = [Reading("press", "heat_c", NOON + step, 1.0) for step in range(9)]
        journal.commit(Batch(readings=readings, logs=[], verdicts=[], events=[], outgoing=[], states={}, seen=[]))

    with pytest.raises(DataError, match="tells of no failure") as caught:
        read_journal(path, None, None)
    assert "--failures" in caught.value.hint
