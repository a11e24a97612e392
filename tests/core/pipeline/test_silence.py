"""A channel or a whole asset that says nothing alarms, and clears when it is back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edge_agent.core.conditions import MAX_SILENT
from edge_agent.core.types import ChannelSpec
from tests.core.pipeline.given_risks import CLEARED, RAISED, kinds
from tests.core.pump import PUMP, events, noise, outcomes, pipeline, readings


def test_a_silent_channel_alarms_and_its_return_clears() -> None:
    values = noise(40)
    values["temp"][10:25] = np.nan
    found = events(outcomes(pipeline(), readings(values)))

    assert kinds(found) == [("silence", RAISED), ("silence", CLEARED)]
    assert (found[0].severity, found[0].summary) == (
        "low",
        "No readings from temp. Check the sensor, its cable and the gateway's connection.",
    )
    assert found[1].summary == "Readings are back."
    assert (found[0].time, found[1].time) == (1200.0, 1560.0)


def test_an_asset_gone_silent_alarms_once_and_clears_when_it_is_back() -> None:
    target = pipeline()
    outcomes(target, readings(noise(3)))
    [raised] = target.silent("p1").events

    assert target.silent("p1").events == []
    assert (raised.kind, raised.time) == ("silence", 132.0 + PUMP.silent_after_s)
    assert raised.summary.startswith("No readings from any channel. ")
    assert kinds(events(outcomes(target, readings(noise(3), first=60)))) == [("silence", CLEARED)]


def test_an_asset_never_heard_of_cannot_go_silent() -> None:
    assert pipeline().silent("p1").events == []


def test_an_alarm_names_a_bounded_number_of_silent_channels() -> None:
    many = tuple(ChannelSpec(name=f"c{i}") for i in range(MAX_SILENT + 5))
    target = pipeline(replace(PUMP, channels=many))
    found = events(outcomes(target, readings({"c0": [1.0] * 20})))

    assert [f.channel for f in found[0].evidence] == [f"c{i + 1}" for i in range(MAX_SILENT)]
    assert " and others. " in found[0].summary
