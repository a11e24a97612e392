"""The plant as messages: what is sent, when, and what is known of it."""

from __future__ import annotations

import json

import pytest

from edge_agent.demo.script import Script, plant_script
from edge_agent.simulate.plant import FAILURE, ONSET, PUMP, REPAIRED, STEPS, Plant

NOW = 1_800_000_123.0


@pytest.fixture(scope="module")
def script() -> Script:
    return plant_script(NOW)


def test_the_plant_ends_at_about_now_and_never_in_the_future(script: Script) -> None:
    stamps = [json.loads(message.payload)["ts"] for step in script.play() for message in step.messages]
    assert max(stamps) <= NOW
    assert max(stamps) > NOW - 2 * script.step_s
    assert min(stamps) == script.start


def test_steps_come_in_order_and_hold_what_belongs_to_them(script: Script) -> None:
    steps = list(script.play())
    assert [step.number for step in steps] == list(range(STEPS))
    for step in steps:
        assert step.time == script.start + step.number * script.step_s
        for message in step.messages:
            assert script.number(json.loads(message.payload)["ts"] + 1e-3) == step.number


def test_nothing_of_the_plant_is_lost(script: Script) -> None:
    sent = [message for step in script.play() for message in step.messages]
    assert len(sent) == len(list(Plant()))
    assert sum(message.readings for message in sent) == sum(1 for m in sent if not m.topic.endswith("/log"))


def test_log_lines_carry_author_or_order(script: Script) -> None:
    lines = [json.loads(m.payload) for step in script.play() for m in step.messages if m.topic == f"plant/{PUMP}/log"]
    assert {"text", "ts", "author"} in [set(line) for line in lines]
    assert [line["order"] for line in lines if "order" in line] == ["WO-48213", "WO-48213"]


def test_a_script_can_be_played_twice_with_the_same_messages(script: Script) -> None:
    assert list(script.play()) == list(script.play())


def test_each_step_has_a_phase_and_only_one_machine_fails(script: Script) -> None:
    assert script.phase(0).startswith("commissioning")
    assert "begun to wear" in script.phase(ONSET)
    assert "past the end" in script.phase(FAILURE)
    assert "repaired" in script.phase(REPAIRED + 50)
    assert [machine.name for machine in script.machines if machine.truth.fails] == [PUMP]


def test_the_end_of_a_step_belongs_to_it(script: Script) -> None:
    assert script.number(script.start) == 0
    assert script.number(script.start + 10 * script.step_s) == 9
    assert script.number(script.start + 10 * script.step_s + 1) == 10
