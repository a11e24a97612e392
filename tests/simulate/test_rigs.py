"""Rigs: machines of no class, whose truth is known."""

from __future__ import annotations

import numpy as np

from edge_agent.simulate.rigs import Rig, simulate_rig

RIGS = [simulate_rig(11, number) for number in range(40)]


def z(rig: Rig) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """The largest deviation over the channels from commissioning, (steps,)."""
    healthy = rig.values[: rig.spec.baseline_steps]
    scale = np.where(healthy.std(axis=0) > 0, healthy.std(axis=0), np.inf)
    deviations = np.abs((rig.values - healthy.mean(axis=0)) / scale)
    return np.asarray(deviations.max(axis=1))


def test_a_rig_is_a_function_of_seed_and_number() -> None:
    again = simulate_rig(11, 3)

    assert np.array_equal(again.values, RIGS[3].values)
    assert not np.array_equal(again.values, simulate_rig(12, 3).values)
    assert again.spec == RIGS[3].spec


def test_commissioning_is_sound_and_every_value_is_a_number() -> None:
    for rig in RIGS:
        assert not rig.faulty[: rig.spec.baseline_steps].any()
        assert np.isfinite(rig.values).all()
        assert rig.values.shape == (len(rig.times), len(rig.spec.channels))


def test_some_rigs_never_fail_and_some_recover() -> None:
    assert any(not rig.faulty.any() for rig in RIGS)
    assert any(rig.faulty.any() and not rig.faulty[-1] for rig in RIGS)


def test_a_fault_shows_in_the_values_more_than_soundness_does() -> None:
    faulty = np.concatenate([z(rig)[rig.faulty] for rig in RIGS])
    sound = np.concatenate([z(rig)[~rig.faulty] for rig in RIGS])

    assert np.median(faulty) > np.median(sound)


def test_harmless_drift_moves_some_sound_rigs_away_from_their_commissioning() -> None:
    moved = []
    for rig in RIGS:
        if not rig.faulty.any():
            healthy = rig.values[: rig.spec.baseline_steps]
            shift = rig.values[-50:].mean(axis=0) - healthy.mean(axis=0)
            moved.append(np.max(np.abs(shift) / np.maximum(healthy.std(axis=0), 1e-9)))

    assert max(moved) > 1.0
    assert min(moved) < 1.0
