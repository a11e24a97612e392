"""Sparkplug messages → readings, and what is asked of their senders: the part of a host application, none of its STATE.

Births name metrics, data mostly say aliases. Nothing is guessed: a value whose metric no birth in force has named is
refused, and its edge node asked to be born again (`Node Control/Rebirth`); so it is after a gap in its sequence, and
once after each start of ours. Between gap and birth the names of the last birth hold, because aliases change only with
a new session, and the death of the old one is sent at QoS 1: it is not lost, and after it no alias holds.

A device is an asset, an edge node another for what it says of itself; a metric is a channel (`channel_of`). What is no
channel of the asset's class is passed by in silence, as births name a hundred things.

Belongs to the engine thread. Source: Eclipse Sparkplug Specification 3.0.0, sections 5 and 6.4.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from edge_agent.core.assets import MAX_REMEMBERED, AssetRegistry, Slot
from edge_agent.core.decoded import MAX_FAULTS, Decoded, refused
from edge_agent.core.faults import Fault, Reason, shown
from edge_agent.core.identity import digest
from edge_agent.core.sources import SourceSpec
from edge_agent.core.sparkplug.address import BDSEQ, REBIRTH, SparkplugAddress, Verb
from edge_agent.core.sparkplug.edge_nodes import REBIRTH_S, STATE, EdgeNode, Known, channel_of, load, table_of
from edge_agent.core.sparkplug.payload import DataType, Metric, Payload, decoded, encoded, typed
from edge_agent.core.sparkplug.wire import WireError
from edge_agent.core.timestamps import TimeUnit, parse_time
from edge_agent.core.types import Outgoing, Reading
from edge_agent.core.values import finish, number
from edge_agent.core.wire import LANE_STATE

MAX_NODES: Final = 1_000  # edge nodes remembered
MAX_METRICS: Final = 100_000  # names and aliases remembered of all of them, a name of 256 characters at most


class Host:
    """All edge nodes that were heard."""

    def __init__(self, registry: AssetRegistry, *, max_nodes: int = MAX_NODES, max_metrics: int = MAX_METRICS) -> None:
        self._registry, self._max_nodes, self._max_metrics = registry, max_nodes, max_metrics
        self._nodes: dict[tuple[str, str], EdgeNode] = {}
        self._owners: dict[str, tuple[str, str]] = {}  # raw name of an asset → the edge node that speaks for it
        self._slots: dict[tuple[str, str, str], Slot | Fault] = {}  # source, raw asset, channel
        self._size = 0  # of all edge nodes

    def restore(self, states: Mapping[str, bytes]) -> None:
        """Know again what births had said before the last stop."""
        for name, blob in states.items():
            node = load(blob) if name.startswith(STATE) else None
            if node is not None and self._fits(node.size, len(self._nodes)):
                self._nodes[node.group, node.edge] = node
                self._size += node.size

    def take(self, spec: SourceSpec, address: SparkplugAddress, payload: bytes, arrival: float) -> Decoded:
        """What a message brings."""
        if address.verb in {Verb.NCMD, Verb.DCMD, Verb.STATE}:
            return Decoded()  # commands, ours among them, are for the edge node; a host's state is for it too
        try:
            said = decoded(payload)
        except WireError as error:
            return refused(Reason.BAD_PROTOBUF, f"{error}: {shown(payload)}")
        node = self._nodes.get((address.group, address.edge))
        if node is None:
            if address.verb in {Verb.NDEATH, Verb.DDEATH}:
                return Decoded()  # nobody knew it
            if not self._fits(0, len(self._nodes)):
                detail = f"edge node {shown(address.edge)}: {self._max_nodes} are known already"
                return refused(Reason.TOO_MANY_ASSETS, detail)
            node = self._nodes[address.group, address.edge] = EdgeNode(address.group, address.edge)
        if address.verb is Verb.NDEATH:
            return self._died(node, said)
        return _Message(self, node, spec, address, said, arrival).read()

    def _died(self, node: EdgeNode, said: Payload) -> Decoded:
        bdseq = _bdseq(said)
        if None not in {bdseq, node.bdseq} and bdseq != node.bdseq:
            detail = f"edge node {shown(node.edge)}: death of session {bdseq}, it lives in session {node.bdseq}"
            return refused(Reason.SEQUENCE, detail)
        node.die()
        death = Fault(Reason.DEATH, f"edge node {shown(node.edge)} is gone, its devices with it")
        return Decoded(faults=(death,), states=self.changed(node))

    # ------------------------------------------------------------------------------------------------ of a message

    def changed(self, node: EdgeNode) -> tuple[tuple[str, bytes], ...]:
        """What must be written down of an edge node: nothing where it said what it had said before."""
        blob = node.dump()
        if blob == node.written:
            return ()
        node.written = blob
        return ((node.state, blob),)

    def learn(self, node: EdgeNode, device: str, metrics: tuple[Metric, ...]) -> list[Fault]:
        """Keep what a birth names; faults of names that cannot be channels."""
        before = node.tables.get(device, {})
        table, twice = table_of(metrics, before)
        if not self._fits(len(table) - len(before) + 1, 0):
            self._size -= node.size
            node.forget_dead()
            self._size += node.size
        if not self._fits(len(table) - len(node.tables.get(device, {})) + 1, 0):
            detail = f"{len(table)} names of {shown(device or node.edge)}: {self._max_metrics} are remembered at most"
            return [Fault(Reason.TOO_LARGE, detail)]
        self._size -= node.size
        node.tables[device] = table
        node.born.add(device)
        self._size += node.size
        return [
            Fault(Reason.BAD_CHANNEL, f"metric {shown(name)}: its channel {shown(channel_of(name))} is another's")
            for name in twice
        ]

    def owned(self, asset: str, node: EdgeNode) -> Fault | None:
        """A fault where another living edge node speaks for an asset."""
        key = (node.group, node.edge)
        owner = self._owners.get(asset)
        if owner is not None and owner != key:
            other = self._nodes[owner]
            if asset in other.born or (asset == other.edge and "" in other.born):
                detail = f"{shown(asset)}: edge node {shown(other.edge)} speaks for a machine of this name; rename one"
                return Fault(Reason.ASSET_COLLISION, detail)
        if len(self._owners) >= MAX_REMEMBERED:
            self._owners.clear()
        self._owners[asset] = key
        return None

    def slot(self, spec: SourceSpec, asset: str, channel: str) -> Slot | Fault:
        """Where readings go."""
        key = (spec.topic, asset, channel)
        slot = self._slots.get(key)
        if slot is None:
            slot = self._registry.slot(spec, asset, channel)
            if len(self._slots) >= MAX_REMEMBERED:
                self._slots.clear()
            self._slots[key] = slot
        return slot

    def _fits(self, size: int, nodes: int) -> bool:
        return nodes < self._max_nodes and self._size + size <= self._max_metrics


class SparkplugRoute:
    """One topic of an edge node."""

    __slots__ = ("_address", "_host", "_spec")

    def __init__(self, host: Host, spec: SourceSpec, address: SparkplugAddress) -> None:
        self._host, self._spec, self._address = host, spec, address

    def decode(self, payload: bytes, arrival: float) -> Decoded:
        """What a message brings."""
        return self._host.take(self._spec, self._address, payload, arrival)


class _Message:
    """One birth, data or death of a device on its way through."""

    def __init__(  # noqa: PLR0913 - all there is about a message, once
        self, host: Host, node: EdgeNode, spec: SourceSpec, address: SparkplugAddress, said: Payload, arrival: float
    ) -> None:
        self._host, self._node, self._spec, self._address = host, node, spec, address
        self._said, self._arrival = said, arrival
        self._readings: list[Reading] = []
        self._faults: list[Fault] = []

    def read(self) -> Decoded:
        node, verb, device = self._node, self._address.verb, self._address.device
        states: tuple[tuple[str, bytes], ...] = ()
        ask = self._sequence()
        if verb is Verb.NBIRTH:
            node.die()  # devices are born anew after it
            node.bdseq, node.confirmed, node.wait_s = _bdseq(self._said), True, min(node.wait_s, REBIRTH_S)
            node.seq = self._said.seq
        if verb in {Verb.NBIRTH, Verb.DBIRTH}:
            for fault in self._host.learn(node, device, self._said.metrics):
                self._fault(fault)
            ask |= self._values(birth=True)
            states = self._host.changed(node)
        elif verb is Verb.DDEATH:
            node.born.discard(device)
            self._fault(Fault(Reason.DEATH, f"device {shown(device)} of {shown(node.edge)} is gone"))
            states = self._host.changed(node)
        else:
            ask |= self._values(birth=False)
        if self._said.skipped:
            self._fault(Fault(Reason.PASSED_OVER, f"{self._said.skipped} values no channel can hold"))
        requests = (self._rebirth(),) if (ask or not node.confirmed) and node.due(self._arrival) else ()
        return Decoded(tuple(self._readings), (), tuple(self._faults), requests=requests, states=states)

    def _sequence(self) -> bool:
        """Whether messages are missing before this one."""
        node, seq = self._node, self._said.seq
        before = node.seq
        if self._address.verb is Verb.NBIRTH or node.after(seq):
            return False
        detail = f"edge node {shown(node.edge)}: message {seq} came after {before}"
        self._fault(Fault(Reason.SEQUENCE, detail))
        return True

    def _values(self, *, birth: bool) -> bool:
        """Read the values; whether one was of a metric that no birth in force has named."""
        unknown = 0
        for metric in self._said.metrics:
            known = self._known(metric)
            if known is None:
                unknown += 1
            elif known.channel:
                self._place(metric, known, birth=birth)
        if unknown:
            name = shown(self._address.device or self._address.edge)
            self._fault(Fault(Reason.UNBORN, f"{unknown} values of {name} are of metrics no birth in force has named"))
        return unknown > 0

    def _place(self, metric: Metric, known: Known, *, birth: bool) -> None:
        """Find where a value belongs, and whether this edge node may say it; births name what has no value yet, too."""
        asset = self._address.device or self._address.edge
        slot = self._host.slot(self._spec, asset, known.channel)
        if isinstance(slot, Fault):
            of_node = not self._address.device and slot.reason is Reason.UNKNOWN_CLASS
            if slot.reason is not Reason.UNKNOWN_CHANNEL and not of_node:
                self._fault(slot)
            return
        fault = self._host.owned(asset, self._node)
        if fault is None and not (birth and (metric.value is None or self._repeated(metric, known))):
            fault = self._value(metric, known, slot)
        if fault is not None:
            self._fault(fault)

    def _known(self, metric: Metric) -> Known | None:
        """The metric as it was born; one that says its name needs no birth."""
        device = self._address.device
        if device in self._node.born:
            table = self._node.tables[device]
            known = None if metric.alias is None else table.get(metric.alias)
            if known is None and metric.name is not None:
                known = table.get(metric.name)
            if known is not None:
                return known
        if metric.name is None:
            return None
        fresh, _ = table_of((metric,), {})
        return fresh.get(metric.name)

    @staticmethod
    def _repeated(metric: Metric, known: Known) -> bool:
        """Whether a birth only says again what was read before."""
        return metric.timestamp is not None and metric.timestamp <= known.newest

    def _value(self, metric: Metric, known: Known, slot: Slot) -> Fault | None:
        """Read a value; why not, where that is so."""
        plain, time = _plain(metric, known), self._time(metric)
        if time is None:
            return Fault(Reason.BAD_TIME, f"time {metric.timestamp} ms of channel {shown(slot.channel)}")
        value = plain if isinstance(plain, Reason) else finish(plain, slot.conversion, counter=slot.counter)
        if isinstance(value, Reason):
            return Fault(value, f"value {shown(metric.value)} of channel {shown(slot.channel)}")
        if metric.timestamp is not None:
            known.newest = max(known.newest, metric.timestamp)
        self._readings.append(Reading(slot.asset, slot.channel, time, value))
        return None

    def _fault(self, fault: Fault) -> None:
        """Tell a fault once, and only so many: a birth may have thousands of metrics."""
        if len(self._faults) < MAX_FAULTS and fault not in self._faults:
            self._faults.append(fault)

    def _time(self, metric: Metric) -> float | None:
        """Its own time, else that of the message; what is historical must bear its own."""
        ms = metric.timestamp
        if ms is None and not metric.is_historical:
            ms = self._said.timestamp
            if ms is None:
                return self._arrival
        return None if ms is None else parse_time(ms, TimeUnit.MS)

    def _rebirth(self) -> Outgoing:
        node = self._node
        topic = SparkplugAddress(node.group, Verb.NCMD, node.edge).topic
        ms = int(self._arrival * 1000)
        asked = Metric(name=REBIRTH, timestamp=ms, datatype=DataType.BOOLEAN, value=True)
        body = encoded(Payload(timestamp=ms, metrics=(asked,)))
        key = digest("rebirth", topic, str(ms))
        return Outgoing(key, topic, body, 0, retain=False, lane=LANE_STATE, group=topic)


def _plain(metric: Metric, known: Known) -> float | Reason:
    """The number of a metric, read by the datatype it has itself or by that of its birth."""
    datatype = known.datatype if metric.datatype is None else metric.datatype
    if metric.is_null:
        return Reason.NULL
    value = typed(metric.value, datatype)
    if value is None or isinstance(value, str) or datatype == DataType.DATETIME:
        return Reason.NOT_A_NUMBER
    if datatype is None and type(value) is int:
        return Reason.NOT_A_NUMBER  # -5 and 4294967291 are the same bytes
    return number(value)


def _bdseq(said: Payload) -> int | None:
    found = next((metric.value for metric in said.metrics if metric.name == BDSEQ), None)
    return found if isinstance(found, int) else None
