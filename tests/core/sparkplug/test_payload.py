"""Sparkplug B payloads: any bytes have an answer, and what we write we read."""

from __future__ import annotations

import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.sparkplug.payload import MAX_METRICS, DataType, Metric, Payload, Value, decoded, encoded, typed
from edge_agent.core.sparkplug.wire import WireError, bytes_field, fields, float_field, varint_field

BITS = {"INT8": 8, "INT16": 16, "INT32": 32, "INT64": 64}
SIGNED = st.sampled_from(sorted(BITS.items())).flatmap(
    lambda kind: st.tuples(st.just(DataType[kind[0]]), st.integers(-(1 << kind[1] - 1), (1 << kind[1] - 1) - 1))
)
UNSIGNED = st.sampled_from(sorted(BITS.items())).flatmap(
    lambda kind: st.tuples(st.just(DataType[f"U{kind[0]}"]), st.integers(0, (1 << kind[1]) - 1))
)
TYPED: st.SearchStrategy[tuple[DataType, Value]] = st.one_of(
    SIGNED,
    UNSIGNED,
    st.tuples(st.just(DataType.DATETIME), st.integers(0, 2**64 - 1)),
    st.tuples(st.just(DataType.FLOAT), st.floats(width=32, allow_nan=False)),
    st.tuples(st.just(DataType.DOUBLE), st.floats(allow_nan=False)),
    st.tuples(st.just(DataType.BOOLEAN), st.booleans()),
    st.tuples(st.sampled_from([DataType.STRING, DataType.TEXT, DataType.UUID]), st.text()),
)
UINT64 = st.none() | st.integers(0, 2**64 - 1)
METRICS = TYPED.flatmap(
    lambda one: st.builds(
        Metric,
        name=st.none() | st.text(),
        alias=UINT64,
        timestamp=UINT64,
        datatype=st.just(int(one[0])),
        is_historical=st.booleans(),
        is_transient=st.booleans(),
        is_null=st.just(value=False),
        value=st.just(one[1]),
    )
)


@given(st.builds(Payload, timestamp=UINT64, seq=UINT64, metrics=st.lists(METRICS, max_size=5).map(tuple)))
def test_what_we_write_we_read(payload: Payload) -> None:
    assert decoded(encoded(payload)) == payload


@given(st.binary(max_size=300))
def test_any_bytes_are_a_payload_or_a_declared_error(data: bytes) -> None:
    with suppress(WireError):
        assert isinstance(decoded(data), Payload)


@given(METRICS, st.data())
def test_a_payload_cut_or_changed_is_a_payload_or_a_declared_error(metric: Metric, data: st.DataObject) -> None:
    whole = encoded(Payload(timestamp=1, seq=2, metrics=(metric, metric)))
    at = data.draw(st.integers(0, len(whole) - 1))
    for hurt in (whole[:at], whole[:at] + bytes([data.draw(st.integers(0, 255))]) + whole[at + 1 :]):
        with suppress(WireError):
            assert isinstance(decoded(hurt), Payload)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x08", "no end of the number at byte 1"),
        (b"\x08" + b"\xff" * 10, "no end of the number at byte 1"),
        (b"\x00\x01", "field number 0"),
        (b"\x0b", "wire type 3 of field 1"),
        (b"\x12\x05abc", "5 bytes are announced at byte 2, 3 are left"),
        (b"\x09abc", "8 bytes are announced"),
        (b"\x0a\x01a", "field 1 has wire type 2, not 0"),
        (b"\x10\x01", "field 2 has wire type 0, not 2"),
        (bytes_field(2, bytes_field(1, b"\xff")), "field 1 is not UTF-8 at byte 0"),
        (bytes_field(2, varint_field(12, 1)), "field 12 has wire type 0, not 5"),
        (bytes_field(2, b"\x08\x01"), "field 1 has wire type 0, not 2"),
        (bytes_field(2, b"") * (MAX_METRICS + 1), f"more than {MAX_METRICS} fields"),
        (bytes_field(2, varint_field(2, 1) * 65), "more than 64 fields"),
    ],
)
def test_bytes_that_are_no_payload_are_refused_in_words(data: bytes, words: str) -> None:
    with pytest.raises(WireError, match=words):
        decoded(data)


def test_fields_of_a_later_specification_are_passed_by() -> None:
    data = bytes_field(2, varint_field(2, 7) + bytes_field(40, b"x") + bytes_field(12345, b"x"))
    data += bytes_field(4, b"uuid") + bytes_field(5, b"body") + b"\x7d" + struct.pack("<f", 1.0)

    assert decoded(data) == Payload(metrics=(Metric(alias=7),))


def test_a_varint_of_ten_bytes_keeps_its_lowest_64_bits() -> None:
    assert decoded(b"\x18" + b"\xff" * 9 + b"\x7f").seq == 2**64 - 1


@pytest.mark.parametrize(
    ("raw", "datatype", "value"),
    [
        (0xFB, DataType.INT8, -5),  # of its own width
        (0xFFFFFFFB, DataType.INT8, -5),  # of 32 bits, as Tahu writes it
        (2**64 - 5, DataType.INT32, -5),  # of 64 bits, as a plain protobuf int32 is written
        (-5, DataType.INT8, -5),
        (0x7F, DataType.INT8, 127),
        (2**32 - 1, DataType.UINT8, 255),
        (1, DataType.BOOLEAN, True),
        (1, DataType.FLOAT, 1),
        (1, 29, 1),  # an array's type
        (251, None, 251),
        (True, DataType.INT8, True),
        (1.5, DataType.INT8, 1.5),
        ("x", DataType.INT8, "x"),
        (None, DataType.INT8, None),
    ],
)
def test_a_number_is_read_by_the_width_of_its_datatype(raw: Value | None, datatype: int | None, value: Value) -> None:
    found = typed(raw, datatype)

    assert (type(found), found) == (type(value), value)
    assert typed(found, datatype) == value


@pytest.mark.parametrize(
    ("value", "datatype"),
    [
        (128, DataType.INT8),
        (-1, DataType.UINT8),
        (1, DataType.DOUBLE),
        (1, None),
        (True, DataType.INT8),
        ("x", DataType.INT8),
        (1.5, DataType.INT8),
        (1e39, DataType.FLOAT),
    ],
)
def test_a_value_that_does_not_fit_its_datatype_is_not_written(value: Value, datatype: int | None) -> None:
    with pytest.raises(WireError, match=r"is no value of datatype|does not fit a float"):
        encoded(Payload(metrics=(Metric(name="m", datatype=datatype, value=value),)))


def test_a_metric_that_says_it_is_null_has_no_value() -> None:
    assert decoded(bytes_field(2, varint_field(7, 1) + float_field(12, 1.5))).metrics == (Metric(is_null=True),)


def test_a_message_within_a_message_is_bytes_until_it_is_asked_for() -> None:
    inner = b"\x08\x01"
    for _ in range(1000):
        inner = bytes_field(18, inner)

    assert len(fields(inner, 1)) == 1
    assert decoded(bytes_field(2, inner)).skipped == 1
