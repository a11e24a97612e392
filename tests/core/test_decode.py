"""Payloads → readings, log lines and reasons."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core import assets, decode
from edge_agent.core.decode import MAX_PAYLOAD, Decoded, Decoder, Format, Kind, Paths, Reason, SourceSpec
from edge_agent.core.sources import Catalogue, Target
from edge_agent.core.timestamps import TimeUnit
from edge_agent.core.types import LogLine, Reading, WorkOrderEvent

NOW = 1717243200.0
CATALOGUE = Catalogue(
    classes={"pump-*": "pump", "fan-1": "fan"},
    channels={
        "pump": {"temp": Target(unit="degC"), "vib": Target(unit="mm/s"), "hours": Target(unit="h", counter=True)},
        "fan": {"temp": Target(unit="degF")},
    },
)
SCALAR = SourceSpec(topic="plant/{asset}/{channel}")


def decoded(payload: bytes | object, **spec: object) -> Decoded:
    """What one message on `t/p1` says under a JSON source."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    paths = {name: spec.pop(name) for name in list(spec) if name in Paths.__dataclass_fields__ and name != "asset"}
    if "asset_path" in spec:
        paths["asset"] = spec.pop("asset_path")
    source = SourceSpec(topic="t/{asset}", **{"format": Format.JSON, **spec}, paths=Paths(**paths))  # type: ignore[arg-type]
    return Decoder((source,)).decode("t/p1", body, NOW)


def reasons(found: Decoded) -> list[Reason]:
    assert found.readings == ()
    assert found.logs == ()
    return [fault.reason for fault in found.faults]


# ------------------------------------------------------------------------------------------------ scalars


def test_a_scalar_is_a_reading_of_the_channel_of_its_topic() -> None:
    assert Decoder((SCALAR,)).decode("plant/Pump 7/vib", b"1.5", NOW) == Decoded((Reading("pump-7", "vib", NOW, 1.5),))


@given(st.floats(-3e38, 3e38))
def test_a_value_is_rounded_as_numpy_rounds_to_float32(value: float) -> None:
    found = Decoder((SCALAR,)).decode("plant/p1/vib", repr(value).encode(), NOW)

    assert found.readings[0].value == float(np.float32(value))


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", Reason.EMPTY),
        (b" \n", Reason.EMPTY),
        (b"nan", Reason.NOT_FINITE),
        (b"-inf", Reason.NOT_FINITE),
        (b"1e999", Reason.NOT_FINITE),
        (b"9" * 400, Reason.NOT_FINITE),
        (b"1e39", Reason.OUT_OF_RANGE),
        (b"TRUE", Reason.BOOLEAN),
        (b"null", Reason.NULL),
        (b"1_000", Reason.NOT_A_NUMBER),
        (b"12,5", Reason.NOT_A_NUMBER),
        (b"12.5 mm/s", Reason.NOT_A_NUMBER),
        (b"\xff\xfe", Reason.NOT_A_NUMBER),
        ("\u0661".encode(), Reason.NOT_A_NUMBER),
    ],
)
def test_a_scalar_that_is_no_finite_number_is_refused_by_reason(payload: bytes, reason: Reason) -> None:
    assert reasons(Decoder((SCALAR,)).decode("plant/p1/vib", payload, NOW)) == [reason]


def test_a_topic_is_looked_up_once_and_answers_alike_ever_after() -> None:
    decoder = Decoder((SCALAR,))

    assert decoder.decode("plant/p1/vib", b"1", NOW) == decoder.decode("plant/p1/vib", b"1", NOW)
    assert reasons(decoder.decode("plant/%%/vib", b"1", NOW)) == [Reason.BAD_ASSET]
    assert reasons(decoder.decode("plant/%%/vib", b"1", NOW)) == [Reason.BAD_ASSET]


def test_a_payload_over_the_bound_is_refused_unread() -> None:
    decoder = Decoder((SCALAR,))

    assert reasons(decoder.decode("plant/p1/vib", b"1" * (MAX_PAYLOAD + 1), NOW)) == [Reason.TOO_LARGE]
    assert reasons(decoder.decode("plant/p1/vib", b"1" * MAX_PAYLOAD, NOW)) == [Reason.NOT_FINITE]


def test_a_topic_of_no_source_is_a_fault() -> None:
    assert reasons(Decoder((SCALAR,)).decode("hall/p1", b"1", NOW)) == [Reason.NO_SOURCE]
    assert reasons(Decoder(()).decode("hall/p1", b"1", NOW)) == [Reason.NO_SOURCE]


