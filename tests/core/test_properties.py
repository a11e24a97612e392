"""What a command needs of the properties of its message."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.properties import MAX_CORRELATION, Reply, reply

TOPIC = b"\x08\x00\x05a/b/c"
CORRELATION = b"\x09\x00\x03\x01\x02\x03"


@pytest.mark.parametrize(
    "others",
    [
        b"",
        b"\x01\x01",
        b"\x02\x00\x00\x00\x09",
        b"\x23\x00\x01",
        b"\x0b\x81\x01",
        b"\x0b\x01",
        b"\x03\x00\x04json",
        b"\x26\x00\x01k\x00\x01v",
    ],
    ids=["none", "format", "expiry", "alias", "identifier", "short identifier", "type", "user"],
)
def test_response_topic_and_correlation_data_are_found_among_all_others(others: bytes) -> None:
    assert reply(others + TOPIC + others + CORRELATION + others) == Reply("a/b/c", b"\x01\x02\x03")


@pytest.mark.parametrize(
    "broken", [b"\x7f", b"\x08\x00\x09abc", b"\x08\x00\x01\xff", b"\x08", b"\x0b\x81", b"\x26\x00\x01k"]
)
def test_properties_that_cannot_be_read_are_as_none(broken: bytes) -> None:
    assert reply(CORRELATION + broken) == Reply()


def test_correlation_data_of_a_size_nobody_needs_are_not_sent_back() -> None:
    long = (MAX_CORRELATION + 1).to_bytes(2, "big") + bytes(MAX_CORRELATION + 1)

    assert reply(TOPIC + b"\x09" + long) == Reply("a/b/c", b"")


@given(st.binary(max_size=60))
def test_any_bytes_have_an_answer(data: bytes) -> None:
    assert isinstance(reply(data), Reply)
