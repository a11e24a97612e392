"""Hard limits alarm at once, by the value alone, and never for what is over."""

from __future__ import annotations

from dataclasses import replace

from edge_agent.core.types import AlarmPolicy, Reading, Scores
from tests.core.pipeline.given_risks import CLEARED, RAISED, kinds
from tests.core.pump import POWER, PUMP, events, outcomes, pipeline, readings


def test_a_hard_limit_alarms_at_the_reading_that_reaches_it() -> None:
    [calm, over] = outcomes(pipeline(), [Reading("p1", "vib", 1.0, 6.99), Reading("p1", "vib", 2.0, 7.0)])

    [event] = over.events
    assert calm.events == []
    assert (event.kind, event.transition, event.time) == ("limit:vib", RAISED, 2.0)
    assert (event.severity, event.risk, event.summary) == ("critical", None, "vib 7.00 mm/s is at its limit 7.00 mm/s.")
    assert [(f.value, f.limit, f.rule) for f in event.evidence] == [(7.0, 7.0, "limit")]


def test_a_hard_limit_needs_no_model_and_no_baseline() -> None:
    def broken(_text: str) -> Scores:
        raise AssertionError

    [event] = pipeline(score=broken).reading(Reading("p1", "flow", 0.0, 4.0)).events

    assert event.summary == "flow 4.00 m3/h is below its limit 5.00 m3/h."


def test_a_hard_limit_clears_after_its_off_delay_below_the_limit() -> None:
    target = pipeline()
    values = [(0, 9.0), (10, 8.0), (20, 1.0), (70, 1.0), (80, 1.0), (90, 1.0)]
    found = events(outcomes(target, [Reading("p1", "vib", t, v) for t, v in values]))

    assert [(e.transition, e.time) for e in found] == [(RAISED, 0), (CLEARED, 80)]
    assert found[1].summary == "vib is back within its limit."
    assert found[0].id == found[1].id


def test_a_hard_limit_waits_for_its_on_delay() -> None:
    target = pipeline(policy=AlarmPolicy(limit_on_s=30.0))
    values = [(0, 9.0), (20, 9.0), (25, 1.0), (30, 9.0), (50, 9.0), (60, 9.0)]

    assert [e.time for e in events(outcomes(target, [Reading("p1", "vib", t, v) for t, v in values]))] == [60]


def test_a_reading_that_is_over_already_pages_nobody() -> None:
    target = pipeline()
    late = [Reading("p1", "vib", 100.0, 2.0), Reading("p1", "vib", 50.0, 99.0), Reading("p1", "vib", 99.9, 99.0)]

    assert events(outcomes(target, late)) == []
    assert events(outcomes(target, [Reading("p1", "vib", 100.0, 99.0)])) != []


def test_a_backfilled_reading_does_not_clear_a_standing_limit() -> None:
    target = pipeline(policy=AlarmPolicy(limit_off_s=0.0))
    found = outcomes(target, [Reading("p1", "vib", 100.0, 9.0), Reading("p1", "vib", 50.0, 1.0)])

    assert kinds(events(found)) == [("limit:vib", RAISED)]


def test_even_a_forgotten_asset_is_not_paged_for_what_is_over() -> None:
    target = pipeline(policy=AlarmPolicy(limit_off_s=0.0))
    outcomes(target, [Reading("p1", "vib", 100.0, 9.0), Reading("p1", "vib", 110.0, 1.0)])
    target.windowers["pump"].forget("p1")

    assert target.reading(Reading("p1", "vib", 105.0, 9.0)).events == []


def test_another_channels_newer_reading_makes_no_reading_outdated() -> None:
    found = outcomes(pipeline(), [Reading("p1", "temp", 0.5, 60.0), Reading("p1", "vib", 0.4, 9.0)])

    assert kinds(events(found)) == [("limit:vib", RAISED)]


def test_a_derived_channel_alarms_at_the_end_of_the_step_also_while_learning() -> None:
    target = pipeline(replace(PUMP, channels=(*PUMP.channels, POWER)))
    found = events(
        outcomes(target, readings({"temp": [60.0, 90.0, 60.0, 60.0, 60.0], "flow": [20.0, 30.0, 20.0, 20.0, 20.0]}))
    )

    assert [(e.kind, e.transition, e.time) for e in found] == [
        ("limit:power", RAISED, 120.0),
        ("limit:power", CLEARED, 240.0),
    ]
    assert found[0].evidence[0].value == 2700.0


def test_a_derived_channel_without_a_value_raises_and_clears_nothing() -> None:
    target = pipeline(replace(PUMP, channels=(*PUMP.channels, POWER)))

    assert events(outcomes(target, readings({"temp": [60.0] * 5}))) == []
