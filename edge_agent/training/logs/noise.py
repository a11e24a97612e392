"""A log line → the same line as somebody else would have typed it: shop-floor shorthand and slips of the keyboard.

Shorthand comes from pairs of raw and normalised words (`corpus.read_shorthand`). Nothing is read or learned here.
"""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

_SHORTHAND: Final = 0.3  # probability that a word with known variants is written as one of them
_SECOND_SLIP: Final = 0.3  # probability of a second slip in the same line
_FEWEST: Final = 4  # characters below which a slip would leave nothing to read


class Noise:
    """Rewrites lines at random."""

    def __init__(self, shorthand: Mapping[str, Sequence[str]], rng: np.random.Generator) -> None:
        self._shorthand = shorthand
        self._rng = rng

    def rewritten(self, text: str) -> str:
        """The line with shorthand and one or two slips; never empty where the line was not."""
        words = [self._variant(word) for word in text.split(" ")]
        line = self._slip(" ".join(words))
        if self._rng.random() < _SECOND_SLIP:
            line = self._slip(line)
        return line.strip() or text

    def _variant(self, word: str) -> str:
        variants = self._shorthand.get(word)
        if not variants or self._rng.random() >= _SHORTHAND:
            return word
        return variants[int(self._rng.integers(len(variants)))]

    def _slip(self, line: str) -> str:
        """One character left out, added, exchanged, or swapped with the next."""
        if len(line) < _FEWEST:
            return line
        place = int(self._rng.integers(len(line) - 1))
        letter = string.ascii_lowercase[int(self._rng.integers(26))]
        kinds = (
            line[:place] + line[place + 1 :],
            line[:place] + letter + line[place:],
            line[:place] + letter + line[place + 1 :],
            line[:place] + line[place + 1] + line[place] + line[place + 2 :],
        )
        return kinds[int(self._rng.integers(len(kinds)))]
