"""What is promised of simulated runs: they are repeatable, physical, and their logs fit."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from edge_agent.errors import UsageError
from edge_agent.simulate.faults import FAULTS, find_fault
from edge_agent.simulate.history import TRAINING_SEEDS, Run, simulate_fleet, simulate_run
from edge_agent.simulate.machines import CLASSES, Floats
from edge_agent.simulate.plant import DEMO_SEED

TEST_SEEDS = range(1, 12, 2)
PHYSICAL = [(name, fault.name) for name, faults in FAULTS.items() for fault in faults if not fault.sensor]
BEFORE_FAILURE = 6  # steps


def same(one: Run, other: Run) -> bool:
    return np.array_equal(one.values, other.values, equal_nan=True) and one.logs == other.logs


def excess(asset_class: str, fault: str, seed: int, channel: str) -> tuple[Floats, Floats, Run]:
    """Fault minus its healthy twin (same machine, load and weather): running steps before onset, and before failure."""
    run, twin = (simulate_run(asset_class, seed, fault=name, steps=320) for name in (fault, None))
    column = [c.name for c in run.spec.channels].index(channel)
    more = run.values[:, column] - twin.values[:, column]
    running = (run.values[:, -1] > 0) & (twin.values[:, -1] > 0)
    step = np.arange(len(more))
    assert run.onset is not None
    assert run.failure is not None
    sound = running & (step < run.onset)
    failing = running & (step >= run.failure - BEFORE_FAILURE) & (step < run.failure)
    return more[sound], more[failing], run


def test_the_same_seed_gives_the_same_run() -> None:
    one, other = (simulate_run("pump", 3, fault="cavitation", steps=300) for _ in range(2))
    assert same(one, other)
    assert one.asset == other.asset


def test_another_seed_gives_another_machine() -> None:
    assert not same(simulate_run("pump", 3, fault=None, steps=300), simulate_run("pump", 5, fault=None, steps=300))


def test_the_same_seed_gives_the_same_fleet() -> None:
    assert all(same(one, other) for one, other in zip(simulate_fleet(1, 8), simulate_fleet(1, 8), strict=True))


def test_fleets_of_two_seeds_share_no_machine() -> None:
    first, second = ([run for seed in seeds for run in simulate_fleet(seed, 10)] for seeds in ((1,), (3,)))
    assert not {run.asset for run in first} & {run.asset for run in second}
    assert not {run.values[:60].tobytes() for run in first} & {run.values[:60].tobytes() for run in second}


def test_training_seeds_are_even_and_apart_from_tests_and_demo() -> None:
    assert all(seed % 2 == 0 for seed in (TRAINING_SEEDS[0], TRAINING_SEEDS[1], TRAINING_SEEDS[-1]))
    assert TRAINING_SEEDS[-1] < 1_000_000
    assert DEMO_SEED >= 9_000_000
    assert not set(TEST_SEEDS) & set(TRAINING_SEEDS)


@pytest.mark.parametrize("asset_class", CLASSES)
def test_a_healthy_run_is_complete_and_says_so(asset_class: str) -> None:
    run = simulate_run(asset_class, 1, fault=None, steps=200)
    assert run.values.shape == (200, len(run.spec.channels))
    assert np.isfinite(run.values).all()
    assert np.all(np.diff(run.times) == 60.0)
    assert run.times[0] % 60.0 == 0.0
    assert (run.mode, run.fault, run.component) == ("none", "none", "")
    assert run.onset is run.failure is run.repaired is None
    assert not run.severity.any()


@pytest.mark.parametrize(("asset_class", "fault"), PHYSICAL)
def test_a_physical_fault_moves_its_most_telling_channel_away_from_the_healthy_twin(
    asset_class: str, fault: str
) -> None:
    noise = {signal.name: signal.noise + signal.wander for signal in CLASSES[asset_class].signals}
    main = max(find_fault(asset_class, fault).effects, key=lambda effect: abs(effect.rise) / noise[effect.channel])
    seen = 0
    for seed in TEST_SEEDS:
        sound, failing, run = excess(asset_class, fault, seed, main.channel)
        prevented = run.repaired is not None and run.failure is not None and run.repaired < run.failure
        if prevented or len(failing) < BEFORE_FAILURE:
            continue  # repaired in time, or the machine or its twin stood
        assert np.sign(main.rise) * (failing.mean() - sound.mean()) > 3.0 * sound.std(), (run.asset, main.channel)
        seen += 1
    assert seen > 0


@pytest.mark.parametrize(("asset_class", "fault"), PHYSICAL)
def test_a_physical_fault_leaves_no_gap_and_lies_within_the_run(asset_class: str, fault: str) -> None:
    run = simulate_run(asset_class, 1, fault=fault, steps=240)
    assert np.isfinite(run.values).all()
    assert run.mode == find_fault(asset_class, fault).mode
    assert run.onset is not None
    assert run.failure is not None
    assert 75 <= run.onset < run.failure < 240


def test_degradation_is_gradual() -> None:
    for seed in TEST_SEEDS:
        run = simulate_run("pump", seed, fault="bearing_wear_de", steps=320)
        assert np.diff(run.severity[: run.failure]).max() < 0.4
        assert run.onset is not None
        assert run.failure is not None
        assert run.severity[run.onset + (run.failure - run.onset) // 4] < 0.6


def test_after_a_repair_the_machine_is_sound_again() -> None:
    repaired = 0
    for seed in range(1, 60, 2):
        run = simulate_run("motor", seed, fault="bearing_wear_de", steps=400)
        if run.repaired is None or run.repaired > 360:
            continue
        running = run.values[:, -1] > 0
        before = np.median(run.values[:60, 0][running[:60]])
        after = np.median(run.values[run.repaired + 10 :, 0][running[run.repaired + 10 :]])
        assert after < 1.6 * before
        repaired += 1
    assert repaired > 5


def test_vibration_of_healthy_pumps_stays_below_that_of_worn_ones() -> None:
    healthy = [simulate_run("pump", seed, fault=None, steps=300).values[:, 0] for seed in range(1, 61, 2)]
    worn = []
    for seed in range(1, 61, 2):
        run = simulate_run("pump", seed, fault="bearing_wear_de", steps=300)
        if run.failure is not None and (run.repaired is None or run.repaired > run.failure):
            worn.append(float(run.values[run.failure - BEFORE_FAILURE : run.failure, 0].mean()))
    assert np.quantile(np.concatenate(healthy), 0.995) < np.median(worn)


def test_only_a_dropout_leaves_gaps_and_only_in_its_channel() -> None:
    for kind in ("sensor_stuck", "sensor_drift", "sensor_spikes"):
        assert np.isfinite(simulate_run("fan", 1, fault=kind, steps=200).values).all()
    run = simulate_run("fan", 1, fault="sensor_dropout", steps=200)
    gaps = np.isnan(run.values)
    assert run.mode == "AIR"
    assert {run.spec.channels[i].name for i in np.nonzero(gaps)[1]} == {run.channel}
    assert not gaps[: run.onset].any()


def test_log_lines_lie_within_the_run_oldest_first() -> None:
    for run in simulate_fleet(1, 40):
        moments = [line.time for line in run.logs]
        assert moments == sorted(moments)
        assert all(run.times[0] <= moment < run.times[-1] + 60.0 for moment in moments)
        assert {line.asset for line in run.logs} <= {run.asset}


def test_failing_machines_are_written_about_more_than_healthy_ones() -> None:
    words = (
        "noise",
        "noisy",
        "hot",
        "grind",
        "rumbl",
        "rough",
        "bearing",
        "brg",
        "bear.",
        "brng",
        "vibration",
        "squeal",
    )

    def share(fault: str | None) -> float:
        runs = [simulate_run("pump", seed, fault=fault, steps=300) for seed in range(1, 121, 2)]
        told = [any(word in line.text.lower() for line in run.logs for word in words) for run in runs]
        return sum(told) / len(told)

    assert share("bearing_wear_de") > 0.75
    assert share(None) < 0.45


def test_a_fleet_is_mixed_with_forty_per_cent_healthy() -> None:
    runs = list(simulate_fleet(1, 400))
    modes = Counter(run.mode for run in runs)
    assert 0.33 < modes["none"] / len(runs) < 0.47
    assert len(modes) == 11
    assert {run.spec.name for run in runs} == set(CLASSES)
    assert all(200 <= len(run.times) <= 600 for run in runs)


def test_a_run_too_short_for_a_fault_is_refused() -> None:
    with pytest.raises(UsageError, match="100 steps") as caught:
        simulate_run("pump", 1, fault=None, steps=100)
    assert "160" in caught.value.hint
