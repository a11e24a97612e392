"""Which facts an alarm has, and what they claim."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge_agent.core.facts import MAX_CHANNELS, STYLES, candidates, facts_of, style_of
from edge_agent.core.types import AlarmEvent, ChannelState, Quote, Transition, Window

QUIET = ChannelState("vib", "mm/s", "bearing", 4.0, 2.0, (0.9, 0.8, 0.7), 12.0, 3.0, 0.5, 0.1)
WINDOW = Window("p1", "pump", 70, 0.0, 60.0, 0, (QUIET,), (), learning=False)
EVENT = AlarmEvent(
    "id1", "p1", "risk", 1, 1, Transition.RAISED, 60.0, 0.0, active=True, acked=False, severity="high",
    severity_number=700, risk=0.9, mode="VIB", evidence=(), quotes=(Quote("l1", 30.0, "Noisy \x00 bearing"),),
    summary="", summary_source="template",
)  # fmt: skip


@pytest.mark.parametrize(("shift", "size"), [(0.5, 0), (2.9, 0), (3.0, 1), (9.9, 1), (10.0, 2), (-10.0, 0)])
def test_the_size_follows_the_distance_unless_that_points_the_other_way(shift: float, size: int) -> None:
    assert candidates([replace(QUIET, shift=shift)])[0].size == size


@pytest.mark.parametrize(("slope", "motion"), [(0.99, 0), (1.0, 1), (-0.99, 0), (-1.0, -1)])
def test_a_channel_moves_where_its_slope_is_a_deviation_or_more(slope: float, motion: int) -> None:
    assert candidates([replace(QUIET, slope=slope)])[0].motion == motion


def test_a_channel_that_reads_the_same_as_its_normal_is_no_candidate() -> None:
    same = replace(QUIET, value=2.001, baseline=2.0)

    assert candidates([same, replace(QUIET, value=float("nan")), replace(QUIET, name="joint_t2")]) == ()


def test_the_most_unusual_come_first_and_the_rest_is_left_out() -> None:
    many = [replace(QUIET, name=f"c{n}", shift=float(n)) for n in range(4, 20)]
    names = [fact.name for fact in candidates(many)]

    assert names[0] == "c19"
    assert len(names) == MAX_CHANNELS


def test_above_and_below_are_what_the_two_figures_say() -> None:
    assert candidates([QUIET])[0].above
    assert not candidates([replace(QUIET, value=1.0)])[0].above


def test_facts_take_the_first_quote_cleaned_and_the_times_of_the_event() -> None:
    facts = facts_of(EVENT, WINDOW)

    assert facts.log == "noisy bearing"
    assert (facts.first, facts.time, facts.mode, facts.asset_class) == (0.0, 60.0, "VIB", "pump")
    assert facts_of(replace(EVENT, quotes=()), WINDOW).log == ""


def test_the_style_is_the_same_each_time_and_differs_between_alarms() -> None:
    assert style_of("a", 1) == style_of("a", 1)
    assert {style_of(str(n), 1) for n in range(200)} == set(range(STYLES))
