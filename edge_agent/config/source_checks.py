"""What must hold of the `[[source]]` tables together with each other, with [assets] and with the classes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from edge_agent.config.checks import Parts
from edge_agent.config.problems import MISSING, Problem, choose, closest, written
from edge_agent.config.sections.asset_class import AssetClass, Channel
from edge_agent.config.sections.source import Json, Source, WaveformTable
from edge_agent.config.waveform_checks import waveform_problems
from edge_agent.core.identity import slug
from edge_agent.core.paths import parse_path
from edge_agent.core.sources import EVERY, NAMING, Catalogue, Format, Kind
from edge_agent.core.sparkplug.address import NAMESPACE
from edge_agent.core.topics import TopicTemplate
from edge_agent.core.units import conversion, convertible
from edge_agent.core.waveform import names_of

_FORMATS: Final = {
    Kind.READING: (Format.SCALAR, Format.JSON, *sorted(NAMING), Format.WAVEFORM),
    Kind.LOG: (Format.TEXT, Format.JSON),
    Kind.ORDER: (Format.JSON,),
}
_PATHS: Final = (
    "items",
    "value",
    "channel",
    "asset",
    "time",
    "unit",
    "rate",
    "text",
    "author",
    "order",
    "status",
    "repaired",
)
_FOREIGN: Final = {
    Kind.READING: ("text", "author", "order", "status", "repaired"),
    Kind.LOG: ("value", "channel", "unit", "status", "repaired"),
    Kind.ORDER: ("value", "channel", "unit", "text", "rate"),
}


@dataclass(frozen=True, slots=True)
class _Case:
    """One source with its name among the problems and its compiled topic."""

    field: str
    source: Source
    template: TopicTemplate

    @property
    def json(self) -> Json:
        return self.source.paths or Json()

    @property
    def naming(self) -> bool:
        return self.source.effective_format in NAMING

    @property
    def endings(self) -> dict[str, bool]:
        """What stands behind the names of its channels, and whether it has the unit that is sent."""
        if self.source.effective_format is not Format.WAVEFORM:
            return {"": True}
        return {
            f".{name}": dimensional
            for name, dimensional in names_of((self.source.waveform or WaveformTable()).spec()).items()
        }


def source_problems(parts: Parts) -> Iterator[Problem]:
    """All that is wrong with the sources."""
    cases: list[_Case] = []
    for i, source in parts.sources:
        field = f"source[{i + 1}]"
        try:
            case = _Case(field, source, TopicTemplate(source.topic))
        except ValueError as error:
            remedy = "write plain levels, {asset}, {channel}, + for any level, # at the end: plant/{asset}/{channel}"
            yield Problem(f"{field}.topic", written(source.topic), str(error), remedy)
            continue
        yield from _reach_problems(case, cases)
        yield from _asset_problems(case, parts)
        yield from _format_problems(case)
        yield from _naming_problems(case)
        yield from waveform_problems(case.field, source)
        yield from _sparkplug_problems(case)
        yield from _path_problems(case)
        if source.kind is Kind.READING:
            yield from _channel_problems(case)
            yield from _class_problems(case, parts)
        cases.append(case)
    yield from _name_problems(cases)


def _reach_problems(case: _Case, earlier: list[_Case]) -> Iterator[Problem]:
    for other in earlier:
        if other.template.group == case.template.group and other.template.covers(case.template):
            yield Problem(
                f"{case.field}.topic",
                written(case.source.topic),
                f"never reached: {other.field} ({written(other.source.topic)}) takes all its messages",
                f"put this [[source]] before {other.field}: the first that fits takes a message",
            )
            return


def _asset_problems(case: _Case, parts: Parts) -> Iterator[Problem]:
    source = case.source
    if "asset" not in case.template.names and source.asset is None and case.json.asset is None and not case.naming:
        near = closest("asset", case.template.names)
        yield Problem(
            f"{case.field}.topic",
            written(source.topic),
            "nothing says which machine a message is about",
            (f"did you mean {{asset}} instead of {{{near}}}? " if near else "")
            + "put {asset} into the topic, or add `asset`: here the name of one machine, in [source.json] a path",
        )
    if source.asset is not None and not slug(source.asset):
        yield Problem(
            f"{case.field}.asset", written(source.asset), "has neither letters nor digits", "give the machine a name"
        )
    if source.asset_class is None:
        return
    field = f"{case.field}.class"
    if source.asset is None:
        yield Problem(
            field,
            written(source.asset_class),
            "a class goes with one machine, and this source names none",
            f'remove it, and add `"*" = {written(source.asset_class)}` or the like to [assets]',
        )
    if source.asset_class not in parts.class_names:
        remedy = choose(source.asset_class, parts.class_names, "[[class]]")
        yield Problem(field, written(source.asset_class), "there is no such class", remedy)


def _format_problems(case: _Case) -> Iterator[Problem]:
    source, json = case.source, case.json
    form = source.effective_format
    if form not in _FORMATS[source.kind]:
        allowed = " or ".join(_FORMATS[source.kind])
        yield Problem(
            f"{case.field}.format",
            written(form),
            f"a {source.kind} is not written so",
            f"write {allowed}, or leave it out",
        )
    elif form not in {Format.JSON, Format.WAVEFORM} and source.paths is not None:
        yield Problem(
            f"{case.field}.format", written(form), "there are paths into JSON", 'write "json", or remove [source.json]'
        )
    elif form is Format.JSON and source.kind is Kind.LOG and json.text is None:
        yield Problem(
            f"{case.field}.json.text",
            MISSING,
            "nothing says where the text is",
            'add `text = "message"` to [source.json]',
        )
    elif source.kind is Kind.ORDER and (json.order is None or json.status is None):
        yield Problem(
            f"{case.field}.json.{'order' if json.order is None else 'status'}",
            MISSING,
            "nothing says which work order it is, and what became of it",
            'add `order = "order"` and `status = "status"` to [source.json]',
        )
    elif form is Format.JSON and source.kind is Kind.READING and (json.value is None) is (not json.channels):
        both = json.value is not None
        yield Problem(
            f"{case.field}.json.value",
            written(json.value) if both else MISSING,
            "value and channels are both given" if both else "nothing says where the value is",
            "keep `value` for one channel a message, or `channels` for several"
            if both
            else 'add `value = "value"` (one channel a message) or `channels = { temp = "t" }` to [source.json]',
        )


def _naming_problems(case: _Case) -> Iterator[Problem]:
    """What a source says beside a payload that says it better."""
    source, json = case.source, case.json
    if source.effective_format is Format.THINGSBOARD and (source.channel or "channel" in case.template.names):
        yield Problem(
            f"{case.field}.channel",
            written(source.channel or source.topic),
            "the keys of ThingsBoard telemetry are the channels",
            "remove it, or write + for {channel} in the topic",
        )
    if json.unit is not None and json.channels:
        yield Problem(
            f"{case.field}.json.unit",
            written(json.unit),
            "one unit cannot be that of several channels",
            "use `value` with one channel a message or item, or `unit = { ... }` of the [[source]]",
        )


def _sparkplug_problems(case: _Case) -> Iterator[Problem]:
    """What Sparkplug's own topics say better, or do not allow."""
    source = case.source
    if source.effective_format is not Format.SPARKPLUG:
        return
    if not TopicTemplate(f"{NAMESPACE}/#").covers(case.template) or case.template.names or case.template.group:
        yield Problem(
            f"{case.field}.topic",
            written(source.topic),
            f"Sparkplug's topics are {NAMESPACE}/group/NDATA/edge-node and the like, all of them for one host",
            f"write {NAMESPACE}/ and the group, then /#, without {{...}} and $share: {NAMESPACE}/plant1/#",
        )
    for key, said in (("asset", source.asset), ("channel", source.channel)):
        if said is not None:
            yield Problem(
                f"{case.field}.{key}",
                written(said),
                "the device is the machine, its metrics are the channels",
                "remove it; docs/sparkplug.md shows how names become channels",
            )


