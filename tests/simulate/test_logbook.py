"""What is promised of technicians' log lines."""

from __future__ import annotations

import re

import numpy as np
import pytest

from edge_agent.simulate.faults import FAULTS, Fault, find_fault
from edge_agent.simulate.harmless import ODDITIES
from edge_agent.simulate.logbook import STAGES, misspelt, write, write_oddity, write_routine
from edge_agent.simulate.phrases import TOPICS
from edge_agent.simulate.routine import MISLEADING, ODDITY_LINES, ROUTINE

EVERY_FAULT = [fault for faults in FAULTS.values() for fault in faults]
BEARING = find_fault("pump", "bearing_wear_de")


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def lines(fault: Fault, stage: str, count: int = 300, rate: float = 0.0) -> list[str]:
    source = rng()
    return [write(source, fault, stage, rate) for _ in range(count)]


@pytest.mark.parametrize("stage", ["early", "late"])
def test_there_are_more_than_150_phrasings_of_a_bearing_that_wears(stage: str) -> None:
    assert len(set(lines(BEARING, stage, 2000))) > 150


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("fault", EVERY_FAULT, ids=lambda fault: f"{fault.component}-{fault.name}")
def test_a_line_is_plain_and_short_with_every_slot_filled(fault: Fault, stage: str) -> None:
    for line in lines(fault, stage, 40, rate=0.2):
        assert not re.search(r"[{}]|  ", line)
        assert 3 < len(line) <= 160


@pytest.mark.parametrize("fault", EVERY_FAULT, ids=lambda fault: f"{fault.component}-{fault.name}")
def test_a_line_is_about_its_own_fault(fault: Fault) -> None:
    topic = TOPICS[fault.topic]
    bodies = [re.escape(body).replace(r"\{part\}", ".+").replace(r"\{end\}", ".+") for body in topic.early]
    assert all(any(re.search(body, line) for body in bodies) for line in lines(fault, "early", 60))


def test_a_repair_line_names_the_item_that_wore() -> None:
    assert all("drive-end bearing" in line for line in lines(BEARING, "repair", 100))


def test_no_two_topics_share_an_observation() -> None:
    said = [body for topic in TOPICS.values() for body in (*topic.early, *topic.late)]
    assert len(set(said)) == len(said)


def test_routine_lines_never_speak_of_a_fault_as_found() -> None:
    said = {body for topic in TOPICS.values() for body in (*topic.early, *topic.late, *topic.repair)}
    source = rng()
    written = {write_routine(source, 0.0) for _ in range(2000)}
    assert written == {*ROUTINE, *MISLEADING}
    assert not written & said


@pytest.mark.parametrize("kind", ODDITIES)
def test_every_oddity_has_its_lines(kind: str) -> None:
    assert write_oddity(rng(), kind, 0.0) in ODDITY_LINES[kind]


def test_without_slips_a_line_stays_as_it_is() -> None:
    assert misspelt(rng(), "replaced bearing, checked vibration", 0.0) == "replaced bearing, checked vibration"


def test_slips_abbreviate_misspell_and_shout() -> None:
    source = rng()
    typed = {misspelt(source, "checked bearing noise without findings", 0.2) for _ in range(400)}
    assert len(typed) > 100
    assert any("brg" in line for line in typed)
    assert any("chkd" in line for line in typed)
    assert any(line.isupper() for line in typed)
    assert any("findngs" in line for line in typed)


def test_most_lines_stay_legible() -> None:
    source = rng()
    kept = sum("seal" in misspelt(source, "few drops at mechanical seal", 0.12).lower() for _ in range(300))
    assert kept > 240
