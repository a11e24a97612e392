"""Plain methods on log texts: the commonest class, and character n-grams with a logistic regression.

They are what the encoder is compared with. The second, given sentence vectors as well, is also its teacher.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack  # comes with scikit-learn
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from edge_agent.training.logs.data import Indices
from edge_agent.training.scoring import Floats

Vectors = NDArray[np.float32]

_GRAMS: Final = (2, 5)  # characters, within words: what misspelling leaves of a word
_STRENGTH: Final = 10.0  # inverse regularisation; set before anything was measured on a fold
_ITERATIONS: Final = 1000


def majority(label: Indices, classes: int, rows: int) -> Floats:
    """The shares of the classes among the labels, the same for every row, (rows, classes)."""
    shares = np.bincount(label, minlength=classes) / len(label)
    return np.tile(shares, (rows, 1))


def fit_grams(texts: Sequence[str]) -> TfidfVectorizer:
    """What counts the character n-grams of a text, weighed by how rare they are in these; its rows have length 1."""
    return TfidfVectorizer(analyzer="char_wb", ngram_range=_GRAMS, sublinear_tf=True).fit(texts)


class NgramModel:
    """TF-IDF of character n-grams, and sentence vectors where they are given, under a logistic regression."""

    def __init__(self, texts: Sequence[str], label: Indices, classes: int, vectors: Vectors | None = None) -> None:
        self._classes = classes
        self._grams = fit_grams(texts)
        self._model = LogisticRegression(C=_STRENGTH, max_iter=_ITERATIONS).fit(self._features(texts, vectors), label)

    def probabilities(self, texts: Sequence[str], vectors: Vectors | None = None) -> Floats:
        """The probability of every class, (len(texts), classes); 0 for classes that were not learned."""
        out = np.zeros((len(texts), self._classes))
        out[:, self._model.classes_] = self._model.predict_proba(self._features(texts, vectors))
        return out

    def _features(self, texts: Sequence[str], vectors: Vectors | None) -> csr_matrix:
        grams = self._grams.transform(texts)
        return grams if vectors is None else hstack([grams, csr_matrix(vectors)]).tocsr()
