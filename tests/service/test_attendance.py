"""Who is quiet: by arrival, told once, and without looking at those who are not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge_agent.core.pipeline import Judge, Pipeline
from edge_agent.core.types import CLOSE, AlarmPolicy, Reading
from edge_agent.service.attendance import Attendance
from tests.service.parts import LABELS, PUMP, loud

SPEC = replace(PUMP, step_s=60.0, lateness_s=5.0)


def pipeline() -> Pipeline:
    return Pipeline(
        {"pump": SPEC}, lambda _asset: "pump", {}, AlarmPolicy(), Judge(score=loud, labels=LABELS, threshold=0.5)
    )


def heard(target: Pipeline, attendance: Attendance, asset: str, now: float, time: float = 0.0) -> None:
    """A reading of an asset that arrives now."""
    target.reading(Reading(asset, "vib", time, 2.0))
    attendance.heard(asset, now)


@pytest.fixture
def plant() -> tuple[Pipeline, Attendance]:
    target = pipeline()
    return target, Attendance(target)


def test_the_open_step_of_an_asset_is_closed_after_its_end_and_its_lateness(
    plant: tuple[Pipeline, Attendance],
) -> None:
    target, attendance = plant
    heard(target, attendance, "p1", 1000.0, time=130.0)

    assert attendance.look(1065.0).closes == []
    assert attendance.look(1065.1).closes == [Reading("p1", CLOSE, 180.0, 0.0)]


def test_nothing_is_left_to_close_once_the_step_is(plant: tuple[Pipeline, Attendance]) -> None:
    target, attendance = plant
    heard(target, attendance, "p1", 1000.0)
    [close] = attendance.look(1100.0).closes
    target.reading(close)

    assert attendance.look(1200.0).closes == []


def test_a_silence_is_told_once_and_anew_after_the_asset_was_heard(plant: tuple[Pipeline, Attendance]) -> None:
    target, attendance = plant
    heard(target, attendance, "p1", 0.0)

    assert attendance.look(600.0).silent == []
    assert attendance.look(600.1).silent == ["p1"]
    assert attendance.look(700.0).silent == []
    heard(target, attendance, "p1", 800.0, time=800.0)
    assert attendance.look(1401.0).silent == ["p1"]


def test_whoever_is_heard_again_is_behind_those_who_are_not(plant: tuple[Pipeline, Attendance]) -> None:
    """Else one chatty asset would hide the quiet ones after it, or every look would cost all assets."""
    target, attendance = plant
    for number, asset in enumerate(("p1", "p2", "p3")):
        heard(target, attendance, asset, float(number))
    heard(target, attendance, "p1", 500.0, time=1.0)

    assert attendance.look(601.5).silent == ["p2"]
    assert attendance.look(603.0).silent == ["p3"]
    assert list(attendance._arrived) == ["p2", "p3", "p1"]


def test_after_a_restart_every_known_asset_counts_as_heard_just_now(plant: tuple[Pipeline, Attendance]) -> None:
    target, attendance = plant
    for asset in ("p1", "p2"):
        target.reading(Reading(asset, "vib", 0.0, 2.0))
    attendance.begin(5000.0)

    assert len(attendance) == 2
    assert attendance.look(5600.0).silent == []
    assert attendance.look(5600.1).silent == ["p1", "p2"]


def test_an_asset_of_no_class_is_nobody_to_miss() -> None:
    nobody = Pipeline({}, lambda _asset: None, {}, AlarmPolicy(), Judge(score=loud, labels=LABELS, threshold=0.5))
    attendance = Attendance(nobody)
    attendance.heard("x1", 0.0)

    assert attendance.look(1e6).silent == []
