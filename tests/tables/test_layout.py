"""Which column is what, told or guessed."""

from __future__ import annotations

import pytest

from edge_agent.errors import DataError
from edge_agent.tables.csvfile import CsvFile, Format, open_csv
from edge_agent.tables.layout import ClassColumns, Layout, assign
from tests.tables.conftest import Write

TURBINE = ClassColumns(name="turbine", channels=("T2", "P2"), conditions=("set1",))


def opened(write: Write, *lines: str) -> CsvFile:
    return open_csv(write(*lines), Format())


@pytest.mark.parametrize("name", ["time", "Timestamp", "DateTime", "ts", "cycle", "Date"])
def test_time_is_guessed_by_name(write: Write, name: str) -> None:
    roles = assign(opened(write, f"a,{name},b", "1,2,3"), Layout())

    assert (roles.time, roles.channels) == ((name,), ("a", "b"))
    assert f"time is column {name!r}" in roles.notes


def test_time_is_guessed_by_content_where_no_name_tells(write: Write) -> None:
    roles = assign(opened(write, ",Bearing 1", "2004-02-12 10:32:39,0.058", "2004-02-12 10:42:39,0.059"), Layout())

    assert (roles.time, roles.channels) == (("column 1",), ("Bearing 1",))


def test_date_and_time_of_day_are_joined(write: Write) -> None:
    assert assign(opened(write, "Time,Date,x", "10:32,2024-05-01,1"), Layout()).time == ("Date", "Time")


def test_date_beside_a_full_time_is_not_joined(write: Write) -> None:
    assert assign(opened(write, "time,date,x", "2024-05-01 10:32,2024-05-01,1"), Layout()).time == ("time",)


def test_row_number_stands_in_where_there_is_no_time(write: Write) -> None:
    roles = assign(opened(write, "a,b", "1,2"), Layout())

    assert roles.time == ()
    assert any("row number" in note for note in roles.notes)


def test_row_number_can_be_wanted(write: Write) -> None:
    assert assign(opened(write, "time,b", "1,2"), Layout(by_row=True)).time == ()


def test_answers_and_names_are_no_channels_unless_named(write: Write) -> None:
    lines = ("t,x,anomaly,changepoint,unit", "1,2,0,0,7")

    roles = assign(opened(write, *lines), Layout(time=("t",)))
    told = assign(opened(write, *lines), Layout(time=("t",), channels=("x", "changepoint")))

    assert roles.channels == ("x",)
    assert any("--label 'anomaly'" in note for note in roles.notes)
    assert any("--asset 'unit'" in note for note in roles.notes)
    assert (told.channels, told.named) == (("x", "changepoint"), True)


def test_label_condition_and_ignored_columns_are_no_channels(write: Write) -> None:
    layout = Layout(time=("t",), label="state", conditions=("load",), ignore=("note",), failure_time="died", asset="m")
    roles = assign(opened(write, "t,m,state,load,note,died,x", "1,a,0,5,7,9,2"), layout)

    assert (roles.channels, roles.conditions) == (("x",), ("load",))
    assert roles.texts == ("t", "m", "state", "died")


def test_column_that_is_not_there_is_refused(write: Write) -> None:
    with pytest.raises(DataError, match="no column 'speed'"):
        assign(opened(write, "t,x", "1,2"), Layout(channels=("speed",)))


def test_class_chooses_its_own_channels_and_conditions(write: Write) -> None:
    roles = assign(opened(write, "cycle,set1,T2,P2,vibration", "1,0,2,3,4"), Layout(), TURBINE)

    assert (roles.channels, roles.conditions) == (("T2", "P2"), ("set1",))
    assert "not in class 'turbine' and left out: vibration" in roles.notes


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("cycle,T2,P2,q", "needs the operating condition 'set1'"),
        ("cycle,set1,a,b", "has no channel of class 'turbine'"),
    ],
)
def test_class_refuses_a_file_of_other_columns(write: Write, header: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        assign(opened(write, header, "1,2,3,4"), Layout(), TURBINE)

    assert "--class unknown" in caught.value.hint


def test_class_refuses_a_channel_it_does_not_know(write: Write) -> None:
    with pytest.raises(DataError, match="class 'turbine' has no channel 'x'"):
        assign(opened(write, "cycle,set1,T2,x", "1,2,3,4"), Layout(channels=("T2", "x")), TURBINE)
