"""The training of the report decoder: rows → averaged weights, resumable.

Only the words of the summary are learned, and of each candidate whether the fault moves it; the prompt is given.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from edge_agent.training.learning import Checkpoint, Loss, Pace, Say, learn
from edge_agent.training.report.data import IGNORED, Rows
from edge_agent.training.report.model import ReportDecoder, Shape

_WARM_UP = 0.08  # share of the steps in which the learning rate rises
_CHECKPOINT_S = 120.0
_POOL = 8  # batches drawn at once and sorted by length, so that padding is rare


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How long and how fast to learn."""

    steps: int
    batch: int = 64
    rate: float = 1.2e-3
    decay: float = 0.02
    average: float = 0.01  # share of the new weights in the running average
    moved_weight: float = 1.0  # of the loss on which candidates are moved, beside that on words
    seed: int = 1


class Trained(NamedTuple):
    """A decoder and what it cost."""

    model: ReportDecoder
    seconds: float


class _Batch(NamedTuple):
    ids: Tensor  # (B, T)
    words: Tensor  # (B, T - 1) next words of the summary, IGNORED elsewhere
    asked: Tensor  # (B, 8)
    told: Tensor  # (B, 8)


def train(rows: Rows, shape: Shape, recipe: Recipe, checkpoint: Path, say: Say) -> Trained:
    """The averaged decoder after `recipe.steps` steps; goes on from `checkpoint` where it is there and alike."""
    torch.manual_seed(recipe.seed)
    pace = Pace(
        steps=recipe.steps, rate=recipe.rate, decay=recipe.decay, average=recipe.average, warm_up=_WARM_UP
    )  # fmt: skip
    key = {"shape": asdict(shape), "recipe": asdict(recipe), "rows": len(rows)}

    def losses(learning: ReportDecoder, done: int) -> Iterator[Loss]:
        for batch in _stream(rows, recipe.batch, recipe.seed + done):
            words, moved = _losses(learning, batch)
            total = words + recipe.moved_weight * moved
            yield Loss(total, {"words": words.item(), "moved": moved.item()})

    learned = learn(ReportDecoder(shape), pace, losses, Checkpoint(checkpoint, key, _CHECKPOINT_S), say)
    return Trained(learned.averaged, learned.spent_s)


def _losses(model: ReportDecoder, batch: _Batch) -> tuple[Tensor, Tensor]:
    """The loss on the summaries' words and that on which candidates are moved."""
    with torch.autocast("cpu", torch.bfloat16):
        states = model.states(batch.ids)
        said = states[:, :-1][batch.words != IGNORED]  # (K, D)
        logits = model.head(said)
        asked = torch.gather(states, 1, batch.asked.unsqueeze(2).expand(-1, -1, states.shape[2]))  # (B, 8, D)
        moved = model.moved(asked).squeeze(2)
    words = functional.cross_entropy(logits.float(), batch.words[batch.words != IGNORED])
    known = batch.told != IGNORED
    return words, functional.binary_cross_entropy_with_logits(moved.float()[known], batch.told[known].float())


def _stream(rows: Rows, size: int, seed: int) -> Iterator[_Batch]:
    """Endless batches: every row once before any comes again, alike in length within a batch."""
    rng = np.random.default_rng(seed)
    while True:
        order = rng.permutation(len(rows))
        for pool in np.array_split(order, max(1, len(order) // (size * _POOL))):
            alike = pool[np.argsort(rows.lengths[pool], kind="stable")]
            parts = np.array_split(alike, max(1, len(alike) // size))
            for part in rng.permutation(len(parts)):
                yield _batch(rows, parts[part])


def _batch(rows: Rows, chosen: NDArray[np.int64]) -> _Batch:
    longest = int(rows.lengths[chosen].max())
    ids = rows.ids[chosen, :longest].astype(np.int64)
    place = np.arange(1, longest)  # of the word that is foretold
    summary = (place >= rows.begins[chosen, None]) & (place < rows.lengths[chosen, None])
    words = np.where(summary, ids[:, 1:], IGNORED)
    return _Batch(
        torch.from_numpy(ids), torch.from_numpy(words), torch.from_numpy(rows.asked[chosen].astype(np.int64)),
        torch.from_numpy(rows.told[chosen].astype(np.int64)),
    )  # fmt: skip
