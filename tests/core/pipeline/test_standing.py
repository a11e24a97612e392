"""A machine that stands is neither judged nor learned from, and its alarms wait for it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edge_agent.core.baseline import Floats
from edge_agent.core.types import ChannelSpec
from tests.core.pipeline.given_risks import CLEARED, LEARNT, RAISED, by_step, kinds
from tests.core.pump import NORMAL, PUMP, events, noise, outcomes, pipeline, readings, verdicts

SPEED = ChannelSpec(name="speed", unit="rpm", condition=True)
RUNS = replace(PUMP, channels=(*PUMP.channels, SPEED), running="speed > 100")


def running(steps: int, *stops: int) -> dict[str, Floats]:
    """A pump that stands in these steps, cold and still."""
    values = {**noise(steps), "speed": np.full(steps, 1450.0)}
    for name, idle in (("vib", 0.0), ("temp", 20.0), ("flow", 10.0), ("speed", 0.0)):
        values[name][list(stops)] = idle
    return values


def test_a_standing_machine_is_not_judged() -> None:
    found = outcomes(pipeline(RUNS, by_step([0.9])), readings(running(30, 10, 11, 12)))

    assert [window.standing for outcome in found for window in outcome.windows] == [10 <= i < 13 for i in range(29)]
    assert [round(v.time / 60) - 1 for v in verdicts(found)] == [i for i in range(29) if not 10 <= i < 13]


def test_an_alarm_of_a_standing_machine_stays_until_it_runs_again() -> None:
    stops = range(LEARNT + 5, LEARNT + 15)
    risks = [0.0] * LEARNT + [0.9] * 5 + [0.1] * 9
    found = events(outcomes(pipeline(RUNS, by_step(risks)), readings(running(LEARNT + 25, *stops))))

    assert kinds(found) == [("risk", RAISED), ("risk", CLEARED)]
    assert found[-1].time == (LEARNT + 15 + 3) * 60.0  # the off-delay counts windows in which it ran


def test_a_machine_that_stands_raises_nothing_but_its_hard_limits() -> None:
    values = running(LEARNT + 10, *range(LEARNT, LEARNT + 10))
    values["vib"][LEARNT + 5] = 9.0
    found = events(outcomes(pipeline(RUNS, by_step([0.0] * LEARNT + [0.9])), readings(values)))

    assert kinds(found) == [("limit:vib", RAISED), ("limit:vib", CLEARED)]


def test_standing_is_not_learned_as_normal() -> None:
    stops = [*range(8), *range(15, 25)]
    found = outcomes(pipeline(RUNS), readings(running(LEARNT + 25, *stops)))
    windows = [window for outcome in found for window in outcome.windows]
    ready = next(window for window in windows if not window.learning)

    assert ready.end / 60 >= LEARNT + len(stops)
    assert {channel.name: round(channel.baseline) for channel in ready.channels if channel.name in NORMAL} == {
        name: round(usual) for name, (usual, _) in NORMAL.items()
    }


def test_what_a_machine_shows_while_it_stands_is_no_past_of_the_running_one() -> None:
    stops = range(LEARNT + 5, LEARNT + 30)
    found = outcomes(pipeline(RUNS), readings(running(LEARNT + 40, *stops)))
    back = [window for outcome in found for window in outcome.windows if window.end / 60 > stops[-1] + 1]
    shifts = {c.name: max(abs(c.shift), abs(c.trend)) for c in back[0].channels if c.name in NORMAL}

    assert not back[0].standing
    assert max(shifts.values()) < 3.0


def test_where_a_step_does_not_tell_the_machine_is_taken_to_go_on_as_before() -> None:
    values = running(20, *range(5, 10))
    values["speed"][[0, 6, 7, 12, 13]] = np.nan  # told by exception
    found = outcomes(pipeline(RUNS), readings(values))

    assert [window.standing for outcome in found for window in outcome.windows] == [5 <= i < 10 for i in range(19)]


def test_a_machine_without_a_condition_always_runs() -> None:
    found = outcomes(pipeline(replace(RUNS, running="")), readings(running(10, 3, 4)))

    assert not any(window.standing for outcome in found for window in outcome.windows)
    assert len(verdicts(found)) == 9
