"""Timestamps of payloads."""

from __future__ import annotations

import pytest

from edge_agent.core.timestamps import TimeUnit, parse_time

NOON = 1717243200.0  # 2024-06-01T12:00:00Z


@pytest.mark.parametrize(
    ("value", "unit"),
    [
        (1717243200, TimeUnit.S),
        (1717243200000, TimeUnit.MS),
        (1717243200000000, TimeUnit.US),
        ("1717243200000", TimeUnit.MS),
        ("2024-06-01T12:00:00Z", TimeUnit.ISO),
        (1717243200.0, TimeUnit.AUTO),
        (1717243200000, TimeUnit.AUTO),
        (1717243200000000, TimeUnit.AUTO),
        ("1717243200", TimeUnit.AUTO),
        ("2024-06-01T14:00:00+02:00", TimeUnit.AUTO),
        ("2024-06-01 12:00:00", TimeUnit.AUTO),
        ("20240601T120000", TimeUnit.AUTO),
    ],
)
def test_every_way_to_write_a_moment_is_the_same_moment(value: object, unit: TimeUnit) -> None:
    assert parse_time(value, unit) == NOON


def test_a_compact_date_is_not_taken_for_a_number() -> None:
    assert parse_time("20240601") == NOON - 12 * 3600


@pytest.mark.parametrize(
    ("value", "unit"),
    [
        (0, TimeUnit.AUTO),
        (946684799, TimeUnit.S),
        (4102444800, TimeUnit.S),
        (1717243200, TimeUnit.MS),
        (float("nan"), TimeUnit.AUTO),
        (float("inf"), TimeUnit.S),
        (10**400, TimeUnit.AUTO),
        (True, TimeUnit.AUTO),
        (None, TimeUnit.AUTO),
        ([1717243200], TimeUnit.AUTO),
        ("noon", TimeUnit.AUTO),
        ("noon", TimeUnit.S),
        ("", TimeUnit.AUTO),
        ("2024-06-01T12:00:00Z", TimeUnit.S),
        (1717243200, TimeUnit.ISO),
        ("1999-12-31T23:59:59Z", TimeUnit.ISO),
        ("0001-01-01T00:00:00+23:59", TimeUnit.ISO),
        ("9999-12-31T23:59:59-23:59", TimeUnit.ISO),
        ("2024-06-01T12:00:00Z" + " " * 60, TimeUnit.ISO),
    ],
)
def test_what_is_no_time_between_2000_and_2100_is_none(value: object, unit: TimeUnit) -> None:
    assert parse_time(value, unit) is None
