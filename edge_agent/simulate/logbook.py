"""Technicians' log lines: what is written about a fault at each stage, about routine work, and how it is misspelt.

Only text and the moment it is written belong here. The phrases are tables in `phrases.py` and
`routine.py`.
"""

from __future__ import annotations

import numpy as np

from edge_agent.core.types import LogLine
from edge_agent.simulate import phrases, routine
from edge_agent.simulate.degradation import Course
from edge_agent.simulate.faults import Fault
from edge_agent.simulate.harmless import Oddity
from edge_agent.simulate.machines import STEP_S, Floats

STAGES = ("early", "late", "failure", "repair")
EARLY, LATE = 0.3, 0.45  # severity up to which a line is early, and from which it is late
STEPS_PER_ROUTINE = 150.0
FALSE_ALARMS = 0.08  # share of healthy runs in which somebody hears what is not there
MISLED = 0.25  # share of routine lines that sound like a fault and are none
_VOWELS = frozenset("aeiou")
_SHORTEST_TYPO = 4  # letters of a word that may be misspelt


def misspelt(rng: np.random.Generator, text: str, rate: float = 0.12) -> str:
    """The line as it is typed on a phone with gloves: abbreviations, dropped vowels, swapped letters, capitals."""
    words = [_mistyped(rng, word, rate) for word in text.split(" ")]
    line = " ".join(words)
    style = rng.random()
    if style < rate:
        return line.upper()
    if style < 3 * rate:
        return line[:1].upper() + line[1:]
    return line


def _mistyped(rng: np.random.Generator, word: str, rate: float) -> str:
    bare = word.strip(",.")
    short = routine.ABBREVIATIONS.get(bare)
    if short is not None and rng.random() < 3 * rate:
        return word.replace(bare, str(rng.choice(short)))
    if len(bare) < _SHORTEST_TYPO or not bare.isalpha() or rng.random() >= rate:
        return word
    spot = int(rng.integers(1, len(bare) - 1))
    slip = rng.integers(4)
    if slip == 0:
        typed = bare[0] + "".join(c for c in bare[1:-1] if c not in _VOWELS) + bare[-1]
    elif slip == 1:
        typed = bare[:spot] + bare[spot + 1] + bare[spot] + bare[spot + 2 :]
    elif slip == 2:  # noqa: PLR2004 - third of four slips
        typed = bare[:spot] + bare[spot + 1 :]
    else:
        typed = bare[:spot] + bare[spot] + bare[spot:]
    return word.replace(bare, typed)


def write(rng: np.random.Generator, fault: Fault, stage: str, rate: float = 0.12) -> str:
    """A line about a fault at a stage of STAGES, misspelt at `rate` per word."""
    topic = phrases.TOPICS[fault.topic]
    if stage == "failure":
        opening, body, closing = "", str(rng.choice(phrases.FAILURES)), ""
    elif stage == "repair":
        opening, body, closing = "", str(rng.choice(topic.repair)), str(rng.choice(phrases.REPAIR_CLOSINGS))
    else:
        body = str(rng.choice(topic.early if stage == "early" else topic.late))
        opening = str(rng.choice(phrases.OPENINGS))
        closing = str(rng.choice(phrases.CLOSINGS if stage == "early" else phrases.URGENT_CLOSINGS))
    end = "non-drive-end" if "non-drive" in fault.component else "drive-end"
    if "shaft bearing" in fault.component:
        end = fault.component.removesuffix(" bearing")
    return misspelt(rng, opening + body.format(part=fault.component, end=end) + closing, rate)


def write_routine(rng: np.random.Generator, rate: float = 0.12) -> str:
    """A line that says nothing about the machine's health, though it may sound so."""
    table = routine.MISLEADING if rng.random() < MISLED else routine.ROUTINE
    return misspelt(rng, str(rng.choice(table)), rate)


def write_oddity(rng: np.random.Generator, kind: str, rate: float = 0.12) -> str:
    """A line about something harmless that happened."""
    return misspelt(rng, str(rng.choice(routine.ODDITY_LINES[kind])), rate)


def keep(  # noqa: PLR0913 - the facts of one run, used once
    rng: np.random.Generator,
    asset: str,
    times: Floats,
    oddities: tuple[Oddity, ...],
    *,
    fault: Fault | None,
    course: Course | None,
    severity: Floats,
    rumour: Fault,
) -> tuple[LogLine, ...]:
    """The log of one run, oldest first; `rumour` is what a false report would be about."""
    steps = len(times)
    entries = [
        (int(step), write_routine(rng)) for step in rng.integers(0, steps, int(rng.poisson(steps / STEPS_PER_ROUTINE)))
    ]
    entries += [(o.step, write_oddity(rng, o.kind)) for o in oddities if rng.random() < 0.6]  # noqa: PLR2004
    if fault is not None and course is not None:
        entries += _fault_entries(rng, fault, course, severity)
    elif rng.random() < FALSE_ALARMS:
        step = int(rng.integers(0, steps))
        entries.append((step, write(rng, rumour, "early")))
        entries.append((min(step + int(rng.integers(5, 60)), steps - 1), "checked again, nothing found"))
    entries.sort(key=lambda entry: entry[0])
    moments = rng.integers(0, int(STEP_S), len(entries))
    return tuple(
        LogLine(asset, float(times[step]) + float(second), text, str(rng.choice(routine.AUTHORS)))
        for (step, text), second in sorted(zip(entries, moments, strict=True), key=lambda e: (e[0][0], e[1]))
    )


def _fault_entries(rng: np.random.Generator, fault: Fault, course: Course, severity: Floats) -> list[tuple[int, str]]:
    end = course.stopped if course.stopped is not None else course.repaired or len(severity)
    alive = np.arange(len(severity))
    during = (alive >= course.onset) & (alive < end)
    early = alive[during & (severity <= EARLY)]
    late = alive[during & (severity >= LATE)]
    entries: list[tuple[int, str]] = []
    if len(early):
        count = int(rng.choice(3, p=[0.35, 0.45, 0.2]))
        entries += [(int(s), write(rng, fault, "early")) for s in rng.choice(early, count)]
    if len(late):
        count = int(rng.choice(3, p=[0.25, 0.5, 0.25]))
        entries += [(int(s), write(rng, fault, "late")) for s in rng.choice(late, count)]
    if course.failure < end and rng.random() < 0.6:  # noqa: PLR2004 - more often than not somebody writes it down
        entries.append((course.failure, write(rng, fault, "failure")))
    if course.repaired is not None and rng.random() < 0.85:  # noqa: PLR2004
        entries.append((course.repaired, write(rng, fault, "repair")))
    return entries
