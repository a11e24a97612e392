"""ThingsBoard telemetry: of a device, and of the devices behind a gateway."""

from __future__ import annotations

import pytest

from edge_agent.core.decoded import Sample
from edge_agent.core.faults import Reason
from edge_agent.core.thingsboard import samples
from edge_agent.core.timestamps import TimeUnit

NOW = 1717243200.0
ENTRY = {"ts": 1717243199000, "values": {"temp": 1, "vib": "2"}}
READ = [Sample("p1", "temp", NOW - 1, 1), Sample("p1", "vib", NOW - 1, "2")]


@pytest.mark.parametrize(
    ("document", "asset"), [(ENTRY, "p1"), ([ENTRY], "p1"), ({"p1": [ENTRY]}, ""), ({"p1": ENTRY}, "")]
)
def test_an_entry_with_a_time_is_a_sample_of_each_of_its_values(document: object, asset: str) -> None:
    assert samples(document, NOW, asset, TimeUnit.AUTO) == (READ, [])


@pytest.mark.parametrize("entry", [{"temp": 1}, {"values": {"temp": 1}}, {"ts": None, "values": {"temp": 1}}])
def test_an_entry_without_a_time_has_that_of_its_arrival(entry: object) -> None:
    assert samples(entry, NOW, "p1", TimeUnit.MS) == ([Sample("p1", "temp", NOW, 1)], [])


def test_a_ts_beside_no_values_is_a_key_like_any_other() -> None:
    assert samples({"ts": 5}, NOW, "p1", TimeUnit.MS) == ([Sample("p1", "ts", NOW, 5)], [])


@pytest.mark.parametrize(
    ("document", "asset", "reason"),
    [
        ([ENTRY], "", Reason.BAD_SHAPE),
        (5, "p1", Reason.BAD_SHAPE),
        ({"p1": [5]}, "", Reason.BAD_SHAPE),
        ({"ts": 1, "values": [1]}, "p1", Reason.BAD_SHAPE),
        ({"ts": 1717243199, "values": {"temp": 1}}, "p1", Reason.BAD_TIME),
    ],
)
def test_what_has_another_shape_is_refused_by_reason(document: object, asset: str, reason: Reason) -> None:
    found, faults = samples(document, NOW, asset, TimeUnit.MS)

    assert found == []
    assert [fault.reason for fault in faults] == [reason]


def test_one_bad_entry_spoils_no_other() -> None:
    found, faults = samples({"p0": "x", "p1": [None, ENTRY]}, NOW, "", TimeUnit.AUTO)

    assert found == READ
    assert len(faults) == 2
