"""What no single key can say: names that must exist elsewhere, limits in order, files that must be there.

Each check looks at the tables that are right in themselves (`Parts`), so that one wrong key hides no other fault.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from edge_agent.config.problems import MISSING, Problem, choose, written
from edge_agent.config.sections.alarm import Alarm
from edge_agent.config.sections.asset_class import AssetClass, Channel
from edge_agent.config.sections.broker import Broker
from edge_agent.config.sections.outputs import Outputs, Sparkplug
from edge_agent.config.sections.source import Source
from edge_agent.core.expression import compile_condition, compile_expression, names_in
from edge_agent.core.sparkplug.address import SparkplugAddress, Verb
from edge_agent.core.text import ORDINALS
from edge_agent.core.topics import TopicTemplate
from edge_agent.core.window import JOINT

_GLOB: Final = re.compile(r"[a-z0-9_*?\[\]!-]+")
_TEXT_WORDS: Final = frozenset({"log", "silent", "cond", "learning", "warning", "alarm", *ORDINALS, *JOINT})
_LIMITS: Final = ("low_alarm", "low_warning", "high_warning", "high_alarm")
_CLEAR_SHARE: Final = 0.6  # of raise_at; what is advised for clear_at


@dataclass(frozen=True, slots=True)
class Parts:
    """The tables that are valid in themselves, with their place in the file."""

    broker: Broker | None
    sources: tuple[tuple[int, Source], ...]
    classes: tuple[tuple[int, AssetClass], ...]
    class_names: tuple[str, ...]  # also of tables that are wrong otherwise
    assets: Mapping[str, str]
    alarm: Alarm | None
    outputs: Outputs | None
    sparkplug: Sparkplug | None


def broker_problems(broker: Broker) -> Iterator[Problem]:
    """Files, and keys that need each other."""
    files: list[tuple[str, Path | None]] = [("broker.password_file", broker.password_file)]
    if broker.tls is not None:
        tls = broker.tls
        files += [(f"broker.tls.{name}", getattr(tls, name)) for name in ("ca", "certificate", "key")]
        for name, other in (("certificate", "key"), ("key", "certificate")):
            if getattr(tls, name) is not None and getattr(tls, other) is None:
                yield Problem(
                    f"broker.tls.{other}",
                    MISSING,
                    f"a {name} is given without its {other}",
                    f"add `{other} = ...`, the file that was made together with {written(getattr(tls, name))}",
                )
    for name, path in files:
        if path is not None and (reason := _unreadable(path)):
            yield Problem(
                name, written(path), reason, f"put the file there, or correct the path; then `sudo ls -l {path}`"
            )
    if broker.username is None and (broker.password is not None or broker.password_file is not None):
        yield Problem(
            "broker.username",
            MISSING,
            "there is a password without a user name",
            'add `username = "..."` to [broker], the name the broker knows this gateway by',
        )


def class_problems(parts: Parts) -> Iterator[Problem]:
    """Classes and their channels."""
    seen: dict[str, int] = {}
    for i, asset_class in parts.classes:
        name = f"class[{i + 1}]"
        if asset_class.name in seen:
            yield Problem(
                f"{name}.name",
                written(asset_class.name),
                f"class[{seen[asset_class.name] + 1}] has the same name",
                "give one of the two another name, or join their channels under one [[class]]",
            )
        seen.setdefault(asset_class.name, i)
        yield from _channel_problems(name, asset_class.channel)
        if asset_class.running:
            yield from _running_problems(f"{name}.running", asset_class)


def asset_problems(parts: Parts) -> Iterator[Problem]:
    """[assets]: globs and the classes they name."""
    earlier: list[str] = []
    for glob, name in parts.assets.items():
        field = f"assets.{written(glob)}"
        plain = re.sub(r"[^a-z0-9_*?-]+", "-", glob.lower())
        if not _GLOB.fullmatch(glob):
            yield Problem(
                field,
                written(name),
                "no machine can have such an id: ids are made of a-z, 0-9, _ and -",
                f"write it in small letters, other characters as -: {written(plain)}",
            )
        if name not in parts.class_names:
            yield Problem(field, written(name), "there is no such class", choose(name, parts.class_names, "[[class]]"))
        if "*" in earlier:
            yield Problem(
                field, written(name), 'never reached: "*" before it fits every machine', 'put the line with "*" last'
            )
        earlier.append(glob)


def alarm_problems(alarm: Alarm) -> Iterator[Problem]:
    """Levels and the severity table."""
    if alarm.raise_at is not None and alarm.clear_at is not None and alarm.clear_at >= alarm.raise_at:
        yield Problem(
            "alarm.clear_at",
            written(alarm.clear_at),
            f"an alarm raised at {alarm.raise_at} would clear at once and chatter",
            f"write a value below raise_at, such as `clear_at = {round(_CLEAR_SHARE * alarm.raise_at, 3)}`",
        )
    rows = alarm.severity or []
    if rows and rows[0].risk != 0:
        yield Problem(
            "alarm.severity[1].risk",
            written(rows[0].risk),
            "an alarm below this risk would have no word",
            "begin the table with a row `risk = 0.0`",
        )
    for i, (lower, upper) in enumerate(pairwise(rows), start=2):
        if upper.risk <= lower.risk or upper.number <= lower.number:
            yield Problem(
                f"alarm.severity[{i}]",
                f"risk {upper.risk}, number {upper.number}",
                f"not above the row before it (risk {lower.risk}, number {lower.number})",
                "order the rows so that both risk and number rise",
            )


def output_problems(outputs: Outputs, parts: Parts) -> Iterator[Problem]:
    """Topics that the agent itself would read."""
    for i, source in parts.sources:
        try:
            template = TopicTemplate(source.topic)
        except ValueError:
            continue  # is said of the source
        for key, topic in outputs.topics():
            if template.match(topic) is not None:
                yield Problem(
                    f"outputs.{key}",
                    written(topic),
                    f"source[{i + 1}] ({written(source.topic)}) would read what is said there",
                    f"write a topic that no [[source]] fits, or make the topic of source[{i + 1}] narrower",
                )


def sparkplug_problems(sparkplug: Sparkplug, parts: Parts) -> Iterator[Problem]:
    """Sources that would read what we say."""
    topic = SparkplugAddress(sparkplug.group, Verb.DDATA, sparkplug.edge_node or "gateway", "asset").topic
    for i, source in parts.sources:
        try:
            template = TopicTemplate(source.topic)
        except ValueError:
            continue  # is said of the source
        if template.match(topic) is not None:
            yield Problem(
                "sparkplug.group",
                written(sparkplug.group),
                f"source[{i + 1}] ({written(source.topic)}) would read what is said there",
                "give the agent a group of its own, which hosts read and the agent does not",
            )


def _unreadable(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.read(1)
    except FileNotFoundError:
        return "there is no such file"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return ""


def _channel_problems(name: str, channels: Sequence[Channel]) -> Iterator[Problem]:
    measured = [c.name for c in channels if not c.expression]
    derived = [c.name for c in channels if c.expression]
    seen: set[str] = set()
    if not measured:
        yield Problem(
            f"{name}.channel",
            written(derived),
            "nothing is measured: all channels are derived",
            "add a [[class.channel]] without expression",
        )
    for j, channel in enumerate(channels):
        field = f"{name}.channel[{j + 1}]"
        if channel.name in seen:
            yield Problem(
                f"{field}.name",
                written(channel.name),
                "the class has it already",
                "remove one of the two, or rename it",
            )
        seen.add(channel.name)
        if channel.name in _TEXT_WORDS:
            yield Problem(
                f"{field}.name",
                written(channel.name),
                "is a word the model reads as something else",
                f'name it otherwise, such as "{channel.name}_value", and map it by `channels` of [source.json]',
            )
        yield from _limit_problems(field, channel)
        if channel.expression:
            yield from _expression_problems(field, channel, measured, derived)


def _running_problems(where: str, asset_class: AssetClass) -> Iterator[Problem]:
    value, channels = written(asset_class.running), [channel.name for channel in asset_class.channel]
    try:
        compile_condition(asset_class.running)
        names = names_in(asset_class.running)
    except ValueError as error:
        yield Problem(where, value, str(error), 'compare a channel with a number, such as `running = "speed > 10"`')
        return
    if not names:
        yield Problem(where, value, "names no channel: the machine would always run, or never", "leave it out")
    for unknown in sorted(names - set(channels)):
        yield Problem(where, value, f"the class has no channel {unknown!r}", choose(unknown, channels, "channel"))


def _limit_problems(field: str, channel: Channel) -> Iterator[Problem]:
    given = [(name, getattr(channel, name)) for name in _LIMITS if getattr(channel, name) is not None]
    for (lower, low), (upper, high) in pairwise(given):
        if low > high or (low == high and lower.split("_")[0] != upper.split("_")[0]):
            yield Problem(
                f"{field}.{upper}",
                written(high),
                f"is not above {lower} = {written(low)} of channel {written(channel.name)}",
                f"order the limits: {' < '.join(_LIMITS)}; leave out what there is not",
            )


def _expression_problems(
    field: str, channel: Channel, measured: Sequence[str], derived: Sequence[str]
) -> Iterator[Problem]:
    where, value = f"{field}.expression", written(channel.expression)
    try:
        compile_expression(channel.expression)
        names = names_in(channel.expression)
    except ValueError as error:
        remedy = "use numbers, names of measured channels, + - * / **, parentheses, and min, max, abs, sqrt"
        yield Problem(where, value, str(error), remedy)
        return
    for unknown in sorted(names - set(measured)):
        if unknown in derived:
            yield Problem(
                where,
                value,
                f"{unknown!r} is itself derived",
                f"write the expression of {unknown!r} in its place: only measured channels may stand here",
            )
        else:
            yield Problem(
                where,
                value,
                f"the class measures no channel {unknown!r}",
                choose(unknown, measured, "measured channel"),
            )
