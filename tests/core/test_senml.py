"""SenML packs: resolved by RFC 8428, named by our rule."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.decode import Decoded, Decoder, Format, Reason, SourceSpec
from edge_agent.core.senml import divided, samples
from edge_agent.core.sources import Catalogue, Target
from edge_agent.core.types import Reading

NOW = 1717243200.0
CATALOGUE = Catalogue(
    classes={"*": "pump"},
    channels={"pump": {"temp": Target(unit="degC"), "vib": Target(unit="mm/s"), "load": Target(unit="%"),
                       "speed": Target(unit="rpm"), "power": Target(unit="kW"), "power.sum": Target(unit="kWh"),
                       "count": Target(counter=True)}},
)  # fmt: skip


def decoded(*records: object, topic: str = "t", name: str = "t", channel: str = "") -> Decoded:
    """What one pack on `t` says where the source gives neither asset nor channel."""
    source = SourceSpec(topic=topic, format=Format.SENML, channel=channel, catalogue=CATALOGUE)
    return Decoder((source,)).decode(name, json.dumps(records).encode(), NOW)


def reasons(found: Decoded) -> list[Reason]:
    return [fault.reason for fault in found.faults]


def values(*records: object) -> list[tuple[str, float, object]]:
    """Channel, time and value of every sample of a pack."""
    found, faults = samples(list(records), NOW, "", "")
    assert faults == []
    return [(str(sample.channel), sample.time, sample.value) for sample in found]


# ------------------------------------------------------------------------------------------------ resolution


def test_bases_hold_for_their_record_and_all_after_it_until_the_next() -> None:
    found = decoded(
        {"bn": "pump-7:", "bt": NOW - 100, "bu": "Cel", "bv": 20, "n": "temp", "v": 1.5},
        {"n": "temp", "t": 10, "v": 2},
        {"bn": "pump-8:", "n": "vib", "u": "m/s", "bv": 0, "v": 0.002},
        {"n": "temp", "t": -5, "v": 30},
    )

    assert found.faults == ()
    assert found.readings == (
        Reading("pump-7", "temp", NOW - 100, 21.5),
        Reading("pump-7", "temp", NOW - 90, 22.0),
        Reading("pump-8", "vib", NOW - 100, 2.0),
        Reading("pump-8", "temp", NOW - 105, 30.0),
    )


@pytest.mark.parametrize(
    ("base", "own", "time"),
    [
        (0, 0, NOW),
        (0, -5, NOW - 5),
        (0, 2**28 - 1, NOW + 2**28 - 1),
        (NOW - 60, 0, NOW - 60),
        (NOW - 60, -10.5, NOW - 70.5),
        (-3600, 1800, NOW - 1800),
    ],
)
def test_a_time_below_two_to_the_28_counts_from_the_arrival(base: float, own: float, time: float) -> None:
    assert values({"bt": base, "n": "a", "t": own, "v": 1}) == [("a", time, 1.0)]


def test_a_missing_value_is_zero_where_there_is_a_base_value() -> None:
    assert values({"bv": 20, "n": "a"}, {"n": "b", "v": -1}) == [("a", NOW, 20.0), ("b", NOW, 19.0)]


def test_a_record_of_bases_alone_measures_nothing() -> None:
    assert values({"bn": "d:", "bver": 10, "bs": 1, "bv": 2}) == []


def test_a_sum_is_a_reading_of_its_own_in_the_unit_of_the_integral() -> None:
    found = decoded({"bs": 1.8e6, "n": "p/power", "u": "W", "v": 1200, "s": 5.4e6}, {"n": "p/power", "u": "W", "s": 0})

    assert found.readings == (
        Reading("p", "power", NOW, pytest.approx(1.2)),  # type: ignore[arg-type]
        Reading("p", "power.sum", NOW, 2.0),
        Reading("p", "power.sum", NOW, 0.5),
    )
    assert reasons(decoded({"n": "p/power", "u": "lx", "s": 1})) == [Reason.BAD_UNIT]
    assert decoded({"n": "p/power", "s": 3}).readings == (Reading("p", "power.sum", NOW, 3.0),)


def test_the_mobile_device_of_the_standard_is_read() -> None:
    """RFC 8428, section 5.1.3: humidity, position and battery of one name; positions are no unit of ours."""
    position = [{"u": "lon", "v": 24.30621}, {"u": "lat", "v": 60.07965}]
    found = decoded(
        {"bn": "urn:dev:ow:10e2073a01080063", "bt": 1.320067464e9, "bu": "%RH", "v": 20}, *position,
        {"t": 60, "v": 20.3}, {"u": "%EL", "t": 150, "v": 98}, topic="t/{asset}", name="t/p1", channel="load",
    )  # fmt: skip

    assert found.readings == (
        Reading("p1", "load", 1320067464.0, 20.0),
        Reading("p1", "load", 1320067524.0, pytest.approx(20.3)),  # type: ignore[arg-type]
        Reading("p1", "load", 1320067614.0, 98.0),
    )
    assert reasons(found) == [Reason.BAD_UNIT, Reason.BAD_UNIT]


# ------------------------------------------------------------------------------------------------ names


@pytest.mark.parametrize(
    ("name", "asset", "channel", "expected"),
    [
        ("urn:dev:ow:10e2073a01080063:temp", "", "", ("urn:dev:ow:10e2073a01080063", "temp")),
        ("pump-7/temp", "", "", ("pump-7", "temp")),
        ("hall:pump-7/motor.temp", "", "", ("hall:pump-7", "motor.temp")),
        ("pump-7:/temp/", "", "", ("pump-7", "temp")),
        ("temp", "", "", ("", "temp")),
        ("temp", "pump-7", "", ("pump-7", "temp")),
        ("urn:dev:ow:1:temp", "pump-7", "", ("pump-7", "temp")),
        ("urn:dev:ow:1:", "", "temp", ("urn:dev:ow:1", "temp")),
        ("anything", "pump-7", "temp", ("pump-7", "temp")),
        ("", "pump-7", "", ("pump-7", "")),
    ],
)
def test_the_last_part_of_a_name_is_the_channel(name: str, asset: str, channel: str, expected: tuple[str, str]) -> None:
    assert divided(name, asset, channel) == expected


def test_the_topic_may_give_the_asset_and_the_source_the_channel() -> None:
    record = {"bn": "urn:dev:mac:24befffe804ff1:", "n": "temp", "v": 5}

    assert decoded(record, topic="t/{asset}", name="t/Pump 7").readings[0].asset == "pump-7"
    assert decoded({"bn": "Pump 8", "v": 5}, channel="temp").readings == (Reading("pump-8", "temp", NOW, 5.0),)
    assert decoded(record).readings[0].asset == "urn-dev-mac-24befffe804ff1"


def test_two_names_that_would_be_one_channel_are_not_mixed() -> None:
    found = decoded({"n": "motor/temp", "v": 1}, {"n": "gear/temp", "v": 2}, topic="t/{asset}", name="t/p1")

    assert found.readings == (Reading("p1", "temp", NOW, 1.0),)
    assert reasons(found) == [Reason.BAD_CHANNEL]
    assert "'gear/temp' and 'motor/temp'" in found.faults[0].detail


# ------------------------------------------------------------------------------------------------ units


@pytest.mark.parametrize(
    ("channel", "unit", "value", "expected"),
    [
        ("temp", "Cel", 20, 20.0),
        ("temp", "K", 293.15, 20.0),
        ("load", "%RH", 40, 40.0),
        ("load", "/", 0.5, 50.0),
        ("load", "/100", 40, 40.0),
        ("speed", "1/s", 25, 1500.0),
        ("speed", "1/min", 1500, 1500.0),
        ("speed", "Hz", 25, 1500.0),
        ("count", "count", 7, 7.0),
    ],
)
def test_a_unit_of_senml_is_converted_to_that_of_the_class(
    channel: str, unit: str, value: float, expected: float
) -> None:
    found = decoded({"n": f"p/{channel}", "u": unit, "v": value})

    assert found.readings[0].value == pytest.approx(expected)


@pytest.mark.parametrize("unit", ["g", "C", "F", "m/s"])
def test_a_letter_of_senml_is_not_taken_for_another_unit_of_ours(unit: str) -> None:
    """Gram is no acceleration, coulomb no degree."""
    assert reasons(decoded({"n": "p/temp", "u": unit, "v": 1})) == [Reason.BAD_UNIT]


def test_the_unit_of_the_source_stands_in_where_a_record_says_none() -> None:
    source = SourceSpec(topic="t", format=Format.SENML, units=(("*", "degF"),), catalogue=CATALOGUE)
    pack = json.dumps([{"n": "p/temp", "v": 212}, {"n": "p/temp", "u": "Cel", "v": 20}]).encode()

    assert [reading.value for reading in Decoder((source,)).decode("t", pack, NOW).readings] == [100.0, 20.0]


# ------------------------------------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"vs": "on"}, Reason.NOT_A_NUMBER),
        ({"vd": "AAAA"}, Reason.NOT_A_NUMBER),
        ({"vb": True}, Reason.BOOLEAN),
        ({"u": "Cel"}, Reason.MISSING_VALUE),
        ({"v": "21"}, Reason.NOT_A_NUMBER),
        ({"v": None}, Reason.NULL),
        ({"v": True}, Reason.BOOLEAN),
        ({"v": float("nan")}, Reason.NOT_FINITE),
        ({"v": 1e308, "bv": 1e308}, Reason.NOT_FINITE),
        ({"v": 1, "bv": []}, Reason.NOT_A_NUMBER),
        ({"v": 1, "u": 5}, Reason.BAD_UNIT),
        ({"v": 1, "t": "now"}, Reason.BAD_TIME),
        ({"v": 1, "t": 9e9}, Reason.BAD_TIME),
        ({"v": 1, "t": -9e9}, Reason.BAD_TIME),
        ({"v": 1, "t": float("nan")}, Reason.BAD_TIME),
        ({"v": 1, "bn": 5}, Reason.BAD_CHANNEL),
    ],
)
def test_a_record_that_cannot_be_read_is_refused_by_reason_and_spoils_no_other(
    record: dict[str, object], reason: Reason
) -> None:
    found = decoded({"n": "p/temp", "v": 1}, {"n": "p/temp", **record})

    assert found.readings == (Reading("p", "temp", NOW, 1.0),)
    assert reasons(found) == [reason]


@pytest.mark.parametrize(
    "pack",
    [b"{}", b"[]", b"[1]", b'[{"n":"p/temp","v":1,"bver":11}]', b'[{"bver":true,"n":"p/temp","v":1}]',
     b'[{"n":"p/temp","v":1},{"n":"p/temp","v":1,"calibration_":2}]'],
)  # fmt: skip
def test_a_pack_that_must_not_be_read_is_refused_whole(pack: bytes) -> None:
    source = SourceSpec(topic="t", format=Format.SENML, catalogue=CATALOGUE)
    found = Decoder((source,)).decode("t", pack, NOW)

    assert found.readings == ()
    assert reasons(found) == [Reason.BAD_SHAPE]


def test_a_name_without_parts_needs_an_asset_from_the_source() -> None:
    assert reasons(decoded({"n": "temp", "v": 1})) == [Reason.BAD_ASSET]
    assert reasons(decoded({"n": "p/torque", "v": 1})) == [Reason.UNKNOWN_CHANNEL]


ANY = st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=5), st.lists)
LABELS = st.sampled_from(["bn", "bt", "bu", "bv", "bs", "bver", "n", "u", "v", "vs", "vb", "s", "t", "ut", "x_"])


@given(st.lists(st.dictionaries(LABELS, ANY | st.just(NOW)), max_size=5))
def test_whatever_a_pack_holds_it_has_an_answer(records: list[dict[str, object]]) -> None:
    found, faults = samples(records, NOW, "", "")

    assert all(isinstance(sample.value, float) for sample in found)
    assert found or faults or all(record.keys() <= {"bn", "bt", "bu", "bv", "bs", "bver"} for record in records)
