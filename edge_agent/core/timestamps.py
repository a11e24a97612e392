"""Timestamps in payloads → Unix seconds UTC. No clock: the time of arrival is the caller's business."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

EARLIEST: Final = 946684800.0  # 2000-01-01; before it a clock was never set
LATEST: Final = 4102444800.0  # 2100-01-01; after it a unit was mistaken
_LONGEST_TEXT: Final = 64  # characters; ISO 8601 with microseconds and zone has 32


class TimeUnit(StrEnum):
    """How a source writes time."""

    AUTO = "auto"
    S = "s"
    MS = "ms"
    US = "us"
    ISO = "iso"


_PER_SECOND: Final = {TimeUnit.S: 1.0, TimeUnit.MS: 1e3, TimeUnit.US: 1e6}


def parse_time(value: object, unit: TimeUnit = TimeUnit.AUTO) -> float | None:
    """Unix seconds of a number or text; None where it is no time between 2000 and 2100.

    With `auto` a number tells its own unit: the same years in s, ms and us lie three powers of ten apart and cannot be
    mistaken. ISO 8601 without a zone is taken as UTC.
    """
    if isinstance(value, str):
        return _text(value, unit) if len(value) <= _LONGEST_TEXT else None
    if isinstance(value, bool) or not isinstance(value, int | float) or unit is TimeUnit.ISO:
        return None
    try:
        return _number(float(value), unit)
    except OverflowError:
        return None


def _text(text: str, unit: TimeUnit) -> float | None:
    found = None
    if unit is not TimeUnit.ISO:
        try:
            found = _number(float(text), unit)
        except ValueError:
            found = None
    return _iso(text) if found is None and unit in {TimeUnit.AUTO, TimeUnit.ISO} else found


def _number(number: float, unit: TimeUnit) -> float | None:
    if unit is TimeUnit.AUTO:
        return next((s for per in _PER_SECOND.values() if (s := _plausible(number / per)) is not None), None)
    return _plausible(number / _PER_SECOND[unit])


def _iso(text: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return _plausible((moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp())


def _plausible(seconds: float) -> float | None:
    return seconds if EARLIEST <= seconds < LATEST else None
