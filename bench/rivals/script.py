"""What is done to each contender: a rush of messages, then steady streams with `kill -9` at moments drawn from a seed.

Every message is a number, published with QoS 1 and acknowledged by mosquitto, so each that is missing in the end was
lost by the contender. It is started again a second after each kill, and killed again once something new has arrived
and a moment more has passed: never before it works again.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bench.agent import Started, cpu_s, resident_mb, wait_for
from bench.ingest import ASSETS, CHANNELS, START
from bench.rivals.contenders import Contender
from bench.site import running_broker
from edge_agent.demo.broker import HOST
from edge_agent.mqtt.feed import Feed

RESTART_S = 1.0  # as systemd waits, by and large
LEAST_S, MOST_S = 0.2, 4.0  # between the first new arrival and the kill
WORKS_S = 120.0  # until something arrives after a start
QUIET_S = 30.0  # without a new arrival: nothing more comes
POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Rush:
    """How fast all messages of a rush were through."""

    messages: int
    per_s: float
    cpu_us: float  # of processor a message
    memory_mb: float  # resident, the largest seen
    missing: int  # of those sent, without a kill


@dataclass(frozen=True, slots=True)
class Killed:
    """What was left of a stream after the kills."""

    rate: int  # messages a second
    sent: int
    lost: int
    repeated: int  # arrivals beyond the first of a message
    back_s: float  # from a start until something new arrives, on average


def rush(contender: Contender, folder: Path, messages: int, *, quiet_s: float = QUIET_S) -> Rush:
    """Publish as fast as the broker takes them, to a contender that waits for them."""
    with running_broker(_new(folder, "near")) as near, running_broker(_new(folder, "far")) as far:
        contender.prepare(_new(folder, "place"), near.port, far.port)
        with closing(contender), contender.start() as process, Feed(HOST, near.port) as feed:
            first = _warm(contender, feed)
            peak, before = _Peak(process), contender.count()
            began, spent = time.monotonic(), cpu_s(process.pid)
            for number in range(first, first + messages):
                feed.publish(*message(number))
            last = _settle(contender, before + messages, peak.look, quiet_s=quiet_s)
            took, used = last - began, cpu_s(process.pid) - spent
            missing = messages - len(_since(first, contender.arrived()))
            return Rush(messages, (messages - missing) / took, used / messages * 1e6, peak.mb, missing)


def kills(  # noqa: PLR0913 - what a stream has
    contender: Contender,
    folder: Path,
    count: int,
    *,
    seed: int,
    rate: int,
    tell: Callable[[int], None],
    quiet_s: float = QUIET_S,
) -> Killed:
    """Publish so many messages a second and kill so many times; `tell` hears of each."""
    chance = random.Random(seed)  # noqa: S311 - to repeat, no secret
    back: list[float] = []
    with running_broker(_new(folder, "near")) as near, running_broker(_new(folder, "far")) as far:
        contender.prepare(_new(folder, "place"), near.port, far.port)
        with closing(contender), Feed(HOST, near.port) as feed:
            process = contender.start()
            try:
                first = _warm(contender, feed)
                before = contender.count()
                with _Stream(feed, first, rate) as stream:
                    for number in range(count):
                        time.sleep(chance.uniform(LEAST_S, MOST_S))
                        process.kill()
                        time.sleep(RESTART_S)
                        arrived = contender.count()  # not before: what it sent last is on its way
                        process, began = contender.start(), time.monotonic()
                        wait_for(_more(contender, arrived), f"{contender.name} works again", WORKS_S, POLL_S)
                        back.append(time.monotonic() - began)
                        tell(number + 1)
                sent = stream.number - first
                _settle(contender, before + sent, quiet_s=quiet_s)
                arrivals = _since(first, contender.arrived())
            finally:
                process.stop()
    return Killed(rate, sent, sent - len(arrivals), arrivals.total() - len(arrivals), sum(back) / len(back))


def message(number: int) -> tuple[str, bytes]:
    """Topic and payload of a numbered message: a reading of one of a hundred channels, a second each."""
    tick, place = divmod(number, ASSETS * CHANNELS)
    asset, channel = divmod(place, CHANNELS)
    moment = START + tick
    told = {"v": number, "ts": moment, "ms": int(moment * 1000)}
    return f"plant/m{asset:02d}/c{channel}", json.dumps(told).encode()


class _Stream:
    """A publisher of its own thread, at a steady rate, from a number on."""

    def __init__(self, feed: Feed, first: int, rate: int) -> None:
        self.number = first  # the next one
        self._feed, self._rate, self._over = feed, rate, threading.Event()
        self._thread = threading.Thread(target=self._run, name="stream", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._feed.drain()

    def _run(self) -> None:
        began, first = time.monotonic(), self.number
        while not self._over.wait(max(began + (self.number - first) / self._rate - time.monotonic(), 0.0)):
            self._feed.publish(*message(self.number))
            self.number += 1


class _Peak:
    """The largest resident memory that was seen."""

    def __init__(self, process: Started) -> None:
        self._process, self.mb = process, 0.0

    def look(self) -> None:
        self.mb = max(self.mb, resident_mb(self._process.pid))


def _warm(contender: Contender, feed: Feed) -> int:
    """Publish a message at a time until one arrives: the session is made. The first number that counts."""
    number = 0

    def one_arrives() -> bool:
        nonlocal number
        if not contender.count():
            feed.publish(*message(number))
            number += 1
        return contender.count() > 0

    wait_for(one_arrives, f"{contender.name} takes a message", WORKS_S, 0.5)
    _settle(contender, number, quiet_s=2.0)
    return number


def _more(contender: Contender, than: int) -> Callable[[], bool]:
    return lambda: contender.count() > than


def _since(first: int, arrivals: Counter[int]) -> Counter[int]:
    """The arrivals that count."""
    return Counter({number: times for number, times in arrivals.items() if number >= first})


def _settle(
    contender: Contender, expected: int, look: Callable[[], None] = lambda: None, *, quiet_s: float = QUIET_S
) -> float:
    """Wait until so many are there or nothing more comes: when the last one came."""
    last, before = time.monotonic(), -1
    while time.monotonic() - last < quiet_s:
        look()
        arrived = contender.count()
        if arrived != before:
            last, before = time.monotonic(), arrived
        if arrived >= expected:
            break
        time.sleep(POLL_S)
    return last


def _new(folder: Path, name: str) -> Path:
    made = folder / name
    made.mkdir(parents=True)
    return made
