"""What is promised of the demo plant: its script, its order and its truth."""

from __future__ import annotations

import numpy as np
import pytest

from edge_agent.core.identity import slug
from edge_agent.core.types import LogLine, Reading
from edge_agent.core.window import Windower
from edge_agent.simulate.machines import CLASSES, Floats
from edge_agent.simulate.plant import (
    FAILURE,
    HEARD_LINE,
    ONSET,
    PUMP,
    REPAIR_LINE,
    REPAIRED,
    STEPS,
    STOPPED,
    Plant,
    PlantEvent,
    WorkOrder,
)


@pytest.fixture(scope="module")
def events() -> list[PlantEvent]:
    return list(Plant())


def column(events: list[PlantEvent], asset: str, channel: str) -> Floats:
    return np.array([e.value for e in events if isinstance(e, Reading) and (e.asset, e.channel) == (asset, channel)])


def step_of(event: PlantEvent) -> int:
    return int((event.time - Plant().start) // 60.0)


def test_the_plant_is_the_same_every_time(events: list[PlantEvent]) -> None:
    plant = Plant()
    assert list(plant) == events
    assert list(plant) == events


def test_another_seed_is_another_plant(events: list[PlantEvent]) -> None:
    assert list(Plant(9_000_001)) != events


def test_events_come_in_order_of_their_time(events: list[PlantEvent]) -> None:
    times = [event.time for event in events]
    assert times == sorted(times)


def test_five_machines_one_of_each_class_have_names_that_differ_as_topics() -> None:
    specs = Plant().specs
    assert {spec.name for spec in specs.values()} == set(CLASSES)
    assert len({slug(asset) for asset in specs}) == 5
    assert all(slug(asset) for asset in specs)


def test_every_machine_reports_every_channel_in_every_step(events: list[PlantEvent]) -> None:
    for asset, spec in Plant().specs.items():
        for channel in spec.channels:
            assert len(column(events, asset, channel.name)) == STEPS
    assert all(np.isfinite(e.value) for e in events if isinstance(e, Reading))


@pytest.mark.parametrize("start", [1_790_000_000.0, 1_790_000_037.5])
def test_one_scan_never_straddles_two_steps(start: float) -> None:
    steps = {(e.time // 60.0, e.asset, e.channel) for e in Plant(start=start) if isinstance(e, Reading)}
    assert len(steps) == STEPS * sum(len(spec.channels) for spec in Plant().specs.values())


def test_the_step_may_be_another_than_a_minute() -> None:
    times = [e.time for e in Plant(step_s=1.0, start=1_790_000_000.0) if isinstance(e, LogLine)]
    assert times
    assert all(1_790_000_000.0 <= time < 1_790_000_000.0 + STEPS for time in times)


def test_the_pump_vibrates_normally_until_its_bearing_wears_and_after_the_repair(events: list[PlantEvent]) -> None:
    vibration = column(events, PUMP, "vib_de_mms")
    normal = np.median(vibration[:60])
    assert vibration[:ONSET].max() < 1.4 * normal
    assert np.median(vibration[FAILURE - 5 : FAILURE]) > 2.5 * normal
    assert np.median(vibration[FAILURE:STOPPED]) > 2.5 * normal
    assert vibration[STOPPED + 1 : REPAIRED].max() < 0.2 * normal
    assert vibration[REPAIRED + 5 :].max() < 1.4 * normal
    assert STEPS - REPAIRED > 60


def test_the_wear_is_gradual(events: list[PlantEvent]) -> None:
    vibration = column(events, PUMP, "vib_de_mms")[:FAILURE]
    half = (ONSET + FAILURE) // 2
    rise = vibration[-5:].mean() - vibration[:60].mean()
    assert vibration[half - 5 : half].mean() - vibration[:60].mean() < 0.45 * rise
    assert np.abs(np.diff(vibration)).max() < 0.4 * rise


def test_the_bearing_warms_after_it_vibrates(events: list[PlantEvent]) -> None:
    windower = Windower(Plant().specs[PUMP])
    first: dict[str, int] = {}
    for event in events:
        if isinstance(event, Reading) and event.asset == PUMP:
            for window in windower.push(event):
                for channel in window.channels:
                    if channel.shift > 6.0 and not window.learning:
                        first.setdefault(channel.name, window.index)
    assert ONSET < first["vib_de_mms"] < first["bearing_temp_de_c"] < STOPPED


def test_the_technician_hears_it_while_the_vibration_is_up_and_not_yet_at_its_worst(events: list[PlantEvent]) -> None:
    (heard,) = [e for e in events if isinstance(e, LogLine) and e.text == HEARD_LINE]
    vibration = column(events, PUMP, "vib_de_mms")
    assert heard.asset == PUMP
    assert ONSET < step_of(heard) < FAILURE
    assert vibration[step_of(heard)] > 1.3 * np.median(vibration[:60])


def test_the_work_order_frames_the_repair(events: list[PlantEvent]) -> None:
    opened, closed = [e for e in events if isinstance(e, WorkOrder)]
    (repair,) = [e for e in events if isinstance(e, LogLine) and e.text == REPAIR_LINE]
    assert (opened.status, opened.repaired) == ("opened", False)
    assert (closed.status, closed.repaired) == ("closed", True)
    assert opened.order == closed.order
    assert opened.time < repair.time < closed.time


def test_the_other_machines_stay_healthy(events: list[PlantEvent]) -> None:
    for asset in set(Plant().specs) - {PUMP}:
        name = "vib_in_mms" if asset.startswith("G") else "vib_de_mms"
        vibration = column(events, asset, name)
        assert np.quantile(vibration, 0.99) < 2.0 * np.median(vibration[:60])
