"""The properties of an MQTT 5 message that a command needs: where to answer, and with which correlation data. Pure.

Source: MQTT 5 §2.2.2 (properties), §3.3.2.3.5 (response topic), §3.3.2.3.6 (correlation data).
"""

from __future__ import annotations

from typing import Final, NamedTuple

RESPONSE_TOPIC, CORRELATION_DATA = 0x08, 0x09
_FIXED: Final = {0x01: 1, 0x02: 4, 0x23: 2}  # payload format, message expiry, topic alias: bytes of their values
_VARIABLE: Final = 0x0B  # subscription identifier, a length-coded number
_PREFIXED: Final = frozenset((0x03, RESPONSE_TOPIC, CORRELATION_DATA))  # content type and these: two bytes of length
_PAIR: Final = 0x26  # user property: two of those
_MORE: Final = 0x80
MAX_CORRELATION: Final = 1024  # bytes we are willing to send back


class Reply(NamedTuple):
    """Where an answer is to go."""

    topic: str = ""  # empty: the asker named none
    correlation: bytes = b""


def reply(properties: bytes) -> Reply:
    """Response topic and correlation data of a message; what cannot be read is as if it were not there."""
    topic, correlation, at = "", b"", 0
    try:
        while at < len(properties):
            kind, at = properties[at], at + 1
            if kind in _FIXED:
                at += _FIXED[kind]
            elif kind == _VARIABLE:
                while properties[at] >= _MORE:
                    at += 1
                at += 1
            elif kind in _PREFIXED:
                value, at = _prefixed(properties, at)
                topic = value.decode() if kind == RESPONSE_TOPIC else topic
                correlation = value if kind == CORRELATION_DATA else correlation
            elif kind == _PAIR:
                _, at = _prefixed(properties, at)
                _, at = _prefixed(properties, at)
            else:
                return Reply()
    except (IndexError, UnicodeDecodeError):
        return Reply()
    return Reply(topic, correlation if len(correlation) <= MAX_CORRELATION else b"")


def _prefixed(data: bytes, at: int) -> tuple[bytes, int]:
    end = at + 2 + (data[at] << 8 | data[at + 1])
    if end > len(data):
        raise IndexError(end)
    return data[at + 2 : end], end
