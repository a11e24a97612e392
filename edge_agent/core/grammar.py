"""Facts → which words may come next: the automaton that holds a summary to its facts, word by word.

The frames of `core/wording.py` are compiled once into a graph without cycles but for lists. `Grammar` walks it for one
set of facts, keeping the words and channels so far. A token is allowed only where
1. a frame goes on with it, its slot is there in the facts, and its channel has not been named;
2. it says what the facts say: direction, size and motion of the channel it speaks of;
3. the shortest way to the end still fits into MAX_WORDS, slots counted as they will be filled.
So every walk ends in a whole summary in which what must be said is said, whatever a model prefers on the way.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, NamedTuple

from edge_agent.core.facts import MAX_CHANNELS, ChannelFact, Facts
from edge_agent.core.modes import NONE
from edge_agent.core.wording import FORCED, MARKS, RULES, words

MAX_WORDS: Final = 45
MOST_NAMED: Final = 5  # channels one summary names
FIXED_SLOTS: Final = ("<M>", "<T>", "<A>", "<L>", "<C>")
CHANNEL_SLOTS: Final = tuple(f"<{kind}{i}>" for kind in "SVBP" for i in range(1, MAX_CHANNELS + 1))
OUTPUT: Final = (*FIXED_SLOTS, *CHANNEL_SLOTS, *words())  # the whole vocabulary of summaries
_OF_CHANNEL: Final = frozenset({"<S>", "<S+>", "<S->", "<V>", "<B>", "<P>"})
_START, _END = 0, 1


class Edge(NamedTuple):
    """A step of the graph; an empty label moves without a word."""

    label: str
    target: int


class Step(NamedTuple):
    """A token that may come next."""

    token: str
    target: int
    words: int  # as a reader counts them, with the `and` of a list


def compile_rules(rules: Mapping[str, tuple[str, ...]], first: str) -> tuple[tuple[Edge, ...], ...]:
    """The graph of a rule, node → edges; node 0 is the start and node 1 the end."""
    edges: list[list[Edge]] = [[], []]

    def attach(rule: str, start: int, end: int) -> None:
        for frame in rules[rule]:
            node = start
            for part in frame.split():
                if part.endswith("*"):
                    edges[node].append(Edge(part[:-1], node))
                    continue
                edges.append([])
                following = len(edges) - 1
                if part.startswith("{"):
                    attach(part.strip("{}?"), node, following)
                    if part.endswith("?"):
                        edges[node].append(Edge("", following))
                else:
                    edges[node].append(Edge(part, following))
                node = following
            edges[node].append(Edge("", end))

    attach(first, _START, _END)
    return tuple(tuple(row) for row in edges)


GRAPH: Final = compile_rules(RULES, "summary")


@dataclass(frozen=True, slots=True)
class State:
    """A place on the way: all nodes it may be at, and what has been said."""

    nodes: frozenset[int]
    lead: int = 0  # number of the channel that leads, 0 before there is one
    subject: int = 0  # number of the channel spoken of
    named: frozenset[int] = frozenset()  # numbers of the channels named so far
    row: int = 0  # of them, those directly before: a list
    words: int = 0

    @property
    def done(self) -> bool:
        """Whether the summary is whole."""
        return _END in self.nodes


class Grammar:
    """The automaton of one set of facts; `fills` says what each slot will read."""

    def __init__(self, facts: Facts, fills: Mapping[str, str]) -> None:
        self.facts = facts
        self.fills = fills
        self._lengths = {slot: len(text.split()) for slot, text in fills.items()}
        self._left: dict[int, float] = {}

    @cached_property
    def start(self) -> State:
        """Where every summary begins."""
        return self._closed(State(frozenset({_START})))

    def allowed(self, state: State) -> tuple[str, ...]:
        """The tokens that may come next, in no order that means anything; empty at the end or where nothing fits."""
        return tuple(dict.fromkeys(step.token for step in self._steps(state)))

    def advance(self, state: State, token: str) -> State:
        """The state after an allowed token.

        Raises:
            ValueError: the token is not allowed there.
        """
        steps = [step for step in self._steps(state) if step.token == token]
        if not steps:
            raise ValueError(f"{token!r} is not allowed here; allowed are {' '.join(self.allowed(state)) or 'none'}")
        longest = max(step.words for step in steps)
        after = replace(state, nodes=frozenset(step.target for step in steps), words=state.words + longest, row=0)
        if token[:2] == "<S":
            number = int(token[2:-1])
            after = replace(after, subject=number, lead=state.lead or number)
            after = replace(after, named=state.named | {number}, row=state.row + 1)
        elif token[:2] == "<P":
            after = replace(after, lead=int(token[2:-1]))
        return self._closed(after)

    def accepts(self, tokens: tuple[str, ...]) -> bool:
        """Whether the tokens are a whole summary of these facts."""
        state = self.start
        for token in tokens:
            if token not in self.allowed(state):
                return False
            state = self.advance(state, token)
        return state.done

    # ------------------------------------------------------------------------------------------------ one step

    def _steps(self, state: State) -> list[Step]:
        """What may come next and where it leads."""
        found = []
        for node in state.nodes:
            for label, target in GRAPH[node]:
                if label and label[0] != "?":
                    joint = label == "<S+>" and state.row == 1  # the `and` of a list
                    room = MAX_WORDS - state.words - self._shortest(target)
                    steps = (Step(t, target, self._length(t) + joint) for t in self._tokens(label, state))
                    found += [step for step in steps if step.words <= room]
        return found

    def _closed(self, state: State) -> State:
        """The state with all nodes that are reached without a word."""
        seen = set(state.nodes)
        waiting = list(seen)
        while waiting:
            for label, target in GRAPH[waiting.pop()]:
                free = not label or (label[0] == "?" and self._holds(label[1:], state))
                if free and target not in seen:
                    seen.add(target)
                    waiting.append(target)
        return replace(state, nodes=frozenset(seen))

    def _holds(self, guard: str, state: State) -> bool:
        if guard in {"more", "other"}:
            return bool(self._unnamed(state, "-" if guard == "other" else ""))
        if guard == "placed":
            return not state.lead or f"<P{state.lead}>" in self.fills
        return self._always(guard)

    def _always(self, guard: str) -> bool:
        """Whether a guard holds at all for these facts."""
        return {
            "unknown": self.facts.mode == NONE,
            "bare": not self.facts.channels,
            "quiet": not self.facts.log,
        }.get(guard, True)

    def _tokens(self, label: str, state: State) -> list[str]:
        """What a label stands for here."""
        if label[0] == "@":
            return [self._forced(label[1:], self._channel(state.subject))]
        if label in _OF_CHANNEL:
            return [slot for slot in self._slots(label, state) if slot in self.fills]
        return [label] if label[0] != "<" or label in self.fills else []

    def _slots(self, label: str, state: State) -> list[str]:
        if label == "<P>":
            numbers = [state.lead] if state.lead else range(1, len(self.facts.channels) + 1)
            return [f"<P{number}>" for number in numbers]
        if label in {"<V>", "<B>"}:
            return [f"{label[:2]}{state.subject}>"]
        if label == "<S>" and not state.named and state.lead:
            return [f"<S{state.lead}>"]
        return [f"<S{number}>" for number in self._unnamed(state, label[2:-1])]

    def _unnamed(self, state: State, side: str) -> list[int]:
        """Numbers of the channels not yet named; `+` of the same side as the subject, `-` of the other side."""
        if len(state.named) >= MOST_NAMED:
            return []
        above = self._channel(state.subject).above if side else None
        return [
            number
            for number, fact in enumerate(self.facts.channels, start=1)
            if number not in state.named and (above is None or (fact.above is above) == (side == "+"))
        ]

    def _channel(self, number: int) -> ChannelFact:
        return self.facts.channels[number - 1]

    @staticmethod
    def _forced(word: str, fact: ChannelFact) -> str:
        """The one form of a word that is true of a channel."""
        if word == "far":
            return FORCED[word][fact.size]
        return FORCED[word][fact.motion + 1 if word == "moving" else fact.above]

    # ------------------------------------------------------------------------------------------------ length

    def _length(self, token: str) -> int:
        """Words of a token as a reader counts them."""
        if token in self._lengths:
            return self._lengths[token]
        return 0 if token in MARKS else token.count("_") + 1

    def _shortest(self, node: int) -> float:
        """Fewest words from a node to the end, every slot taken at its longest; infinite where there is no way."""
        if node == _END:
            return 0.0
        if node not in self._left:
            ways = (self._longest(label) + self._shortest(to) for label, to in GRAPH[node] if to != node)
            self._left[node] = min(ways, default=math.inf)
        return self._left[node]

    def _longest(self, label: str) -> float:
        """Most words a label can bring, infinite where these facts have nothing for it."""
        if not label or label[0] == "?":
            return 0.0 if not label or self._always(label[1:]) else math.inf
        if label in _OF_CHANNEL:
            lengths = [self._lengths[s] for s in self._lengths if s[:2] == label[:2] and s[2:-1].isdigit()]
            return max(lengths, default=math.inf)
        if label[0] == "<":
            return self._lengths.get(label, math.inf)
        return 1.0 if label[0] == "@" else self._length(label)
