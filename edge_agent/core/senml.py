"""SenML packs → samples (RFC 8428, JSON). Names become asset and channel by one rule, units the ones used here.

The rule: the channel is what follows the last `:` or `/` of a record's full name, the asset what stands before it.
Where the source gives the asset, the name gives the channel only; where it gives the channel, the whole name is the
asset. Numbers are read; strings, booleans and data are refused by reason, update times and links are left out.
"""

from __future__ import annotations

from typing import Final

from edge_agent.core.decoded import Sample
from edge_agent.core.faults import Fault, Reason, shown
from edge_agent.core.timestamps import TimeUnit, parse_time
from edge_agent.core.values import number

VERSION: Final = 10  # of RFC 8428, section 4.4; a pack of a newer one must not be read
RELATIVE_BELOW: Final = 2.0**28  # seconds; a smaller time counts from now. Source: RFC 8428, section 4.5.3
_BASES: Final = ("bn", "bt", "bu", "bv", "bs")
_BASES_ONLY: Final = frozenset((*_BASES, "bver"))  # a record of these alone measures nothing
_UNREAD: Final = {"vs": Reason.NOT_A_NUMBER, "vd": Reason.NOT_A_NUMBER, "vb": Reason.BOOLEAN}
# Units that are called otherwise here. Source: RFC 8428, section 12.1, and RFC 8798 (those with a second name).
_UNITS: Final = {
    "Cel": "degC", "%RH": "%", "%EL": "%", "/": "1", "/100": "%", "1/s": "Hz", "1/min": "rpm",
    "g": "gram", "C": "coulomb", "F": "farad",  # letters that mean something else here
}  # fmt: skip
# Units of a sum, which is the integral of the value over time. Source: RFC 8428, section 4.2.
_SUMS: Final = {"W": "J", "m3/s": "m3", "l/s": "l", "m/s": "m", "kg/s": "kg", "A": "coulomb"}


def samples(document: object, arrival: float, asset: str, channel: str) -> tuple[list[Sample], list[Fault]]:
    """The samples of a decoded pack, and what was left out of it; `arrival` (Unix seconds) is its now.

    `asset` and `channel` are what the source gives, empty where it does not.
    Source: RFC 8428, section 4 (bases hold for their record and all after it).
    """
    if not isinstance(document, list) or not document or not all(isinstance(record, dict) for record in document):
        return [], [Fault(Reason.BAD_SHAPE, f"a SenML pack is an array of objects: {shown(document)}")]
    alien = next((label for record in document for label in record if label.endswith("_")), None)
    version = document[0].get("bver", VERSION)
    if alien is not None or type(version) is not int or not 0 < version <= VERSION:
        said = f"label {shown(alien)}" if alien is not None else f"version {shown(version)}"
        return [], [Fault(Reason.BAD_SHAPE, f"{said} of a SenML pack must be understood, and is not")]
    found: list[Sample] = []
    faults: list[Fault] = []
    bases: dict[str, object] = {}
    names: dict[tuple[str, str], str] = {}
    for record in document:
        bases.update((label, record[label]) for label in _BASES if label in record)
        if record.keys() <= _BASES_ONLY:
            continue
        name = _text(bases.get("bn", ""), record.get("n", ""))
        owner = divided(name or "", asset, channel)
        if name is None:
            faults.append(Fault(Reason.BAD_CHANNEL, f"a name is text: {shown(record)}"))
            continue
        if names.setdefault(owner, name) != name:
            detail = f"{shown(name)} and {shown(names[owner])} would both be {shown(owner[1])} of {shown(owner[0])}"
            faults.append(Fault(Reason.BAD_CHANNEL, detail))
            continue
        for part in _record(record, bases, arrival, owner):
            (found if isinstance(part, Sample) else faults).append(part)  # type: ignore[arg-type]
    return found, faults


def divided(name: str, asset: str, channel: str) -> tuple[str, str]:
    """Asset and channel of a full name; `asset` and `channel` are what the source gives, empty where it does not."""
    name = name.rstrip(":/")
    if channel:
        return asset or name, channel
    cut = max(name.rfind(":"), name.rfind("/"))
    return asset or name[: max(cut, 0)].rstrip(":/"), name[cut + 1 :]


def _record(
    record: dict[str, object], bases: dict[str, object], arrival: float, owner: tuple[str, str]
) -> list[Sample | Fault]:
    """Value and sum of one record, each as a sample or the reason why it is none."""
    unread = next((label for label in _UNREAD if label in record), None)
    if unread is not None:
        return [Fault(_UNREAD[unread], f"{unread} {shown(record[unread])} of {shown(record)}")]
    unit = record.get("u", bases.get("bu", ""))
    if not isinstance(unit, str):
        return [Fault(Reason.BAD_UNIT, f"unit {shown(unit)} of {shown(record)}")]
    time = _time(_added(bases.get("bt", 0.0), record.get("t", 0.0)), arrival)
    if isinstance(time, Fault):
        return [time]
    asset, channel = owner
    parts: list[Sample | Fault] = []
    for label, name, measured in (("v", channel, _UNITS.get(unit, unit)), ("s", f"{channel}.sum", _of_sum(unit))):
        if label in record or f"b{label}" in bases:
            value = _added(bases.get(f"b{label}", 0.0), record.get(label, 0.0))
            if isinstance(value, Reason):
                parts.append(Fault(value, f"{label} of {shown(record)}"))
            else:
                parts.append(Sample(asset, name, time, value, measured))
    return parts or [Fault(Reason.MISSING_VALUE, f"neither value nor sum in {shown(record)}")]


def _added(base: object, own: object) -> float | Reason:
    """Base and own number together; why not, where one of them is none."""
    left, right = (number(raw) if not isinstance(raw, str) else Reason.NOT_A_NUMBER for raw in (base, own))
    if isinstance(left, Reason):
        return left
    return right if isinstance(right, Reason) else left + right


def _text(base: object, own: object) -> str | None:
    return base + own if isinstance(base, str) and isinstance(own, str) else None


def _time(seconds: float | Reason, arrival: float) -> float | Fault:
    found = None
    if not isinstance(seconds, Reason):
        found = parse_time(seconds + arrival if seconds < RELATIVE_BELOW else seconds, TimeUnit.S)
    return Fault(Reason.BAD_TIME, f"time {seconds} of a SenML record") if found is None else found


def _of_sum(unit: str) -> str:
    return _SUMS.get(unit, f"{unit} s") if unit else ""
