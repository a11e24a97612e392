"""Series → messages for a broker, row by row in order of time, at a chosen speed.

What is sent is what the file says: no unit is changed, no value is filled in, a missing value is not sent. Nothing of
MQTT itself is known here; `mqtt/feed.py` sends.
"""

from __future__ import annotations

import json
import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

import numpy as np

from edge_agent.core.topics import Refusal, TopicTemplate
from edge_agent.errors import DataError, UsageError
from edge_agent.tables.series import Dataset
from edge_agent.tables.times import Timeline

_PLACES: Final = frozenset(("asset", "channel"))
_NAP_S: Final = 0.2  # longest sleep between two looks at the clock


class Stamp(StrEnum):
    """Which time a JSON row carries."""

    FILE = "file"  # the time of the row
    NOW = "now"  # the moment it is sent
    NONE = "none"


class Message(NamedTuple):
    """One message."""

    topic: str
    payload: bytes


class Row(NamedTuple):
    """One row of the file, ready to be sent."""

    number: int  # 1-based, in the order of sending
    time: float  # event time
    asset: str
    values: dict[str, float]  # without missing ones


class Publisher(Protocol):
    """Where messages go."""

    @property
    def acknowledged(self) -> int:
        """Messages acknowledged so far: the first so many."""

    def publish(self, topic: str, payload: bytes) -> None:
        """Send with QoS 1."""

    def drain(self, timeout_s: float) -> bool:
        """Whether everything was acknowledged within the time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast rows are sent: `speed` times event time, or `rate` rows a second; both 0: as fast as they are taken."""

    speed: float = 1.0
    rate: float = 0.0

    def due(self, sent: int, elapsed: float) -> float:
        """Seconds after the start at which a row is due, so many rows and seconds of event time after the first."""
        if self.rate:
            return sent / self.rate
        return elapsed / self.speed if self.speed else 0.0


class Addressing:
    """Topics and payloads of rows."""

    def __init__(self, template: str, *, json_rows: bool, stamp: Stamp, assets: int) -> None:
        """Check the template.

        Raises:
            UsageError: it is no topic, or lacks a place for what the messages must be told apart by.
        """
        try:
            names = TopicTemplate(template).names
        except ValueError as error:
            raise UsageError(f"--topic: {error}", hint="--topic 'plant/site/{asset}/{channel}'") from error
        if strange := [name for name in names if name not in _PLACES]:
            raise UsageError(
                f"--topic {template!r}: nothing to put for {{{strange[0]}}}", hint="{asset} and {channel} are known"
            )
        if "+" in template or "#" in template or template.startswith("$"):
            raise UsageError(f"--topic {template!r} is no topic to write to", hint="wildcards and $ are for readers")
        if json_rows == ("channel" in names):
            what = "must not name {channel}: a row is one message" if json_rows else "must name {channel}"
            raise UsageError(f"--topic {template!r} {what}", hint="--json-rows sends one JSON object per row")
        if assets > 1 and "asset" not in names:
            raise UsageError(f"--topic {template!r} would mix {assets} assets", hint="name {asset} in the topic")
        self._template, self._json_rows, self._stamp = TopicTemplate(template), json_rows, stamp

    def messages(self, row: Row, now: float) -> list[Message]:
        """The messages of one row, none where all its values are missing.

        Raises:
            DataError: a name of the file cannot stand in a topic.
        """
        if not row.values:
            return []
        if not self._json_rows:
            return [
                Message(self._topic(row.asset, channel), json.dumps(value).encode())
                for channel, value in row.values.items()
            ]
        head = {} if self._stamp is Stamp.NONE else {"ts": row.time if self._stamp is Stamp.FILE else round(now, 3)}
        return [Message(self._topic(row.asset, ""), json.dumps({**head, **row.values}).encode())]

    def _topic(self, asset: str, channel: str) -> str:
        levels = self._template.template.split("/")
        named = [{"{asset}": asset, "{channel}": channel}.get(level, level) for level in levels]
        topic = "/".join(named)
        fit = self._template.match(topic)
        if fit is None or isinstance(fit, Refusal):
            raise DataError(
                f"asset {asset!r}, channel {channel!r} cannot stand in a topic: {topic!r}",
                hint="names in topics are without / + # and control characters; rename the column (--columns)",
            )
        return topic


def rows_of(dataset: Dataset) -> Iterator[Row]:
    """All rows of a file, the assets together, in order of time."""
    times = np.concatenate([series.times for series in dataset.series])
    owner = np.concatenate([np.full(len(series.times), i) for i, series in enumerate(dataset.series)])
    place = np.concatenate([np.arange(len(series.times)) for series in dataset.series])
    for number, k in enumerate(np.argsort(times, kind="stable").tolist(), 1):
        series = dataset.series[owner[k]]
        values = series.values[place[k]].tolist()
        known = {name: value for name, value in zip(dataset.channels, values, strict=True) if not math.isnan(value)}
        yield Row(number, float(times[k]), series.asset, known)


def stamp_for(dataset: Dataset, wanted: Stamp | None) -> Stamp:
    """Which time JSON rows carry: as wanted, else the file's where it has dates.

    Raises:
        UsageError: the file's time is wanted, but it is no date.
    """
    if wanted is Stamp.FILE and dataset.timeline is not Timeline.DATES:
        raise UsageError(
            f"{dataset.path} has no dates to send as `ts`, its time is {dataset.timeline}",
            hint="--stamp now, or --stamp none",
        )
    return wanted or (Stamp.FILE if dataset.timeline is Timeline.DATES else Stamp.NONE)


class Replay:
    """Sends rows, and knows at any time which of them the broker has taken."""

    def __init__(
        self,
        addressing: Addressing,
        pace: Pace,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.rows = self.messages = 0  # sent so far
        self._addressing, self._pace = addressing, pace
        self._clock, self._wall, self._sleep = clock, wall, sleep
        self._open: deque[tuple[int, int]] = deque()  # row, messages up to its last one
        self._next = 1

    def send(self, rows: Iterable[Row], to: Publisher, progress: Callable[[], None] = lambda: None) -> None:
        """Send rows when they are due.

        Raises:
            DataError: a name cannot stand in a topic.
            LinkError: the broker does not take a message.
        """
        start, first = self._clock(), None
        for row in rows:
            if first is None:
                first, self._next = row.time, row.number
            self._wait(start + self._pace.due(self.rows, row.time - first))
            messages = self._addressing.messages(row, self._wall())
            self._open.append((row.number, self.messages + len(messages)))
            for message in messages:
                to.publish(message.topic, message.payload)
                self.messages += 1
            self.rows += 1
            self.resume(to)
            progress()

    def resume(self, to: Publisher) -> int:
        """Number of the first row that the broker has not wholly acknowledged: where to go on."""
        acknowledged = to.acknowledged
        while self._open and self._open[0][1] <= acknowledged:
            self._next = self._open.popleft()[0] + 1
        return self._next

    def _wait(self, due: float) -> None:
        while (left := due - self._clock()) > 0:
            self._sleep(min(left, _NAP_S))
