"""[outputs] and [sparkplug]: topics that can be published to and that the agent does not read itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.config import Problem, check, load
from edge_agent.config.sections.outputs import Outputs
from tests.config.files import SOURCE, SPARKPLUG, fields, good, good_without_source, write


def outputs(file: Path, lines: str, source: str = SOURCE) -> list[Problem]:
    return check(write(file, f"{source}\n{good_without_source()}\n[outputs]\n{lines}\n"))


def test_without_outputs_nothing_else_is_told(file: Path) -> None:
    assert load(good(file)).outputs == Outputs(home_assistant=None, thingsboard=None, flat=None)


@pytest.mark.parametrize("line", ['flat = "alarms/flat"', "home_assistant = true", "thingsboard = true"])
def test_an_output_is_one_line(file: Path, line: str) -> None:
    assert outputs(file, line) == []


@pytest.mark.parametrize(("key", "usual"), [("home_assistant", "homeassistant"), ("thingsboard", "v1/gateway")])
def test_an_output_that_is_on_uses_the_usual_topic_or_one_that_is_given(
    file: Path, key: str, usual: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for written, meant in (("true", usual), ("false", None), ('"own/topic"', "own/topic")):
        assert outputs(file, f"{key} = {written}") == []
        assert getattr(load(file).outputs, key) == meant
    monkeypatch.setenv(f"EDGE_AGENT__OUTPUTS__{key.upper()}", "true")
    assert getattr(load(file).outputs, key) == usual


def test_an_output_of_another_kind_is_told_how_to_write_it(file: Path) -> None:
    (problem,) = outputs(file, "home_assistant = 1")

    assert (problem.field, problem.value) == ("outputs.home_assistant", "1")
    assert problem.remedy.startswith("write `home_assistant = true`, or the like: true, or the discovery prefix")


@pytest.mark.parametrize("topic", ["alarms/+", "alarms/#", "$SYS/alarms", "alarms/{asset}", "", "a\\u0000"])
def test_a_flat_topic_that_nobody_can_publish_to_is_refused(file: Path, topic: str) -> None:
    (problem,) = outputs(file, f'flat = "{topic}"')

    assert (problem.field, problem.reason) == ("outputs.flat", "is no topic to publish to")
    assert "plant/alarms" in problem.remedy


def test_a_flat_topic_of_another_kind_and_in_our_own_branch_are_refused(file: Path) -> None:
    assert [p.field for p in outputs(file, "flat = 7")] == ["outputs.flat"]
    assert [p.reason for p in outputs(file, 'flat = "pdm/x"')] == ["is where the agent says what it says anyway"]


@pytest.mark.parametrize(
    ("line", "topic"),
    [
        ("home_assistant = true", "homeassistant/{kind}/{asset}/{channel}"),
        ("thingsboard = true", "v1/{asset}/{channel}"),
        ('thingsboard = "own"', "#"),
    ],
)
def test_an_output_that_the_agent_would_read_is_refused(file: Path, line: str, topic: str) -> None:
    source = f'[[source]]\ntopic = "{topic}"\n' + ('asset = "p1"\nchannel = "vib"\n' if topic == "#" else "")

    assert [problem.field for problem in outputs(file, line, source)] == [f"outputs.{line.partition(' ')[0]}"]


def test_a_flat_topic_that_the_agent_would_read_is_refused(file: Path) -> None:
    (problem,) = outputs(file, 'flat = "plant/gw/alarms"')

    assert problem.field == "outputs.flat"
    assert problem.reason == 'source[1] ("plant/{asset}/{channel}") would read what is said there'
    broken = '[[source]]\ntopic = "plant/{a}x/#/y"\n'
    assert [p.field for p in outputs(file, 'flat = "plant/gw/alarms"', broken)] == ["source[1].topic"]


@pytest.mark.parametrize(
    ("source", "sparkplug", "field", "said"),
    [
        (SPARKPLUG, 'group = "plant1"\n', "sparkplug.group", "source[1]"),
        ('[[source]]\ntopic = "{asset}/{channel}/#"\n', 'group = "plant1"\n', "sparkplug.group", "would read"),
        (SPARKPLUG, 'group = "a/b"\n', "sparkplug.group", ""),
        (SPARKPLUG, 'group = "pdm"\nedge_node = "+"\n', "sparkplug.edge_node", ""),
        (SPARKPLUG, "", "sparkplug.group", "is needed"),
    ],
)
def test_an_edge_node_has_a_group_of_its_own(file: Path, source: str, sparkplug: str, field: str, said: str) -> None:
    problems = check(good(file, source=source, sparkplug="[sparkplug]\n" + sparkplug))

    assert fields(problems) == [field]
    assert said in problems[0].reason