def _path_problems(case: _Case) -> Iterator[Problem]:
    named = [(name, path) for name in _PATHS if (path := getattr(case.json, name)) is not None]
    for name, path in [*named, *((f"channels.{written(key)}", path) for key, path in case.json.channels.items())]:
        field = f"{case.field}.json.{name}"
        if name in _FOREIGN[case.source.kind]:
            yield Problem(
                field, written(path), f"a {case.source.kind} has no such thing", "remove it, or correct `kind`"
            )
        try:
            parse_path(path)
        except ValueError as error:
            yield Problem(field, written(path), str(error), 'write keys joined by dots: "data.sensors[0].value"')


def _channel_problems(case: _Case) -> Iterator[Problem]:
    said = "channel" in case.template.names or case.source.channel or case.json.channel is not None or case.naming
    if not said and not case.json.channels:
        near = closest("channel", case.template.names)
        yield Problem(
            f"{case.field}.topic",
            written(case.source.topic),
            "nothing says which channel a value belongs to",
            (f"did you mean {{channel}} instead of {{{near}}}? " if near else "")
            + "put {channel} into the topic, or add `channel = ...` (one channel) or `channels` in [source.json]",
        )


def _class_problems(case: _Case, parts: Parts) -> Iterator[Problem]:
    """Whether machines, channels and units are those of the classes."""
    source = case.source
    classes = [c for _, c in parts.classes]
    if source.asset is not None:
        asset = slug(source.asset)
        name = source.asset_class or Catalogue(classes=parts.assets).asset_class(asset)
        if name is None:
            yield Problem(
                f"{case.field}.asset",
                written(source.asset),
                "nothing gives this machine a class",
                f'add `class = ...` to the [[source]], or `"{asset}" = ...` to [assets]',
            )
        classes = [c for c in classes if c.name == name]
    elif not parts.assets:
        yield Problem(
            "assets",
            MISSING,
            f"nothing gives the machines of {case.field} a class",
            f'add a table [assets] with a line such as `"*" = {written(next(iter(parts.class_names), "pump"))}`',
        )
    if not classes or len(parts.classes) < len(parts.class_names):
        return  # a class that is wrong in itself may have what is missed here
    yield from _unknown_channels(case, classes)
    yield from _unit_problems(case, classes)


