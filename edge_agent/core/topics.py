"""Topic templates (what we read) and our own topics (what we write): DESIGN §6.

Only text in, text out. A template is a topic whose levels may be a `{name}` (captured), `+` (any one level) or, last,
`#` (any rest); `$share/<group>/` may stand before it. Nothing here knows of sources, payloads or brokers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

_SHARE = "$share"
_MAX_TOPIC_BYTES = 65535  # MQTT 5 §1.5.4: a string's length is two bytes
_MAX_VALUE = 256  # characters of one captured level; names of machines are far shorter
_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
_LEVEL = re.compile(r"[a-z0-9_-]{1,64}")


class Refusal(StrEnum):
    """Why a topic that fits a template is refused all the same."""

    EMPTY = "empty_level"
    TOO_LONG = "long_level"
    WILDCARD = "wildcard_in_topic"
    CONTROL = "control_character_in_topic"


class TopicTemplate:
    """A compiled template, such as `plant/{site}/{asset}/{channel}`."""

    def __init__(self, template: str) -> None:
        """Compile a template.

        Raises:
            ValueError: the text is no template; says which level and why.
        """
        self.template = template
        levels, self.group = _levels(template)
        self.names: tuple[str, ...] = tuple(m[1] for m in map(_PLACEHOLDER.fullmatch, levels) if m)
        _check(template, levels, self.names)
        self._open = levels[-1] == "#"
        self._levels = tuple(levels[:-1] if self._open else levels)
        self._captures = tuple((i, m[1]) for i, m in enumerate(map(_PLACEHOLDER.fullmatch, self._levels)) if m)
        wild = {"+", *(f"{{{name}}}" for name in self.names)}
        self._fixed = tuple((i, level) for i, level in enumerate(self._levels) if level not in wild)
        self._filter = tuple("+" if level in wild else level for level in self._levels) + (("#",) * self._open)

    def match(self, topic: str) -> dict[str, str] | Refusal | None:
        """The captured levels by name; None where the topic does not fit; a `Refusal` where a captured level is bad."""
        levels = topic.split("/")
        size = len(self._levels)
        if len(levels) < size or (len(levels) > size and not self._open):
            return None
        if topic.startswith("$") and self._filter[0] in {"+", "#"}:
            return None  # MQTT 5 §4.7.2: a leading wildcard does not take the broker's own topics
        if any(levels[i] != level for i, level in self._fixed):
            return None
        captured = {name: levels[i] for i, name in self._captures}
        for value in captured.values():
            if refusal := _refusal(value):
                return refusal
        return captured

    def subscription(self) -> str:
        """The MQTT topic filter that brings all topics of the template, with its `$share` group."""
        share = f"{_SHARE}/{self.group}/" if self.group else ""
        return share + "/".join(self._filter)

    def covers(self, other: TopicTemplate) -> bool:
        """Whether every topic of the other template also fits this one (shared subscriptions aside)."""
        mine, theirs = self._filter, other._filter
        if theirs[0].startswith("$") and mine[0] in {"+", "#"}:
            return False
        for i, level in enumerate(mine):
            if level == "#":
                return True
            if i >= len(theirs) or theirs[i] == "#" or (level not in {"+", theirs[i]}):
                return False
        return len(mine) == len(theirs)


def subscriptions(templates: Iterable[TopicTemplate]) -> tuple[str, ...]:
    """The filters to subscribe to, without those that another of the same group covers.

    A broker may send a message once per overlapping subscription, which would count a reading twice.
    """
    distinct = {template.subscription(): template for template in templates}
    return tuple(
        text
        for text, template in distinct.items()
        if not any(
            other is not template and other.group == template.group and other.covers(template)
            for other in distinct.values()
        )
    )


@dataclass(frozen=True)
class Address:
    """Where a gateway speaks: all topics it publishes to and takes commands from."""

    tenant: str
    site: str
    gateway: str

    def __post_init__(self) -> None:
        """Refuse what is no topic level.

        Raises:
            ValueError: a level is not `[a-z0-9_-]{1,64}`.
        """
        for level in (self.tenant, self.site, self.gateway):
            _own_level(level)

    @cached_property
    def path(self) -> str:
        """Tenant, site and gateway: what names this gateway among all."""
        return f"{self.tenant}/{self.site}/{self.gateway}"

    @cached_property
    def root(self) -> str:
        """The topic under which all others lie: one broker ACL line per gateway."""
        return f"pdm/v1/{self.path}"

    @property
    def state(self) -> str:
        """Retained: online, stopped or offline; also the will."""
        return f"{self.root}/state"

    @property
    def health(self) -> str:
        """Retained: how the agent itself fares."""
        return f"{self.root}/health"

    @property
    def event(self) -> str:
        """Every alarm transition."""
        return f"{self.root}/event"

    @property
    def history(self) -> str:
        """Backlog and amended history."""
        return f"{self.root}/history"

    def command_in(self, topic: str) -> str:
        """The name of the command that comes in on a topic; empty where it is none of this gateway's."""
        head, _, name = topic.rpartition("/")
        return name if head == f"{self.root}/cmd" else ""

    @property
    def commands(self) -> str:
        """The filter for all commands to this gateway."""
        return f"{self.root}/cmd/+"

    @property
    def results(self) -> str:
        """What the topics of all answers to commands begin with, but for those that go to a response topic."""
        return f"{self.root}/cmd-result/"

    def risk(self, asset: str) -> str:
        """Retained: the latest risk of an asset."""
        return f"{self.root}/asset/{_own_level(asset)}/risk"

    def alarms(self, asset: str) -> str:
        """Retained: all alarms of an asset that stand, where something is switched on that watches it."""
        return f"{self.root}/asset/{_own_level(asset)}/alarms"

    def alarm(self, asset: str, alarm_id: str) -> str:
        """Retained while the alarm is open."""
        return f"{self.root}/asset/{_own_level(asset)}/alarm/{_own_level(alarm_id)}"

    def cmd(self, name: str) -> str:
        """Where one command comes in."""
        return f"{self.root}/cmd/{_own_level(name)}"

    def cmd_result(self, request_id: str) -> str:
        """Where a command is answered that names no response topic."""
        return f"{self.results}{_own_level(request_id)}"


