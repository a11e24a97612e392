"""What a source of messages is, as values: its topic, how its payload is to be read, and whom its readings are about.

Only frozen descriptions belong here; `core/decode.py` acts on them and `config` makes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase

from edge_agent.core.features import Feature
from edge_agent.core.timestamps import TimeUnit

EVERY = "*"  # in `Paths.channels` every numeric field; in `SourceSpec.units` every channel


class Kind(StrEnum):
    """What a message brings."""

    READING = "reading"
    LOG = "log"
    ORDER = "order"  # a work order opened or closed: shelves an asset's alarms, and ends that


class Format(StrEnum):
    """How a payload is written."""

    SCALAR = "scalar"
    JSON = "json"
    TEXT = "text"
    SENML = "senml"
    THINGSBOARD = "thingsboard"
    WAVEFORM = "waveform"
    SPARKPLUG = "sparkplug"


# Formats whose payloads, or topics of their own, name asset and channel themselves
NAMING = frozenset({Format.SENML, Format.THINGSBOARD, Format.SPARKPLUG})


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """Where things lie in a JSON payload (core/paths.py); None where the payload does not say.

    With `items` the others are looked up in each item first and then in the whole payload, which often holds what is
    common to all, such as the time.
    """

    items: str | None = None
    value: str | None = None
    channels: tuple[tuple[str, str], ...] = ()  # channel → path; `*` → path of an object whose numbers are channels
    channel: str | None = None
    asset: str | None = None
    time: str | None = None
    unit: str | None = None
    rate: str | None = None  # of a waveform: samples a second
    text: str | None = None
    author: str | None = None
    order: str | None = None
    status: str | None = None
    repaired: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waveform:
    """What is taken of a waveform (core/features.py); frequencies in Hz."""

    rate_hz: float | None = None  # samples a second; None: the payload says
    features: tuple[Feature, ...] = ()
    bands: tuple[tuple[str, float, float], ...] = ()  # name, from, up to below
    envelope: tuple[float, float] | None = None  # from, up to below

    @property
    def highest_hz(self) -> float:
        """The highest frequency that is asked for."""
        return max((high for *_, high in (*self.bands, ("", *(self.envelope or (0.0, 0.0))))), default=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What the class of an asset says of one measured channel."""

    unit: str = ""
    counter: bool = False  # keeps float64: float32 counts exactly to 16 million only


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """Which asset is of which class, and what a class measures."""

    classes: Mapping[str, str] = field(default_factory=dict)  # glob on the asset id → class; the first that fits
    channels: Mapping[str, Mapping[str, Target]] = field(default_factory=dict)  # class → measured channel → target

    def asset_class(self, asset: str) -> str | None:
        """The class of an asset id, or None."""
        return next((name for glob, name in self.classes.items() if fnmatchcase(asset, glob)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSpec:
    """One `[[source]]` of the configuration.

    The asset is what the payload says (`paths.asset`), else `{asset}` of the topic, else `asset`; the channel likewise.
    A format of `NAMING` reads from the payload what neither says.
    """

    topic: str
    kind: Kind = Kind.READING
    format: Format = Format.SCALAR
    asset: str = ""
    asset_class: str = ""  # of the fixed `asset`; others find theirs in the catalogue
    channel: str = ""
    units: tuple[tuple[str, str], ...] = ()  # channel, or `*` for all → unit in which the source sends it
    time_unit: TimeUnit = TimeUnit.AUTO
    keep_author: bool = False  # who wrote a log line is personal data; dropped unless asked for
    paths: Paths = field(default_factory=Paths)
    waveform: Waveform = field(default_factory=Waveform)
    opened: tuple[str, ...] = ("opened", "open")  # words of `paths.status`, in small letters
    closed: tuple[str, ...] = ("closed", "completed", "done")
    catalogue: Catalogue | None = None  # None: any channel of any asset is taken as it comes

    def unit(self, channel: str) -> str:
        """The unit in which the source sends a channel; empty where it does not say."""
        declared = dict(self.units)
        return declared.get(channel, declared.get(EVERY, ""))
