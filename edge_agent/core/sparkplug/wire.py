"""The bytes of protobuf: fields in, fields out. Knows numbers and wire types, nothing of Sparkplug.

Nothing recurses: a message within a message is a field of bytes until somebody asks for its fields, so nesting costs
nothing. On any bytes `fields` raises nothing but `WireError`.

Source: Protocol Buffers, "Encoding" (varints, tags, wire types).
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

VARINT: Final = 0
FIXED64: Final = 1
BYTES: Final = 2
FIXED32: Final = 5
_VARINT_BYTES: Final = 10  # of 64 bits, seven a byte
_MASK64: Final = (1 << 64) - 1
_CONTINUED: Final = 0x80
_TYPE_BITS: Final = 3


class WireError(ValueError):
    """Bytes that are no protobuf, or a value that has no place in it."""


class Field(NamedTuple):
    """One field: an unsigned number for varints and fixed widths, bytes for everything of a length."""

    number: int
    type: int
    value: int | bytes


def fields(data: bytes, most: int) -> list[Field]:
    """The fields of a message in their order, `most` of them at most.

    Raises:
        WireError: the bytes end in the middle of a field, a wire type is none of the four, or there are more fields.
    """
    found: list[Field] = []
    at, end = 0, len(data)
    while at < end:
        if len(found) == most:
            raise WireError(f"more than {most} fields")
        tag, at = _varint(data, at)
        number, kind = tag >> _TYPE_BITS, tag & 7
        if number == 0:
            raise WireError(f"field number 0 before byte {at}")
        value: int | bytes
        if kind == VARINT:
            value, at = _varint(data, at)
        elif kind == BYTES:
            size, at = _varint(data, at)
            value, at = _cut(data, at, size), at + size
        elif kind in {FIXED64, FIXED32}:
            size = 8 if kind == FIXED64 else 4
            value, at = int.from_bytes(_cut(data, at, size), "little"), at + size
        else:
            raise WireError(f"wire type {kind} of field {number} before byte {at}")
        found.append(Field(number, kind, value))
    return found


def varint_field(number: int, value: int) -> bytes:
    """A field that holds an unsigned number of 64 bits at most; negative ones in two's complement."""
    return _encoded((number << _TYPE_BITS) | VARINT) + _encoded(value & _MASK64)


def bytes_field(number: int, value: bytes) -> bytes:
    """A field that holds bytes, UTF-8 or another message."""
    return _encoded((number << _TYPE_BITS) | BYTES) + _encoded(len(value)) + value


def float_field(number: int, value: float) -> bytes:
    """A field that holds a float of 32 bits.

    Raises:
        WireError: the value lies beyond what 32 bits can hold.
    """
    try:
        return _encoded((number << _TYPE_BITS) | FIXED32) + struct.pack("<f", value)
    except OverflowError as error:
        raise WireError(f"{value} does not fit a float of 32 bits") from error


def double_field(number: int, value: float) -> bytes:
    """A field that holds a float of 64 bits."""
    return _encoded((number << _TYPE_BITS) | FIXED64) + struct.pack("<d", value)


def as_float(bits: int) -> float:
    """The float of 32 bits that a fixed field holds."""
    number: float = struct.unpack("<f", bits.to_bytes(4, "little"))[0]
    return number


def as_double(bits: int) -> float:
    """The float of 64 bits that a fixed field holds."""
    number: float = struct.unpack("<d", bits.to_bytes(8, "little"))[0]
    return number


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number and where it ends; bits beyond the 64th are dropped, as protobuf does."""
    value = 0
    for i, byte in enumerate(data[at : at + _VARINT_BYTES]):
        value |= (byte & 0x7F) << (7 * i)
        if byte < _CONTINUED:
            return value & _MASK64, at + i + 1
    raise WireError(f"no end of the number at byte {at}")


def _cut(data: bytes, at: int, size: int) -> bytes:
    if size > len(data) - at:
        raise WireError(f"{size} bytes are announced at byte {at}, {len(data) - at} are left")
    return data[at : at + size]


def _encoded(value: int) -> bytes:
    out = bytearray()
    while value >= _CONTINUED:
        out.append(value & 0x7F | _CONTINUED)
        value >>= 7
    out.append(value)
    return bytes(out)
