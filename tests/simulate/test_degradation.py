"""What is promised of faults and of how they grow."""

from __future__ import annotations

import numpy as np
import pytest

from edge_agent.errors import UsageError
from edge_agent.simulate.degradation import WORST, Course, corrupt, damage, follow, grow
from edge_agent.simulate.faults import FAULTS, MODES, SENSOR_FAULTS, find_fault
from edge_agent.simulate.machines import CLASSES, build, class_spec
from edge_agent.simulate.phrases import TOPICS

STEPS = 300
COURSE = Course(onset=100, failure=200, stopped=220, repaired=230)
EVERY_FAULT = [(name, fault.name) for name, faults in FAULTS.items() for fault in faults]


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


@pytest.mark.parametrize("seed", range(20))
def test_severity_grows_from_the_onset_to_one_at_the_failure_and_ends_with_the_repair(seed: int) -> None:
    severity = grow(rng(seed), STEPS, COURSE)
    assert np.all(severity[:100] == 0.0)
    assert np.all(np.diff(severity[:230]) >= 0.0)
    assert severity[200] == pytest.approx(1.0)
    assert severity.max() <= WORST
    assert np.all(severity[230:] == 0.0)


@pytest.mark.parametrize("seed", range(20))
def test_severity_never_leaps(seed: int) -> None:
    assert np.diff(grow(rng(seed), STEPS, COURSE)[:201]).max() < 0.3


def test_exponential_growth_hides_longer_than_linear_growth() -> None:
    linear = np.mean([follow(rng(i), STEPS, COURSE, "linear", 1.0)[150] for i in range(30)])
    exponential = np.mean([follow(rng(i), STEPS, COURSE, "exponential", 4.0)[150] for i in range(30)])
    assert linear == pytest.approx(0.5, abs=0.1)
    assert exponential < 0.25


def test_the_modes_are_iso_14224_codes_with_none_first() -> None:
    assert MODES[0] == "none"
    assert set(MODES[1:]) == {"AIR", "ELP", "ELU", "ERO", "INL", "LOO", "NOI", "OHE", "PLU", "VIB"}


@pytest.mark.parametrize(("asset_class", "name"), EVERY_FAULT)
def test_a_fault_touches_only_channels_its_class_has(asset_class: str, name: str) -> None:
    channels = {c.name for c in class_spec(asset_class).channels}
    fault = find_fault(asset_class, name)
    assert {effect.channel for effect in fault.effects} <= channels
    assert fault.component
    assert fault.topic in TOPICS
    assert bool(fault.effects) != bool(fault.sensor)


def test_fault_names_are_unique_within_a_class() -> None:
    for faults in FAULTS.values():
        assert len({fault.name for fault in faults}) == len(faults)


def test_an_unknown_fault_is_refused_with_the_known_ones_as_a_hint() -> None:
    with pytest.raises(UsageError, match="'rust'") as caught:
        find_fault("pump", "rust")
    assert "cavitation" in caught.value.hint


def test_without_a_fault_there_is_no_damage() -> None:
    machine = build(rng(), CLASSES["pump"])
    none = damage(rng(), machine, None, np.ones(STEPS))
    assert not none.rise.any()
    assert not none.rough.any()


def test_damage_is_nil_before_the_onset_and_has_the_declared_sign_at_the_failure() -> None:
    machine = build(rng(), CLASSES["pump"])
    fault = find_fault("pump", "clogging")
    rise = damage(rng(), machine, fault, grow(rng(), STEPS, COURSE)).rise
    names = [s.name for s in machine.kind.signals]
    assert not rise[:100].any()
    for effect in fault.effects:
        assert np.sign(rise[200, names.index(effect.channel)]) == np.sign(effect.rise)


@pytest.mark.parametrize("kind", SENSOR_FAULTS)
def test_an_instrument_is_true_before_its_fault(kind: str) -> None:
    shown = rng().standard_normal(STEPS)
    severity = grow(rng(), STEPS, COURSE)
    assert np.array_equal(corrupt(rng(3), kind, shown, severity, 5.0)[:100], shown[:100])


def test_a_stuck_instrument_holds_its_last_value() -> None:
    held = corrupt(rng(3), "stuck", rng().standard_normal(STEPS), np.repeat([0.0, 1.0], 150), 5.0)
    assert np.all(held[150:] == held[149])


def test_a_drifting_instrument_ends_far_from_the_truth() -> None:
    shown = np.zeros(STEPS)
    assert abs(corrupt(rng(3), "drift", shown, np.linspace(0.0, 1.0, STEPS), 5.0)[-1]) >= 2.0


def test_a_spiking_instrument_is_mostly_true() -> None:
    wrong = corrupt(rng(3), "spikes", np.zeros(STEPS), np.ones(STEPS), 5.0) != 0.0
    assert 0.15 < wrong.mean() < 0.45


def test_a_dropping_instrument_says_nothing_most_of_the_time_when_it_has_failed() -> None:
    silent = np.isnan(corrupt(rng(3), "dropout", np.zeros(STEPS), np.ones(STEPS), 5.0))
    assert 0.7 < silent.mean() < 0.9
