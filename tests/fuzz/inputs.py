"""Inputs that no sender should send, from a seed: recorded samples, changed by what goes wrong on wires and by malice.

The same seed gives the same inputs, on every machine.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from edge_agent.core.decode import MAX_PAYLOAD
from tests.fuzz.entries import ENTRIES, Entry

RANDOM_SHARE = 0.05  # of payloads are random bytes
FOREIGN_SHARE = 0.10  # were meant for another source, and as many are JSON of any shape
GRAFTED_SHARE = 0.35  # are sound JSON with something else in some places
BAD_TOPIC_SHARE = 0.10  # of topics are changed too
LARGE_SHARE = 0.0002  # of payloads are larger than is read
GRAFT = 0.08  # of the values of a grafted sample are others
MOST_CHANGES = 6
TOKENS = (
    b"NaN", b"-Infinity", b"1e999", b"1.7e308", b"-0", b"1e-400", b"9" * 400, b"1" * 4301, b"0x1F", b"1_000",
    "\u0661".encode(),
    b"null", b"true", b'""', b"{}", b"[]", b'"', b"\\", b"\\ud800", b"\\u0000", b",", b":", b"{", b"}", b"[", b"]",
    b"[" * 300, b'{"v":' * 250, b"[" * 150 + b"]" * 150, b'"v":1,"v":2,', b'"t":null,', b'"a":"+",', b'"c":"#",',
    b"\x00", b"\x1b[2J", b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\xef\xbb\xbf", "\u2028".encode(), "\u202e".encode(),
    b"+", b"#", b"/", b"$SYS/", b"$share/g/", b"../", b"%00", b" " * 300, b"a" * 300, b"\r\n",
    b"0001-01-01T00:00:00+23:59", b"9999-12-31T23:59:59-23:59", b"2024-06-01T12:00:00Z", b"2024-W22", b"24:00",
    b"-1", b"253402300800", b"1e18", b"99999999999999999999999999",
)  # fmt: skip
NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
LEAVES: tuple[object, ...] = (
    None, True, False, 0, -1, 1e300, 1.7e308, 2**63, 10**25, float("nan"), float("inf"), "", "1.5", "x" * 300, "\x00",
    "p\u00fcmp", "pump-1", 1717243200, "2024-06-01T12:00:00Z",
)  # fmt: skip


class Input(NamedTuple):
    """One message, and the source it was made for."""

    topic: str
    payload: bytes
    entry: Entry


class Inputs:
    """All inputs of one seed, in order."""

    def __init__(self, seed: str, entries: Sequence[Entry] = ENTRIES) -> None:
        self._random = random.Random(seed)
        self._entries = entries
        self._samples = [sample for entry in entries for sample in entry.samples]
        self._keys = sorted(
            {key for sample in self._samples for key in re.findall(r'"(\w+)":', sample.decode("utf-8", "replace"))}
        )
        self._changes: tuple[Callable[[bytes], bytes], ...] = (
            self._flipped, self._cut, self._doubled, self._with_token, self._with_token, self._with_another_number,
            self._spliced, self._wrapped,
        )  # fmt: skip

    def draw(self) -> Input:
        """The next one."""
        entry = self._random.choice(self._entries)
        return Input(self._topic(entry), self._payload(entry), entry)

    def _topic(self, entry: Entry) -> str:
        topic = self._random.choice(entry.topics)
        if self._random.random() >= BAD_TOPIC_SHARE:
            return topic
        return self._changed(topic.encode()).decode("utf-8", "replace")

    def _payload(self, entry: Entry) -> bytes:
        kind = self._random.random()
        if kind < LARGE_SHARE:
            return self._random.choice(self._samples) * (MAX_PAYLOAD // 5)
        if kind < RANDOM_SHARE:
            return self._random.randbytes(self._random.randrange(200))
        if kind < RANDOM_SHARE + FOREIGN_SHARE:
            return self._changed(self._random.choice(self._samples))
        if kind < RANDOM_SHARE + 2 * FOREIGN_SHARE:
            return json.dumps(self._document(4)).encode()
        sample = self._random.choice(entry.samples)
        if kind < RANDOM_SHARE + 2 * FOREIGN_SHARE + GRAFTED_SHARE:
            return self._grafted(sample)
        return self._changed(sample)

    def _document(self, depth: int) -> object:
        """JSON of any shape with the keys that the samples have."""
        kind = self._random.random() if depth else 1.0
        size = self._random.randrange(4)
        if kind < 0.5:
            return {self._random.choice(self._keys): self._document(depth - 1) for _ in range(size)}
        if kind < 0.7:
            return [self._document(depth - 1) for _ in range(size)]
        return self._random.choice(LEAVES)

    def _grafted(self, sample: bytes) -> bytes:
        """A sample in which some values are others; one that is no JSON stays or is something short."""
        try:
            document = json.loads(sample)
        except ValueError:
            return self._random.choice((sample, json.dumps(self._random.choice(LEAVES)).encode()))
        return json.dumps(self._graft(document)).encode()

    def _graft(self, node: object) -> object:
        if self._random.random() < GRAFT:
            return self._document(1)
        if isinstance(node, dict):
            return {key: self._graft(value) for key, value in node.items()}
        return [self._graft(value) for value in node] if isinstance(node, list) else node

    # ------------------------------------------------------------------------------------------------ changes

    def _changed(self, data: bytes) -> bytes:
        """The data after none to a few changes; often few, so that what is behind the first check is reached."""
        for _ in range(self._random.choice((0, 1, 1, 1, 2, 2, 3, MOST_CHANGES))):
            data = self._random.choice(self._changes)(data)
        return data[: MAX_PAYLOAD + 1]

    def _place(self, data: bytes) -> int:
        return self._random.randrange(len(data) + 1)

    def _flipped(self, data: bytes) -> bytes:
        if not data:
            return data
        at = self._random.randrange(len(data))
        return data[:at] + bytes([data[at] ^ (1 << self._random.randrange(8))]) + data[at + 1 :]

    def _cut(self, data: bytes) -> bytes:
        first, last = sorted((self._place(data), self._place(data)))
        return data[:first] + data[last:]

    def _doubled(self, data: bytes) -> bytes:
        first, last = sorted((self._place(data), self._place(data)))
        return data[:last] + data[first:]

    def _with_token(self, data: bytes) -> bytes:
        at = self._place(data)
        return data[:at] + self._random.choice(TOKENS) + data[at:]

    def _with_another_number(self, data: bytes) -> bytes:
        found = list(NUMBER.finditer(data))
        if not found:
            return data
        one = self._random.choice(found)
        return data[: one.start()] + self._random.choice(TOKENS) + data[one.end() :]

    def _spliced(self, data: bytes) -> bytes:
        other = self._random.choice(self._samples)
        return data[: self._place(data)] + other[self._place(other) :]

    def _wrapped(self, data: bytes) -> bytes:
        before, after = self._random.choice(((b"[", b"]"), (b'{"v":', b"}"), (b'"', b'"'), (b'{"r":[', b"]}")))
        return before + data + after
