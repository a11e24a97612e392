"""(topic, payload) → readings and log lines, or reasons why not. Never raises: every input has an answer.

A `Decoder` belongs to one thread. The first source whose topic fits takes the message; what was found out about a topic
is remembered, so that a scalar on a known topic costs about two microseconds. JSON is read by pydantic-core: at most
200 levels deep (jiter's recursion limit); of two equal keys the last counts; 1e999 and NaN are refused as values.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from edge_agent.core.assets import MAX_REMEMBERED, AssetRegistry, Slot
from edge_agent.core.decoded import MAX_FAULTS, Decoded, json_document, refused
from edge_agent.core.faults import Fault, Reason, shown
from edge_agent.core.paths import MISSING, Path, parse_path, pick
from edge_agent.core.samples import READERS, SampleRoute, Slots
from edge_agent.core.sources import EVERY, Format, Kind, Paths, SourceSpec
from edge_agent.core.sparkplug.address import address_of
from edge_agent.core.sparkplug.host import Host, SparkplugRoute
from edge_agent.core.timestamps import parse_time
from edge_agent.core.topics import Refusal, TopicTemplate
from edge_agent.core.types import LogLine, Reading, WorkOrderEvent
from edge_agent.core.values import explain, finish, number

__all__ = ["MAX_PAYLOAD", "Decoded", "Decoder", "Fault", "Format", "Kind", "Paths", "Reason", "SourceSpec"]

MAX_PAYLOAD: Final = 256 * 1024  # bytes; a reading has a hundred, a shift's batch of them a few ten thousand
MAX_LOG_CHARACTERS: Final = 4000  # kept of one log line
MAX_FIELD_CHARACTERS: Final = 100  # of a log line's author and order


class Decoder:
    """Reads the messages of all sources."""

    def __init__(self, sources: tuple[SourceSpec, ...], max_assets: int = 10_000) -> None:
        """Prepare the sources.

        Raises:
            ValueError: a topic template or a path of a source is wrong (`config` finds this first).
        """
        self.registry = AssetRegistry(max_assets)
        self.sparkplug = Host(self.registry)
        self._sources = tuple(_Source(spec) for spec in sources)
        self._routes: dict[str, _Route] = {}

    def decode(self, topic: str, payload: bytes, arrival: float) -> Decoded:
        """What a message says; `arrival` (Unix seconds) is the time of whatever bears none."""
        route = self._routes.get(topic)
        if route is None:
            found = self._find(topic)
            if isinstance(found, Fault):
                return Decoded(faults=(found,))
            if len(self._routes) >= MAX_REMEMBERED:
                self._routes.clear()
            route = self._routes[topic] = found
        if len(payload) > MAX_PAYLOAD:
            return refused(Reason.TOO_LARGE, f"{len(payload)} bytes; {MAX_PAYLOAD} are allowed")
        return route.decode(payload, arrival)

    def sessional(self, topic: str) -> bool:
        """Whether what a message says there depends on those before it: one kept from an earlier day says nothing."""
        return isinstance(self._find(topic), SparkplugRoute)

    def _find(self, topic: str) -> _Route | Fault:
        for source in self._sources:
            captured = source.template.match(topic)
            if isinstance(captured, Refusal):
                return Fault(Reason.BAD_TOPIC, f"{captured}: topic {shown(topic)}")
            if captured is not None:
                return self._route(source, topic, captured)
        return Fault(Reason.NO_SOURCE, f"topic {shown(topic)} fits no [[source]]")

    def _route(self, source: _Source, topic: str, captured: Mapping[str, str]) -> _Route | Fault:
        spec, registry = source.spec, self.registry
        asset, channel = captured.get("asset", spec.asset), captured.get("channel", spec.channel)
        if spec.kind is not Kind.READING:
            return (_LogRoute if spec.kind is Kind.LOG else _OrderRoute)(source, registry, asset)
        if spec.format is Format.SPARKPLUG:
            address = address_of(topic)
            return address if isinstance(address, Fault) else SparkplugRoute(self.sparkplug, spec, address)
        if spec.format in READERS:
            return SampleRoute(spec, source.slots, registry, (asset, channel))
        return (_ScalarRoute if spec.format is Format.SCALAR else _JsonRoute)(source, registry, asset, channel)


class _Source:
    """A source made ready: template compiled, paths parsed, slots remembered."""

    __slots__ = (
        "asset", "author", "channel", "channels", "every", "items", "order", "repaired", "slots", "spec", "status",
        "template", "text", "time", "unit", "value",
    )  # fmt: skip

    def __init__(self, spec: SourceSpec) -> None:
        paths = spec.paths
        self.spec = spec
        self.template = TopicTemplate(spec.topic)
        self.items = _path(paths.items)
        self.value = _path(paths.value)
        self.channel = _path(paths.channel)
        self.asset = _path(paths.asset)
        self.time = _path(paths.time)
        self.unit = _path(paths.unit)
        self.text = _path(paths.text)
        self.author = _path(paths.author) if spec.keep_author else None
        self.order = _path(paths.order)
        self.status = _path(paths.status)
        self.repaired = _path(paths.repaired)
        self.channels = tuple((name, parse_path(path)) for name, path in paths.channels if name != EVERY)
        self.every = _path(dict(paths.channels).get(EVERY))
        self.slots: Slots = {}


class _ScalarRoute:
    """A topic that carries one number as text."""

    __slots__ = ("_asset", "_channel", "_registry", "_slot", "_source")

    def __init__(self, source: _Source, registry: AssetRegistry, asset: str, channel: str) -> None:
        self._source, self._registry, self._asset, self._channel = source, registry, asset, channel
        self._slot: Slot | Fault | None = None

    def decode(self, payload: bytes, arrival: float) -> Decoded:
        try:
            raw = float(payload)
        except ValueError:
            return refused(explain(payload), f"value {shown(payload)}")
        if b"_" in payload:  # Python takes 1_000 for a number; nobody else does
            return refused(explain(payload), f"value {shown(payload)}")
        slot = self._slot
        if slot is None:  # only a valid value makes an asset known
            slot = self._slot = self._registry.slot(self._source.spec, self._asset, self._channel)
        if isinstance(slot, Fault):
            return Decoded(faults=(slot,))
        value = finish(raw, slot.conversion, counter=slot.counter)
        if isinstance(value, Reason):
            return refused(value, f"value {shown(payload)} of channel {shown(slot.channel)}")
        return Decoded((Reading(slot.asset, slot.channel, arrival, value),))


class _JsonRoute:
    """A topic whose messages hold readings in JSON."""

    __slots__ = ("_asset", "_channel", "_registry", "_source")

    def __init__(self, source: _Source, registry: AssetRegistry, asset: str, channel: str) -> None:
        self._source, self._registry, self._asset, self._channel = source, registry, asset, channel

    def decode(self, payload: bytes, arrival: float) -> Decoded:
        document = json_document(payload)
        if isinstance(document, Fault):
            return Decoded(faults=(document,))
        items = _items(document, self._source.items)
        if isinstance(items, Fault):
            return Decoded(faults=(items,))
        readings: list[Reading] = []
        faults: list[Fault] = []
        for item in items:
            self._item(item, document, arrival, readings, faults)
        return Decoded(tuple(readings), (), tuple(faults[:MAX_FAULTS]))

    def _item(
        self, item: object, document: object, arrival: float, readings: list[Reading], faults: list[Fault]
    ) -> None:
        source = self._source
        time = _time(source, item, document, arrival)
        if isinstance(time, Fault):
            faults.append(time)
            return
        asset = self._asset if source.asset is None else _either(item, document, source.asset)
        unit = "" if source.unit is None else _unit(item, document, source.unit)
        for channel, raw in self._values(item, document, faults):
            key = (asset, channel, unit) if isinstance(asset, str | int) and isinstance(channel, str | int) else None
            slot = source.slots.get(key) if key else None
            plain = number(raw)
            if isinstance(plain, Reason):
                faults.append(Fault(plain, f"value {shown(raw)} of channel {shown(channel)}"))
                continue
            if slot is None:
                slot = self._registry.slot(source.spec, asset, channel, unit)
                if key and _short(asset) and _short(channel) and _short(unit):
                    if len(source.slots) >= MAX_REMEMBERED:
                        source.slots.clear()
                    source.slots[key] = slot
            if isinstance(slot, Fault):
                if not (slot.reason is Reason.UNKNOWN_CHANNEL and source.every is not None):
                    faults.append(slot)
                continue
            value = finish(plain, slot.conversion, counter=slot.counter)
            if isinstance(value, Reason):
                faults.append(Fault(value, f"value {shown(raw)} of channel {shown(channel)}"))
            else:
                readings.append(Reading(slot.asset, slot.channel, time, value))

    def _values(self, item: object, document: object, faults: list[Fault]) -> list[tuple[object, object]]:
        """Raw channel names and raw values of one item."""
        source = self._source
        if source.every is not None:
            fields = pick(item, source.every)
            if not isinstance(fields, dict):
                faults.append(Fault(Reason.BAD_SHAPE, f"no object of channels where the path leads: {shown(item)}"))
                return []
            return [(name, raw) for name, raw in fields.items() if type(raw) is float or type(raw) is int]
        if source.channels:
            found: list[tuple[object, object]] = [
                (name, raw) for name, path in source.channels if (raw := pick(item, path)) is not MISSING
            ]
            if not found:
                faults.append(Fault(Reason.MISSING_VALUE, f"none of the channels is in {shown(item)}"))
            return found
        raw = pick(item, source.value or ())
        if raw is MISSING:
            faults.append(Fault(Reason.MISSING_VALUE, f"no value where the path leads: {shown(item)}"))
            return []
        return [(self._channel if source.channel is None else _either(item, document, source.channel), raw)]


class _LogRoute:
    """A topic that carries maintenance-log lines, plain or in JSON."""

    __slots__ = ("_asset", "_registry", "_source")

    def __init__(self, source: _Source, registry: AssetRegistry, asset: str) -> None:
        self._source, self._registry, self._asset = source, registry, asset

    def decode(self, payload: bytes, arrival: float) -> Decoded:
        source = self._source
        if source.spec.format is not Format.JSON:
            try:
                document: object = payload.decode("utf-8-sig")
            except UnicodeDecodeError as error:
                return refused(Reason.BAD_ENCODING, f"not UTF-8 at byte {error.start}: {shown(payload)}")
        else:
            document = json_document(payload)
        items = document if isinstance(document, Fault) else _items(document, source.items)
        if isinstance(items, Fault):
            return Decoded(faults=(items,))
        lines = [self._line(item, document, arrival) for item in items]
        return Decoded(
            (),
            tuple(line for line in lines if isinstance(line, LogLine)),
            tuple(line for line in lines if isinstance(line, Fault))[:MAX_FAULTS],
        )

    def _line(self, item: object, document: object, arrival: float) -> LogLine | Fault:
        source = self._source
        raw = pick(item, source.text or ())
        if not isinstance(raw, str):
            return Fault(Reason.NOT_TEXT, f"no text where the path leads: {shown(item)}")
        text = raw.strip()[:MAX_LOG_CHARACTERS]
        if not text:
            return Fault(Reason.EMPTY, "a log line without text")
        time = _time(source, item, document, arrival)
        if isinstance(time, Fault):
            return time
        asset = self._registry.asset(self._asset if source.asset is None else _either(item, document, source.asset))
        if isinstance(asset, Fault):
            return asset
        return LogLine(asset, time, text, _field(item, document, source.author), _field(item, document, source.order))


class _OrderRoute:
    """A topic that says of work orders whether they are open: structured, never free text (promise G9)."""

    __slots__ = ("_asset", "_registry", "_source")

    def __init__(self, source: _Source, registry: AssetRegistry, asset: str) -> None:
        self._source, self._registry, self._asset = source, registry, asset

    def decode(self, payload: bytes, arrival: float) -> Decoded:
        document = json_document(payload)
        items = document if isinstance(document, Fault) else _items(document, self._source.items)
        if isinstance(items, Fault):
            return Decoded(faults=(items,))
        found = [self._order(item, document, arrival) for item in items]
        return Decoded(
            faults=tuple(one for one in found if isinstance(one, Fault))[:MAX_FAULTS],
            orders=tuple(one for one in found if isinstance(one, WorkOrderEvent)),
        )

    def _order(self, item: object, document: object, arrival: float) -> WorkOrderEvent | Fault:
        source = self._source
        number, status = _field(item, document, source.order), _field(item, document, source.status)
        word = (status or "").lower()
        if number is None or word not in (*source.spec.opened, *source.spec.closed):
            return Fault(Reason.BAD_ORDER, f"work order {shown(number)} with status {shown(status)}")
        time = _time(source, item, document, arrival)
        if isinstance(time, Fault):
            return time
        asset = self._registry.asset(self._asset if source.asset is None else _either(item, document, source.asset))
        if isinstance(asset, Fault):
            return asset
        repaired = source.repaired is not None and _either(item, document, source.repaired) is True
        author = _field(item, document, source.author)
        return WorkOrderEvent(asset, number, time, word in source.spec.opened, repaired, author)


_Route = _ScalarRoute | _JsonRoute | _LogRoute | _OrderRoute | SampleRoute | SparkplugRoute


def _short(name: object) -> bool:
    """Whether a name is worth remembering: what a machine or channel may be called, not what a sender may invent."""
    return isinstance(name, int) or (isinstance(name, str) and len(name) <= MAX_FIELD_CHARACTERS)


def _path(text: str | None) -> Path | None:
    return None if text is None else parse_path(text)


def _items(document: object, path: Path | None) -> list[object] | Fault:
    if path is None:
        return [document]
    items = pick(document, path)
    return items if isinstance(items, list) else Fault(Reason.BAD_SHAPE, f"no array of items in {shown(document)}")


def _either(item: object, document: object, path: Path) -> object:
    """What lies at a path of the item, else of the whole payload; None where neither has it."""
    found = pick(item, path)
    if found is MISSING:
        found = pick(document, path)
    return None if found is MISSING else found


def _field(item: object, document: object, path: Path | None) -> str | None:
    raw = None if path is None else _either(item, document, path)
    if isinstance(raw, bool) or not isinstance(raw, str | int):
        return None
    return str(raw).strip()[:MAX_FIELD_CHARACTERS] or None


def _unit(item: object, document: object, path: Path) -> str:
    """The unit as it is written, empty where there is none; what is no text is shown, and will be no known unit."""
    raw = _either(item, document, path)
    return raw if isinstance(raw, str) else "" if raw is None else shown(raw)


def _time(source: _Source, item: object, document: object, arrival: float) -> float | Fault:
    raw = None if source.time is None else _either(item, document, source.time)
    if raw is None:
        return arrival
    time = parse_time(raw, source.spec.time_unit)
    return Fault(Reason.BAD_TIME, f"time {shown(raw)} ({source.spec.time_unit})") if time is None else time
