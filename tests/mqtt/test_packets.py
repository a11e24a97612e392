"""MQTT packets as bytes, held against what paho makes of the same bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt._packet import decode_puback
from paho.mqtt.enums import MQTTProtocolVersion

from edge_agent.mqtt import packets
from edge_agent.mqtt.packets import Publish


def length_of(number: int) -> bytes:
    """A length as MQTT writes it (MQTT 5 §1.5.5)."""
    written = bytearray()
    while True:
        number, digit = divmod(number, 128)
        written.append(digit | (0x80 if number else 0))
        if not number:
            return bytes(written)


def publish_packet(message: Publish, properties: bytes | None = b"") -> bytes:
    """A PUBLISH; `properties` None is MQTT 3.1.1."""
    mid = message.mid.to_bytes(2, "big") if message.qos else b""
    extra = b"" if properties is None else length_of(len(properties)) + properties
    body = len(message.topic).to_bytes(2, "big") + message.topic + mid + extra + message.payload
    first = 0x30 | message.dup << 3 | message.qos << 1 | message.retain
    return bytes([first]) + length_of(len(body)) + body


MESSAGES = st.builds(
    lambda qos, mid, *rest: Publish(mid if qos else 0, qos, *rest),
    st.integers(0, 1), st.integers(1, 65535), st.booleans(), st.booleans(),
    st.binary(min_size=1, max_size=300), st.binary(max_size=40_000),
)  # fmt: skip
CONTENT_TYPE = b"\x03\x00\x04json"  # a property


@given(
    message=MESSAGES, properties=st.sampled_from([None, b"", CONTENT_TYPE, CONTENT_TYPE * 30]), start=st.integers(0, 9)
)
def test_a_message_is_read_as_it_was_written(message: Publish, properties: bytes | None, start: int) -> None:
    packet = publish_packet(message, properties)
    data = bytes(start) + packet + b"\x30"
    found = packets.bounds(data, start)

    assert found is not None
    body, end = found
    assert end == start + len(packet)
    assert packets.publish_qos(data[start]) == message.qos
    written = message._replace(properties=properties or b"")
    assert packets.publish(bytearray(data), start, body, end, properties=properties is not None) == written


@given(
    messages=st.lists(MESSAGES, max_size=6),
    behind=st.sampled_from([b"", b"\xd0\x00", b"\x30"]),
    start=st.integers(0, 3),
)
def test_messages_of_qos_0_are_counted_up_to_the_first_other_packet_or_the_first_that_is_not_whole(
    messages: list[Publish], behind: bytes, start: int
) -> None:
    sizes = [len(publish_packet(message)) for message in messages]
    data = bytearray(bytes(start) + b"".join(map(publish_packet, messages)) + behind)
    wanted = next((k for k, message in enumerate(messages) if message.qos), len(messages))

    assert packets.past_qos_0(data, start) == (wanted, start + sum(sizes[:wanted]))
    if wanted:
        del data[start + sum(sizes[:wanted]) - 1 :]
        assert packets.past_qos_0(data, start) == (wanted - 1, start + sum(sizes[: wanted - 1]))


@given(message=MESSAGES, cut=st.integers(0, 5))
def test_a_packet_that_has_not_come_whole_does_not_end_within_the_data(message: Publish, cut: int) -> None:
    data = publish_packet(message)[:cut]
    found = packets.bounds(data, 0)

    assert found is None or found[1] > len(data)


@given(data=st.binary(min_size=1, max_size=60), properties=st.booleans())
def test_no_bytes_bring_anything_but_a_message_or_a_value_error(data: bytes, properties: bool) -> None:  # noqa: FBT001
    packet = bytes([0x32]) + length_of(len(data)) + data
    try:
        message = packets.publish(packet, 0, 2, len(packet), properties=properties)
    except ValueError:
        return
    assert len(message.topic) + len(message.payload) <= len(data)


@pytest.mark.parametrize("first", [0x10, 0x20, 0x40, 0xD0])
def test_only_a_publish_has_a_quality(first: int) -> None:
    assert packets.publish_qos(first) > 3


def test_a_length_of_five_bytes_is_none() -> None:
    with pytest.raises(ValueError, match="four bytes"):
        packets.bounds(b"\x30\xff\xff\xff\xff\x01", 0)


def test_paho_reads_our_acknowledgements_as_so_many_packets() -> None:
    written = packets.pubacks([1, 258, 65535])
    read = [decode_puback(0x40, written[at + 2 : at + 4], MQTTProtocolVersion.MQTTv5) for at in (0, 4, 8)]

    assert [(ack.mid, ack.reason.is_failure) for ack in read] == [(1, False), (258, False), (65535, False)]
    assert [written[at : at + 2] for at in (0, 4, 8)] == [b"\x40\x02"] * 3


@given(message=MESSAGES, properties=st.sampled_from([None, b"", CONTENT_TYPE]))
def test_the_head_of_an_oversized_message_tells_all_but_its_payload(message: Publish, properties: bytes | None) -> None:
    packet = publish_packet(message, properties)
    found = packets.bounds(packet, 0)
    assert found is not None
    body, end = found
    head = body + 2 + len(message.topic) + (2 if message.qos else 0)

    assert packets.oversized(packet[:head], 0, body, end) == message._replace(payload=b"", left_out=len(packet))
    for cut in range(body, head):
        assert packets.oversized(packet[:cut], 0, body, end) is None


def test_a_topic_that_is_longer_than_its_packet_is_an_error() -> None:
    with pytest.raises(ValueError, match="too early"):
        packets.oversized(b"\x32\x03\x00\x09a", 0, 2, 5)
