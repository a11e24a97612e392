"""Facts ↔ tokens of the report model: the prompt it reads, and the sentence its answer becomes.

The prompt names the failure mode, the newest log line and every candidate channel with its ordinals, then asks for each
candidate once more (`ask`), so that an answer can be formed with everything read. The answer is words and slots of
`core/grammar.py`; `realise` fills the slots from the record. Numbers appear only as `summary.figure` writes them.

A summary leaves its frame behind: the same words with the channels by name. `reword` fills it from later facts, so that
an alarm that stands is told on in the sentence its reader knows, with the numbers of the day.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from edge_agent.core.facts import STYLES, Facts
from edge_agent.core.grammar import MAX_WORDS, OUTPUT, Grammar
from edge_agent.core.modes import MODES, NONE, mode
from edge_agent.core.summary import figure
from edge_agent.core.text import ORDINALS
from edge_agent.core.wording import FORCED, MARKS

VERSION: Final = "report/1"
PAD, UNKNOWN, BEGIN, LOG, ASK, WRITE = "[PAD]", "[UNK]", "[BEGIN]", "[LOG]", "[ASK]", "[WRITE]"
SPECIAL: Final = (PAD, UNKNOWN, BEGIN, LOG, ASK, WRITE)
_MODE_WORDS: Final = tuple(f"mode:{code}" for code in MODES)
_STYLE_WORDS: Final = tuple(f"style:{number}" for number in range(STYLES))
NEEDED: Final = (*SPECIAL, *_MODE_WORDS, *_STYLE_WORDS, *ORDINALS, *OUTPUT)  # what every vocabulary must hold
LOG_WORDS: Final = 12  # of the log line that the model reads
NAME_WORDS: Final = 5
QUOTED_WORDS, QUOTED_CHARACTERS = 8, 80  # of the log line in the summary
_DAY_S: Final = 86400.0
_CHANNEL_SLOTS: Final = frozenset("SVBP")
_FAMILIES: Final = {word: forms for forms in FORCED.values() for word in forms}


class Told(NamedTuple):
    """A summary, and the frame in which a later revision can be told as well."""

    text: str
    frame: str  # its words, a blank between two; of a channel's slots the name instead of the number: `<V:vib>`


def prompt(facts: Facts) -> tuple[str, ...]:
    """What the model reads of the facts; words it has never seen become `[UNK]` on the way to ids."""
    code = facts.mode if facts.mode in MODES else "OTH"
    tokens = [BEGIN, f"style:{facts.style}", f"mode:{code}"]
    if facts.log:
        tokens += [LOG, *(f"log:{word}" for word in facts.log.split()[:LOG_WORDS])]
    for number, fact in enumerate(facts.channels, start=1):
        tokens += [f"<S{number}>", *name_words(fact.name), *fact.ordinals]
    tokens += [ASK, *(f"<S{number}>" for number in range(1, len(facts.channels) + 1)), WRITE]
    return tuple(tokens)


def name_words(name: str) -> tuple[str, ...]:
    """A channel's name in the words of the prompt."""
    return tuple(f"name:{part}" for part in name.lower().replace("-", "_").split("_") if part)[:NAME_WORDS]


def fills(facts: Facts) -> dict[str, str]:
    """What each slot of these facts reads; a slot that is not there has nothing to say."""
    filled = {"<T>": _moment(facts), "<A>": facts.asset, "<C>": mode(facts.mode).check}
    if facts.mode != NONE:
        filled["<M>"] = mode(facts.mode).name
    if facts.log:
        filled["<L>"] = f'"{_clipped(facts.log)}"'
    for number, fact in enumerate(facts.channels, start=1):
        filled[f"<S{number}>"] = fact.name
        filled[f"<V{number}>"] = f"{figure(fact.value)} {fact.unit}".rstrip()
        filled[f"<B{number}>"] = f"{figure(fact.baseline)} {fact.unit}".rstrip()
        if fact.component:
            filled[f"<P{number}>"] = fact.component
    return filled


