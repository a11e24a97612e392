"""The table of frames keeps its own rules."""

from __future__ import annotations

import re

from edge_agent.core.grammar import OUTPUT
from edge_agent.core.wording import FORCED, GUARDS, MARKS, RULES, words


def parts() -> list[str]:
    """Every part of every frame."""
    return [part for frames in RULES.values() for frame in frames for part in frame.split()]


def test_no_word_holds_a_digit_or_a_capital() -> None:
    assert [word for word in words() if re.search(r"[^a-z_]", word) and word not in MARKS] == []


def test_every_part_of_a_frame_is_known() -> None:
    known = {"<S>", "<S->", "<S+>*", "<V>", "<B>", "<P>", "<M>", "<T>", "<A>", "<L>", "<C>"}

    assert {part for part in parts() if part[0] == "<"} <= known
    assert {part.strip("{}?") for part in parts() if part[0] == "{"} <= set(RULES)
    assert {part[1:] for part in parts() if part[0] == "@"} == set(FORCED)
    assert {part[1:] for part in parts() if part[0] == "?"} == GUARDS


def test_every_rule_but_the_first_is_used() -> None:
    assert {part.strip("{}?") for part in parts() if part[0] == "{"} == set(RULES) - {"summary"}


def test_the_vocabulary_holds_no_word_twice() -> None:
    assert len(set(OUTPUT)) == len(OUTPUT)
