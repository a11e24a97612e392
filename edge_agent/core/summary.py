"""Facts → the summary sentence by template: what changed, how far from this machine's normal, what was written.

Numbers appear only as `figure` writes them, so that promise G7 (no number that is not in the evidence) can be checked
by comparing words. The likely failure mode and what to check come from the table in `modes`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from edge_agent.core.modes import NONE, mode
from edge_agent.core.types import Evidence, Misread, Quote

_SMALL, _LARGE = 1e-4, 1e9  # sizes that are written without an exponent


def figure(value: float) -> str:
    """A number as people read it: three significant digits, no exponent for everyday sizes."""
    if value == 0 or not math.isfinite(value):
        return "0"
    if not _SMALL <= abs(value) < _LARGE:
        return f"{value:.2e}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:.{digits}f}"


def of_risk(code: str, facts: Sequence[Evidence], quotes: Sequence[Quote]) -> str:
    """The summary of a risk finding."""
    known = mode(code)
    lead = facts[0] if facts else None
    place = f" at {lead.component}" if lead is not None and lead.component else ""
    cause = f"Likely {known.name} ({known.code}){place}" if code != NONE else f"Unusual behaviour{place}"
    told = f'; log: "{quotes[0].text}"' if quotes else ""
    changes = ", ".join(_deviation(fact) for fact in facts[:2])
    return f"{cause}: {changes or 'no single channel stands out'}{told}. {known.check}"


def of_recovery(facts: Sequence[Evidence]) -> str:
    """The summary of a risk that is low again: how near to normal the farthest channel now is."""
    return f"The risk is low again: {_deviation(facts[0])}." if facts else "The risk is low again."


def of_limit(fact: Evidence) -> str:
    """The summary of a hard limit."""
    bound = fact.limit if fact.limit is not None else fact.value
    side = "at" if fact.value == bound else "above" if fact.value > bound else "below"
    return f"{fact.channel} {_with_unit(fact.value, fact.unit)} is {side} its limit {_with_unit(bound, fact.unit)}."


def of_silence(facts: Sequence[Evidence], *, more: bool = False) -> str:
    """The summary of silence; `more`: other channels than these are silent too."""
    named = ", ".join(fact.channel for fact in facts) + (" and others" if more else "")
    return f"No readings from {named}. Check the sensor, its cable and the gateway's connection."


def of_misread(part: Misread) -> str:
    """The summary of a channel that seems to come in another unit."""
    if part.settled:
        said = f"{part.channel} seems to come in {part.own_unit} and is still converted from {part.unit}"
    else:
        said = f"{part.channel} reads like {part.unit}, its class says {part.own_unit}"
    normal = _with_unit(part.normal, part.own_unit)
    remedy = "Set the unit at the sensor, or `unit` of its source; until then its limits compare the wrong values"
    return f"{said}: {figure(part.value)} where its normal is {normal}. {remedy}."


def _deviation(fact: Evidence) -> str:
    if fact.baseline is None:
        return f"{fact.channel} {_with_unit(fact.value, fact.unit)}"
    way = "above" if fact.value >= fact.baseline else "below"
    normal = _with_unit(fact.baseline, fact.unit)
    return f"{fact.channel} {_with_unit(fact.value, fact.unit)}, {way} its normal {normal}"


def _with_unit(value: float, unit: str) -> str:
    return f"{figure(value)} {unit}".rstrip()
