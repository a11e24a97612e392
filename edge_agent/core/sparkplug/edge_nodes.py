"""What births have said of edge nodes and devices: their metrics by alias and name, who lives, which message is next.

Values and tables only; what a message means for readings is `host`'s. All of it is bounded, and what births said can be
written down and read again, so that a restart forgets no alias.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from pydantic import TypeAdapter, ValidationError

from edge_agent.core.assets import MAX_NAME
from edge_agent.core.sparkplug.address import BDSEQ
from edge_agent.core.sparkplug.payload import Metric

STATE: Final = "sparkplug/"  # before group and edge node, name of a state
REBIRTH_S: Final = 10.0  # least time between two requests for a rebirth; each that is not answered doubles it
REBIRTH_MAX_S: Final = 3600.0
_SEQS: Final = 256
_CONTROL: Final = (BDSEQ, "Node Control/", "Device Control/")  # names, or how they begin, that are about the protocol
_NO_CHANNEL: Final = re.compile(r"[^A-Za-z0-9_.-]")


@dataclass(slots=True)
class Known:
    """A metric that was born."""

    name: str
    alias: int | None
    datatype: int | None
    channel: str  # empty: not a channel
    newest: int = -1  # milliseconds; a birth that tells no later value repeats one


Table = dict[int | str, Known]  # by alias and by name


@dataclass(slots=True)
class EdgeNode:
    """One edge node and its devices; the name of the node itself among them is empty."""

    group: str
    edge: str
    bdseq: int | None = None
    seq: int | None = None  # of the newest message
    tables: dict[str, Table] = field(default_factory=dict)  # by device, also of those that have died
    born: set[str] = field(default_factory=set)
    confirmed: bool = False  # its birth was heard since this start, and not its death
    asked_at: float = -math.inf
    wait_s: float = 0.0
    written: bytes = b""  # as it was last written down

    @property
    def size(self) -> int:
        """How many metrics and devices are remembered."""
        return sum(1 + len(table) for table in self.tables.values())

    def after(self, seq: int | None) -> bool:
        """Whether a message is the next one; where either says no number nobody can tell."""
        expected, self.seq = None if self.seq is None else (self.seq + 1) % _SEQS, seq
        return expected is None or seq is None or seq == expected

    def due(self, now: float) -> bool:
        """Whether it may be asked to be born again; if so it counts as asked.

        The wall clock may have been set: only the distance counts, not the direction.
        """
        if abs(now - self.asked_at) < self.wait_s:
            return False
        self.asked_at = now
        self.wait_s = min(max(2 * self.wait_s, REBIRTH_S), REBIRTH_MAX_S)
        return True

    def die(self) -> None:
        """Note its death: what it has said stays, for the times, but no alias holds until it is born again."""
        self.born.clear()
        self.seq, self.confirmed = None, False

    def forget_dead(self) -> None:
        """Make room: forget the devices that have died."""
        self.tables = {device: table for device, table in self.tables.items() if device in self.born}

    def dump(self) -> bytes:
        """All that its births have said."""
        written = _Written(
            group=self.group,
            edge=self.edge,
            bdseq=self.bdseq,
            born=sorted(self.born),
            metrics={
                device: [(known.name, known.alias, known.datatype, known.newest) for known in distinct(table)]
                for device, table in sorted(self.tables.items())
            },
        )
        return _ADAPTER.dump_json(written)

    @property
    def state(self) -> str:
        """The name under which that is written down."""
        return f"{STATE}{self.group}/{self.edge}"


@dataclass(slots=True)
class _Written:
    group: str
    edge: str
    bdseq: int | None
    born: list[str]
    metrics: dict[str, list[tuple[str, int | None, int | None, int]]]


_ADAPTER: Final = TypeAdapter(_Written)


def load(blob: bytes) -> EdgeNode | None:
    """An edge node as it was written down; None where the bytes are none, and its next message asks for a birth."""
    try:
        written = _ADAPTER.validate_json(blob)
    except ValidationError:
        return None
    node = EdgeNode(written.group, written.edge, bdseq=written.bdseq, born=set(written.born), written=blob)
    for device, metrics in written.metrics.items():
        born = (Metric(name=name, alias=alias, datatype=datatype) for name, alias, datatype, _ in metrics)
        node.tables[device], _ = table_of(born, {})
        for name, _, _, newest in metrics:
            node.tables[device][name].newest = newest
    return node


def table_of(metrics: Iterable[Metric], before: Table) -> tuple[Table, list[str]]:
    """The table of a birth, with the times of the one before; and the names that cannot be channels of their own."""
    table: Table = {}
    channels: set[str] = set()
    refused: list[str] = []
    for metric in metrics:
        name = metric.name
        if name is None:
            continue
        channel = "" if name.startswith(_CONTROL) else channel_of(name)
        if channel and (len(name) > MAX_NAME or channel in channels):
            refused.append(name)
            channel = ""
        channels.add(channel)
        old = before.get(name)
        known = Known(name, metric.alias, metric.datatype, channel, -1 if old is None else old.newest)
        if len(name) <= MAX_NAME:  # else only its alias is known: that it is nothing to be read
            table[name] = known
        if metric.alias is not None:
            table[metric.alias] = known
    return table, refused


def channel_of(name: str) -> str:
    """The channel of a metric: `/` becomes `.`, any other character that no channel has becomes `_`."""
    return _NO_CHANNEL.sub("_", name.replace("/", "."))


def distinct(table: Table) -> Iterable[Known]:
    """The metrics of a table, each once."""
    return (known for key, known in table.items() if isinstance(key, str))
