"""What moved the risk, and what an alarm therefore rests on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.evidence import (
    MAX_EVIDENCE,
    MAX_QUOTES,
    MAX_SCORES,
    MIN_CONTRIBUTION,
    UNKNOWN,
    Moves,
    Occlusion,
    facts,
    occlude,
    questions,
    quotes,
)
from edge_agent.core.text import parts, render
from edge_agent.core.types import ChannelState, LogLine, Scores
from edge_agent.core.verdict import risk_of
from tests.core.pump import channel, scores, window

NAMES = ("a", "b", "c", "d", "e")
SHIFTS = st.lists(st.floats(-20, 20), min_size=1, max_size=5)
MOVES = st.lists(st.none() | st.floats(-1, 1), min_size=5, max_size=5)


def line(text: str, minutes_ago: float) -> LogLine:
    """A log line of p1."""
    return LogLine("p1", window().end - 60.0 * minutes_ago, text)


def adding(**risks: float) -> Callable[[str], Scores]:
    """A model whose risk is the sum of what each word of a text is worth."""

    def score(text: str) -> Scores:
        return scores(sum(risks.get(word, 0.0) for row in text.splitlines() for word in row.split()))

    return score


def counted(score: Callable[[str], Scores], asked: list[str]) -> Callable[[str], Scores]:
    """The same model; `asked` collects what it was asked."""

    def watched(text: str) -> Scores:
        asked.append(text)
        return score(text)

    return watched


def channels(*shifts: float) -> list[ChannelState]:
    """Channels a, b, … so far from their normal."""
    return [channel(name, shift) for name, shift in zip(NAMES, shifts, strict=False)]


# --------------------------------------------------------------------------------------------- occlusion


def test_a_contribution_is_the_risk_minus_the_risk_without_the_line() -> None:
    text = render(window(*channels(3.0, 2.0, 1.0)))
    moves = occlude(text, 0.75, adding(a=0.5, b=-0.25, c=0.5))

    assert moves == Moves((("a", 0.5), ("b", -0.25), ("c", 0.5)), ())


def test_a_log_line_contributes_no_more_than_its_reach_lets_it() -> None:
    text = render(window(*channels(3.0)), [line("noisy", 10), line("greased", 20)])
    model = adding(a=0.25, noisy=0.75)
    moves = occlude(text, risk_of(parts(text), model), model)

    assert list(moves.logs) == pytest.approx([0.3, 0.0])
    assert dict(moves.channels)["a"] == pytest.approx(0.25)  # without it the log adds no more than before


@given(count=st.integers(0, 14), logs=st.integers(0, 5), risks=st.lists(st.floats(0, 0.1), min_size=14, max_size=14))
def test_an_explanation_costs_a_bounded_number_of_scores_and_none_twice(
    count: int, logs: int, risks: Sequence[float]
) -> None:
    names = [f"c{i}" for i in range(count)]
    text = render(
        window(*(channel(name, 20.0 - i) for i, name in enumerate(names))),
        [line(f"line {i}", i) for i in range(logs)],
    )
    asked: list[str] = []
    moves = occlude(text, 0.5, counted(adding(**dict(zip(names, risks, strict=False))), asked))

    assert len(asked) == len(set(asked)) <= MAX_SCORES
    assert len(moves.logs) == min(logs, MAX_QUOTES)
    assert [name for name, _ in moves.channels] == names[: len(moves.channels)]
    assert len(moves.channels) == min(count, {0: MAX_SCORES, 1: 4}.get(logs, 3))


def test_pseudo_channels_are_left_out_last() -> None:
    odd = [channel("joint_t2", 50.0), *(channel(f"c{i}", 9.0 - i) for i in range(4))]
    moves = occlude(render(window(*odd), [line("noisy", 10)]), 0.5, adding())

    assert [name for name, _ in moves.channels] == ["c0", "c1", "c2", "c3"]


def test_an_occlusion_asks_one_score_at_a_time_and_says_what_all_at_once_would() -> None:
    text = render(window(*channels(3.0, 2.0, 1.0)), [line("noisy", 10)])
    model = adding(a=0.25, b=0.125, noisy=0.25)
    asked: list[str] = []
    occlusion, steps = Occlusion(text), 0
    while not occlusion.whole:
        occlusion.ask(counted(model, asked))
        steps += 1
        assert len(asked) == steps

    assert tuple(asked) == questions(text)
    assert occlusion.moves(0.5) == occlude(text, 0.5, model)


def test_an_occlusion_that_is_whole_asks_nothing() -> None:
    asked: list[str] = []
    occlusion = Occlusion(render(window()))
    occlusion.ask(counted(adding(), asked))

    assert occlusion.whole
    assert asked == []
    assert occlusion.moves(0.5) == UNKNOWN


# --------------------------------------------------------------------------------------------- evidence


def test_without_an_explanation_evidence_is_what_moved_farthest_in_either_direction() -> None:
    found = facts(window(*channels(1.5, -9.0, 4.0, 2.0)))

    assert [fact.channel for fact in found] == ["b", "c", "d"]
    assert len(found) == MAX_EVIDENCE
    assert {(fact.rule, fact.contribution) for fact in found} == {("deviation", None)}


def test_what_moved_the_risk_comes_first_and_says_by_how_much() -> None:
    found = facts(window(*channels(1.5, -9.0, 4.0, 2.0)), Moves((("b", 0.001), ("c", 0.2), ("a", 0.4))))

    assert [(fact.channel, fact.contribution) for fact in found] == [("a", 0.4), ("c", 0.2), ("b", 0.001)]


def test_the_farthest_channel_takes_the_last_place_where_others_moved_the_risk() -> None:
    found = facts(window(*channels(1.0, 2.0, 3.0, 4.0)), Moves((("a", 0.3), ("b", 0.2), ("c", 0.1), ("d", 0.0))))

    assert [fact.channel for fact in found] == ["a", "b", "d"]


@given(shifts=SHIFTS, moved=MOVES)
def test_the_channel_that_deviates_most_is_never_hidden(shifts: list[float], moved: list[float | None]) -> None:
    moves = Moves(tuple((name, by) for name, by in zip(NAMES, moved, strict=True) if by is not None))
    shown = channels(*shifts)
    found = facts(window(*shown), moves)

    farthest = max(abs(one.shift) for one in shown)
    assert any(fact.shift is not None and abs(fact.shift) == farthest for fact in found)
    assert 1 <= len(found) <= MAX_EVIDENCE
    assert len({fact.channel for fact in found}) == len(found)


@given(shifts=SHIFTS, moved=MOVES)
def test_no_channel_that_moved_the_risk_less_stands_before_one_that_moved_it_more(
    shifts: list[float], moved: list[float | None]
) -> None:
    moves = Moves(tuple((name, by) for name, by in zip(NAMES, moved, strict=True) if by is not None))
    found = facts(window(*channels(*shifts)), moves)

    told = [fact.contribution or 0.0 for fact in found]
    worth = [by if by >= MIN_CONTRIBUTION else 0.0 for by in told]
    assert worth == sorted(worth, reverse=True)
    best = max((dict(moves.channels).get(one.name, 0.0) for one in channels(*shifts)), default=0.0)
    if best >= MIN_CONTRIBUTION:
        assert told[0] == best


def test_a_channel_near_its_normal_is_evidence_only_where_nothing_else_is() -> None:
    assert [f.channel for f in facts(window(*channels(0.2, 3.0)))] == ["b"]
    assert [f.channel for f in facts(window(*channels(0.2, -0.3)))] == ["b"]
    assert facts(window()) == ()


def test_joint_channels_are_for_the_model_and_no_evidence_for_people() -> None:
    joint = window(channel("joint_t2", 50.0), channel("joint_spe", 50.0))

    assert facts(joint, Moves((("joint_t2", 0.9),))) == ()


# --------------------------------------------------------------------------------------------- quotes

LINES = (line("newest", 1), line("older", 2), line("oldest", 3))


def test_the_newest_lines_are_quoted_newest_first() -> None:
    assert [(q.text, q.contribution) for q in quotes(LINES)] == [("newest", None), ("older", None)]


@pytest.mark.parametrize(
    ("moved", "order"),
    [
        ((0.0, 0.2), ["older", "newest"]),
        ((0.2, 0.1), ["newest", "older"]),
        ((0.001, 0.009), ["newest", "older"]),
        ((-0.3, 0.0), ["newest", "older"]),
    ],
)
def test_the_line_that_moved_the_risk_is_quoted_first(moved: tuple[float, float], order: list[str]) -> None:
    found = quotes(LINES, Moves((), moved))

    assert [quote.text for quote in found] == order
    assert {quote.text: quote.contribution for quote in found} == dict(zip(("newest", "older"), moved, strict=True))


def test_a_quote_is_harmless() -> None:
    [quote] = quotes((line("q99 NOISY\x1b[2J", 1),), UNKNOWN)

    assert quote.text == "q 99 noisy 2j"
