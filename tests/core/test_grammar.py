"""The automaton of summaries: whatever is chosen on the way, the summary is whole and says what the facts say."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.facts import Facts
from edge_agent.core.grammar import MAX_WORDS, MOST_NAMED, OUTPUT
from edge_agent.core.modes import NONE
from edge_agent.core.report import assemble, fills, grammar_of, named, realise
from edge_agent.core.wording import FORCED
from tests.core.told_facts import BEARING, any_facts, channel, walk

LONG = "external_leakage " * 30


@given(any_facts(), st.integers(0, 10**6))
def test_every_walk_ends_in_a_whole_summary_or_none_can_be_begun(facts: Facts, seed: int) -> None:
    grammar = grammar_of(facts)
    tokens = walk(grammar, seed)

    assert grammar.accepts(tokens) == bool(tokens)


@given(any_facts(), st.integers(0, 10**6))
def test_a_summary_has_at_most_45_words_once_filled(facts: Facts, seed: int) -> None:
    grammar = grammar_of(facts)
    tokens = walk(grammar, seed)
    state = grammar.start
    for token in tokens:
        state = grammar.advance(state, token)

    assert len(assemble(tokens, grammar).split()) == state.words <= MAX_WORDS


@given(any_facts(), st.integers(0, 10**6))
def test_no_slot_is_used_twice_and_none_that_the_facts_do_not_fill(facts: Facts, seed: int) -> None:
    slots = [token for token in walk(grammar_of(facts), seed) if token[0] == "<"]

    assert len(set(slots)) == len(slots)
    assert set(slots) <= set(fills(facts))


@given(any_facts(), st.integers(0, 10**6))
def test_what_must_be_said_is_said(facts: Facts, seed: int) -> None:
    tokens = walk(grammar_of(facts), seed)
    if not tokens:
        return
    needed = {"<T>", "<C>"} | ({"<M>"} if facts.mode != NONE else set()) | ({"<L>"} if facts.log else set())
    if facts.channels:
        lead = named(tokens)[0]
        needed |= {f"<V{lead}>", f"<B{lead}>"}

    assert needed <= set(tokens)


@given(any_facts(), st.integers(0, 10**6))
def test_every_word_of_direction_and_size_is_true_of_its_channel(facts: Facts, seed: int) -> None:
    tokens = walk(grammar_of(facts), seed)
    group: list[int] = []
    for before, token in zip(("", *tokens), tokens, strict=False):
        if token[:2] == "<S":
            group = [*group, int(token[2:-1])] if before[:2] == "<S" else [int(token[2:-1])]
        for fact in (facts.channels[number - 1] for number in group):
            if token in {*FORCED["above"], *FORCED["risen"], *FORCED["up"], *FORCED["high"]} and before != "risk":
                assert (token in {"above", "risen", "up", "high"}) == fact.above
            if token in FORCED["far"] and before != "a":
                assert token == FORCED["far"][fact.size]
            if token in FORCED["moving"]:
                assert token == FORCED["moving"][fact.motion + 1]


@given(any_facts(), st.integers(0, 10**6))
def test_at_most_so_many_channels_are_named_and_the_place_is_that_of_the_leading_one(facts: Facts, seed: int) -> None:
    tokens = walk(grammar_of(facts), seed)
    places = [int(token[2:-1]) for token in tokens if token[:2] == "<P"]

    assert len(named(tokens)) <= MOST_NAMED
    assert all(place == named(tokens)[0] for place in places if facts.channels)


@given(any_facts(), st.integers(0, 10**6), st.sampled_from(OUTPUT))
def test_a_token_that_is_not_allowed_is_refused(facts: Facts, seed: int, token: str) -> None:
    grammar = grammar_of(facts)
    state = grammar.start
    for said in walk(grammar, seed)[: seed % 12]:
        state = grammar.advance(state, said)
    if token not in grammar.allowed(state):
        with pytest.raises(ValueError, match="not allowed here"):
            grammar.advance(state, token)


@given(any_facts(), st.integers(0, 10**6), st.integers(0, 40))
def test_a_summary_cut_short_or_with_a_word_taken_out_is_not_accepted(facts: Facts, seed: int, place: int) -> None:
    grammar = grammar_of(facts)
    tokens = walk(grammar, seed)
    shorter = tokens[: place % max(len(tokens), 1)]

    assert not grammar.accepts(shorter)
    assert realise(shorter, grammar) is None


def test_all_channels_of_one_side_leave_no_word_for_the_other() -> None:
    rising = replace(BEARING, channels=(channel("a", 2.0, 1.0), channel("b", 2.0, 1.0)))

    assert not {"down", "below", "fallen", "low"} & {w for seed in range(60) for w in walk(grammar_of(rising), seed)}


def test_facts_that_fit_in_no_45_words_allow_nothing() -> None:
    endless = replace(BEARING, channels=(channel("vib", 2.0, 1.0, unit=LONG),))

    assert walk(grammar_of(endless), 1) == ()
    assert realise((), grammar_of(endless)) is None


def test_without_a_channel_the_summary_says_so() -> None:
    text = realise(walk(grammar_of(replace(BEARING, channels=())), 1), grammar_of(replace(BEARING, channels=())))

    assert text is not None
    assert "no single channel stands out" in text


def test_every_frame_can_be_walked() -> None:
    said = {token for seed in range(150) for token in walk(grammar_of(replace(BEARING, mode="OHE")), seed)}
    unknown = replace(BEARING, mode=NONE, log="", channels=BEARING.channels[::-1])
    said |= {token for seed in range(150) for token in walk(grammar_of(unknown), seed)}
    said |= {token for seed in range(40) for token in walk(grammar_of(replace(BEARING, channels=())), seed)}
    plain = {word for word in OUTPUT if word[0] != "<"} - {"slightly", "clearly", "rising", "falling"}

    assert plain <= said
