"""Sparkplug B payloads: bytes ↔ `Payload` and `Metric`. Knows messages, not what they mean for anybody.

Read are scalars. Data sets, templates, arrays, property sets, metadata and raw bytes are passed over and counted
(`Payload.skipped`): no channel can hold them. `decoded` raises nothing but `WireError`, on any bytes.

Source: Eclipse Sparkplug Specification 3.0.0, section 6.4 and `sparkplug_b.proto`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from edge_agent.core.sparkplug.wire import (
    BYTES,
    FIXED32,
    FIXED64,
    VARINT,
    Field,
    WireError,
    as_double,
    as_float,
    bytes_field,
    double_field,
    fields,
    float_field,
    varint_field,
)

MAX_METRICS: Final = 10_000  # fields of one payload; a birth of a large edge node has a few thousand metrics
_MAX_FIELDS: Final = 64  # of one metric, which has eleven

Value = int | float | bool | str


class DataType(IntEnum):
    """The type of a metric, by its number in the specification; arrays (22 to 34) have no name here."""

    UNKNOWN = 0
    INT8 = 1
    INT16 = 2
    INT32 = 3
    INT64 = 4
    UINT8 = 5
    UINT16 = 6
    UINT32 = 7
    UINT64 = 8
    FLOAT = 9
    DOUBLE = 10
    BOOLEAN = 11
    STRING = 12
    DATETIME = 13
    TEXT = 14
    UUID = 15
    DATASET = 16
    BYTES = 17
    FILE = 18
    TEMPLATE = 19
    PROPERTY_SET = 20
    PROPERTY_SET_LIST = 21


_SIGNED: Final[dict[int, int]] = {  # type → bits
    DataType.INT8: 8,
    DataType.INT16: 16,
    DataType.INT32: 32,
    DataType.INT64: 64,
}
_UNSIGNED: Final[dict[int, int]] = {
    DataType.UINT8: 8,
    DataType.UINT16: 16,
    DataType.UINT32: 32,
    DataType.UINT64: 64,
    DataType.DATETIME: 64,
}
# The others come as long_value, UINT32 too, as Tahu writes it
_INT_VALUE: Final = frozenset({DataType.INT8, DataType.INT16, DataType.INT32, DataType.UINT8, DataType.UINT16})
_TEXTS: Final = frozenset({DataType.STRING, DataType.TEXT, DataType.UUID})


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric; what its sender left out is None."""

    name: str | None = None  # left out where the alias says it
    alias: int | None = None
    timestamp: int | None = None  # milliseconds since 1970, UTC
    datatype: int | None = None  # a `DataType`, or a number it does not know; data may leave it to the birth
    is_historical: bool = False
    is_transient: bool = False
    is_null: bool = False
    value: Value | None = None  # None where there is none, and for what is passed over


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """One message."""

    timestamp: int | None = None  # milliseconds since 1970, UTC
    seq: int | None = None
    metrics: tuple[Metric, ...] = ()
    skipped: int = 0  # data sets, templates, property sets and the like that were passed over


def decoded(data: bytes) -> Payload:
    """What the bytes of a message say.

    Raises:
        WireError: they are no Sparkplug B payload, or one of more than `MAX_METRICS` fields.
    """
    timestamp: int | None = None
    seq: int | None = None
    metrics: list[Metric] = []
    skipped = 0
    for field in fields(data, MAX_METRICS):
        match field.number:
            case 1:
                timestamp = _uint(field)
            case 2:
                metric, passed = _metric(_bytes(field))
                metrics.append(metric)
                skipped += passed
            case 3:
                seq = _uint(field)
            case _:
                pass  # uuid and body say nothing of metrics
    return Payload(timestamp=timestamp, seq=seq, metrics=tuple(metrics), skipped=skipped)


def encoded(payload: Payload) -> bytes:
    """The bytes of a message.

    Raises:
        WireError: a value does not fit the datatype of its metric.
    """
    out = b"" if payload.timestamp is None else varint_field(1, payload.timestamp)
    out += b"".join(bytes_field(2, _encoded_metric(metric)) for metric in payload.metrics)
    return out if payload.seq is None else out + varint_field(3, payload.seq)


