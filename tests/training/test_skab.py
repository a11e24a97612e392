"""The protocol of SKAB on recordings made here; no test needs the real ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge_agent.bundle.load import load_bundle
from edge_agent.errors import DataError
from edge_agent.training.skab import BASELINE, always, flat, judged_by_agent, judged_by_pca, lines, load, summarise
from tests.bundle.tiny import TINY

pytestmark = pytest.mark.train


def record(path: Path, seed: int, rows: int = 520) -> None:
    """Write a recording: three channels of one cause, the last hundred rows torn apart."""
    rng = np.random.default_rng(seed)
    cause = rng.normal(size=rows)
    values = cause[:, None] * [1.0, -2.0, 0.5] + 0.1 * rng.normal(size=(rows, 3))
    values[-100:, 1] += 5.0
    body = [
        f"2020-03-09 {i // 3600:02d}:{i // 60 % 60:02d}:{i % 60:02d};{a};{b};{c};{float(i >= rows - 100)};0.0"
        for i, (a, b, c) in enumerate(values.tolist())
    ]
    path.write_text("\n".join(["datetime;Current;Volume Flow;Pressure;anomaly;changepoint", *body]) + "\n", "utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two recordings."""
    for number in (1, 2):
        record(tmp_path / f"{number}.csv", number)
    return tmp_path


def test_labels_and_times_are_no_channels(folder: Path) -> None:
    one = load(folder)[0]

    assert one.channels == ("current", "volume_flow", "pressure")
    assert one.anomaly.sum() == 100


def test_every_row_after_the_baseline_is_judged_and_no_other(folder: Path) -> None:
    recordings = load(folder)
    said: list[str] = []

    ours = judged_by_agent(load_bundle(TINY), recordings, said.append)
    pca = judged_by_pca(recordings)

    assert len(ours.truth) == len(pca.truth) == 2 * (520 - BASELINE)
    assert np.array_equal(ours.truth, pca.truth)
    assert len(said) == 2


def test_pca_finds_what_breaks_the_correlation(folder: Path) -> None:
    found = summarise(judged_by_pca(load(folder)))

    assert found.f1.value > 0.95
    assert found.roc_auc.value > 0.99


def test_always_alarming_misses_nothing_and_is_always_false(folder: Path) -> None:
    found = summarise(always(judged_by_pca(load(folder))))

    assert (found.missed.value, found.false_alarms.value) == (0.0, 1.0)
    assert len(list(lines([found]))) == 3
    assert flat([found])["skab_always_missed"] == 0.0


def test_a_recording_shorter_than_the_baseline_is_refused(tmp_path: Path) -> None:
    record(tmp_path / "1.csv", 1, rows=300)

    with pytest.raises(DataError, match="300 rows"):
        load(tmp_path)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no \*\.csv"):
        load(tmp_path)
