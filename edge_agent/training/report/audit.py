"""A summary beside the facts it was made from → what is wrong with it, found in the finished text alone.

This knows nothing of frames, slots or grammar: it reads a summary as a suspicious reader would, who has the record of
the alarm before him. What is quoted from the log is held to the log.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from edge_agent.core.facts import Facts
from edge_agent.core.grammar import MAX_WORDS
from edge_agent.core.modes import NONE, mode
from edge_agent.core.report import fills
from edge_agent.core.wording import words

_QUOTE: Final = re.compile(r'"([^"]*)"')
_UP: Final = frozenset({"above", "risen", "up", "high"})
_DOWN: Final = frozenset({"below", "fallen", "down", "low"})
_MARKS: Final = ",;:.()"
_MOTIONS: Final = {"falling": -1, "steady": 0, "rising": 1}
_PLAIN: Final = frozenset({part for word in words() for part in word.split("_")} | {"and"})
_UNITS: Final = frozenset({
    "mm/s", "in/s", "m/s²", "g", "°c", "°f", "k", "a", "v", "w", "kw", "bar", "psi", "pa", "kpa", "m³/h", "l/min",
    "m³/min", "ml/h", "rpm", "hz", "%", "db", "ppm", "utc",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Audit:
    """Faults of one summary; all zero and true in a sound one."""

    numbers: int  # words with a digit that are not in the evidence
    units: int  # units that are not in the evidence
    names: int  # other words that neither the frames nor the evidence hold
    wrong_ways: int  # direction words that the numbers contradict
    whole: bool  # what must be said is said, in at most two sentences and 45 words

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return self.whole and not (self.numbers or self.units or self.names or self.wrong_ways)


def audit(text: str, facts: Facts) -> Audit:
    """The faults of a summary of these facts."""
    quotes = _QUOTE.findall(text)
    check = mode(facts.mode).check
    rest = _QUOTE.sub("", text).replace(check, "")
    evidence = {word for slot, fill in fills(facts).items() if slot not in {"<L>", "<C>"} for word in fill.split()}
    strange = [word for word in _words(rest) if word not in evidence and word.lower() not in _PLAIN]
    numbers = sum(any(c.isdigit() for c in word) for word in strange)
    units = sum(word.lower() in _UNITS for word in strange)
    quoted = all(facts.log.startswith(quote.removesuffix("…")) and quote for quote in quotes)
    return Audit(
        numbers=numbers,
        units=units,
        names=len(strange) - numbers - units + (not quoted),
        wrong_ways=_wrong_ways(rest, facts),
        whole=_whole(text, rest, facts, len(quotes)),
    )


def named_channels(text: str, facts: Facts) -> tuple[str, ...]:
    """The channels a summary names, in order; what is quoted from the log names none."""
    known = {fact.name for fact in facts.channels}
    return tuple(dict.fromkeys(word for word in _words(_QUOTE.sub("", text)) if word in known))


def _words(text: str) -> list[str]:
    """The words of a text without the marks around them."""
    return [word for word in (found.strip(_MARKS) for found in text.split()) if word]


def _whole(text: str, rest: str, facts: Facts, quotes: int) -> bool:
    """Whether what must be said is said, shortly."""
    told = named_channels(text, facts)
    filled = fills(facts)
    lead = next((n for n, fact in enumerate(facts.channels, start=1) if told and fact.name == told[0]), 0)
    return (
        (not facts.channels or (lead > 0 and filled[f"<V{lead}>"] in rest and filled[f"<B{lead}>"] in rest))
        and (facts.mode == NONE or mode(facts.mode).name in rest)
        and quotes == bool(facts.log)
        and text.endswith(mode(facts.mode).check)
        and filled["<T>"] in rest
        and len(re.findall(r"\.(?=\s|$)", _QUOTE.sub("", text))) == 2  # noqa: PLR2004 - sentences
        and len(text.split()) <= MAX_WORDS
    )


def _wrong_ways(rest: str, facts: Facts) -> int:
    """Direction words that the numbers contradict: each channel is held to the next such word after it."""
    sides = {fact.name: fact.value > fact.baseline for fact in facts.channels}
    motions = {fact.name: fact.motion for fact in facts.channels}
    for said_of_no_channel in ("risk high", mode(facts.mode).name):
        rest = rest.replace(said_of_no_channel, "")
    open_names: list[str] = []
    lead, wrong = "", 0
    for word in _words(rest):
        if word in sides:
            open_names.append(word)
            lead = lead or word
        elif word in _UP | _DOWN:
            wrong += sum(sides[name] != (word in _UP) for name in open_names or [lead])
            open_names = []
        elif word in _MOTIONS:
            wrong += motions.get(lead) != _MOTIONS[word]
    return wrong + len(open_names)
