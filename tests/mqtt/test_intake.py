"""The intake on a real socket pair: messages to the agent, the rest to paho, nothing lost and in order."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from edge_agent.mqtt.intake import CHUNK, LARGEST, Intake
from edge_agent.mqtt.packets import Publish
from tests.mqtt.test_packets import publish_packet

CONNACK, PINGRESP = b"\x20\x03\x00\x00\x00", b"\xd0\x00"


def numbered(number: int, qos: int = 1, payload: bytes = b"x") -> Publish:
    return Publish(number if qos else 0, qos, dup=False, retain=False, topic=b"in/a", payload=payload)


@dataclass
class Pair:
    """An intake and the broker's end of its socket."""

    room: int = 1000
    taken: list[Publish] = field(default_factory=list)
    cause: str = ""  # by which QoS 0 is read past
    lost: list[tuple[str, int]] = field(default_factory=list)
    watch: Callable[[Sequence[Publish]], None] = lambda _messages: None

    def __post_init__(self) -> None:
        self.broker, ours = socket.socketpair()
        ours.setblocking(False)
        self.intake = Intake(ours, self._take, lambda: self.room, self, properties=True)

    def _take(self, messages: Sequence[Publish]) -> None:
        self.watch(messages)
        self.taken += messages
        self.room -= sum(message.qos for message in messages)

    def full(self) -> str:
        return self.cause

    def shed(self, cause: str, count: int) -> None:
        self.lost.append((cause, count))

    def paho_reads(self) -> bytes:
        """What paho gets until there is nothing more for it, a byte at a time as it does."""
        got = b""
        while True:
            try:
                part = self.intake.recv(1)
            except BlockingIOError:
                if not self.intake.pending() or self.intake.blocked:
                    return got
                continue
            if not part:
                return got + b"EOF"
            got += part


@pytest.fixture
def pair() -> Iterator[Pair]:
    one = Pair()
    yield one
    one.broker.close()
    one.intake.close()


def test_messages_are_taken_and_the_rest_goes_to_paho(pair: Pair) -> None:
    messages = [numbered(1), numbered(2, qos=0), numbered(3)]
    pair.broker.sendall(PINGRESP.join(map(publish_packet, messages)) + CONNACK)

    assert pair.paho_reads() == PINGRESP * 2 + CONNACK
    assert pair.taken == messages


def test_a_message_behind_a_packet_of_pahos_waits_until_paho_has_read_it(pair: Pair) -> None:
    """The connection must be known before what came by it."""
    pair.broker.sendall(CONNACK + publish_packet(numbered(1)))
    head = pair.intake.recv(1)

    assert pair.taken == []
    assert pair.intake.pending() > 0
    assert head + pair.paho_reads() == CONNACK
    assert pair.taken == [numbered(1)]


def test_where_there_is_no_place_qos_0_is_counted_and_the_rest_is_taken_in_order(pair: Pair) -> None:
    pair.cause = "inbox_full"
    large = numbered(0, qos=0, payload=bytes(5_000))
    one, two = numbered(1), numbered(2)
    packets: list[Publish | bytes] = [
        numbered(0, qos=0),
        large,
        one,
        numbered(0, qos=0),
        CONNACK,
        numbered(0, qos=0),
        two,
        large,
    ]
    sent = [packet if isinstance(packet, bytes) else publish_packet(packet) for packet in packets]
    pair.broker.sendall(b"".join(sent))

    assert pair.paho_reads() == CONNACK
    assert pair.taken == [one, two]
    assert {cause for cause, _ in pair.lost} == {"inbox_full"}
    assert sum(count for _, count in pair.lost) == 5


def test_a_message_that_came_in_part_is_read_past_or_taken_as_there_is_a_place_when_it_is_whole(pair: Pair) -> None:
    pair.cause = "inbox_full"
    packet = publish_packet(numbered(0, qos=0, payload=bytes(300)))
    for cause, taken, lost in (("inbox_full", 0, 1), ("", 1, 1)):
        pair.broker.sendall(packet[:7])
        assert pair.paho_reads() == b""
        pair.cause = cause
        pair.broker.sendall(packet[7:])
        assert pair.paho_reads() == b""
        assert (len(pair.taken), sum(count for _, count in pair.lost)) == (taken, lost)


def test_messages_that_are_read_past_are_a_sign_of_life(pair: Pair) -> None:
    """Else paho would end a connection that brings nothing else."""
    calls: list[Sequence[Publish]] = []
    pair.cause = "inbox_full"
    pair.watch = calls.append
    pair.broker.sendall(publish_packet(numbered(0, qos=0)))

    assert pair.paho_reads() == b""
    assert calls == [()]