def typed(value: Value | None, datatype: int | None) -> Value | None:
    """A value as its datatype has it: signed numbers come as unsigned ones, of 32 bits or of their own width.

    Saying it twice changes nothing, so a value may be typed by its message first and by its birth later.
    """
    if not isinstance(value, int) or isinstance(value, bool) or datatype is None:
        return value
    if bits := _SIGNED.get(datatype):
        low = value & ((1 << bits) - 1)
        return int(low - (1 << bits) if low >> (bits - 1) else low)
    if bits := _UNSIGNED.get(datatype):
        return int(value & ((1 << bits) - 1))
    return bool(value) if datatype == DataType.BOOLEAN else value


def _metric(data: bytes) -> tuple[Metric, int]:  # noqa: C901, PLR0912 - a table of fields, told one by one
    """A metric, and how much of it was passed over."""
    name: str | None = None
    alias: int | None = None
    timestamp: int | None = None
    datatype: int | None = None
    flags = {5: False, 6: False, 7: False}
    value: Value | None = None
    skipped = 0
    for field in fields(data, _MAX_FIELDS):
        match field.number:
            case 1:
                name = _text(field)
            case 2:
                alias = _uint(field)
            case 3:
                timestamp = _uint(field)
            case 4:
                datatype = _uint(field)
            case 5 | 6 | 7:
                flags[field.number] = bool(_uint(field))
            case 10 | 11:
                value = _uint(field)
            case 12:
                value = as_float(_number(field, FIXED32))
            case 13:
                value = as_double(_number(field, FIXED64))
            case 14:
                value = bool(_uint(field))
            case 15:
                value = _text(field)
            case 8 | 9 | 16 | 17 | 18 | 19:  # metadata, properties, bytes, data set, template, extension
                skipped += 1
            case _:
                pass  # of a later version of the specification
    return (
        Metric(
            name=name,
            alias=alias,
            timestamp=timestamp,
            datatype=datatype,
            is_historical=flags[5],
            is_transient=flags[6],
            is_null=flags[7],
            value=None if flags[7] else typed(value, datatype),
        ),
        skipped,
    )


def _encoded_metric(metric: Metric) -> bytes:
    out = b"" if metric.name is None else bytes_field(1, metric.name.encode())
    for number, value in ((2, metric.alias), (3, metric.timestamp), (4, metric.datatype)):
        out += b"" if value is None else varint_field(number, value)
    for number, flag in ((5, metric.is_historical), (6, metric.is_transient), (7, metric.is_null)):
        out += varint_field(number, 1) if flag else b""
    return out if metric.value is None else out + _encoded_value(metric.value, metric.datatype)


def _encoded_value(value: Value, datatype: int | None) -> bytes:
    if isinstance(value, bool):
        if datatype == DataType.BOOLEAN:
            return varint_field(14, value)
    elif isinstance(value, str):
        if datatype in _TEXTS:
            return bytes_field(15, value.encode())
    elif isinstance(value, float):
        if datatype == DataType.FLOAT:
            return float_field(12, value)
        if datatype == DataType.DOUBLE:
            return double_field(13, value)
    elif (datatype in _SIGNED or datatype in _UNSIGNED) and typed(value, datatype) == value:
        return varint_field(10, value & 0xFFFFFFFF) if datatype in _INT_VALUE else varint_field(11, value)
    raise WireError(f"{value!r} is no value of datatype {datatype}")


def _uint(field: Field) -> int:
    return _number(field, VARINT)


def _number(field: Field, kind: int) -> int:
    if field.type != kind or isinstance(field.value, bytes):
        raise WireError(f"field {field.number} has wire type {field.type}, not {kind}")
    return field.value


def _bytes(field: Field) -> bytes:
    if isinstance(field.value, int):
        raise WireError(f"field {field.number} has wire type {field.type}, not {BYTES}")
    return field.value


def _text(field: Field) -> str:
    raw = _bytes(field)
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise WireError(f"field {field.number} is not UTF-8 at byte {error.start}") from error
