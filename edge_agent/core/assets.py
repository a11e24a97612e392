"""Raw names from topics and payloads → asset ids and channels: each decided once, then remembered.

A registry is bounded: neither the number of assets nor of remembered names grows with what a hostile sender invents.
"""

from __future__ import annotations

import sys
from typing import Final, NamedTuple

from edge_agent.core.faults import Fault, Reason, shown
from edge_agent.core.identity import slug
from edge_agent.core.sources import SourceSpec
from edge_agent.core.units import SAME, Conversion, conversion

MAX_REMEMBERED: Final = 1 << 17  # topics or names; 10,000 assets x 10 channels fit, at about 300 bytes each
MAX_NAME: Final = 256  # characters of a raw name


class Slot(NamedTuple):
    """Where a value goes and what is done to it on the way."""

    asset: str
    channel: str
    conversion: Conversion
    counter: bool


class AssetRegistry:
    """The assets seen so far."""

    def __init__(self, max_assets: int) -> None:
        self._max_assets = max_assets
        self._raw: dict[str, str] = {}  # asset id → the one raw name it stands for

    def __len__(self) -> int:
        """How many assets are known."""
        return len(self._raw)

    def asset(self, raw: object) -> str | Fault:
        """The id of an asset by its raw name."""
        name = _name(raw)
        asset = "" if name is None else slug(name)
        if name is None or not asset:
            return Fault(Reason.BAD_ASSET, f"asset name {shown(raw)}: letters or digits, {MAX_NAME} characters at most")
        known = self._raw.get(asset)
        if known is None:
            if len(self._raw) >= self._max_assets:
                return Fault(Reason.TOO_MANY_ASSETS, f"asset {shown(name)}: {self._max_assets} are known already")
            self._raw[asset] = name
        elif known != name:
            detail = f"asset {shown(name)}: its id {asset!r} belongs to {shown(known)}; rename one of the two"
            return Fault(Reason.ASSET_COLLISION, detail)
        return asset

    def slot(self, source: SourceSpec, raw_asset: object, raw_channel: object, unit: str = "") -> Slot | Fault:
        """Where readings of a channel of an asset go, by their raw names; `unit` is what the message itself says."""
        channel = _name(raw_channel)
        if channel is None:
            return Fault(Reason.BAD_CHANNEL, f"channel name {shown(raw_channel)}: text of 1 to {MAX_NAME} characters")
        treatment = _treatment(source, slug(_name(raw_asset) or ""), channel, unit)
        if isinstance(treatment, Fault):
            return treatment  # before the asset is noted: names without a class must not use up the room
        asset = self.asset(raw_asset)
        return asset if isinstance(asset, Fault) else Slot(sys.intern(asset), sys.intern(channel), *treatment)


def _treatment(source: SourceSpec, asset: str, channel: str, unit: str) -> tuple[Conversion, bool] | Fault:
    """Conversion and whether it is a counter, by what the catalogue says of the asset's class."""
    if source.catalogue is None or not asset:
        return SAME, False
    asset_class = source.catalogue.asset_class(asset)
    if asset_class is None:
        return Fault(Reason.UNKNOWN_CLASS, f"asset {asset!r}: no entry of [assets] gives it a class")
    target = source.catalogue.channels.get(asset_class, {}).get(channel)
    if target is None:
        return Fault(Reason.UNKNOWN_CHANNEL, f"channel {shown(channel)} is not measured in class {asset_class!r}")
    if unit and not target.unit:
        return SAME, target.counter  # the class is measured in whatever is sent
    sent = unit or source.unit(channel) or target.unit
    change = conversion(sent, target.unit)
    if change is None:
        return Fault(Reason.BAD_UNIT, f"channel {shown(channel)}: no conversion from {shown(sent)} to {target.unit!r}")
    return change, target.counter


def _name(raw: object) -> str | None:
    if isinstance(raw, int) and not isinstance(raw, bool):
        raw = str(raw)
    return raw if isinstance(raw, str) and 0 < len(raw) <= MAX_NAME else None
