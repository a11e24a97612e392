"""Learning an asset's normal anew; and what is refused to be normal."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge_agent.core.snapshot import dump_tracks, load_tracks
from edge_agent.core.types import RELEARN, Reading, Window
from edge_agent.core.window import Windower
from tests.core.pump import PUMP, noise, outcomes, pipeline, pushed, readings, reference, state

LEARNT = PUMP.baseline_steps


def run(windower: Windower, vib: float, steps: int, first: int) -> list[Window]:
    """The windows of so many steps in which the vibration is about this."""
    values = noise(steps, seed=first + 1)
    values["vib"] = values["vib"] - 2.0 + vib
    return pushed(windower, readings(values, first=first))


def test_after_a_repair_another_normal_is_learned() -> None:
    windower = Windower(PUMP)
    run(windower, 2.0, LEARNT + 5, 0)
    windower.relearn("p1")
    learning = run(windower, 3.0, LEARNT, LEARNT + 5)
    after = run(windower, 3.0, 5, 2 * LEARNT + 5)

    assert all(window.learning for window in learning[1:])
    assert not after[-1].learning
    assert state(after[-1], "vib").baseline == pytest.approx(3.0, abs=0.1)
    assert abs(state(after[-1], "vib").shift) < 3


def test_a_normal_outside_a_limit_is_refused_and_the_one_before_counts_again() -> None:
    windower = Windower(PUMP)
    run(windower, 2.0, LEARNT + 5, 0)
    windower.relearn("p1")
    windows = run(windower, 5.0, LEARNT + 5, LEARNT + 5)

    assert [window.refused for window in windows if window.refused] == [("vib",)]
    assert not windows[-1].learning
    assert state(windows[-1], "vib").baseline == pytest.approx(2.0, abs=0.1)
    assert state(windows[-1], "vib").shift > 10


@pytest.mark.parametrize("with_class", [False, True])
def test_a_first_normal_outside_a_limit_is_refused_and_learned_anew(*, with_class: bool) -> None:
    windower = Windower(PUMP, reference() if with_class else None)
    windows = run(windower, 5.0, LEARNT + 5, 0)
    later = run(windower, 2.0, LEARNT + 5, LEARNT + 5)

    assert [window.refused for window in windows if window.refused] == [("vib",)]
    assert windows[-1].learning
    assert not later[-1].learning
    assert state(later[-1], "vib").baseline == pytest.approx(2.0, abs=0.2)


def test_an_asset_asked_twice_falls_back_on_its_first_normal() -> None:
    windower = Windower(PUMP)
    run(windower, 2.0, LEARNT + 5, 0)
    windower.relearn("p1")
    windower.relearn("p1")
    windower.relearn("never seen")
    windows = run(windower, 5.0, LEARNT + 5, LEARNT + 5)

    assert state(windows[-1], "vib").baseline == pytest.approx(2.0, abs=0.1)


def test_a_snapshot_while_learning_anew_keeps_what_was_normal_before() -> None:
    first, second = pipeline(), pipeline()
    outcomes(first, readings(noise(LEARNT + 5)))
    outcomes(first, [Reading("p1", RELEARN, 0.0, 0.0)])
    assert load_tracks(second, dump_tracks(first)) == []
    given = readings({**noise(LEARNT + 5, 2), "vib": noise(LEARNT + 5, 2)["vib"] + 3.0}, first=LEARNT + 5)

    assert outcomes(second, given) == outcomes(first, given)
    assert second.windowers["pump"].tracks["p1"].baseline is not None


def test_an_asset_is_known_once_it_was_heard() -> None:
    target = pipeline(replace(PUMP))
    outcomes(target, [Reading("p1", "vib", 10.0, 2.0)])

    assert [target.knows(asset) for asset in ("p1", "p2", "x1")] == [True, False, False]
    assert [target.newest_time(asset) for asset in ("p1", "p2", "x1")] == [10.0, 0.0, 0.0]
