"""Why an input was refused: reasons and faults, the words for what decoding cannot use."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

SHOWN: Final = 80  # characters of a received value in a fault's detail


class Reason(StrEnum):
    """Why an input, or a part of it, was refused: a metric label and a word in the log."""

    NO_SOURCE = "no_source"
    BAD_TOPIC = "bad_topic"
    TOO_LARGE = "too_large"
    EMPTY = "empty"
    BAD_ENCODING = "bad_encoding"
    BAD_JSON = "bad_json"
    BAD_SHAPE = "bad_shape"
    MISSING_VALUE = "missing_value"
    NULL = "null"
    BOOLEAN = "boolean"
    NOT_A_NUMBER = "not_a_number"
    NOT_FINITE = "not_finite"
    OUT_OF_RANGE = "out_of_range"
    NOT_TEXT = "not_text"
    BAD_ORDER = "bad_order"
    BAD_TIME = "bad_time"
    BAD_ASSET = "bad_asset"
    ASSET_COLLISION = "asset_collision"
    TOO_MANY_ASSETS = "too_many_assets"
    UNKNOWN_CLASS = "unknown_class"
    BAD_CHANNEL = "bad_channel"
    UNKNOWN_CHANNEL = "unknown_channel"
    BAD_UNIT = "bad_unit"
    BAD_RATE = "bad_rate"
    TOO_SHORT = "too_short"
    CONSTANT = "constant"
    BAD_PROTOBUF = "bad_protobuf"
    PASSED_OVER = "passed_over"  # values that no channel can hold: data sets, templates and the like
    SEQUENCE = "sequence"  # messages are missing, or came in disorder
    UNBORN = "unborn"  # of a device or an alias that no birth in force has named
    DEATH = "death"  # an edge node or a device has said that it goes


class Fault(NamedTuple):
    """One thing that was refused."""

    reason: Reason
    detail: str


def shown(value: object) -> str:
    """A received value for people: quoted, without control characters, cut."""
    text = ascii(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