def _unknown_channels(case: _Case, classes: list[AssetClass]) -> Iterator[Problem]:
    named = [(f"{case.field}.channel", case.source.channel + end) for end in case.endings if case.source.channel]
    named += [(f"{case.field}.json.channels.{written(n)}", n) for n in case.json.channels if n != EVERY]
    named += [
        (f"{case.field}.unit.{written(n)}", n + end) for n in case.source.unit if n != EVERY for end in case.endings
    ]
    known = sorted({c.name for c in _measured(classes)})
    for field, name in named:
        if name not in known:
            told = " and ".join(written(c.name) for c in classes)
            reason = f"class {told} measures no such channel"
            yield Problem(field, written(name), reason, choose(name, known, "measured channel"))


def _unit_problems(case: _Case, classes: list[AssetClass]) -> Iterator[Problem]:
    source = case.source
    fixed = {source.channel, *case.json.channels} - {None, EVERY}
    for asset_class in classes:
        for channel in _measured([asset_class]):
            ending = next((end for end, told in case.endings.items() if told and channel.name.endswith(end)), None)
            if ending is None:
                continue
            name = channel.name.removesuffix(ending)
            sent = source.unit.get(name) or ("" if fixed and name not in fixed else source.unit.get(EVERY))
            if not sent or conversion(sent, channel.unit) is not None:
                continue
            own = f"channel {written(channel.name)} of class {written(asset_class.name)}"
            known = ", ".join(convertible(channel.unit))
            if not channel.unit:
                reason, remedy = f"{own} has no unit to convert to", f"add `unit = ...` to {own}"
            else:
                reason = f"no conversion from {sent!r} to {channel.unit!r}, the unit of {own}"
                remedy = f"write one of: {known}; for several channels a table: `unit = {{ {channel.name} = ... }}`"
            yield Problem(f"{case.field}.unit", written(sent), reason, remedy)


def _name_problems(cases: list[_Case]) -> Iterator[Problem]:
    """Two names of machines with one id (DESIGN §6), or one machine with two classes."""
    seen: dict[str, _Case] = {}
    for case in cases:
        raw = case.source.asset
        if raw is None:
            continue
        other = seen.setdefault(slug(raw), case)
        if other.source.asset != raw:
            yield Problem(
                f"{case.field}.asset",
                written(raw),
                f"has the same id {slug(raw)!r} as {written(other.source.asset)} of {other.field}",
                "write the name of one machine the same everywhere, and those of two machines differently",
            )
        elif case.source.asset_class and other.source.asset_class not in {None, case.source.asset_class}:
            yield Problem(
                f"{case.field}.class",
                written(case.source.asset_class),
                f"{other.field} says that {written(raw)} is a {written(other.source.asset_class)}",
                "give one machine one class",
            )


def _measured(classes: list[AssetClass]) -> list[Channel]:
    return [channel for c in classes for channel in c.channel if not channel.expression]
