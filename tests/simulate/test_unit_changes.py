"""Machines that fail are never hushed up as a change of unit; where a unit does change it is seen."""

from __future__ import annotations

from bench.units import Course, counted, rigs, seen
from edge_agent.core.units import conversion
from edge_agent.simulate.history import simulate_fleet, simulate_run

SEED = 9_200_001  # of no fleet that is trained or measured on


def test_no_fault_of_a_machine_or_rig_is_told_as_a_change_of_unit() -> None:
    fleet = counted(Course(run.spec, run.values) for run in simulate_fleet(SEED, 10))

    assert (fleet.courses, fleet.told) == (10, 0)
    assert counted(rigs(SEED, 4)).told == 0


def test_a_change_of_unit_of_a_sound_machine_is_told() -> None:
    run = simulate_run("pump", SEED, fault=None, steps=240)
    column = next(i for i, c in enumerate(run.spec.channels) if c.unit == "°C" and not c.condition)
    change = conversion("degC", "degF")
    assert change is not None
    values = run.values.copy()
    values[180:, column] = values[180:, column] * change.scale + change.offset

    assert seen(Course(run.spec, values))[1] == {(run.spec.channels[column].name, "degF")}
