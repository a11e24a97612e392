"""Rows as series per asset."""

from __future__ import annotations

import numpy as np
import pytest

from edge_agent.errors import DataError
from edge_agent.tables.csvfile import Format
from edge_agent.tables.layout import Layout
from edge_agent.tables.series import read_logs
from edge_agent.tables.times import Timeline
from tests.tables.conftest import Load, Write


def test_rows_of_each_asset_are_sorted_by_time(load_lines: Load) -> None:
    dataset = load_lines(
        "t,machine,x", "3,b,30", "1,a,1", "1,b,10", "2,a,2", layout=Layout(time=("t",), asset="machine")
    )

    assert {s.asset: s.values[:, 0].tolist() for s in dataset.series} == {"b": [10.0, 30.0], "a": [1.0, 2.0]}
    assert "the rows of 1 asset(s) were not in order of time and have been sorted" in dataset.notes


def test_one_asset_is_named_after_the_file(load_lines: Load) -> None:
    assert [series.asset for series in load_lines("t,x", "1,2").series] == ["pump"]


def test_step_is_the_typical_distance_of_rows(load_lines: Load) -> None:
    dataset = load_lines("timestamp,x", "2024-05-01 00:00,1", "2024-05-01 00:10,2", "2024-05-01 00:20,3")

    assert (dataset.timeline, dataset.step_s, dataset.step_given) == (Timeline.DATES, 600.0, False)


def test_missing_values_stay_missing(load_lines: Load) -> None:
    dataset = load_lines("time,x,y", "1,,5", "2,7,NaN")

    assert np.isnan(dataset.series[0].values).tolist() == [[True, False], [False, True]]


def test_text_columns_are_skipped_with_a_note(load_lines: Load) -> None:
    dataset = load_lines("time,x,operator,empty", "1,2,Smith,", "2,3,Jones,", "3,5,Smith,")

    assert dataset.channels == ("x",)
    assert "no numbers in, so skipped: 'operator', 'empty'" in dataset.notes


def test_text_column_that_was_named_is_refused(load_lines: Load) -> None:
    with pytest.raises(DataError, match="column 'operator' holds no numbers: line 2 says 'Smith'"):
        load_lines("time,operator", "1,Smith", layout=Layout(channels=("operator",)))


def test_words_among_numbers_count_as_missing_and_are_said(load_lines: Load) -> None:
    dataset = load_lines("time,x", "1,2", "2,Bad", "3,4", "4,6")

    assert dataset.channels == ("x",)
    assert any("1 value(s) are no numbers" in note and "'Bad' in line 3" in note for note in dataset.notes)


def test_column_that_counts_the_rows_is_left_out(load_lines: Load) -> None:
    lines = ("UDI,x", *(f"{i},{i * i % 7}" for i in range(1, 13)))

    assert load_lines(*lines).channels == ("x",)
    assert load_lines(*lines, layout=Layout(channels=("UDI", "x"))).channels == ("UDI", "x")


def test_columns_of_zeros_and_ones_are_pointed_out(load_lines: Load) -> None:
    """AI4I's five failure modes have names that tell nothing."""
    dataset = load_lines("time,x,TWF,HDF", "1,5,0,0", "2,6,1,0", "3,4,0,0")

    assert dataset.channels == ("x", "TWF", "HDF")
    assert any("hold only 0 and 1: 'TWF'; --ignore" in note for note in dataset.notes)


def test_file_without_numbers_is_refused(load_lines: Load) -> None:
    with pytest.raises(DataError, match="no column of numbers to judge"):
        load_lines("time,word", "1,a", "2,b")


def test_rows_without_time_or_asset_are_left_out_and_said(load_lines: Load) -> None:
    dataset = load_lines("time,m,x", "1,a,5", ",a,6", "3,,7", layout=Layout(asset="m"))

    assert dataset.rows == 1
    assert {"1 row(s) without a time were left out", "1 row(s) without a value in 'm' were left out"} <= set(
        dataset.notes
    )


def test_file_without_any_placed_row_is_refused(load_lines: Load) -> None:
    with pytest.raises(DataError, match="no row with a time and an asset"):
        load_lines("time,m,x", "1,,5", layout=Layout(asset="m"))


def test_log_lines_belong_to_their_assets_in_order(load_lines: Load, write: Write) -> None:
    dataset = load_lines("time,m,x", "1,a,5", "1,b,5", layout=Layout(asset="m"))
    log = write("Time,Asset,Text", "9,a,seal wet", "4,a,noisy", "5,b,", "6,c,elsewhere", name="log.csv")

    lines = read_logs(log, dataset, Format())

    assert [(line.time, line.text) for line in lines["a"]] == [(4.0, "noisy"), (9.0, "seal wet")]
    assert set(lines) == {"a", "c"}


def test_log_of_one_asset_needs_no_asset_column(load_lines: Load, write: Write) -> None:
    log = write("time,text", "4,noisy", name="log.csv")

    assert [line.asset for line in read_logs(log, load_lines("time,x", "1,5"), Format())["pump"]] == ["pump"]


def test_log_with_times_of_another_kind_is_refused(load_lines: Load, write: Write) -> None:
    log = write("time,text", "2024-05-01,noisy", name="log.csv")

    with pytest.raises(DataError, match=r"log\.csv, line 2: time '2024-05-01' is not a number"):
        read_logs(log, load_lines("time,x", "1,5"), Format())
