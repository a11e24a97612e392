"""The auditor finds each kind of fault in a finished summary, and none in a sound one."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.core.facts import Facts
from edge_agent.core.report import grammar_of, realise
from edge_agent.training.report.audit import audit, named_channels
from tests.core.told_facts import BEARING, any_facts

pytestmark = pytest.mark.train

SOUND = (
    "Likely vibration at drive-end bearing: vib_de_mms has risen to 4.21 mm/s, far above its normal 2.03 mm/s, with "
    'bearing_temp_de_c up and flow_m3h down, first seen at 08:53 UTC; log: "bearing noisy at drive end". Check bearing '
    "condition, lubrication, balance and alignment."
)


def test_a_sound_summary_has_no_fault() -> None:
    assert audit(SOUND, BEARING).sound


@given(any_facts(), st.integers(0, 10**6))
@settings(deadline=None, max_examples=60)
def test_no_walk_through_the_grammar_has_a_fault(facts: Facts, seed: int) -> None:
    plain = tuple(replace(c, name=f"ch{n}", unit="mm/s", component="motor") for n, c in enumerate(facts.channels))
    facts = replace(facts, channels=plain, asset="pump-07")
    dice, grammar = random.Random(seed), grammar_of(facts)
    state, tokens = grammar.start, []
    while not state.done:
        tokens.append(dice.choice(sorted(grammar.allowed(state))))
        state = grammar.advance(state, tokens[-1])
    text = realise(tokens, grammar)

    assert text is not None
    assert audit(text, facts).sound, text


@pytest.mark.parametrize(
    ("right", "wrong", "fault"),
    [
        ("4.21", "4.22", "numbers"),
        ("08:53", "08:54", "numbers"),
        ("4.21 mm/s", "4.21 bar", "units"),
        ("flow_m3h", "flux", "names"),
        ("Likely", "Certainly", "names"),
        ("bearing noisy at", "bearing quiet at", "names"),
        ("risen", "fallen", "wrong_ways"),
        ("far above", "far below", "wrong_ways"),
        ("flow_m3h down", "flow_m3h up", "wrong_ways"),
    ],
)
def test_each_kind_of_fault_is_found(right: str, wrong: str, fault: str) -> None:
    found = audit(SOUND.replace(right, wrong, 1), BEARING)

    assert getattr(found, fault) == 1
    assert not found.sound


@pytest.mark.parametrize(
    "left_out",
    ["2.03 mm/s", "vibration", "first seen at 08:53 UTC", "Check bearing condition", '"bearing noisy at drive end"'],
)
def test_a_summary_that_leaves_out_what_must_be_said_is_not_whole(left_out: str) -> None:
    assert not audit(SOUND.replace(left_out, ""), BEARING).whole


def test_three_sentences_or_too_many_words_are_not_whole() -> None:
    assert not audit(SOUND.replace("; log", ". Log"), BEARING).whole
    assert not audit(SOUND.replace("; log", " and so on" * 9 + "; log"), BEARING).whole


def test_a_channel_that_only_the_log_names_is_not_named() -> None:
    facts = replace(BEARING, log="flow_m3h 99")

    assert named_channels('vib_de_mms is up; log: "flow_m3h 99". Check.', facts) == ("vib_de_mms",)