def test_a_bad_level_in_a_topic_is_a_fault() -> None:
    assert reasons(Decoder((SCALAR,)).decode("plant/p\x01/vib", b"1", NOW)) == [Reason.BAD_TOPIC]


def test_the_first_source_that_fits_takes_the_message() -> None:
    log = SourceSpec(topic="plant/{asset}/log", kind=Kind.LOG, format=Format.TEXT)
    found = Decoder((log, SCALAR)).decode("plant/p1/log", b"7", NOW)

    assert found == Decoded((), (LogLine("p1", NOW, "7"),))


def test_fixed_names_stand_in_for_what_the_topic_does_not_say() -> None:
    source = SourceSpec(topic="line4/vibration", asset="Press 4", channel="vib")

    assert Decoder((source,)).decode("line4/vibration", b"2", NOW).readings == (Reading("press-4", "vib", NOW, 2.0),)


# ------------------------------------------------------------------------------------------------ assets and classes


def test_a_second_name_with_the_same_id_is_refused() -> None:
    decoder = Decoder((SCALAR,))
    decoder.decode("plant/Pump 7/vib", b"1", NOW)
    found = decoder.decode("plant/pump_7/vib", b"1", NOW), decoder.decode("plant/PUMP 7/vib", b"1", NOW)

    assert found[0].readings[0].asset == "pump_7"
    assert reasons(found[1]) == [Reason.ASSET_COLLISION]
    assert "'Pump 7'" in found[1].faults[0].detail


def test_no_more_assets_than_allowed_are_known() -> None:
    decoder = Decoder((SCALAR,), max_assets=2)
    for name in ("a", "b"):
        assert decoder.decode(f"plant/{name}/vib", b"1", NOW).readings
    assert reasons(decoder.decode("plant/c/vib", b"1", NOW)) == [Reason.TOO_MANY_ASSETS]
    assert decoder.decode("plant/b/temp", b"1", NOW).readings
    assert len(decoder.registry) == 2


def test_neither_a_bad_value_nor_an_asset_without_class_uses_up_the_room() -> None:
    source = SourceSpec(topic="plant/{asset}/{channel}", catalogue=CATALOGUE)
    decoder = Decoder((source,))
    decoder.decode("plant/pump-1/temp", b"bad", NOW)
    decoder.decode("plant/other/temp", b"1", NOW)

    assert len(decoder.registry) == 0


def test_an_asset_name_without_letters_or_digits_is_refused() -> None:
    assert reasons(Decoder((SCALAR,)).decode("plant/%%/vib", b"1", NOW)) == [Reason.BAD_ASSET]
    named = SourceSpec(topic="plant/{asset}/{channel}", catalogue=CATALOGUE)
    assert reasons(Decoder((named,)).decode("plant/%%/vib", b"1", NOW)) == [Reason.BAD_ASSET]


@pytest.mark.parametrize(
    ("topic", "reason"),
    [
        ("plant/lathe-1/temp", Reason.UNKNOWN_CLASS),
        ("plant/pump-1/torque", Reason.UNKNOWN_CHANNEL),
        ("plant/pump-1/vib", Reason.BAD_UNIT),
    ],
)
def test_what_the_catalogue_does_not_know_is_refused_by_reason(topic: str, reason: Reason) -> None:
    source = SourceSpec(topic="plant/{asset}/{channel}", units=(("vib", "degF"),), catalogue=CATALOGUE)

    assert reasons(Decoder((source,)).decode(topic, b"1", NOW)) == [reason]


def test_a_declared_unit_is_converted_to_that_of_the_class() -> None:
    source = SourceSpec(topic="plant/{asset}/{channel}", units=(("*", "degF"), ("vib", "in/s")), catalogue=CATALOGUE)
    decoder = Decoder((source,))

    assert decoder.decode("plant/pump-1/temp", b"212", NOW).readings[0].value == 100.0
    assert decoder.decode("plant/pump-1/vib", b"1", NOW).readings[0].value == float(np.float32(25.4))
    assert decoder.decode("plant/fan-1/temp", b"212", NOW).readings[0].value == 212.0


def test_a_counter_keeps_float64() -> None:
    source = SourceSpec(topic="plant/{asset}/{channel}", catalogue=CATALOGUE)

    assert Decoder((source,)).decode("plant/pump-1/hours", b"16777217", NOW).readings[0].value == 16777217.0
    assert Decoder((SCALAR,)).decode("plant/pump-1/hours", b"16777217", NOW).readings[0].value == 16777216.0