def _levels(template: str) -> tuple[list[str], str]:
    """The levels without the share prefix, and the share group."""
    levels = template.split("/")
    if levels[0] != _SHARE:
        return levels, ""
    if len(levels) < 3 or not levels[1] or set(levels[1]) & set("+#{}"):  # noqa: PLR2004 - $share, group, one level
        message = f"{template!r}: after `$share/` come the name of a group and a topic, such as `$share/agents/plant/#`"
        raise ValueError(message)
    return levels[2:], levels[1]


def _check(template: str, levels: list[str], names: tuple[str, ...]) -> None:
    if not template or len(template.encode("utf-8", "replace")) > _MAX_TOPIC_BYTES:
        message = "a topic needs 1 to 65535 bytes"
        raise ValueError(message)
    if _CONTROL.search(template):
        message = f"{template!r} holds a control character"
        raise ValueError(message)
    if len(set(names)) != len(names):
        message = f"{template!r} captures a name twice"
        raise ValueError(message)
    for i, level in enumerate(levels):
        whole = level == "+" or (level == "#" and i == len(levels) - 1) or _PLACEHOLDER.fullmatch(level)
        if not whole and set(level) & set("+#{}"):
            message = (
                f"{template!r}: level {level!r} must be plain text, one `{{name}}` in small letters, `+` or a last `#`"
            )
            raise ValueError(message)


def _refusal(value: str) -> Refusal | None:
    if not value:
        return Refusal.EMPTY
    if len(value) > _MAX_VALUE:
        return Refusal.TOO_LONG
    if "+" in value or "#" in value:
        return Refusal.WILDCARD
    return Refusal.CONTROL if _CONTROL.search(value) else None


def _own_level(level: str) -> str:
    if not _LEVEL.fullmatch(level):
        message = f"{level!r} is no topic level of ours: 1 to 64 characters a-z, 0-9, _ and -"
        raise ValueError(message)
    return level
