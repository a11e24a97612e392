"""Facts and the truth about them → the summary a report model is to learn: which channels, in which words.

The wording is a function of the style in the facts, so that what is left to learn is what to say. Frames come from
`core/wording.py`; what is written here the grammar lets through (a test holds this).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from edge_agent.core.facts import Facts
from edge_agent.core.grammar import MAX_WORDS, MOST_NAMED, Grammar
from edge_agent.core.identity import digest
from edge_agent.core.modes import NONE
from edge_agent.core.report import assemble, grammar_of
from edge_agent.core.wording import FORCED, RULES

_ATTEMPTS: Final = ((0, True), (0, False), (1, False), (2, False), (3, False))  # variant of the style, with a place


def target(facts: Facts, told: Sequence[int]) -> tuple[str, ...] | None:
    """The summary that names the channels of these numbers, the leading one first; None where none would fit.

    Where 45 words do not hold it, the place is left out first, then other frames are tried, then channels at the end
    of `told` are left out.
    """
    grammar = grammar_of(facts)
    lead, rest = told[:1], sorted(told[1:MOST_NAMED])
    for kept in range(len(rest), -1, -1):
        for variant, placed in _ATTEMPTS:
            tokens = tuple(_Writer(facts, grammar, [*lead, *rest[:kept]], variant, placed).write("summary"))
            if len(assemble(tokens, grammar).split()) <= MAX_WORDS:
                return tokens
    return None


@dataclass(slots=True)
class _Writer:
    """Writes one target by choosing one frame of each rule."""

    facts: Facts
    grammar: Grammar
    told: list[int]  # still to be named
    variant: int  # of the style
    placed: bool  # whether places may be said
    lead: int = 0
    subject: int = 0

    def write(self, rule: str) -> list[str]:
        frames = [frame for frame in RULES[rule] if self._fits(frame)]
        frame = frames[self._draw(rule) % len(frames)]
        tokens: list[str] = []
        for part in frame.split():
            if part.startswith("{"):
                name = part.strip("{}?")
                if not part.endswith("?") or self._wanted(name):
                    tokens += self.write(name)
            elif part[0] != "?":
                tokens += self._words(part)
        return tokens

    def _draw(self, rule: str) -> int:
        return int(digest(rule, str(self.facts.style), str(self.variant)), 16)

    def _fits(self, frame: str) -> bool:
        facts = self.facts
        holds = {
            "unknown": facts.mode == NONE, "bare": not facts.channels, "quiet": not facts.log, "more": True,
            "other": True, "placed": True,
        }  # fmt: skip
        said = frame.replace("{lead}", "<S>").split()
        return (
            all(holds[part[1:]] for part in said if part[0] == "?")
            and ("<M>" not in said or facts.mode != NONE)
            and ("<L>" not in said or bool(facts.log))
            and ("<S>" not in said or bool(facts.channels))
        )

    def _wanted(self, rule: str) -> bool:
        """Whether an optional rule is to be used now."""
        if rule == "place":
            lead = self.lead or (self.told[0] if self.told else 0)
            return self.placed and self._draw("place?") % 2 == 0 and f"<P{lead}>" in self.grammar.fills
        return bool(self.told)

    def _words(self, part: str) -> list[str]:
        if part == "<P>":
            return [f"<P{self.lead or self.told[0]}>"]
        if part in {"<V>", "<B>"}:
            return [f"{part[:2]}{self.subject}>"]
        if part in {"<S>", "<S->"}:
            return [self._name(self._first() if part == "<S>" else self.told[0])]
        if part == "<S+>*":
            return [self._name(n) for n in self.told.copy() if self._above(n) == self._above(self.subject)]
        if part[0] == "@":
            fact = self.facts.channels[self.subject - 1]
            forms = FORCED[part[1:]]
            index = {"far": fact.size, "moving": fact.motion + 1}.get(part[1:], int(fact.above))
            return [forms[index]]
        return [part]

    def _first(self) -> int:
        """The next channel: the one that leads, then those of its side before the others."""
        if not self.lead:
            return self.told[0]
        alike = [n for n in self.told if self._above(n) == self._above(self.lead)]
        return (alike or self.told)[0]

    def _name(self, number: int) -> str:
        self.told.remove(number)
        self.subject = number
        self.lead = self.lead or number
        return f"<S{number}>"

    def _above(self, number: int) -> bool:
        return self.facts.channels[number - 1].above
