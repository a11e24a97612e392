"""What passed between a recorded agent and its broker before a cut, read from the packets themselves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from edge_agent.mqtt import packets
from tests.power.recording import Kind, Record

CONNECT, PUBLISH, PUBACK = 0x10, 0x30, 0x40


@dataclass(slots=True)
class Conversation:
    """What the agent had acknowledged, and what it had told."""

    acknowledged: list[bytes] = field(default_factory=list)  # payloads
    told: list[tuple[str, int]] = field(default_factory=list)  # alarm and revision


def conversation(before: list[Record]) -> Conversation:
    """The conversation up to a cut; a packet that was not sent whole was not sent."""
    said, waiting = Conversation(), dict[int, bytes]()
    for kind, packet in _packets(before):
        what = packet[0] & 0xF0
        if what == PUBLISH and kind is Kind.RECEIVE:
            got = _publish(packet)
            waiting[got.mid] = got.payload
        elif what == PUBACK and kind is Kind.SEND:
            said.acknowledged.append(waiting.pop(_mid(packet)))
        elif what == PUBLISH and (sent := _publish(packet)).topic.endswith(b"/event"):
            data = json.loads(sent.payload)["data"]
            if "alarm" in data and not data["unrecorded"]:
                said.told.append((data["alarm"], data["rev"]))
    return said


def _publish(packet: bytes) -> packets.Publish:
    start, end = packets.bounds(packet, 0) or (0, 0)
    return packets.publish(packet, 0, start, end, properties=True)


def _mid(packet: bytes) -> int:
    start, _ = packets.bounds(packet, 0) or (0, 0)
    return int.from_bytes(packet[start : start + 2], "big")


def _packets(before: list[Record]) -> Iterator[tuple[Kind, bytes]]:
    """The packets of both directions in the order in which they were complete."""
    fd = next((r.fd for r in before if r.kind is Kind.SEND and r.data[0] & 0xF0 == CONNECT), None)
    streams = {Kind.SEND: bytearray(), Kind.RECEIVE: bytearray()}
    for record in before:
        if record.fd != fd or record.kind not in streams:
            continue
        stream = streams[record.kind]
        stream += record.data
        while (found := packets.bounds(stream, 0)) is not None and found[1] <= len(stream):
            yield record.kind, bytes(stream[: found[1]])
            del stream[: found[1]]