def test_remembered_topics_and_names_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "MAX_REMEMBERED", 2)
    payload = SourceSpec(topic="j", format=Format.JSON, paths=Paths(value="v", asset="a", channel="c"))
    decoder = Decoder((payload, SCALAR))
    for name in "abcde":
        assert decoder.decode(f"plant/{name}/vib", b"1", NOW).readings
        assert decoder.decode("j", json.dumps({"v": 1, "a": name, "c": "vib"}).encode(), NOW).readings

    assert len(decoder._routes) <= 2
    assert len(decoder._sources[0].slots) <= 2
    assert assets.MAX_REMEMBERED > 10_000 * 10


# ------------------------------------------------------------------------------------------------ JSON readings


def test_value_time_channel_and_asset_are_found_by_path() -> None:
    body = {"d": {"v": "1.5"}, "ts": 1717243200500, "n": "vib", "dev": "Pump 2"}
    found = decoded(body, value="d.v", time="ts", channel="n", asset_path="dev")

    assert found == Decoded((Reading("pump-2", "vib", NOW + 0.5, 1.5),))


def test_a_number_may_name_an_asset() -> None:
    found = decoded({"v": 1, "a": 7, "c": "x"}, value="v", asset_path="a", channel="c")
    assert found.readings == (Reading("7", "x", NOW, 1.0),)


def test_several_channels_may_share_a_message() -> None:
    channels = (("temp", "t"), ("vib", "v.rms"), ("load", "l"))
    found = decoded({"t": 20, "v": {"rms": 1.25}}, channels=channels)

    assert found == Decoded((Reading("p1", "temp", NOW, 20.0), Reading("p1", "vib", NOW, 1.25)))


def test_a_message_with_none_of_its_channels_is_a_fault() -> None:
    assert reasons(decoded({"x": 1}, channels=(("temp", "t"),))) == [Reason.MISSING_VALUE]
    assert reasons(decoded({"x": 1}, value="v", channel="x")) == [Reason.MISSING_VALUE]


def test_every_number_of_an_object_can_be_a_channel() -> None:
    body = {"d": {"temp": 20, "vib": 1.5, "name": "x", "ok": True, "text": "3", "rpm": 9}}
    source = SourceSpec(topic="t/{asset}", format=Format.JSON, paths=Paths(channels=(("*", "d"),)), catalogue=CATALOGUE)
    found = Decoder((source,)).decode("t/pump-1", json.dumps(body).encode(), NOW)

    assert found == Decoded((Reading("pump-1", "temp", NOW, 20.0), Reading("pump-1", "vib", NOW, 1.5)))
    assert reasons(decoded({"d": 5}, channels=(("*", "d"),))) == [Reason.BAD_SHAPE]


def test_an_asset_without_class_is_told_even_if_every_number_is_taken() -> None:
    source = SourceSpec(topic="t/{asset}", format=Format.JSON, paths=Paths(channels=(("*", ""),)), catalogue=CATALOGUE)

    assert reasons(Decoder((source,)).decode("t/lathe", b'{"temp":1}', NOW)) == [Reason.UNKNOWN_CLASS]


def test_items_take_from_the_whole_what_they_do_not_say() -> None:
    body = {"ts": 1717243200, "dev": "p9", "r": [{"n": "a", "v": 1}, {"n": "b", "v": 2, "ts": 1717243201}]}
    found = decoded(body, items="r", value="v", channel="n", time="ts", asset_path="dev")

    assert found == Decoded((Reading("p9", "a", NOW, 1.0), Reading("p9", "b", NOW + 1, 2.0)))


def test_the_whole_payload_can_be_the_array() -> None:
    assert decoded([{"v": 1}, {"v": 2}], items="", channels=(("x", "v"),)).readings == (
        Reading("p1", "x", NOW, 1.0),
        Reading("p1", "x", NOW, 2.0),
    )
    assert reasons(decoded({"r": 5}, items="r", channels=(("x", "v"),))) == [Reason.BAD_SHAPE]


def test_one_bad_item_does_not_spoil_the_others() -> None:
    found = decoded([{"v": 1}, {"v": None}, {"v": 3, "ts": "x"}], items="", channels=(("x", "v"),), time="ts")

    assert [r.value for r in found.readings] == [1.0]
    assert [f.reason for f in found.faults] == [Reason.NULL, Reason.BAD_TIME]


