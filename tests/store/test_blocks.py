"""A block gives back what went in, bit for bit; what it cannot give back it says."""

from __future__ import annotations

import math
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.types import Reading
from edge_agent.store import blocks

NAMES = ["pump-1", "Pumpe ä", "", "vibration", "x" * 64]
IDS = {name: row for row, name in zip((1, 2, 3, 70_000, 2**31 - 1), NAMES, strict=True)}
WORDS = {row: name for name, row in IDS.items()}

any_float = st.floats(allow_nan=True, allow_infinity=True)
moment = st.one_of(any_float, st.integers(0, 4_000_000_000_000).map(lambda ms: ms / 1000), st.floats(0, 4e9))
number = st.one_of(any_float, st.floats(width=32))
reading = st.builds(Reading, st.sampled_from(NAMES), st.sampled_from(NAMES), moment, number)


def bits(readings: list[Reading]) -> list[tuple[str, str, bytes, bytes]]:
    """The readings with floats as bytes: nan equals itself, and -0.0 is not 0.0."""
    return [(r.asset, r.channel, struct.pack("<d", r.time), struct.pack("<d", r.value)) for r in readings]


def round_trip(readings: list[Reading]) -> list[Reading]:
    return blocks.unpack(blocks.pack(readings, IDS, IDS), WORDS, WORDS)


@given(st.lists(reading, max_size=60))
def test_every_reading_comes_back_bit_for_bit_and_in_order(readings: list[Reading]) -> None:
    assert bits(round_trip(readings)) == bits(readings)


@given(st.lists(st.integers(-(2**53), 2**53), min_size=1, max_size=40))
def test_whole_microseconds_come_back_exactly(micros: list[int]) -> None:
    readings = [Reading("pump-1", "vibration", us / 1e6, 1.0) for us in micros]
    assert bits(round_trip(readings)) == bits(readings)


@given(st.binary(max_size=200))
def test_any_other_bytes_are_refused_by_value_error(data: bytes) -> None:
    with pytest.raises(ValueError, match="block"):
        blocks.unpack(data, WORDS, WORDS)


@given(st.binary(max_size=200))
def test_any_other_content_is_refused_by_value_error(body: bytes) -> None:
    try:
        found = blocks.unpack(zlib.compress(body), WORDS, WORDS)
    except ValueError:
        return
    assert found == []  # a head that promises nothing is an empty block


@given(st.data())
def test_a_flipped_bit_is_never_taken_for_a_reading(data: st.DataObject) -> None:
    readings = [Reading("pump-1", "vibration", 1.7e9 + i, math.sin(i)) for i in range(20)]
    block = bytearray(blocks.pack(readings, IDS, IDS))
    block[data.draw(st.integers(2, len(block) - 1))] ^= 1 << data.draw(st.integers(0, 7))  # zlib's own head aside
    try:
        found = blocks.unpack(bytes(block), WORDS, WORDS)
    except ValueError:
        return
    assert bits(found) == bits(readings)


def test_an_id_nobody_knows_is_refused() -> None:
    block = blocks.pack([Reading("pump-1", "vibration", 1.0, 2.0)], IDS, IDS)
    with pytest.raises(ValueError, match="70000"):
        blocks.unpack(block, WORDS, {1: "pump-1"})


@pytest.mark.parametrize(("place", "what"), [(0, "format 9"), (1, "coding 9")])
def test_another_format_is_refused_by_name(place: int, what: str) -> None:
    body = bytearray(zlib.decompress(blocks.pack([Reading("pump-1", "vibration", 1.0, 2.0)], IDS, IDS)))
    body[place] = 9
    with pytest.raises(ValueError, match=what):
        blocks.unpack(zlib.compress(bytes(body)), WORDS, WORDS)


def test_a_block_cut_short_is_refused() -> None:
    body = zlib.decompress(blocks.pack([Reading("pump-1", "vibration", 1.0, 2.0)], IDS, IDS))
    with pytest.raises(ValueError, match="its head promises 30"):
        blocks.unpack(zlib.compress(body[:-1]), WORDS, WORDS)


def test_an_exception_outside_the_block_is_refused() -> None:
    body = bytearray(zlib.decompress(blocks.pack([Reading("pump-1", "vibration", 1.0, 0.1)], IDS, IDS)))
    body[-12] = 200  # place of the only exception
    with pytest.raises(ValueError, match="cannot be read"):
        blocks.unpack(zlib.compress(bytes(body)), WORDS, WORDS)


def test_two_hundred_readings_take_less_than_seven_bytes_each() -> None:
    values = [struct.unpack("<f", struct.pack("<f", 20 + math.sin(i) + i % 7))[0] for i in range(200)]
    readings = [Reading("pump-1", ("vibration", "x" * 64)[i % 2], 1.7e9 + i // 2, values[i]) for i in range(200)]
    assert len(blocks.pack(readings, IDS, IDS)) < 200 * 7
