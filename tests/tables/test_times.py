"""Columns of time: dates, counts, and what is neither."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from edge_agent.errors import DataError
from edge_agent.tables.table import number_parser
from edge_agent.tables.times import TimeColumn, Timeline, looks_like_date, read_time, read_times, typical_step, zones

PARSE = number_parser(".", ",")
NOON = datetime(2024, 5, 1, 12, 0, 0, tzinfo=UTC).timestamp()


def read(*texts: str, form: str = "") -> tuple[list[float], Timeline]:
    lines = np.arange(2, len(texts) + 2)
    times, timeline = read_times(texts, lines, TimeColumn(Path("pump.csv"), "when", form), PARSE)
    return times.tolist(), timeline


@pytest.mark.parametrize(
    "text",
    [
        "2024-05-01 12:00:00", "2024-05-01T12:00:00Z", "2024-05-01T14:00:00+02:00", "2024/5/1 12:00",
        "2024.05.01 12:00:00",
        "2024-05-01 12:00:00.000000", "1714564800", "1714564800000", "1714564800000000",
    ],
)  # fmt: skip
def test_same_moment_in_many_spellings(text: str) -> None:
    assert read(text) == ([NOON], Timeline.DATES)


def test_single_digit_hour_is_read() -> None:
    assert read("2024/5/1 7:05") == ([NOON - 4 * 3600 - 55 * 60], Timeline.DATES)


def test_dates_before_2000_are_dates() -> None:
    assert read("1995-01-01 00:00:00")[1] is Timeline.DATES


def test_numbers_that_are_no_dates_are_counts() -> None:
    assert read("1", "2", "3.5") == ([1.0, 2.0, 3.5], Timeline.COUNTS)


def test_numbers_of_which_one_is_no_date_are_counts() -> None:
    assert read("0", "1714564800")[1] is Timeline.COUNTS


def test_other_dates_need_a_format() -> None:
    with pytest.raises(
        DataError, match=r"pump\.csv, line 2, column 'when': '01\.05\.2024 12:00' is not a number or"
    ) as caught:
        read("01.05.2024 12:00")

    assert "--time-format" in caught.value.hint
    assert read("01.05.2024 12:00", form="%d.%m.%Y %H:%M") == ([NOON], Timeline.DATES)


def test_date_that_does_not_fit_is_named_by_line() -> None:
    with pytest.raises(DataError, match="line 3, column 'when': 'yesterday'"):
        read("2024-05-01", "yesterday")


def test_missing_times_are_nan_and_a_column_of_them_is_refused() -> None:
    times, _ = read("5", "", "7")

    assert math.isnan(times[1])
    with pytest.raises(DataError, match="holds no time"):
        read("", "NA")


def test_time_of_a_second_file_follows_the_timeline_of_the_first() -> None:
    assert read_time("2024-05-01 12:00", Timeline.DATES, "", PARSE) == NOON
    assert read_time("17", Timeline.COUNTS, "", PARSE) == 17.0
    assert read_time("17", Timeline.DATES, "", PARSE) is None
    assert read_time("2024-05-01", Timeline.COUNTS, "", PARSE) is None
    assert math.isnan(read_time("", Timeline.DATES, "", PARSE) or 0.0)


def test_only_dates_look_like_dates() -> None:
    assert looks_like_date("2004-02-12 10:32:39")
    assert not any(looks_like_date(text) for text in ("20040212", "1.5", "", "10:32:39", "2004-13-99"))


def test_typical_step_is_the_median_of_each_assets_own_differences() -> None:
    one, other = np.array([0.0, 10.0, 10.0, 20.0, 500.0]), np.array([3.0, 13.0])

    assert typical_step([one, other]) == 10.0
    assert typical_step([np.array([5.0])]) == 1.0


def test_times_with_and_without_a_zone_in_one_column_are_refused() -> None:
    texts = ["2024-05-31T12:00:00+02:00", "", "2024-05-31T13:00:00"]

    with pytest.raises(DataError, match=r"line 2 has a time zone .*, line 4 has none") as caught:
        read_times(texts, np.arange(2, 5), TimeColumn(Path("a.csv"), "ts"), number_parser(".", ","))
    assert "UTC" in caught.value.hint


def test_several_zones_are_one_time_line() -> None:
    texts = ["2024-05-31T12:00:00+02:00", "2024-05-31T12:00:00Z"]
    times, timeline = read_times(texts, np.arange(2, 4), TimeColumn(Path("a.csv"), "ts"), number_parser(".", ","))

    assert timeline is Timeline.DATES
    assert times[1] - times[0] == 7200.0
    assert zones(texts) == ("+02:00", "Z")


def test_the_day_of_a_date_is_no_zone() -> None:
    assert zones(["2024-05-31", "2024-05-31 12:00"]) == ()