def test_faults_of_one_message_are_bounded() -> None:
    assert len(decoded([{"v": None}] * 100, items="", channels=(("x", "v"),)).faults) == 16


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("true", Reason.BOOLEAN),
        ("null", Reason.NULL),
        ("NaN", Reason.NOT_FINITE),
        ("-Infinity", Reason.NOT_FINITE),
        ("1e999", Reason.NOT_FINITE),
        ("1" * 4300, Reason.NOT_FINITE),
        ("1e39", Reason.OUT_OF_RANGE),
        ('"nan"', Reason.NOT_FINITE),
        ('"abc"', Reason.NOT_A_NUMBER),
        ('"1_0"', Reason.NOT_A_NUMBER),
        ('"\\u0661"', Reason.NOT_A_NUMBER),
        ("[1]", Reason.NOT_A_NUMBER),
        ("{}", Reason.NOT_A_NUMBER),
    ],
)
def test_a_json_value_that_is_no_finite_number_is_refused_by_reason(value: str, reason: Reason) -> None:
    assert reasons(decoded(f'{{"v":{value},"c":"x"}}'.encode(), value="v", channel="c")) == [reason]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", Reason.EMPTY),
        (b"\n ", Reason.EMPTY),
        (b"{", Reason.BAD_JSON),
        (b'{"v":1} x', Reason.BAD_JSON),
        (b"[" * 10_000, Reason.BAD_JSON),
        (b'{"v":' + b"[" * 300 + b"]" * 300 + b"}", Reason.BAD_JSON),
        (b'{"v":' + b"1" * 4301 + b"}", Reason.BAD_JSON),
        (b'{"v":"\\ud800"}', Reason.BAD_JSON),
        (b'{"v":"\xff"}', Reason.BAD_ENCODING),
    ],
)
def test_a_payload_that_is_no_json_is_refused_by_reason(payload: bytes, reason: Reason) -> None:
    assert reasons(decoded(payload, value="v", channel="v")) == [reason]


def test_of_two_equal_keys_the_last_counts() -> None:
    assert decoded(b'{"v":1,"v":2}', channels=(("x", "v"),)).readings[0].value == 2.0


def test_a_byte_order_mark_is_ignored() -> None:
    assert decoded(b'\xef\xbb\xbf{"v":1}', channels=(("x", "v"),)).readings[0].value == 1.0


@pytest.mark.parametrize("name", [None, True, 1.5, [], "", "x" * 257])
def test_a_payload_that_names_no_asset_or_channel_is_refused(name: object) -> None:
    assert reasons(decoded({"v": 1, "a": name}, channels=(("x", "v"),), asset_path="a")) == [Reason.BAD_ASSET]
    assert reasons(decoded({"v": 1, "c": name}, value="v", channel="c")) == [Reason.BAD_CHANNEL]


def test_a_payload_without_the_asset_or_channel_it_should_name_is_refused() -> None:
    assert reasons(decoded({"v": 1}, channels=(("x", "v"),), asset_path="a")) == [Reason.BAD_ASSET]
    assert reasons(decoded({"v": 1}, value="v", channel="c")) == [Reason.BAD_CHANNEL]
    assert reasons(decoded({"v": 1}, value="v")) == [Reason.BAD_CHANNEL]


@pytest.mark.parametrize("payload", [{"v": 1}, {"v": 1, "ts": None}])
def test_a_reading_without_time_gets_that_of_its_arrival(payload: object) -> None:
    assert decoded(payload, channels=(("x", "v"),), time="ts").readings[0].time == NOW


def test_the_declared_unit_of_time_is_kept_to() -> None:
    paths = {"channels": (("x", "v"),), "time": "ts"}

    assert decoded({"v": 1, "ts": 1717243200}, **paths, time_unit=TimeUnit.S).readings[0].time == NOW
    assert reasons(decoded({"v": 1, "ts": 1717243200}, **paths, time_unit=TimeUnit.MS)) == [Reason.BAD_TIME]


def test_a_value_out_of_range_after_conversion_is_refused() -> None:
    source = SourceSpec(
        topic="t/{asset}", format=Format.JSON, units=(("vib", "m/s"),), paths=Paths(channels=(("vib", "v"),)),
        catalogue=CATALOGUE,
    )  # fmt: skip

    assert reasons(Decoder((source,)).decode("t/pump-1", b'{"v":1e38}', NOW)) == [Reason.OUT_OF_RANGE]


