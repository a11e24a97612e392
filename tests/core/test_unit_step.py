"""A change of unit is a fault of the configuration, and nothing else is taken for one (promise G11)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from edge_agent.core.baseline import Floats
from edge_agent.core.pipeline import Outcome, Pipeline
from edge_agent.core.snapshot import dump_alarms, dump_tracks, load_alarms, load_tracks
from edge_agent.core.types import AlarmPolicy, ChannelSpec, Limits, Reading, Scores, Severity, Status, Transition
from edge_agent.core.unit_step import CONFIRMED, Suspect, suspects
from edge_agent.core.units import conversion
from tests.core.pump import LOAD, POWER, PUMP, events, noise, outcomes, pipeline, readings, reference, scores, verdicts

LEARNT = PUMP.baseline_steps
AT = LEARNT + 15  # the step in which a unit changes
STEPS = AT + 15
SURE, FAR = 0.9, 30  # a risk; a token of the text


def changed(channel: str = "temp", source: str = "degC", target: str = "degF", **more: object) -> dict[str, Floats]:
    """A healthy pump whose channel is taken from one unit to another from step AT on."""
    change = conversion(source, target)
    assert change is not None
    values = noise(STEPS, **more)  # type: ignore[arg-type]
    values[channel][AT:] = values[channel][AT:] * change.scale + change.offset
    return values


def judged(values: dict[str, Floats], target: Pipeline | None = None) -> list[Outcome]:
    """What a model brings that is sure of a fault as soon as anything is far from its normal."""
    return outcomes(target or pipeline(score=alert), readings(values))


def alert(text: str) -> Scores:
    """A model to which a channel far from its normal is a fault."""
    shifts = re.findall(r"^(?!joint)\w+ q\S+ q\S+ q\S+ z[+-](\d+)", text, re.MULTILINE)
    return scores(SURE if any(int(shift) >= FAR for shift in shifts) else 0.0)


def kinds(found: list[Outcome]) -> list[tuple[str, str]]:
    return [(event.kind, event.transition) for event in events(found)]


def misread(found: list[Outcome]) -> list[tuple[float, bool]]:
    """Steps after AT, counted from 1, in which a channel was kept out, and whether it was told."""
    return [
        (window.end / 60.0 - AT, part.confirmed)
        for outcome in found
        for window in outcome.windows
        for part in window.misread
    ]


# ------------------------------------------------------------------------------------------------ what is told

CHANGES = [
    ("temp", "degC", "degF", "temp reads like degF, its class says degC"),
    ("temp", "degC", "K", "temp reads like K, its class says degC"),
    ("temp", "degF", "degC", "temp seems to come in degC and is still converted from degF"),
    ("vib", "mm/s", "in/s", "vib reads like in/s, its class says mm/s"),
    ("vib", "in/s", "mm/s", "vib seems to come in mm/s and is still converted from in/s"),
    ("flow", "m3/h", "l/min", "flow reads like l/min, its class says m3/h"),
]


@pytest.mark.parametrize(("channel", "source", "target", "said"), CHANGES)
def test_a_change_of_unit_is_told_as_one_and_not_as_a_fault_of_the_machine(
    channel: str, source: str, target: str, said: str
) -> None:
    unlimited = replace(PUMP, channels=tuple(replace(c, limits=Limits()) for c in PUMP.channels))
    found = judged(changed(channel, source, target), pipeline(unlimited, alert))
    (event,) = events(found)

    assert (event.kind, event.transition, event.severity) == (f"unit:{channel}", Transition.RAISED, "low")
    assert event.summary.startswith(said)
    assert misread(found) == [(i, i >= CONFIRMED) for i in range(1, STEPS - AT)]
    assert max(v.time for v in verdicts(found)) == AT * 60.0


def test_the_evidence_holds_the_value_in_both_units() -> None:
    found = judged(changed())
    event = next(e for e in events(found) if e.kind == "unit:temp")

    assert [(fact.channel, fact.unit, fact.rule) for fact in event.evidence] == [
        ("temp", "degC", "unit"), ("temp", "degF", "unit"),
    ]  # fmt: skip
    assert [fact.baseline for fact in event.evidence] == pytest.approx([60.0, 140.0], abs=2.0)
    assert all(fact.value == pytest.approx(140.0, abs=4.0) for fact in event.evidence)
    assert event.time == (AT + CONFIRMED) * 60.0


def test_it_is_told_in_the_words_of_the_severity_table() -> None:
    policy = AlarmPolicy(unit_severity=Severity(risk=0.0, word="notice", number=100))
    found = judged(changed(), pipeline(policy=policy))

    assert [event.severity for event in events(found)] == ["notice"]


def test_a_hard_limit_is_never_hushed_up() -> None:
    """140 may be degF, but nobody knows until somebody has looked."""
    hot = replace(PUMP, channels=(PUMP.channels[0], replace(PUMP.channels[1], limits=Limits(high_alarm=95.0))))
    found = judged({k: v for k, v in changed().items() if k != "flow"}, pipeline(hot, alert))

    assert kinds(found) == [("limit:temp", "raised"), ("unit:temp", "raised")]


def test_it_clears_when_the_values_are_back_and_the_machine_is_judged_again_as_before() -> None:
    values = changed()
    values["temp"][AT + 8 :] = noise(STEPS)["temp"][AT + 8 :]
    found = judged(values)

    assert kinds(found) == [("unit:temp", "raised"), ("unit:temp", "cleared")]
    assert events(found)[-1].summary == "temp comes in its own unit again."
    assert [v.time / 60.0 - AT for v in verdicts(found) if v.time > AT * 60.0] == list(range(9, STEPS - AT))
    assert {v.status for v in verdicts(found) if v.time > AT * 60.0} == {Status.DECIDED}


def test_it_stands_while_the_machine_goes_on_to_change_in_the_other_unit() -> None:
    values = changed()
    values["temp"][AT + 6 :] += np.linspace(0.0, 30.0, STEPS - AT - 6)  # degF: 17 degC warmer

    assert kinds(judged(values)) == [("unit:temp", "raised")]


def test_all_channels_of_a_device_may_change_at_once() -> None:
    values = changed() | {"flow": changed("flow", "m3/h", "gpm")["flow"]}
    found = judged(values)

    assert kinds(found) == [("unit:temp", "raised"), ("unit:flow", "raised")]


def test_what_rests_on_a_misread_channel_is_kept_out_with_it() -> None:
    spec = replace(PUMP, channels=(*PUMP.channels, replace(POWER, limits=Limits())))
    found = judged(changed(), pipeline(spec, alert))
    last = [window for outcome in found for window in outcome.windows][-1]

    assert kinds(found) == [("unit:temp", "raised")]
    assert max(channel.oddity for channel in last.channels) < 6.0


def test_a_step_without_the_channel_changes_nothing() -> None:
    values = changed()
    values["temp"][[AT - 1, AT + 2, AT + 7]] = np.nan
    found = judged(values)

    assert kinds(found) == [("unit:temp", "raised")]
    assert events(found)[0].time == (AT + CONFIRMED + 1) * 60.0
    assert misread(found)[7] == (8, True)


def test_it_is_found_within_the_regimes_of_a_class_reference() -> None:
    spec = replace(PUMP, channels=(LOAD, *PUMP.channels))
    values = {"load": np.repeat([0.0, 50.0], [AT + 7, STEPS - AT - 7]), **changed()}
    for name in ("vib", "flow"):
        values[name][AT + 7 :] *= 1.5
    values["temp"][AT + 7 :] = (values["temp"][AT + 7 :] - 32.0) * 1.5 + 32.0
    found = judged(values, pipeline(spec, alert, references={"pump": reference(loads=(0.0, 50.0))}))

    assert kinds(found) == [("unit:temp", "raised")]


def test_nothing_is_looked_for_before_the_set_point_is_known() -> None:
    """With a class of several regimes nothing is known of a value until the load is."""
    spec = replace(PUMP, channels=(LOAD, *PUMP.channels))
    values = changed()
    found = judged(values, pipeline(spec, alert, references={"pump": reference(loads=(0.0, 50.0))}))

    assert misread(found) == []


# ------------------------------------------------------------------------------------------------ what is not


def drift(values: dict[str, Floats]) -> None:
    values["temp"][AT:] = np.linspace(60.0, 140.0, STEPS - AT)


def elsewhere(values: dict[str, Floats]) -> None:
    values["temp"][AT:] += 70.0


def with_the_others(values: dict[str, Floats]) -> None:
    values["temp"][AT:] = values["temp"][AT:] * 1.8 + 32.0
    values["flow"][AT:] += 5.0


def stuck(values: dict[str, Floats]) -> None:
    values["temp"][AT:] = 140.0


def briefly(values: dict[str, Floats]) -> None:
    values["temp"][AT : AT + CONFIRMED - 1] = values["temp"][AT : AT + CONFIRMED - 1] * 1.8 + 32.0


def after_a_spike(values: dict[str, Floats]) -> None:
    values["temp"][AT - 1] += 30.0
    values["temp"][AT:] = values["temp"][AT:] * 1.8 + 32.0


def restless(values: dict[str, Floats]) -> None:
    values["temp"][:] = 60.0 + (values["temp"] - 60.0) * 15.0
    values["temp"][AT:] = values["temp"][AT:] * 1.8 + 32.0


@pytest.mark.parametrize("fault", [drift, elsewhere, with_the_others, stuck, briefly, after_a_spike, restless])
def test_what_has_another_explanation_is_no_change_of_unit(fault: Callable[[dict[str, Floats]], None]) -> None:
    values = noise(STEPS)
    fault(values)
    found = judged(values)

    assert [kind for kind, _ in kinds(found) if kind.startswith("unit:")] == []
    assert len(verdicts(found)) >= STEPS - 1 - CONFIRMED


def test_a_channel_that_hardly_varies_cannot_be_asked_to() -> None:
    values = changed()
    values["temp"][:AT] = 60.0
    values["temp"][AT:] = 140.0

    assert kinds(judged(values)) == [("unit:temp", "raised")]


def test_while_the_baseline_is_learned_nothing_is_looked_for() -> None:
    values = noise(LEARNT)
    values["temp"][12:] = values["temp"][12:] * 1.8 + 32.0

    assert misread(judged(values)) == []


def test_while_the_machine_stands_nothing_is_looked_for() -> None:
    spec = replace(PUMP, running="vib > 0.5")
    values = changed()
    values["vib"][AT:] = 0.1

    assert misread(judged(values, pipeline(spec, alert))) == []


# ------------------------------------------------------------------------------------------------ restart


@pytest.mark.parametrize("at", [AT + 1, AT + 3, AT + 8])
def test_a_restart_changes_nothing_whether_by_snapshot_or_by_readings(at: int) -> None:
    given = readings(changed())
    cut = next(i for i, reading in enumerate(given) if reading.time >= at * 60.0)
    whole, first = pipeline(score=alert), pipeline(score=alert)
    expected = events(outcomes(whole, given))
    before = events(outcomes(first, given[:cut]))
    from_snapshot, from_readings = pipeline(score=alert), pipeline(score=alert)
    load_tracks(from_snapshot, dump_tracks(first))
    from_readings.judging = False
    outcomes(from_readings, given[:cut])
    from_readings.judging = True

    assert expected
    for again in (from_snapshot, from_readings):
        load_alarms(again, "p1", dump_alarms(first, "p1"))
        assert before + events(outcomes(again, given[cut:])) == expected
        assert again.windowers["pump"].tracks["p1"].jumps == whole.windowers["pump"].tracks["p1"].jumps


def test_a_snapshot_of_before_there_were_jumps_is_read() -> None:
    """Its tracks have none."""
    target = pipeline()
    outcomes(target, [Reading("p1", "temp", 10.0, 60.0)])
    blob = dump_tracks(target)
    again = pipeline()

    assert load_tracks(again, blob) == []
    assert again.windowers["pump"].tracks["p1"].jumps == {}


# ------------------------------------------------------------------------------------------------ suspects


def test_each_unit_is_suspected_both_ways_and_each_factor_once() -> None:
    assert [(s.unit, s.settled) for s in suspects(ChannelSpec(name="t", unit="°C"))] == [
        ("degF", False), ("degF", True), ("K", False), ("K", True),
    ]  # fmt: skip
    units = [s.unit for s in suspects(ChannelSpec(name="p", unit="bar"))]
    assert "mbar" in units
    assert "hPa" not in units


@pytest.mark.parametrize(("unit", "other"), [("bar", "kgf/cm2"), ("kW", "hp"), ("", "degC"), ("Nm", "degC")])
def test_a_unit_that_is_hardly_another_is_no_suspect(unit: str, other: str) -> None:
    assert other not in {suspect.unit for suspect in suspects(ChannelSpec(name="x", unit=unit))}


def test_a_suspect_knows_what_a_right_value_becomes() -> None:
    (first, *_) = suspects(ChannelSpec(name="t", unit="degC"))

    assert first == Suspect("degF", settled=False, change=first.change)
    assert 100.0 * first.change.scale + first.change.offset == pytest.approx(212.0)