def grammar_of(facts: Facts) -> Grammar:
    """The automaton that holds a summary to these facts."""
    return Grammar(facts, fills(facts))


def realise(tokens: Sequence[str], grammar: Grammar) -> str | None:
    """The summary that the tokens stand for; None where they are no whole summary of the facts, or too long.

    The check is made anew over all tokens, whoever wrote them: what is published has passed it.
    """
    if not grammar.accepts(tuple(tokens)):
        return None
    text = assemble(tokens, grammar)
    return text if len(text.split()) <= MAX_WORDS else None


def tell(tokens: Sequence[str], facts: Facts) -> Told | None:
    """What the tokens say of these facts, with its frame; None where they are no whole summary of them."""
    text = realise(tokens, grammar_of(facts))
    return None if text is None else Told(text, " ".join(_framed(token, facts) for token in tokens))


def reword(frame: str, facts: Facts) -> str | None:
    """The summary of these facts in a frame; None where they no longer fit it, or leave something out that it says.

    Words that the facts decide (above, rising, far ...) become what is true now.
    """
    numbers = {fact.name: number for number, fact in enumerate(facts.channels, start=1)}
    grammar = grammar_of(facts)
    state, tokens = grammar.start, list[str]()
    for part in frame.split():
        wanted = _numbered(part, numbers)
        allowed = grammar.allowed(state)
        if wanted not in allowed:
            wanted = next((form for form in _FAMILIES.get(wanted, ()) if form in allowed), "")
        if not wanted:
            return None
        tokens.append(wanted)
        state = grammar.advance(state, wanted)
    return realise(tokens, grammar)


def assemble(tokens: Sequence[str], grammar: Grammar) -> str:
    """The tokens as text, slots filled, unchecked."""
    text = ""
    for place, token in enumerate(tokens):
        word = grammar.fills.get(token, token.replace("_", " "))
        opens = place == 0 or tokens[place - 1] == "."
        if opens and token not in grammar.fills:
            word = word[0].upper() + word[1:]
        text += word if not text or token in MARKS - {"("} or text.endswith("(") else _between(tokens, place) + word
    return text


def named(tokens: Sequence[str]) -> tuple[int, ...]:
    """Numbers of the channels that the tokens name, in order."""
    return tuple(int(token[2:-1]) for token in tokens if token[:2] == "<S")


def _between(tokens: Sequence[str], place: int) -> str:
    """What stands between a token and the one before it: channels in a row are a list."""
    if tokens[place][:2] != "<S" or tokens[place - 1][:2] != "<S":
        return " "
    last = place + 1 == len(tokens) or tokens[place + 1][:2] != "<S"
    return " and " if last else ", "


def _framed(token: str, facts: Facts) -> str:
    """The token with the name of its channel instead of the number."""
    if token[:1] != "<" or token[1] not in _CHANNEL_SLOTS or not token[2:-1]:
        return token
    return f"{token[:2]}:{facts.channels[int(token[2:-1]) - 1].name}>"


def _numbered(part: str, numbers: dict[str, int]) -> str:
    """The token of a part of a frame; empty where there is no such channel."""
    if part[:1] != "<" or part[2:3] != ":":
        return part
    number = numbers.get(part[3:-1])
    return "" if number is None else f"{part[:2]}{number}>"


def _moment(facts: Facts) -> str:
    """When the condition was first seen, in UTC; with the day where it was not in the last 24 hours."""
    moment = datetime.fromtimestamp(facts.first, UTC)
    return moment.strftime("%H:%M UTC" if facts.time - facts.first < _DAY_S else "%d %b %H:%M UTC")


def _clipped(log: str) -> str:
    """The log line as far as a summary quotes it."""
    short = " ".join(log.split()[:QUOTED_WORDS])[:QUOTED_CHARACTERS].rstrip()
    return short if len(short) == len(log) else f"{short}…"
