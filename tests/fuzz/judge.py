"""What must hold of any answer that decode gives, whatever came in (promises G8 and G9)."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Protocol

from edge_agent.core.decode import (
    MAX_FIELD_CHARACTERS,
    MAX_LOG_CHARACTERS,
    MAX_PAYLOAD,
    Decoded,
    Decoder,
    Fault,
    Reason,
)
from edge_agent.core.decoded import MAX_FAULTS
from edge_agent.core.timestamps import EARLIEST, LATEST
from edge_agent.core.types import LogLine, Reading
from tests.fuzz.entries import ENTRIES
from tests.fuzz.inputs import Input, Inputs

NOW = 1717243200.0
ROUND = 2000  # inputs to one decoder: its assets are used up on the way, as a flood of invented names would
MAX_ASSETS = 12
DETAIL = 300  # characters of a fault's detail: what goes into the log
ASSET = re.compile(r"[a-z0-9_-]{1,64}")  # a level of our own topics, so that no name can lead a message elsewhere


class Decodes(Protocol):
    """What is fuzzed."""

    def decode(self, topic: str, payload: bytes, arrival: float) -> Decoded:
        """What a message says."""
        ...


def decoder() -> Decoder:
    """The decoder of all entries."""
    return Decoder(tuple(entry.spec for entry in ENTRIES), MAX_ASSETS)


def complaints(one: Input, found: object) -> list[str]:
    """What is wrong with an answer; nothing, most of the time."""
    if not isinstance(found, Decoded):
        return [f"no answer but {found!r}"]
    wrong = [*_of_readings(found.readings), *_of_logs(found.logs), *_of_faults(found.faults)]
    wrong += [what for order in found.orders for what in _of_place(order.asset, order.time)]
    if not any(found) and not one.entry.batch:
        wrong.append("nothing, and no reason")
    if len(one.payload) > MAX_PAYLOAD and any(found._replace(faults=())):
        wrong.append("a payload over the bound was read")
    return wrong


def _of_readings(readings: Sequence[Reading]) -> Iterator[str]:
    for reading in readings:
        yield from _of_place(reading.asset, reading.time)
        if type(reading.value) is not float or not math.isfinite(reading.value):
            yield f"value {reading.value!r}"
        if not reading.channel:
            yield "no channel"


def _of_logs(logs: Sequence[LogLine]) -> Iterator[str]:
    for line in logs:
        yield from _of_place(line.asset, line.time)
        if not 0 < len(line.text) <= MAX_LOG_CHARACTERS:
            yield f"{len(line.text)} characters of log"
        if any(field is not None and not 0 < len(field) <= MAX_FIELD_CHARACTERS for field in (line.author, line.order)):
            yield f"author {line.author!r}, order {line.order!r}"


def _of_faults(faults: Sequence[Fault]) -> Iterator[str]:
    if len(faults) > MAX_FAULTS:
        yield f"{len(faults)} faults"
    for fault in faults:
        if fault.reason not in Reason or not fault.detail.isprintable() or len(fault.detail) > DETAIL:
            yield f"fault {fault!r}"


def _of_place(asset: str, time: float) -> Iterator[str]:
    if not ASSET.fullmatch(asset):
        yield f"asset {asset!r}"
    if not EARLIEST <= time < LATEST:
        yield f"time {time!r}"


class BrokenRuleError(AssertionError):
    """An input whose answer breaks a rule; it says how to repeat it."""


def judge_round(seed: str, target: Decodes, inputs: int = ROUND) -> Counter[str]:
    """Send the inputs of a seed; how many brought readings, log lines, or were refused for which reason.

    Raises:
        BrokenRuleError: decode raised, or its answer breaks a rule.
    """
    drawn, seen = Inputs(seed), Counter[str]()
    for number in range(inputs):
        one = drawn.draw()
        try:
            found = target.decode(one.topic, one.payload, NOW)
            wrong = complaints(one, found)
            repeats = number % 8 == 0 and not one.entry.session
            if not wrong and repeats and target.decode(one.topic, one.payload, NOW) != found:
                wrong.append("a different answer to the same message")
        except Exception as error:
            raise _broken(seed, number, one, f"it raised {error!r}") from error
        if wrong:
            raise _broken(seed, number, one, "; ".join(wrong))
        seen["readings"] += bool(found.readings)
        seen["log lines"] += bool(found.logs)
        seen["work orders"] += bool(found.orders)
        seen.update({fault.reason.value for fault in found.faults})
    return seen


def _broken(seed: str, number: int, one: Input, what: str) -> BrokenRuleError:
    return BrokenRuleError(f"{what}\nseed {seed!r}, input {number}: topic {one.topic!r}, payload {one.payload!r:.2000}")
