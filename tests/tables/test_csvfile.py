"""Files as they lie on disk: separators, encodings, headers, and lines that do not fit."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from edge_agent.errors import DataError
from edge_agent.tables.csvfile import CsvFile, Format, open_csv
from tests.tables.conftest import Write


def rows(file: CsvFile) -> list[list[str]]:
    return [fields for _, fields in file.rows()]


@pytest.mark.parametrize("separator", [";", ",", "\t", "|", "  "])
def test_separator_is_found(write: Write, separator: str) -> None:
    path = write(*(separator.join(row) for row in (["a", "b", "c"], ["1", "2.5", "3"], ["4", "5.5", "6"])))

    file = open_csv(path, Format())

    assert file.names == ("a", "b", "c")
    assert rows(file) == [["1", "2.5", "3"], ["4", "5.5", "6"]]


def test_decimal_commas_do_not_separate_columns(write: Write) -> None:
    file = open_csv(write("t;a;b", "1;2,5;3,5", "2;2,6;3,6"), Format())

    assert file.separator == ";"
    assert rows(file) == [["1", "2,5", "3,5"], ["2", "2,6", "3,6"]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_byte_order_mark_is_no_part_of_the_first_name(write: Write, encoding: str) -> None:
    file = open_csv(write("time,Öltemp [°C]", "1,60", encoding=encoding), Format())

    assert file.names == ("time", "Öltemp [°C]")
    assert rows(file) == [["1", "60"]]


def test_other_encoding_is_refused_with_the_remedy_and_read_when_named(write: Write) -> None:
    path = write("time,Temp °C", "1,60", encoding="cp1252")

    with pytest.raises(DataError, match="not utf-8 text: byte 0xb0") as caught:
        open_csv(path, Format())

    assert "--encoding cp1252" in caught.value.hint
    assert open_csv(path, Format(encoding="cp1252")).names == ("time", "Temp °C")


def test_unknown_encoding_is_refused(write: Write) -> None:
    with pytest.raises(DataError, match="klingon"):
        open_csv(write("a,b", "1,2"), Format(encoding="klingon"))


def test_compressed_file_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "pump.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n1,2\n"))

    file = open_csv(path, Format())

    assert (file.name, rows(file)) == ("pump", [["1", "2"]])


@pytest.mark.parametrize("content", [gzip.compress(b"a,b\n" + b"1,2\n" * 999, mtime=0)[:-9], b"a,b\n1,2\n"])
def test_damaged_compressed_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "pump.csv.gz"
    path.write_bytes(content)

    with pytest.raises(DataError, match=r"pump\.csv\.gz cannot be read"):
        rows(open_csv(path, Format()))


def test_quoted_names_keep_their_blanks_and_lose_line_breaks(write: Write) -> None:
    file = open_csv(write('time,"Volume Flow', 'RateRMS",  "a ""b"""', "1,2,3"), Format())

    assert file.names == ("time", "Volume Flow RateRMS", 'a "b"')


def test_names_that_are_missing_or_repeated_are_made_distinct(write: Write) -> None:
    assert open_csv(write(",x,x,x", "1,2,3,4"), Format()).names == ("column 1", "x", "x (2)", "x (3)")


def test_empty_last_column_of_a_trailing_separator_is_dropped(write: Write) -> None:
    file = open_csv(write("a;b;", "1;2;", "3;4;"), Format())

    assert file.names == ("a", "b")
    assert rows(file) == [["1", "2"], ["3", "4"]]


def test_line_of_excel_names_the_separator(write: Write) -> None:
    file = open_csv(write("sep=|", "a|b;c", "1|2"), Format())

    assert (file.names, rows(file)) == (("a", "b;c"), [["1", "2"]])


def test_blank_lines_are_passed_over(write: Write) -> None:
    file = open_csv(write("", "a,b", "", "1,2", "   ", "3,4", ""), Format())

    assert [line for line, _ in file.rows()] == [4, 6]


def test_ragged_line_is_named(write: Write) -> None:
    file = open_csv(write("a,b,c", "1,2,3", "1,2,3,4", "1,2,3", "1,2,3", "1,2,3"), Format())

    with pytest.raises(DataError, match=r"pump\.csv, line 3: 4 fields, 3 expected: 1, 2, 3, 4"):
        rows(file)


def test_short_line_in_the_middle_is_named(write: Write) -> None:
    file = open_csv(write("a,b,c", "1,2,3", "1,2", "1,2,3", "1,2,3", "1,2,3"), Format())

    with pytest.raises(DataError, match="line 3: 2 fields, 3 expected"):
        rows(file)


def test_last_line_that_is_cut_off_is_left_out_and_said(write: Write) -> None:
    file = open_csv(write("a,b,c", "1,2,3", "4,5,6", "7,8,9", "1,2,3", "4,5"), Format())

    assert len(rows(file)) == 4
    assert file.notes == ["line 6 is cut off (2 of 3 fields) and was left out"]


def test_missing_header_is_said(write: Write) -> None:
    with pytest.raises(DataError, match="has no header") as caught:
        open_csv(write("1 1 -0.0007 100.0", "1 2 0.0019 100.0"), Format())

    assert "--no-header" in caught.value.hint


def test_columns_can_be_named(write: Write) -> None:
    path = write("1 10 0.5  ", "1 11 0.6  ")

    named = open_csv(path, Format(columns=("unit", "cycle", "x")))
    numbered = open_csv(path, Format(header=False))

    assert (named.names, rows(named)) == (("unit", "cycle", "x"), [["1", "10", "0.5"], ["1", "11", "0.6"]])
    assert (numbered.names, rows(numbered)) == (("c1", "c2", "c3"), rows(named))


@pytest.mark.parametrize("lines", [(), ("", "  ")])
def test_empty_file_is_refused(write: Write, lines: tuple[str, ...]) -> None:
    with pytest.raises(DataError, match="is empty"):
        open_csv(write(*lines), Format())


def test_file_with_a_header_alone_is_refused(write: Write) -> None:
    with pytest.raises(DataError, match="no rows"):
        open_csv(write("a,b"), Format())


def test_quotation_mark_that_is_never_closed_is_refused(write: Write) -> None:
    with pytest.raises(DataError, match="field larger than field limit") as caught:
        rows(open_csv(write("a,b", '1,"2', *["3,4"] * 50_000), Format(separator=",")))

    assert "not closed" in caught.value.hint


def test_unknown_column_is_answered_with_those_there_are(write: Write) -> None:
    file = open_csv(write("Time,Bearing 1", "1,2"), Format())

    assert file.column("bearing  1") == "Bearing 1"
    with pytest.raises(DataError, match=r"no column 'speed'; its columns are: Time, Bearing 1"):
        file.column("speed")


def test_separator_of_several_characters_is_refused(write: Write) -> None:
    with pytest.raises(DataError, match="'::' is no separator"):
        open_csv(write("a::b", "1::2"), Format(separator="::"))
