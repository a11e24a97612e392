"""What is promised of asset classes and single machines."""

from __future__ import annotations

import numpy as np
import pytest

from edge_agent.core.types import Limits
from edge_agent.errors import UsageError
from edge_agent.simulate.machines import CLASSES, Machine, build, class_spec, machine_class
from edge_agent.simulate.physics import Damage, Operation, measure, rounded


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def steady(machine: Machine, load: float, ambient: float = 20.0, steps: int = 120) -> np.ndarray:
    n = len(machine.kind.signals)
    none = np.zeros((steps, n))
    operation = Operation(np.full(steps, load), np.full(steps, ambient), np.ones((steps, n)), none)
    return measure(rng(7), machine, operation, Damage(none, none))


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_has_five_to_nine_judged_channels_a_condition_and_no_limit(name: str) -> None:
    spec = class_spec(name)
    judged = [c for c in spec.channels if not c.condition]
    assert 5 <= len(judged) <= 9
    assert [c.condition for c in spec.channels].count(True) == 1
    assert spec.channels[-1].condition
    assert all(c.limits == Limits() and not c.expression for c in spec.channels)
    assert all(c.unit and c.component for c in judged)
    assert (spec.step_s, spec.baseline_steps) == (60.0, 60)


@pytest.mark.parametrize("name", CLASSES)
def test_channel_names_are_unique_within_a_class(name: str) -> None:
    names = [c.name for c in class_spec(name).channels]
    assert len(set(names)) == len(names)


def test_an_unknown_class_is_refused_with_the_known_ones_as_a_hint() -> None:
    with pytest.raises(UsageError, match="'toaster'") as caught:
        machine_class("toaster")
    assert "compressor" in caught.value.hint


@pytest.mark.parametrize("name", CLASSES)
def test_two_machines_of_a_class_differ_by_their_manufacture(name: str) -> None:
    one, other = build(rng(1), CLASSES[name]), build(rng(2), CLASSES[name])
    assert not np.any(one.rated == other.rated)
    assert np.all(np.abs(np.log(one.rated / other.rated)) < 1.5)


def test_a_higher_load_raises_what_follows_the_load_and_lowers_the_suction() -> None:
    machine = build(rng(), CLASSES["pump"])
    low, high = steady(machine, 0.75).mean(axis=0), steady(machine, 1.0).mean(axis=0)
    names = [c.name for c in class_spec("pump").channels]
    change = dict(zip(names, high - low, strict=True))
    assert change.pop("suction_pressure_bar") < 0
    assert all(value > 0 for value in change.values())


def test_a_hot_hall_warms_temperatures_and_nothing_else() -> None:
    machine = build(rng(), CLASSES["pump"])
    change = steady(machine, 1.0, 30.0) - steady(machine, 1.0, 20.0)
    warm = [s.name for s, column in zip(machine.kind.signals, change.T, strict=False) if np.any(np.abs(column) > 1e-9)]
    assert warm == ["bearing_temp_de_c"]
    assert change[0, 2] == pytest.approx(9.0)


def test_a_standing_machine_neither_vibrates_nor_delivers() -> None:
    machine = build(rng(), CLASSES["pump"])
    values = dict(zip([c.name for c in class_spec("pump").channels], steady(machine, 0.0).T, strict=True))
    assert values["speed_rpm"].max() == 0.0
    assert values["vib_de_mms"].max() < 0.2
    assert values["flow_m3h"].max() < 2.0


def test_readings_lie_on_the_grid_of_the_instrument() -> None:
    machine = build(rng(), CLASSES["pump"])
    temperature = rounded(machine, steady(machine, 1.0))[:, 2]
    assert np.allclose(temperature * 10, np.round(temperature * 10))
