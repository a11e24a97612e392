"""What is played and what is known of it beforehand: the machines, the messages step by step, and how the story ends.

The truth about a machine (`Truth`) is for the account at the end only: nothing of it reaches the agent or the board.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Final, NamedTuple

from edge_agent.core.identity import slug
from edge_agent.core.types import ClassSpec, LogLine
from edge_agent.simulate.harmless import COMMISSIONING
from edge_agent.simulate.plant import (
    FAILURE,
    ONSET,
    POSITIONS,
    PUMP,
    REPAIRED,
    STEPS,
    STOPPED,
    Plant,
    PlantEvent,
    WorkOrder,
)

LOG_LEVEL: Final = "log"  # the last topic level of maintenance-log lines
ROW_LEVEL: Final = "row"  # and of whole rows of readings
MINUTE_S: Final = 60.0
PLANT_STEP_WALL_S: Final = 0.25  # 260 steps play in 65 s


class Message(NamedTuple):
    """One message as a gateway or a technician's tablet sends it."""

    topic: str
    payload: bytes
    readings: int  # how many readings it holds


class Step(NamedTuple):
    """What is sent together: one step of event time."""

    number: int
    time: float  # event time of its beginning
    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """The truth about one machine, in steps; None where nothing of the kind happens."""

    fails: bool = False  # an alarm is due
    onset: int | None = None  # from here on something is wrong; None in a failing machine: nobody knows
    failure: int | None = None  # the end of the part's life
    restart: int | None = None  # runs again, repaired


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One machine of the script."""

    name: str
    spec: ClassSpec
    truth: Truth

    @property
    def asset(self) -> str:
        """Its id in topics."""
        return slug(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A whole show."""

    title: str
    machines: tuple[Machine, ...]
    start: float  # event time of step 0
    step_s: float
    steps: int
    wall_s: float  # seconds per step at speed 1
    word: str  # what a step is called
    play: Callable[[], Iterator[Step]]
    phases: tuple[tuple[int, str], ...]  # from this step on: what is happening
    end_of_life: str  # what a failure is called in the account
    rows: bool  # readings come as one JSON row per machine and step, else one message each

    @property
    def clock(self) -> str:
        """How its event times are shown (strftime)."""
        return "%H:%M" if self.step_s >= MINUTE_S else "%H:%M:%S"

    def phase(self, number: int) -> str:
        """What is happening at a step."""
        return [text for first, text in self.phases if first <= number][-1]

    def number(self, time: float) -> int:
        """The step of an event time; the end of a step belongs to it."""
        return max(0, int((time - self.start) / self.step_s - 1e-6))

    def machine(self, asset: str) -> Machine | None:
        """The machine of an asset id."""
        return next((m for m in self.machines if m.asset == asset), None)


def plant_script(now: float) -> Script:
    """The simulated plant, moved in time so that it ends at about `now`: no event of it is ever in the future."""
    plant = Plant()
    late = math.floor((now - plant.start) / plant.step_s - STEPS) * plant.step_s
    story = Truth(fails=True, onset=ONSET, failure=FAILURE, restart=REPAIRED)
    return Script(
        title="five machines; a bearing of P-101 will fail",
        machines=tuple(
            Machine(name=p.asset, spec=plant.specs[p.asset], truth=story if p.asset == PUMP else Truth())
            for p in POSITIONS
        ),
        start=plant.start + late,
        step_s=plant.step_s,
        steps=STEPS,
        wall_s=PLANT_STEP_WALL_S,
        word="step",
        play=lambda: _plant_steps(plant, late),
        phases=(
            (0, "commissioning: the agent learns what is normal for each machine"),
            (COMMISSIONING - 15, "all five machines run sound"),
            (ONSET, f"the drive-end bearing of {PUMP} has begun to wear; nobody has told the agent"),
            (FAILURE, f"{PUMP} runs on past the end of its bearing's life"),
            (STOPPED, f"{PUMP} stands: the bearing is being replaced"),
            (REPAIRED, f"{PUMP} runs again, repaired"),
        ),
        end_of_life="the end of the bearing's life",
        rows=False,
    )


def _plant_steps(plant: Plant, late: float) -> Iterator[Step]:
    def step(event: PlantEvent) -> int:
        return int((event.time - plant.start) / plant.step_s)

    for number, events in groupby(plant, key=step):
        time = plant.start + late + number * plant.step_s
        yield Step(number, time, tuple(_plant_message(event, event.time + late) for event in events))


def _plant_message(event: PlantEvent, time: float) -> Message:
    if isinstance(event, LogLine):
        return log_message(event.asset, time, event.text, author=event.author, order=event.order)
    if isinstance(event, WorkOrder):
        return log_message(event.asset, time, f"{event.status}: {event.text}", author=None, order=event.order)
    body = json.dumps({"v": float(f"{event.value:.6g}"), "ts": round(time, 3)})
    return Message(f"plant/{event.asset}/{event.channel}", body.encode(), 1)


def log_message(asset: str, time: float, text: str, *, author: str | None, order: str | None) -> Message:
    """A line of the maintenance log."""
    fields = {"text": text, "ts": round(time, 3), "author": author, "order": order}
    body = json.dumps({name: value for name, value in fields.items() if value is not None})
    return Message(f"plant/{asset}/{LOG_LEVEL}", body.encode(), 0)


def row_message(asset: str, time: float, values: Iterable[tuple[str, float]]) -> Message:
    """All readings of a machine at one moment."""
    row = dict(values)
    return Message(f"plant/{asset}/{ROW_LEVEL}", json.dumps({"ts": round(time, 3), **row}).encode(), len(row))
