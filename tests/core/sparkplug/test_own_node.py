"""What we say as an edge node, read by what we are as a host."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge_agent.core.decode import Decoder, Format, SourceSpec
from edge_agent.core.faults import Reason
from edge_agent.core.sources import Catalogue, Target
from edge_agent.core.sparkplug.own_node import METRICS, Change, OwnEdgeNode, Said, asks_for_birth
from edge_agent.core.sparkplug.payload import DataType, Metric, Payload, Value, decoded, encoded
from edge_agent.core.types import AlarmEvent, Reading, Status, Transition, Verdict
from tests.core.outputs.told import NOON, RAISED
from tests.core.sparkplug.test_second import asked

NOW = NOON
VERDICT = Verdict("pump-7", NOW, "text", 0.25, "none", 0.9, Status.DECIDED)
EVENT = replace(
    RAISED, id="a1", asset="pump-7", time=NOW + 5, first=NOW + 5, summary="Vibration is high.", evidence=(), quotes=()
)
CLEARED = replace(EVENT, rev=2, transition=Transition.CLEARED, active=False, acked=True, time=NOW + 60)
LIMIT = replace(EVENT, id="a2", kind="limit:temp", severity="critical", severity_number=900, first=NOW + 9)
SHELVED = replace(LIMIT, rev=2, transition=Transition.SHELVED, shelved_until=NOW + 3600)
SUPPRESSED = replace(LIMIT, rev=2, transition=Transition.SUPPRESSED, suppressed="operator")


def node(*standing: AlarmEvent) -> OwnEdgeNode:
    return OwnEdgeNode("pdm", "gw", standing)


def values(said: Said) -> dict[str | int, Value | None]:
    """Metric name or alias → value."""
    return {metric.name or metric.alias or 0: metric.value for metric in decoded(said.payload).metrics}


def told(change: Change | None) -> Change:
    assert change is not None
    return change


def test_a_birth_says_who_is_there_and_the_session_its_death_belongs_to() -> None:
    own = node()
    [birth] = own.births(300, NOW)
    death = own.death(300, NOW)

    assert (birth.topic, death.topic) == ("spBv1.0/pdm/NBIRTH/gw", "spBv1.0/pdm/NDEATH/gw")
    assert values(birth) == {"bdSeq": 44, "Node Control/Rebirth": False}
    assert values(death) == {"bdSeq": 44}
    assert (decoded(birth.payload).seq, decoded(death.payload).seq) == (0, None)


def test_an_asset_is_born_with_all_that_holds_when_it_is_first_told_of() -> None:
    own = node()
    own.births(0, NOW)
    [birth] = own.data(told(own.risk(VERDICT)), NOW)
    metrics = decoded(birth.payload).metrics

    assert birth.topic == "spBv1.0/pdm/DBIRTH/gw/pump-7"
    assert {metric.name: metric.datatype for metric in metrics} == dict(METRICS)
    assert values(birth) == {
        "risk": 0.25, "status": "decided", "mode": "none", "alarm/active": False, "alarm/acked": True,
        "alarm/shelved": False, "alarm/suppressed": False, "alarm/severity": "", "alarm/severity_number": 0,
        "alarm/kind": "", "alarm/id": "", "alarm/summary": "",
    }  # fmt: skip
    assert len({metric.alias for metric in metrics}) == len(METRICS)


def test_an_alarm_is_data_by_the_aliases_of_the_birth() -> None:
    own = node()
    own.births(0, NOW)
    [birth] = own.data(told(own.risk(VERDICT)), NOW)
    names = {metric.alias: metric.name for metric in decoded(birth.payload).metrics}
    [data] = own.data(told(own.alarm(EVENT)), NOW)
    metrics = decoded(data.payload).metrics

    assert data.topic == "spBv1.0/pdm/DDATA/gw/pump-7"
    assert {names[metric.alias]: metric.value for metric in metrics} == {
        "alarm/active": True, "alarm/acked": False, "alarm/shelved": False, "alarm/suppressed": False,
        "alarm/severity": "high", "alarm/severity_number": 700,
        "alarm/kind": "risk", "alarm/id": "a1", "alarm/summary": "Vibration is high.",
    }  # fmt: skip
    assert {(metric.name, metric.timestamp, metric.is_historical) for metric in metrics} == {
        (None, 1717243205000, False)
    }


def test_a_risk_is_told_by_exception() -> None:
    own = node()
    changes = [
        own.risk(VERDICT),
        own.risk(replace(VERDICT, risk=0.255)),
        own.risk(replace(VERDICT, risk=0.26)),
        own.risk(replace(VERDICT, risk=0.26, mode="VIB")),
        own.risk(replace(VERDICT, risk=0.26, mode="VIB", status=Status.UNCERTAIN)),
        own.risk(replace(VERDICT, risk=0.9, historical=True)),
    ]

    assert [change is not None for change in changes] == [True, False, True, True, True, False]


def test_of_alarms_that_stand_the_worst_is_told_until_it_is_over() -> None:
    own = node()
    ids = [change and change.values["alarm/id"] for change in (
        own.alarm(EVENT),
        own.alarm(LIMIT),
        own.alarm(replace(EVENT, rev=2, summary="Other words.")),
        own.alarm(replace(LIMIT, active=False)),
        own.alarm(CLEARED),
        own.alarm(CLEARED),
    )]  # fmt: skip

    assert ids == ["a1", "a2", None, "a1", "", None]


FLAGS = ("alarm/active", "alarm/acked", "alarm/shelved", "alarm/suppressed")


@pytest.mark.parametrize(
    ("event", "flags"),
    [
        (SHELVED, (True, False, True, False)),
        (SUPPRESSED, (True, False, False, True)),
        (replace(LIMIT, rev=2, transition=Transition.ACKED, acked=True), (True, True, False, False)),
    ],
)
def test_what_people_do_to_an_alarm_is_told_when_they_do_it_and_in_births(
    event: AlarmEvent, flags: tuple[bool, ...]
) -> None:
    own = node(LIMIT)
    [_, birth] = own.births(0, NOW)
    names = {metric.alias: metric.name for metric in decoded(birth.payload).metrics}
    [data] = own.data(told(own.alarm(event)), NOW)
    [_, again] = own.births(0, NOW)
    undone = told(own.alarm(replace(LIMIT, rev=3)))

    found = {names[metric.alias]: metric.value for metric in decoded(data.payload).metrics}
    assert tuple(found[name] for name in FLAGS) == tuple(values(again)[name] for name in FLAGS) == flags
    assert tuple(undone.values[name] for name in FLAGS) == (True, False, False, False)


def test_the_flags_are_read_by_the_second_implementation() -> None:
    _, birth = node(replace(SHELVED, acked=True)).births(0, NOW)
    [answer] = asked({"decode": birth.payload.hex()})
    assert isinstance(answer, dict)
    found = {one["name"]: (one["type"], one["value"]) for one in answer["metrics"]}

    assert [found[name] for name in FLAGS] == [("Boolean", value) for value in (True, True, True, False)]


@pytest.mark.parametrize("quiet", [SHELVED, SUPPRESSED])
def test_an_alarm_that_pages_nobody_hides_none_that_does(quiet: AlarmEvent) -> None:
    own = node(EVENT, quiet)
    [_, birth] = own.births(0, NOW)
    cleared = told(own.alarm(CLEARED))

    assert (values(birth)["alarm/id"], cleared.values["alarm/id"]) == ("a1", "a2")


def test_a_cleared_alarm_says_whether_somebody_has_acknowledged_it() -> None:
    own = node(EVENT)

    assert told(own.alarm(replace(CLEARED, acked=False))).values["alarm/acked"] is False


def test_what_is_over_is_told_as_historical_and_changes_nothing_that_holds() -> None:
    own = node()
    own.births(0, NOW)
    past = told(own.alarm(replace(EVENT, historical=True)))
    birth, data = own.data(past, NOW)

    assert values(birth)["alarm/active"] is False
    assert {metric.is_historical for metric in decoded(data.payload).metrics} == {True}


def test_what_comes_late_is_told_as_historical_after_the_births() -> None:
    own = node()
    change = told(own.alarm(EVENT))
    births = own.births(1, NOW + 100)
    [data] = own.data(change, NOW + 100, late=True)

    assert [said.topic.split("/")[2] for said in births] == ["NBIRTH", "DBIRTH"]
    assert values(births[1])["alarm/id"] == "a1"
    assert {(metric.is_historical, metric.timestamp) for metric in decoded(data.payload).metrics} == {
        (True, 1717243205000)
    }


def test_alarms_that_stand_from_a_former_run_are_in_the_first_births() -> None:
    _, birth = node(EVENT).births(0, NOW)

    assert (values(birth)["alarm/active"], values(birth)["risk"]) == (True, None)


def test_a_host_reads_all_of_it_through_the_turn_of_the_sequence() -> None:
    catalogue = Catalogue(
        classes={"*": "told"}, channels={"told": {"risk": Target(), "alarm.severity_number": Target()}}
    )
    host = Decoder((SourceSpec(topic="spBv1.0/pdm/#", format=Format.SPARKPLUG, catalogue=catalogue),))
    own = node()
    said = own.births(0, NOW)
    for i in range(600):
        said += own.data(told(own.risk(replace(VERDICT, risk=0.5 if i % 2 else 0.25, time=NOW + i))), NOW)
    said += own.births(0, NOW)
    said += own.data(told(own.alarm(EVENT)), NOW)
    found = [host.decode(topic, payload, NOW) for topic, payload in said]

    assert [one.faults for one in found if one.faults] == []
    assert sum(len(one.requests) for one in found) == 0
    readings = [reading for one in found for reading in one.readings]
    assert sum(reading.channel == "risk" for reading in readings) == 600
    assert readings[-1] == Reading("pump-7", "alarm.severity_number", NOW + 5, 700.0)
    death = own.death(0, NOW)
    assert [fault.reason for fault in host.decode(*death, NOW).faults] == [Reason.DEATH]


REBIRTH = Metric(name="Node Control/Rebirth", datatype=DataType.BOOLEAN, value=True)


@pytest.mark.parametrize(
    ("payload", "asked"),
    [
        (encoded(Payload(metrics=(REBIRTH,))), True),
        (encoded(Payload(metrics=(replace(REBIRTH, value=False),))), False),
        (encoded(Payload(metrics=(replace(REBIRTH, name="Node Control/Reboot"),))), False),
        (b"\xff", False),
        (b"", False),
    ],
)
def test_a_rebirth_is_asked_for_by_its_metric_and_nothing_else(payload: bytes, asked: bool) -> None:  # noqa: FBT001
    assert asks_for_birth(payload) is asked
    assert node().commands == "spBv1.0/pdm/NCMD/gw"