def test_a_packet_that_comes_in_pieces_is_taken_once_it_is_whole(pair: Pair) -> None:
    large = numbered(1, payload=bytes(range(256)) * 300)
    stream = publish_packet(large) + PINGRESP + publish_packet(numbered(2))
    got = b""
    for at in range(0, len(stream), 7000):
        pair.broker.sendall(stream[at : at + 7000])
        got += pair.paho_reads()

    assert len(stream) > CHUNK
    assert pair.taken == [large, numbered(2)]
    assert got == PINGRESP


def test_no_more_is_taken_than_there_is_room_for(pair: Pair) -> None:
    pair.room = 2
    pair.broker.sendall(b"".join(publish_packet(numbered(n)) for n in range(1, 6)))
    pair.paho_reads()
    assert [message.mid for message in pair.taken] == [1, 2]
    assert pair.intake.blocked
    assert pair.intake.pending() > 0, "or select would wait although there is something to do"

    pair.room = 2
    pair.paho_reads()
    assert [message.mid for message in pair.taken] == [1, 2, 3, 4]


def test_without_room_paho_still_gets_what_is_not_behind_a_message(pair: Pair) -> None:
    """A broker that keeps to the maximum must be heard: its answers to our alarms come this way."""
    pair.room = 1
    pair.broker.sendall(publish_packet(numbered(1)) + PINGRESP + publish_packet(numbered(2, qos=0)))

    assert pair.paho_reads() == PINGRESP
    assert pair.taken == [numbered(1), numbered(2, qos=0)]
    assert not pair.intake.blocked


@pytest.mark.parametrize(
    "broken",
    [b"\x32\x03\x00\x09a", b"\x30\xff\xff\xff\xff\x01", publish_packet(Publish(1, 2, False, False, b"a", b""))],
)
def test_what_is_no_message_of_ours_is_left_to_paho(pair: Pair, broken: bytes) -> None:
    """It ends the connection over what is broken, and knows what to do with QoS 2."""
    pair.broker.sendall(publish_packet(numbered(1)) + broken)

    assert pair.paho_reads() == broken
    assert pair.taken == [numbered(1)]


@pytest.mark.parametrize("qos", [0, 1])
def test_a_message_of_ten_megabytes_is_handed_over_without_its_payload_and_never_kept(pair: Pair, qos: int) -> None:
    """It is counted and acknowledged; what came before and after it is as usual."""
    large = publish_packet(numbered(7, qos=qos, payload=bytes(10_000_000)))
    stream = publish_packet(numbered(1)) + large + PINGRESP + publish_packet(numbered(8))
    got, most = b"", 0
    for at in range(0, len(stream), CHUNK):
        pair.broker.sendall(stream[at : at + CHUNK])
        got += pair.paho_reads()
        most = max(most, len(pair.intake._data))

    assert pair.taken == [numbered(1), numbered(7, qos=qos, payload=b"")._replace(left_out=len(large)), numbered(8)]
    assert got == PINGRESP
    assert most <= CHUNK


def test_the_largest_payload_that_is_decoded_is_kept(pair: Pair) -> None:
    message = numbered(1, payload=bytes(LARGEST - 64 * 1024))
    stream = publish_packet(message)
    for at in range(0, len(stream), CHUNK):
        pair.broker.sendall(stream[at : at + CHUNK])
        pair.paho_reads()

    assert pair.taken == [message]


def test_an_oversized_message_waits_for_room_like_any_other(pair: Pair) -> None:
    pair.room = 0
    pair.broker.sendall(publish_packet(numbered(1, payload=bytes(LARGEST)))[:CHUNK])
    pair.paho_reads()
    assert pair.taken == []
    assert pair.intake.blocked

    pair.room = 1
    pair.paho_reads()
    assert [message.mid for message in pair.taken] == [1]


def test_the_end_of_the_stream_is_told(pair: Pair) -> None:
    pair.broker.sendall(publish_packet(numbered(1)))
    pair.broker.shutdown(socket.SHUT_WR)

    assert pair.paho_reads() == b""
    assert pair.intake.recv(1) == b""
    assert pair.taken == [numbered(1)]


def test_what_paho_sends_goes_out_as_it_is(pair: Pair) -> None:
    assert pair.intake.send(PINGRESP) == 2
    assert pair.broker.recv(10) == PINGRESP
