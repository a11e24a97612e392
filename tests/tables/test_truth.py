"""What is known of the outcome: labels, failures and horizons."""

from __future__ import annotations

import numpy as np
import pytest

from edge_agent.errors import DataError
from edge_agent.tables.csvfile import Format
from edge_agent.tables.layout import Layout
from edge_agent.tables.series import Dataset
from edge_agent.tables.truth import Truth, TruthSource, truths
from tests.tables.conftest import Load, Write

TEN = ("time,x", *(f"{t},{t * t}" for t in range(1, 11)))


def known(dataset: Dataset, source: TruthSource, notes: list[str] | None = None) -> dict[str, Truth]:
    return truths(dataset, source, Format(), [] if notes is None else notes)


def labels(truth: Truth) -> list[float]:
    return [-1.0 if np.isnan(label) else label for label in truth.labels.tolist()]


def labelled(load_lines: Load, *values: str, positive: tuple[str, ...] = ()) -> Truth:
    dataset = load_lines("time,x,state", *(f"{i},5,{v}" for i, v in enumerate(values)), layout=Layout(label="state"))
    return known(dataset, TruthSource(label="state", positive=positive))["pump"]


def test_nothing_is_known_where_nothing_is_told(load_lines: Load) -> None:
    assert known(load_lines(*TEN), TruthSource()) == {}


def test_label_rows_become_stretches(load_lines: Load) -> None:
    truth = labelled(load_lines, "0", "1.0", "1", "0", "", "1", "0.0")

    assert labels(truth) == [0, 1, 1, 0, -1, 1, 0]
    assert [(e.start, e.end) for e in truth.episodes] == [(1.0, 2.0), (5.0, 5.0)]


def test_label_words_are_understood(load_lines: Load) -> None:
    assert labels(labelled(load_lines, "True", "false", "YES", "no")) == [1, 0, 1, 0]


def test_other_label_values_must_be_named(load_lines: Load) -> None:
    values = ("NORMAL", "BROKEN", "RECOVERING", "")

    with pytest.raises(DataError, match=r"line 2, column 'state': label 'NORMAL' is neither 0 nor 1") as caught:
        labelled(load_lines, *values)

    assert "--positive" in caught.value.hint
    assert labels(labelled(load_lines, *values, positive=("BROKEN", "RECOVERING"))) == [0, 1, 1, -1]


def test_last_rows_before_the_end_are_failing_when_run_to_failure(load_lines: Load) -> None:
    truth = known(load_lines(*TEN), TruthSource(run_to_failure=True, horizon=3))["pump"]

    assert labels(truth) == [0, 0, 0, 0, 0, 0, 1, 1, 1, 1]
    assert truth.episodes[0].end == 10.0


def test_horizon_counts_steps_not_seconds(load_lines: Load) -> None:
    lines = ("timestamp,x", *(f"2024-05-01 0{hour}:00,{hour * hour}" for hour in range(6)))

    truth = known(load_lines(*lines), TruthSource(run_to_failure=True, horizon=2))["pump"]

    assert labels(truth) == [0, 0, 0, 1, 1, 1]


def test_steps_left_after_the_record_put_the_failure_beyond_it(load_lines: Load, write: Write) -> None:
    dataset = load_lines(
        "time,m,x", *(f"{t},{m},{t * t}" for m in "ab" for t in range(1, 6)), layout=Layout(asset="m")
    )  # fmt: skip
    found = known(dataset, TruthSource(rul=write("2 ", "40 ", name="RUL.txt"), horizon=3))

    assert labels(found["a"]) == [0, 0, 0, 1, 1]
    assert labels(found["b"]) == [0, 0, 0, 0, 0]
    assert found["b"].episodes[0].end == 45.0


@pytest.mark.parametrize("lines", [("5", "6"), ("many",)])
def test_steps_left_must_be_one_number_per_asset(load_lines: Load, write: Write, lines: tuple[str, ...]) -> None:
    with pytest.raises(DataError, match="numbers for the 1 assets"):
        known(load_lines(*TEN), TruthSource(rul=write(*lines, name="RUL.txt")))


def test_failures_come_from_a_file_with_their_modes(load_lines: Load, write: Write) -> None:
    dataset = load_lines(
        "time,m,x", *(f"{t},{m},{t * t}" for m in "ab" for t in range(1, 11)), layout=Layout(asset="m")
    )  # fmt: skip
    notes: list[str] = []
    failures = write("asset,time,mode", "a,9,vib", "a,4,OHE", "z,4,", name="failures.csv")

    found = known(dataset, TruthSource(failures=failures, horizon=2), notes)

    assert labels(found["a"]) == [0, 1, 1, 1, 0, 0, 1, 1, 1, 0]
    assert [(episode.end, episode.mode) for episode in found["a"].episodes] == [(4.0, "OHE"), (9.0, "VIB")]
    assert sum(labels(found["b"])) == 0
    assert notes == ["failures.csv names assets that are not in the file: 'z'"]


def test_failures_of_other_machines_are_refused(load_lines: Load, write: Write) -> None:
    with pytest.raises(DataError, match="names no asset of") as caught:
        known(load_lines(*TEN), TruthSource(failures=write("asset,time", "z,4", name="failures.csv")))

    assert "'pump'" in caught.value.hint


def test_failures_of_one_machine_need_no_asset_column(load_lines: Load, write: Write) -> None:
    found = known(load_lines(*TEN), TruthSource(failures=write("time", "8", name="failures.csv"), horizon=1))

    assert labels(found["pump"]) == [0, 0, 0, 0, 0, 0, 1, 1, 0, 0]


def test_failure_with_a_time_of_another_kind_is_refused(load_lines: Load, write: Write) -> None:
    with pytest.raises(DataError, match="line 2: time '2024-05-01' is not a number"):
        known(load_lines(*TEN), TruthSource(failures=write("time", "2024-05-01", name="failures.csv")))


def test_failure_times_come_from_a_column(load_lines: Load) -> None:
    lines = ("time,x,died", "1,5,", "2,6,3", "3,5,3", "4,7,6", "5,6,6")
    truth = known(load_lines(*lines, layout=Layout(failure_time="died")), TruthSource(failure_time="died", horizon=1))

    assert labels(truth["pump"]) == [0, 1, 1, 0, 1]
    assert [episode.end for episode in truth["pump"].episodes] == [3.0, 6.0]
