"""The page: whatever the size, whatever was received, it fits and says the essential."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.types import Status, Transition
from edge_agent.demo.board import Board
from edge_agent.demo.ink import Look, Span, bar, cells, course, fit, inked, wrapped
from edge_agent.demo.view import event_text, page, step_text
from tests.demo.stories import MACHINES, SUMMARY, board, event, health, moment, risk

SGR = re.compile(r"\x1b\[[0-9;]*m")
BARE = Look(colour=False)


def story() -> Board:
    shown = board()
    for step, value in ((20, 0.05), (80, 0.3), (95, 0.83)):
        shown.take(*risk("p-101", step, value, "VIB"))
    shown.take(*risk("m-201", 20, 0.04, status=Status.PROVISIONAL))
    shown.take(*health(5000))
    shown.take("plant/P-101/log", json.dumps({"text": "DE brg noisy, hot to touch"}).encode())
    shown.take(*event("p-101", 95, Transition.RAISED))
    return shown


@given(
    width=st.integers(0, 220), height=st.integers(0, 60), colour=st.booleans(), unicode=st.booleans(),
    events=st.integers(0, 8), log=st.text(max_size=60),
)  # fmt: skip
def test_the_page_never_exceeds_the_terminal(  # noqa: PLR0913 - one argument a dimension
    *, width: int, height: int, colour: bool, unicode: bool, events: int, log: str
) -> None:
    shown = story()
    for number in range(events):
        shown.take(*event("m-201", 96 + number, Transition.UPDATED, rev=number + 2))
    shown.take("plant/C-501/log", json.dumps({"text": log}).encode())
    look = Look(colour=colour, unicode=unicode)
    lines = page(shown, moment(), width, height, look)
    assert len(lines) <= height
    for line in lines:
        bare = SGR.sub("", line)
        assert cells(bare) <= width
        assert bare.isprintable()
        assert colour or bare == line
        assert unicode or bare.isascii()


def test_a_usual_terminal_shows_every_machine_and_the_whole_summary() -> None:
    text = "\n".join(page(story(), moment(), 120, 30, BARE))
    for _, name, kind in MACHINES:
        assert re.search(rf"{name} +{kind}", text)
    assert "0.83" in text
    assert "DE brg noisy, hot to touch" in text
    assert "learning" in text
    assert "no verdict yet" in text
    assert "step 100/200" in text
    assert "5000 written" in text
    words = " ".join(text.split("raised")[1].split())
    assert SUMMARY in words


def test_a_narrow_terminal_keeps_names_risks_and_the_summary() -> None:
    lines = page(story(), moment(), 44, 30, BARE)
    text = "\n".join(lines)
    assert re.search(r"P-101 .*0\.83", text)
    assert SUMMARY in " ".join(text[text.index("Likely") :].split())
    assert "compressor" not in text


def test_a_low_terminal_shows_the_machines_before_old_alarms() -> None:
    shown = story()
    for number in range(5):
        shown.take(*event("p-101", 96 + number, Transition.UPDATED, rev=number + 2))
    lines = page(shown, moment(), 120, 14, BARE)
    assert len(lines) <= 14
    assert all(any(name in line for line in lines) for _, name, _ in MACHINES)
    assert "updated" in "\n".join(lines)
    assert re.search(r"\d earlier events", lines[-1])


def test_a_terminal_too_low_for_all_machines_says_how_many_are_missing() -> None:
    lines = page(story(), moment(), 120, 6, BARE)
    assert lines[-1] == "and 2 more machines"


def test_the_newest_alarm_comes_first() -> None:
    shown = story()
    shown.take(*event("p-101", 120, Transition.CLEARED, rev=2))
    text = "\n".join(page(shown, moment(130), 120, 40, BARE))
    assert text.index("cleared") < text.index("raised")
    assert "(0 standing)" in text


def test_a_machine_that_stands_is_shown_as_not_running() -> None:
    shown = story()
    shown.take(*risk("m-201", 100, 0.1, status=Status.STANDING))
    line = next(line for line in page(shown, moment(), 160, 30, BARE) if "M-201" in line)
    assert "not running" in line


def test_a_refused_input_is_shown() -> None:
    shown = story()
    shown.take(*health(5000, {"bad_json": 3}))
    assert "3 refused" in page(shown, moment(), 160, 30, BARE)[1]


def test_engines_without_a_log_have_no_column_for_it() -> None:
    with_log = page(story(), moment(), 130, 30, BARE)
    without = page(story(), moment(logs=False), 130, 30, BARE)
    assert any("newest log line" in line for line in with_log)
    assert not any("newest log line" in line for line in without)


def test_the_course_of_a_risk_holds_what_was_told_last() -> None:
    line = next(line for line in page(story(), moment(), 240, 30, BARE) if "P-101" in line)
    drawn = re.search(r"0\.83  (.*?)  vibration", line)
    assert drawn is not None
    told = drawn[1].strip()
    assert set(told[:4]) == {"▁"}
    assert told[-1] == "▇"
    assert "▃" in told


@pytest.mark.parametrize(
    ("severity", "code"), [("low", "36"), ("medium", "33"), ("high", "31"), ("critical", "1;97;41")]
)
def test_each_severity_has_its_colour(severity: str, code: str) -> None:
    shown = board()
    data = shown.take(*event("p-101", 95, Transition.RAISED, severity=severity))
    assert data is not None
    text = event_text(data, shown, "%H:%M", Look())
    assert f"\x1b[{code}m{severity.upper()}\x1b[0m" in text


def test_an_event_in_one_line_is_not_cut() -> None:
    shown = story()
    text = event_text(shown.events[0], shown, "%H:%M", BARE)
    assert text.endswith(SUMMARY)
    assert "ALARM P-101 HIGH raised risk 0.83: " in text


def test_a_step_in_one_line_names_every_risk_and_says_who_still_learns() -> None:
    text = step_text(story(), moment())
    assert text.endswith("step 100/200  risk (learning): P-101 0.83, M-201 0.04, C-501 -")


def test_a_log_line_cannot_command_the_terminal() -> None:
    shown = story()
    shown.take("plant/P-101/log", json.dumps({"text": "\x1b[2J\x07\x9b31m\u202egotcha\n"}).encode())
    text = "".join(page(shown, moment(), 200, 30, BARE))
    assert "gotcha" in text
    assert text.isprintable()


def test_wide_characters_are_counted_by_their_cells() -> None:
    assert cells("泵a\u0301") == 3
    assert fit("泵泵泵", 4, Look()) == "泵… "
    assert inked([Span("泵泵泵", "bold")], 4, Look()) == "\x1b[1m泵… \x1b[0m"
    assert fit("ab", 4, Look()) == "ab  "
    assert fit("abcd", 0, Look()) == ""


def test_a_bar_is_filled_by_its_share_and_never_overflows() -> None:
    assert bar(0.5, 4, Look()) == "██░░"
    assert bar(7.0, 4, Look(unicode=False)) == "####"
    assert bar(-1.0, 3, Look(unicode=False)) == "..."


@given(
    points=st.lists(st.one_of(st.none(), st.floats(-1, 2)), max_size=300), total=st.integers(0, 300),
    width=st.integers(0, 100),
)  # fmt: skip
def test_a_course_has_a_column_for_each_share(points: list[float | None], total: int, width: int) -> None:
    assert len(course(points, total, width, Look())) == min(width, total)


def test_a_course_shows_the_highest_of_each_share_and_a_blank_for_what_is_to_come() -> None:
    assert course([0.0, 1.0, None, None, 0.5], 8, 4, Look()) == "█ ▅ "


def test_wrapped_text_keeps_every_word() -> None:
    lines = wrapped(SUMMARY, 30, hang=4)
    assert " ".join(" ".join(lines).split()) == SUMMARY
    assert all(len(line) <= 30 for line in lines)
    assert all(line.startswith("    ") for line in lines[1:])
