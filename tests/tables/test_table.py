"""Numbers as files write them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.errors import DataError
from edge_agent.tables.csvfile import Format, open_csv
from edge_agent.tables.table import Table, decimal_sign, number_parser, read_table
from tests.tables.conftest import Write


def read(path_of: Write, *lines: str, decimal: str = "auto") -> Table:
    file = open_csv(path_of(*lines), Format())
    return read_table(file, texts=(), numbers=file.names, decimal=decimal)


@pytest.mark.parametrize(
    ("text", "number"),
    [("1.5", 1.5), (" -2 ", -2.0), ("1e3", 1000.0), ("1,234.5", 1234.5), ("1,5", 1.5), ("+.5", 0.5)],
)
def test_number_with_a_decimal_point(text: str, number: float) -> None:
    assert number_parser(".", ";")(text) == number


@pytest.mark.parametrize(
    ("text", "number"),
    [("1,5", 1.5), ("1.234,5", 1234.5), ("12.345.678", 12345678.0), ("-0,25", -0.25), ("1,5e-3", 0.0015), ("7", 7.0)],
)
def test_number_with_a_decimal_comma(text: str, number: float) -> None:
    assert number_parser(",", ";")(text) == number


@pytest.mark.parametrize("decimal", [".", ","])
@pytest.mark.parametrize("text", ["", "  ", "NaN", "n/a", "NULL", "-", "?", "#N/A", "None"])
def test_missing_value_is_nan(decimal: str, text: str) -> None:
    assert math.isnan(number_parser(decimal, ";")(text) or 0.0)


@pytest.mark.parametrize("decimal", [".", ","])
@pytest.mark.parametrize("text", ["Bad", "12 bar", "1_000", "10:30", "2024-05-01"])
def test_anything_else_is_no_number(decimal: str, text: str) -> None:
    assert number_parser(decimal, ";")(text) is None


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_survives_either_sign(number: float) -> None:
    assert number_parser(".", ";")(repr(number)) == number
    assert number_parser(",", ";")(repr(number).replace(".", ",")) == number


def test_comma_file_and_point_file_hold_the_same_numbers(write: Write) -> None:
    points = read(write, "a;b", "1.5;0.123", "2.25;1000.5", "3;-4.75")
    commas = read(write, "a;b", "1,5;0,123", "2,25;1.000,5", "3;-4,75")

    assert {name: values.tolist() for name, values in points.numbers.items()} == {
        name: values.tolist() for name, values in commas.numbers.items()
    }
    assert commas.notes == ["numbers are written with a decimal comma"]


def test_quoted_decimal_commas_in_a_comma_file(write: Write) -> None:
    table = read(write, "a,b", '"1,5","2,75"', '"1,6","2,85"')

    assert table.numbers["b"].tolist() == [2.75, 2.85]


def test_quoted_thousands_in_a_comma_file(write: Write) -> None:
    table = read(write, "a,b", '"1,500",2.5', '"12,345",2.6')

    assert table.numbers["a"].tolist() == [1500.0, 12345.0]


def test_decimal_sign_can_be_told(write: Write) -> None:
    assert read(write, "a;b", "1.234;2", decimal=",").numbers["a"].tolist() == [1234.0]
    assert read(write, "a;b", "1.234;2", decimal=".").numbers["a"].tolist() == [1.234]


def test_decimal_sign_that_is_none_is_refused(write: Write) -> None:
    with pytest.raises(DataError, match="'comma' is no decimal sign"):
        decimal_sign(open_csv(write("a;b", "1;2"), Format()), "comma")


def test_strays_are_missing_and_the_first_is_remembered(write: Write) -> None:
    table = read(write, "a,b", "1,2", "Bad Input,3", "I/O Timeout,4", "inf,5")

    assert np.isnan(table.numbers["a"]).tolist() == [False, True, True, True]
    assert (table.strays["a"].count, table.strays["a"].line, table.strays["a"].value) == (2, 3, "Bad Input")
    assert table.lines.tolist() == [2, 3, 4, 5]