def test_the_unit_a_payload_says_counts_more_than_that_of_its_source() -> None:
    source = SourceSpec(
        topic="t/{asset}", format=Format.JSON, units=(("*", "K"),), catalogue=CATALOGUE,
        paths=Paths(value="v", channel="c", unit="u", items=""),
    )  # fmt: skip
    items = [{"c": "temp", "v": v, "u": u} for v, u in ((68, "\u00b0F"), (21, "degC"), (295.15, None), (295.15, ""))]
    found = Decoder((source,)).decode("t/pump-1", json.dumps(items).encode(), NOW)

    assert [reading.value for reading in found.readings] == pytest.approx([20.0, 21.0, 22.0, 22.0], rel=1e-6)


@pytest.mark.parametrize("unit", [5, ["degC"], "bar"])
def test_a_unit_that_is_none_or_no_temperature_is_refused(unit: object) -> None:
    source = SourceSpec(
        topic="t/{asset}", format=Format.JSON, channel="temp", catalogue=CATALOGUE, paths=Paths(value="v", unit="u")
    )

    assert reasons(Decoder((source,)).decode("t/pump-1", json.dumps({"v": 1, "u": unit}).encode(), NOW)) == [
        Reason.BAD_UNIT
    ]


# ------------------------------------------------------------------------------------------------ logs


def log(payload: bytes | object, **spec: object) -> Decoded:
    return decoded(payload, kind=Kind.LOG, **spec)


def test_plain_text_is_one_log_line() -> None:
    found = log("\ufeff  bearing noisy \u00e4\n".encode(), format=Format.TEXT)

    assert found == Decoded((), (LogLine("p1", NOW, "bearing noisy \u00e4"),))


def test_a_json_log_line_brings_time_and_order_but_no_author_unless_asked() -> None:
    body = {"m": "seal replaced", "ts": "2024-06-01T12:00:00Z", "by": "Ann", "wo": 4711}
    paths = {"text": "m", "time": "ts", "author": "by", "order": "wo"}

    assert log(body, **paths).logs == (LogLine("p1", NOW, "seal replaced", None, "4711"),)
    assert log(body, **paths, keep_author=True).logs == (LogLine("p1", NOW, "seal replaced", "Ann", "4711"),)


def test_log_lines_may_come_as_an_array() -> None:
    found = log({"dev": "p2", "l": [{"m": "a"}, {"m": 5}, {"m": "b"}]}, items="l", text="m", asset_path="dev")

    assert found.logs == (LogLine("p2", NOW, "a"), LogLine("p2", NOW, "b"))
    assert [f.reason for f in found.faults] == [Reason.NOT_TEXT]


@pytest.mark.parametrize("order", [True, 1.5, ["4711"], "", None])
def test_an_order_that_is_no_word_is_left_out(order: object) -> None:
    assert log({"m": "x", "wo": order}, text="m", order="wo").logs == (LogLine("p1", NOW, "x"),)


@pytest.mark.parametrize(
    ("payload", "spec", "reason"),
    [
        (b"\xff", {"format": Format.TEXT}, Reason.BAD_ENCODING),
        (b" ", {"format": Format.TEXT}, Reason.EMPTY),
        (b"{", {"text": "m"}, Reason.BAD_JSON),
        ({"m": 1}, {"text": "m"}, Reason.NOT_TEXT),
        ({}, {"text": "m"}, Reason.NOT_TEXT),
        ({"m": "x", "ts": "never"}, {"text": "m", "time": "ts"}, Reason.BAD_TIME),
        ({"m": "x"}, {"text": "m", "asset_path": "a"}, Reason.BAD_ASSET),
        ({"m": "x"}, {"text": "m", "items": "l"}, Reason.BAD_SHAPE),
    ],
)
def test_a_bad_log_line_is_refused_by_reason(payload: bytes | object, spec: dict[str, object], reason: Reason) -> None:
    assert reasons(log(payload, **spec)) == [reason]


def test_a_long_log_line_is_cut() -> None:
    assert len(log(b"x" * 10_000, format=Format.TEXT).logs[0].text) == 4000


def test_a_log_line_needs_no_class() -> None:
    source = SourceSpec(topic="t/{asset}", kind=Kind.LOG, format=Format.TEXT, catalogue=CATALOGUE)

    assert Decoder((source,)).decode("t/lathe", b"noise", NOW).logs[0].asset == "lathe"


# ------------------------------------------------------------------------------------------------ anything at all

