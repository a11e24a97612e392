"""Labelled log lines → a judge that compares a line with them: by its character n-grams and by its vector.

Kernel ridge regression on the classes. How near is near and how far a single row is trusted is chosen by what every
learned row would be called without itself, so that nothing but the rows learned from decides.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix  # comes with scikit-learn

from edge_agent.training.logs.data import Indices
from edge_agent.training.logs.encoder import softmax
from edge_agent.training.logs.ngrams import fit_grams
from edge_agent.training.scoring import Floats

MOST_ROWS: Final = 3_000  # that lines are compared with: time grows with their cube
_GRAM_SHARPNESS: Final = (1.0, 2.0, 4.0)  # tried; the likeness of lines falls as exp(sharpness * (cosine - 1))
_VECTOR_SHARPNESS: Final = (2.0, 4.0, 8.0)
_STRENGTHS: Final = (1.0, 3.0, 10.0)  # tried: inverse regularisation
_TEMPERATURES: Final = (0.1, 0.15, 0.2, 0.3, 0.5)  # tried, of the probabilities
_DRAW: Final = 0  # seed of the rows that are kept where there are too many
_LEAST: Final = 1e-12


@dataclass(frozen=True, slots=True)
class Fitted:
    """A regression on the learned rows."""

    weights: Floats  # (rows, classes)
    without: Floats  # (rows, classes) what each row is given by the regression on all others

    def right(self, label: Indices) -> float:
        """The share of rows that the others tell rightly."""
        return float(np.mean(self.without.argmax(axis=1) == label))


def fit(kernel: Floats, target: Floats, strengths: Sequence[float]) -> list[Fitted]:
    """A regression for each strength, kernel (rows, rows) and target (rows, classes).

    Source: Rifkin and Lippert 2007, leave-one-out of regularised least squares in closed form.
    """
    values, vectors = np.linalg.eigh(kernel)
    turned = vectors.T @ target
    found = []
    for strength in strengths:
        inverse = 1.0 / (np.maximum(values, 0.0) + 1.0 / strength)  # (rows,)
        weights = vectors @ (inverse[:, None] * turned)
        own = (vectors**2) @ inverse  # diagonal of the inverse
        found.append(Fitted(weights, target - weights / own[:, None]))
    return found


class KernelModel:
    """Log lines with their vectors and classes, `most` of them drawn to compare others with."""

    def __init__(
        self, texts: Sequence[str], label: Indices, classes: int, vectors: NDArray[np.floating], most: int = MOST_ROWS
    ) -> None:
        kept = np.sort(np.random.default_rng(_DRAW).permutation(len(texts))[:most])
        label = label[kept]
        self._grams = fit_grams([texts[n] for n in kept.tolist()])
        self._learned: csr_matrix = self._grams.transform([texts[n] for n in kept.tolist()])
        self._vectors = _unit(vectors[kept])
        self._known = np.isin(np.arange(classes), label)  # (classes,)
        target = np.where(np.arange(classes) == label[:, None], 1.0, -1.0)  # (rows, classes)
        by_gram, by_vector = self._cosines(self._learned, self._vectors)
        best: tuple[float, float, float, Fitted] | None = None
        for gram, vector in itertools.product(_GRAM_SHARPNESS, _VECTOR_SHARPNESS):
            for fitted in fit(_kernel(by_gram, gram, by_vector, vector), target, _STRENGTHS):
                right = fitted.right(label)
                if best is None or right > best[0]:
                    best = (right, gram, vector, fitted)
        assert best is not None  # noqa: S101 - there are always some to try
        _, self._gram, self._vector, fitted = best
        self._weights = fitted.weights
        self._temperature = min(_TEMPERATURES, key=lambda t: _surprise(self._shares(fitted.without, t), label))

    def probabilities(self, texts: Sequence[str], vectors: NDArray[np.floating]) -> Floats:
        """The probability of every class, (len(texts), classes); 0 for classes that were not learned."""
        by_gram, by_vector = self._cosines(self._grams.transform(texts), _unit(vectors))
        kernel = _kernel(by_gram, self._gram, by_vector, self._vector)
        return self._shares(kernel @ self._weights, self._temperature)

    def _cosines(self, grams: csr_matrix, vectors: Floats) -> tuple[Floats, Floats]:
        """How alike lines and learned rows are by n-grams and by vectors, (lines, rows) each."""
        return (grams @ self._learned.T).toarray(), vectors @ self._vectors.T

    def _shares(self, scores: Floats, temperature: float) -> Floats:
        return softmax(np.where(self._known, scores / temperature, -np.inf))


def _kernel(by_gram: Floats, gram: float, by_vector: Floats, vector: float) -> Floats:
    out: Floats = np.exp(gram * (by_gram - 1.0)) + np.exp(vector * (by_vector - 1.0))
    return out


def _unit(vectors: NDArray[np.floating]) -> Floats:
    wide = vectors.astype(np.float64)
    out: Floats = wide / np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), _LEAST)
    return out


def _surprise(shares: Floats, label: Indices) -> float:
    """The mean negative logarithm of the probability of the truth."""
    return float(-np.log(np.maximum(shares[np.arange(len(label)), label], _LEAST)).mean())
