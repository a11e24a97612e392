"""[[class]] and [assets]: what is wrong with classes, their channels, and who is of which."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.config import check
from tests.config.files import ASSETS, CLASS, fields, good

RUNNING = CLASS.replace("[[class.channel]]", "running = '{}'\n[[class.channel]]")


@pytest.mark.parametrize(
    ("classes", "field", "said"),
    [
        (CLASS + CLASS, "class[2].name", "class[1] has the same name"),
        (CLASS.replace('"vib"', '"log"'), "class[1].channel[1].name", "a word the model reads as something else"),
        (CLASS.replace('"vib"', '"q50"'), "class[1].channel[1].name", "a word the model reads as something else"),
        (CLASS.replace('"vib"', '"v b"'), "class[1].channel[1].name", "not allowed"),
        (CLASS + "high_alarm = nan\n", "class[1].channel[1].high_alarm", "finite number"),
        (CLASS + "high_alram = 1\n", "class[1].channel[1].high_alram", "unknown key"),
        (CLASS + "low_alarm = 5\nhigh_alarm = 5\n", "class[1].channel[1].high_alarm", "is not above low_alarm"),
        (CLASS + "low_alarm = 5\nlow_warning = 4\n", "class[1].channel[1].low_warning", "is not above low_alarm"),
        (CLASS + 'expression = "1 + 1"\n', "class[1].channel", "nothing is measured"),
        ('[[class]]\nname = "pump"\n', "class[1].channel", "is needed"),
        (RUNNING.format("speed > 10"), "class[1].running", "the class has no channel 'speed'"),
        (RUNNING.format("vib"), "class[1].running", "'vib' is no condition"),
        (RUNNING.format("vib = 1"), "class[1].running", "is no arithmetic expression"),
        (RUNNING.format("1 > 0"), "class[1].running", "names no channel"),
        ("", "class", "is needed"),
    ],
)
def test_a_wrong_class_is_told(file: Path, classes: str, field: str, said: str) -> None:
    problems = check(good(file, classes=classes, assets=ASSETS if classes else ""))

    assert field in fields(problems)
    assert said in problems[fields(problems).index(field)].reason
    assert len(problems) == 1 + (not classes)  # without classes nothing can be of one either


def test_one_limit_may_serve_as_warning_and_alarm(file: Path) -> None:
    assert check(good(file, classes=CLASS + "high_warning = 5\nhigh_alarm = 5\n")) == []


def test_a_class_that_is_wrong_in_itself_is_no_missing_class(file: Path) -> None:
    assert fields(check(good(file, classes=CLASS + "step = 5\n"))) == ["class[1].channel[1].step"]
    assert fields(check(good(file, classes=CLASS.replace("\n[[", "\nstep_s = 0\n[[", 1)))) == ["class[1].step_s"]


def test_a_class_cannot_be_chosen_before_there_is_one(file: Path) -> None:
    problems = {p.field: p.remedy for p in check(good(file, classes=""))}

    assert problems['assets."*"'] == "there is no [[class]] yet: add one"


def test_a_line_behind_the_glob_for_all_is_never_reached(file: Path) -> None:
    problems = check(good(file, assets=ASSETS + '"p-1" = "pump"\n'))

    assert [(p.field, p.remedy) for p in problems] == [('assets."p-1"', 'put the line with "*" last')]