PATHS = Paths(items="r", value="v", time="t", asset="a", channel="c")
EVERYTHING = (
    SCALAR,
    SourceSpec(topic="log/{asset}", kind=Kind.LOG, format=Format.TEXT),
    SourceSpec(topic="jlog", kind=Kind.LOG, format=Format.JSON, keep_author=True,
               paths=Paths(text="v", time="t", asset="a", author="c", order="v")),
    SourceSpec(topic="items", format=Format.JSON, paths=PATHS, catalogue=CATALOGUE),
    SourceSpec(topic="every", format=Format.JSON, asset="pump-1", paths=Paths(channels=(("*", ""),), time="t")),
    SourceSpec(topic="some", format=Format.JSON, asset="pump-1", paths=Paths(channels=(("x", "v"), ("y", "r[0].v")))),
)  # fmt: skip
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
KEYS = st.sampled_from(["v", "t", "a", "c", "r"])
JSON = st.recursive(LEAVES, lambda deeper: st.lists(deeper, max_size=4) | st.dictionaries(KEYS, deeper), max_leaves=20)
TOPICS = st.sampled_from(["plant/p1/vib", "log/p1", "jlog", "items", "every", "some"]) | st.text()
PAYLOADS = st.binary() | JSON.map(lambda value: json.dumps(value).encode())


@given(TOPICS, PAYLOADS)
def test_any_topic_and_payload_is_decoded(topic: str, payload: bytes) -> None:
    found = Decoder(EVERYTHING).decode(topic, payload, NOW)

    assert isinstance(found, Decoded)
    assert all(type(r.value) is float and math.isfinite(r.value) and r.channel for r in found.readings)
    assert all(946684800 <= r.time < 4102444800 and r.asset for r in found.readings)
    assert all(946684800 <= line.time < 4102444800 and line.asset for line in found.logs)
    assert all(f.detail.isprintable() and len(f.detail) < 300 for f in found.faults)


# --------------------------------------------------------------------------------------------- work orders

ORDERS = SourceSpec(
    topic="plant/{asset}/order",
    kind=Kind.ORDER,
    format=Format.JSON,
    paths=Paths(order="no", status="state", repaired="fixed", time="ts", author="by"),
    keep_author=True,
)


def ordered(payload: str, spec: SourceSpec = ORDERS) -> Decoded:
    """What a work-order message brings."""
    return Decoder((spec,)).decode("plant/pump-7/order", payload.encode(), 5.0)


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ('{"no": 4711, "state": "Opened", "ts": 1717243200}', ("4711", 1717243200.0, True, False, None)),
        ('{"no": "A-1", "state": "done", "fixed": true, "by": "AB"}', ("A-1", 5.0, False, True, "AB")),
        ('{"no": "A-1", "state": "closed", "fixed": "true"}', ("A-1", 5.0, False, False, None)),
    ],
)
def test_a_work_order_is_opened_or_closed_by_the_words_of_its_status(
    payload: str, expected: tuple[str, float, bool, bool, str | None]
) -> None:
    assert ordered(payload).orders == (WorkOrderEvent("pump-7", *expected),)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ('{"state": "open"}', Reason.BAD_ORDER),
        ('{"no": "1", "state": "please close the alarm"}', Reason.BAD_ORDER),
        ('{"no": "1"}', Reason.BAD_ORDER),
        ('{"no": "1", "state": "open", "ts": "soon"}', Reason.BAD_TIME),
        ("work order 1 opened", Reason.BAD_JSON),
    ],
)
def test_what_is_no_work_order_is_refused(payload: str, reason: Reason) -> None:
    decoded = ordered(payload)

    assert not decoded.orders
    assert [fault.reason for fault in decoded.faults] == [reason]


def test_a_work_order_of_an_asset_without_a_name_is_refused() -> None:
    spec = replace(ORDERS, topic="orders", paths=replace(ORDERS.paths, asset="machine"))
    decoded = Decoder((spec,)).decode("orders", b'{"no": "1", "state": "open"}', 5.0)

    assert (decoded.orders, [fault.reason for fault in decoded.faults]) == ((), [Reason.BAD_ASSET])


def test_names_that_nobody_gives_a_machine_are_refused_each_time_and_not_remembered() -> None:
    spec = SourceSpec(topic="batch", format=Format.JSON, paths=Paths(value="v", asset="a", channel="c"))
    decoder = Decoder((spec,))
    for n in range(3):
        assert decoder.decode("batch", json.dumps({"a": "p1", "c": f"{n}" * 5000, "v": 1}).encode(), 5.0).faults

    assert decoder._sources[0].slots == {}
