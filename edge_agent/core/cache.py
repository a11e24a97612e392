"""Text → scores, remembered: a model is a function of its text, so a text seen lately need not be scored again.

Exact texts only, a bounded number of them; the one unused for longest goes first. What scores mean is not its business.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from edge_agent.core.types import Scores


class RememberedScores:
    """A `score` function that asks the model only for texts it does not remember. Belongs to one thread."""

    def __init__(self, score: Callable[[str], Scores], most: int, counted: Callable[[bool], None]) -> None:
        self._score = score
        self._most = most  # texts kept; 0 remembers nothing
        self._counted = counted  # told of every text whether it was remembered
        self._scores: OrderedDict[str, Scores] = OrderedDict()

    def __call__(self, text: str) -> Scores:
        """The scores of a text."""
        known = self._scores.get(text)
        self._counted(known is not None)
        if known is not None:
            self._scores.move_to_end(text)
            return known
        scores = self._score(text)
        self._scores[text] = scores
        if len(self._scores) > self._most:
            self._scores.popitem(last=False)
        return scores
