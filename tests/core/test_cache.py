"""Scores remembered by their text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.cache import RememberedScores
from edge_agent.core.types import Scores

TEXTS = st.lists(st.sampled_from("abcdefg"))


class Watched:
    """A model and a counter that remember what they were asked and told."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.known: list[bool] = []

    def score(self, text: str) -> Scores:
        self.asked.append(text)
        return Scores(ord(text) / 1000, (1.0,))


@given(texts=TEXTS, most=st.integers(1, 4))
def test_remembered_scores_are_those_of_the_model(texts: list[str], most: int) -> None:
    model = Watched()
    remembered = RememberedScores(model.score, most, model.known.append)

    assert [remembered(text) for text in texts] == [Watched().score(text) for text in texts]
    assert (len(model.known), model.known.count(False)) == (len(texts), len(model.asked))


@given(texts=TEXTS, most=st.integers(1, 4))
def test_a_text_is_remembered_while_fewer_others_than_there_is_room_for_came_since(texts: list[str], most: int) -> None:
    model = Watched()
    remembered = RememberedScores(model.score, most, model.known.append)
    for text in texts:
        remembered(text)

    for at, known in enumerate(model.known):
        last = next((i for i in reversed(range(at)) if texts[i] == texts[at]), None)
        since = most if last is None else len(set(texts[last + 1 : at]))
        assert known is (since < most)


def test_only_the_exact_text_is_remembered() -> None:
    model = Watched()
    remembered = RememberedScores(lambda text: model.score(text[0]), 4, model.known.append)
    for text in ("a", "a ", "a"):
        remembered(text)

    assert model.known == [False, False, True]
