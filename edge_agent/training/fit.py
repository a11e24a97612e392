"""The training of the risk encoder: batches → averaged weights, resumable. Knows no data set by name.

Recipe (measured on FD001, see the model card): AdamW 1e-3 one-cycle, batch 128, gradient clip 1, bf16 autocast, soft
targets, weights averaged exponentially (0.005).
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from edge_agent.bundle.encode import TextEncoder
from edge_agent.training.batches import NO_WORDINGS, Augmentation, Batch, Source, stream
from edge_agent.training.learning import Checkpoint, Loss, Pace, learn
from edge_agent.training.model import RiskEncoder, Shape
from edge_agent.training.runs import UNKNOWN
from edge_agent.training.wordings import Wordings

Say = Callable[[str], None]

_SOUND_WEIGHT = 0.2  # of a sound window in the failure-mode loss: a mode is asked for only when something is wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How long and how fast to learn."""

    steps: int
    batch: int = 128
    rate: float = 1e-3
    decay: float = 0.01
    average: float = 0.005  # share of the new weights in the running average
    mode_weight: float = 0.3  # of the failure-mode loss beside the risk loss
    seed: int = 1


class Trained(NamedTuple):
    """A model and what it cost."""

    model: RiskEncoder
    seconds: float


def loss_of(logits: Tensor, batch: Batch, mode_weight: float) -> Tensor:
    """Risk loss on soft targets plus the failure-mode loss where the mode is known."""
    risk = functional.binary_cross_entropy_with_logits(logits[:, 0], torch.from_numpy(batch.risk))
    mode = torch.from_numpy(batch.mode)
    if not bool((mode != UNKNOWN).any()):
        return risk
    weight = torch.ones(logits.shape[1] - 1)
    weight[0] = _SOUND_WEIGHT
    return risk + mode_weight * functional.cross_entropy(logits[:, 1:], mode, weight, ignore_index=UNKNOWN)


def train(  # noqa: PLR0913 - what is learned from, how, and where it is kept
    sources: Sequence[Source], encoder: TextEncoder, shape: Shape, recipe: Recipe, checkpoint: Path, say: Say,
    augmentation: Augmentation, start: RiskEncoder | None = None, watch: Callable[[int], None] = lambda _done: None,
    wordings: Wordings = NO_WORDINGS,
) -> Trained:  # fmt: skip
    """The averaged model after `recipe.steps` steps from random weights, or from those of `start`.

    Goes on from `checkpoint` where it is there and of the same shape and recipe. `watch` is told the steps done.
    """
    torch.manual_seed(recipe.seed)
    model = RiskEncoder(shape) if start is None else copy.deepcopy(start)
    pace = Pace(steps=recipe.steps, rate=recipe.rate, decay=recipe.decay, average=recipe.average)
    key = {"shape": asdict(shape), "recipe": asdict(recipe), "start": "" if start is None else _digest(start)}

    def losses(learning: RiskEncoder, done: int) -> Iterator[Loss]:
        for batch in stream(sources, encoder, recipe.batch, augmentation, recipe.seed + done, wordings):
            with torch.autocast("cpu", torch.bfloat16):
                logits = learning(*(torch.from_numpy(part) for part in batch[:3]))
            loss = loss_of(logits.float(), batch, recipe.mode_weight)
            yield Loss(loss, {"loss": loss.item()})

    learned = learn(model, pace, losses, Checkpoint(checkpoint, key), say, watch)
    return Trained(learned.averaged, learned.spent_s)


def _digest(model: RiskEncoder) -> str:
    """A digest of the weights."""
    parts = b"".join(weight.detach().numpy().tobytes() for weight in model.parameters())
    return hashlib.blake2s(parts, digest_size=8).hexdigest()
