"""MQTT packets as bytes: where one ends, what a PUBLISH says, PUBACKs. Pure; no socket.

Source: MQTT 5 §2.1 (fixed header), §3.3 (PUBLISH), §3.4 (PUBACK); MQTT 3.1.1 has the same but for the properties.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

AT_LEAST_ONCE: Final = 1
_PUBLISH, _NO_PUBLISH = 0x30, 0xFF  # high half of a first byte
_PUBACK: Final = b"\x40\x02"  # two bytes follow; without a reason code it means success (MQTT 5 §3.4.2.1)
_DUP, _RETAIN = 0x08, 0x01
_QOS_0_MASK: Final = 0xFF & ~(_DUP | _RETAIN)
_MORE: Final = 0x80  # a length goes on in the next byte
_LONGEST: Final = 4  # bytes of a length


class Publish(NamedTuple):
    """A message as the broker sent it."""

    mid: int  # 0 for QoS 0
    qos: int
    dup: bool
    retain: bool
    topic: bytes
    payload: bytes
    left_out: int = 0  # bytes of a packet that was too large to keep: the payload is empty then
    properties: bytes = b""  # as they came, without their length


def bounds(data: bytes | bytearray, start: int) -> tuple[int, int] | None:
    """Where the body of the packet at `start` begins and ends; None while its head is not complete.

    Raises:
        ValueError: its length is none.
    """
    try:
        at, length = _length(data, start + 1)
    except IndexError:
        return None
    return at, at + length


def publish_qos(first: int) -> int:
    """The QoS of a PUBLISH by its first byte, 0 to 3; something larger for any other packet."""
    return first >> 1 & 3 if first & 0xF0 == _PUBLISH else _NO_PUBLISH


def past_qos_0(data: bytes | bytearray, start: int) -> tuple[int, int]:
    """How many whole messages of QoS 0 follow each other from `start`, and where they end; nothing of them is read.

    Raises:
        ValueError: the length of one is none.
    """
    at, count, size = start, 0, len(data)
    while at + 1 < size and data[at] & _QOS_0_MASK == _PUBLISH:
        length = data[at + 1]
        if length < _MORE:
            end = at + 2 + length
        else:
            found = bounds(data, at)
            if found is None:
                break
            end = found[1]
        if end > size:
            break
        at, count = end, count + 1
    return count, at


def publish(data: bytes | bytearray, start: int, body: int, end: int, *, properties: bool) -> Publish:
    """The PUBLISH whose first byte lies at `start`; `properties` says that MQTT 5 is spoken.

    Raises:
        ValueError: it is shorter than it says.
    """
    first = data[start]
    qos = first >> 1 & 3
    mid = length = 0
    try:
        topic_end = at = body + 2 + (data[body] << 8 | data[body + 1])
        if qos:
            mid = data[at] << 8 | data[at + 1]
            at += 2
        if properties:
            at, length = _length(data, at)
    except IndexError:
        topic_end, at = body, end + 1
    content = at + length
    if content > end:
        raise ValueError(f"PUBLISH of {end - body} bytes ends too early")
    topic, payload = bytes(data[body + 2 : topic_end]), bytes(data[content:end])
    known = bytes(data[at:content]) if length else b""
    return Publish(mid, qos, bool(first & _DUP), bool(first & _RETAIN), topic, payload, 0, known)


def oversized(data: bytes | bytearray, start: int, body: int, end: int) -> Publish | None:
    """The PUBLISH whose first byte lies at `start` without its payload; None while its topic has not come whole.

    Raises:
        ValueError: it is shorter than it says.
    """
    first = data[start]
    qos = first >> 1 & 3
    if len(data) < body + 2:
        return None
    topic_end = body + 2 + (data[body] << 8 | data[body + 1])
    at = topic_end + (2 if qos else 0)
    if at > end:
        raise ValueError(f"PUBLISH of {end - body} bytes ends too early")
    if len(data) < at:
        return None
    mid = data[topic_end] << 8 | data[topic_end + 1] if qos else 0
    topic = bytes(data[body + 2 : topic_end])
    return Publish(mid, qos, bool(first & _DUP), bool(first & _RETAIN), topic, b"", left_out=end - start)


def pubacks(mids: Sequence[int]) -> bytes:
    """PUBACKs for these packet ids, one behind the other."""
    return b"".join(_PUBACK + mid.to_bytes(2, "big") for mid in mids)


def _length(data: bytes | bytearray, at: int) -> tuple[int, int]:
    """The place behind a length of one to four bytes, and the length (MQTT 5 §1.5.5)."""
    byte = data[at]
    if byte < _MORE:
        return at + 1, byte
    length = byte & ~_MORE
    for k in range(1, _LONGEST):
        byte = data[at + k]
        length |= (byte & ~_MORE) << 7 * k
        if byte < _MORE:
            return at + k + 1, length
    raise ValueError("a length of more than four bytes")
