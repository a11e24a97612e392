"""The account: alarms against the truth, and nothing left out."""

from __future__ import annotations

from edge_agent.core.types import Transition
from edge_agent.core.wire import AlarmData
from edge_agent.demo.account import account
from tests.demo.stories import board, event, script

STORY = script(onset=75, failure=135, restart=156)


def told(*messages: tuple[str, bytes]) -> list[AlarmData]:
    shown = board()
    for message in messages:
        assert shown.take(*message) is not None
    return shown.events


def test_an_alarm_raised_in_time_and_cleared_after_the_repair_passes() -> None:
    done = account(
        told(
            event("p-101", 113, Transition.RAISED, severity="medium"),
            event("p-101", 119, Transition.ESCALATED, rev=2, severity="critical"),
            event("p-101", 172, Transition.CLEARED, rev=3),
        ),
        STORY,
    )
    assert done.passed
    text = "\n".join(done.lines)
    assert "P-101: alarm raised at step 112" in text
    assert "23 min before the end of the bearing's life" in text
    assert "medium, vibration, risk 0.83, later critical, vibration" in text
    assert 'it quoted the log: "de brg noisy"' in text
    assert "it told 1 change while it stood" in text
    assert "cleared at step 171, 15 min after the repaired machine started" in text
    assert done.lines[-1] == "0 false alarms; 2 of 3 machines gave no reason for one"


def test_no_alarm_does_not_pass() -> None:
    done = account([], STORY)
    assert not done.passed
    assert done.lines[0] == "P-101: NO ALARM, though it fails"


def test_an_alarm_that_stands_after_the_repair_does_not_pass() -> None:
    done = account(told(event("p-101", 113, Transition.RAISED)), STORY)
    assert not done.passed
    assert "  NOT CLEARED, though it was repaired" in done.lines


def test_an_alarm_after_the_end_of_life_says_so() -> None:
    done = account(told(event("p-101", 141, Transition.RAISED), event("p-101", 172, Transition.CLEARED, rev=2)), STORY)
    assert done.passed
    assert "5 min AFTER the end of the bearing's life" in done.lines[0]


def test_alarms_that_were_not_due_are_counted_on_every_machine() -> None:
    done = account(
        told(
            event("p-101", 40, Transition.RAISED),  # before anything was wrong
            event("p-101", 50, Transition.CLEARED, rev=2),
            event("m-201", 90, Transition.RAISED),
            event("p-101", 113, Transition.RAISED, episode=2),
            event("p-101", 170, Transition.CLEARED, episode=2, rev=2),
            event("p-101", 190, Transition.RAISED, episode=3),  # after the repair
            event("c-501", 195, Transition.RAISED, kind="silence", severity="low"),
        ),
        STORY,
    )
    assert done.passed
    first = done.lines.index("4 false alarms; 2 of 3 machines gave no reason for one")
    assert [line.split(":")[0].strip() for line in done.lines[first + 1 :]] == ["P-101", "M-201", "P-101", "C-501"]
    assert "low, silence" in done.lines[-1]


def test_a_hard_limit_is_no_prediction() -> None:
    done = account(told(event("p-101", 113, Transition.RAISED, kind="limit:vib")), STORY)
    assert not done.passed
    assert done.lines[0] == "P-101: NO ALARM, though it fails"


def test_a_machine_that_is_never_repaired_needs_no_clear() -> None:
    done = account(told(event("p-101", 180, Transition.RAISED)), script(failure=219))
    assert done.passed
    assert "40 min before the end of the bearing's life" in done.lines[0]
