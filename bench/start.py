"""From the start of the process to READY=1 at its notify socket: a new journal, after a clean stop, after a kill."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from statistics import median

from bench.agent import Agent, Started
from bench.figures import Figure, UnmeasuredError
from bench.site import Place, Setting, running_broker
from edge_agent.simulate.machines import class_spec

BENCH = "start"
READINGS = (199_900, 10_000)  # after the last snapshot; at 200,000 the engine writes one
ROUNDS = (5, 2)
FILL_S = 600.0
BUDGET_S = 3.0
SPARSE_STEP_S, DENSE_STEP_S = 60.0, 8.0  # a step of 7 to 8 readings of a machine; a step of about one a channel


def measure(setting: Setting) -> tuple[list[Figure], list[str]]:
    """Seconds to READY."""
    readings, rounds = setting.size(*READINGS), setting.size(*ROUNDS)
    with running_broker(setting.new(BENCH)) as broker:
        place = Place(setting.folder / BENCH, "minute", broker.port)
        new, killed, clean = _starts(place, readings, rounds, SPARSE_STEP_S)
        dense = _starts(Place(setting.folder / BENCH, "dense", broker.port), readings, 1, DENSE_STEP_S)[1]
    left = f"{readings} readings in blocks of 20 after the last snapshot"
    return [
        Figure(bench=BENCH, name="a new journal", value=new, unit="s", how="median of one"),
        Figure(
            bench=BENCH, name="after a clean stop", value=clean, unit="s", budget=BUDGET_S, how=f"median of {rounds}"
        ),
        Figure(
            bench=BENCH, name="after kill -9", value=killed, unit="s", budget=BUDGET_S,
            how=f"median of {rounds}, {left}, steps of {SPARSE_STEP_S:.0f} s",
        ),
        Figure(
            bench=BENCH, name="after kill -9, a step per reading", value=dense, unit="s",
            how=f"once, {left}, steps of {DENSE_STEP_S:.0f} s: a reading per channel and step",
        ),
    ], []  # fmt: skip


def _starts(place: Place, readings: int, rounds: int, step_s: float) -> tuple[float, float, float]:
    """Seconds to READY with a new journal, after a kill and after a clean stop."""
    place.write(replace(class_spec("motor"), step_s=step_s, silent_after_s=86_400.0))
    with Agent(place.config) as agent:
        new = agent.ready_s()
    with Started(["-m", "bench.fill", str(place.config), str(readings)], place.folder / "fill.log") as filler:
        filler.wait(FILL_S)
    if place.readings() != readings:
        raise UnmeasuredError(f"{readings} readings were to be left behind, {place.readings()} are in SQLite")
    left = place.folder / f"{place.name}-left"
    left.mkdir()
    for file in _journal(place):
        shutil.copy2(file, left)
    killed = [_after_kill(place, left) for _ in range(rounds)]
    _after_kill(place, left, stop=True)
    clean = []
    for _ in range(rounds):
        with Agent(place.config) as agent:
            clean.append(agent.ready_s())
    return new, median(killed), median(clean)


def _journal(place: Place) -> list[Path]:
    """The database with its log; the copy of the bundle beside it stays where it is."""
    return [file for file in place.folder.glob(f"{place.database.name}*") if file.is_file()]


def _after_kill(place: Place, left: Path, *, stop: bool = False) -> float:
    """Seconds to READY with the files that a kill has left; then another kill, or a clean stop."""
    for file in _journal(place):
        file.unlink()
    for file in left.iterdir():
        shutil.copy2(file, place.folder)
    with Agent(place.config) as agent:
        seconds = agent.ready_s()
        if not stop:
            agent.kill()
    return seconds
