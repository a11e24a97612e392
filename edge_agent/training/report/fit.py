"""The training loop of the report decoder: rows → averaged weights, with checkpoints it can resume from.

Only the words of the summary are learned, and of each candidate whether the fault moves it; the prompt is given.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from edge_agent.training.report.data import IGNORED, Rows
from edge_agent.training.report.model import ReportDecoder, Shape

Say = Callable[[str], None]

_WARM_UP = 0.08  # share of the steps in which the learning rate rises
_SAY_EVERY = 25  # steps
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
    model = ReportDecoder(shape)
    averaged = copy.deepcopy(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=recipe.rate, weight_decay=recipe.decay, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=recipe.rate, total_steps=recipe.steps + 1, pct_start=_WARM_UP
    )
    key = {"shape": asdict(shape), "recipe": asdict(recipe), "rows": len(rows)}
    done, spent = 0, 0.0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        if state["key"] == key:
            model.load_state_dict(state["model"])
            averaged.load_state_dict(state["averaged"])
            optimizer.load_state_dict(state["optimizer"])
            schedule.load_state_dict(state["schedule"])
            done, spent = int(state["done"]), float(state["spent"])
            say(f"resumed at step {done} from {checkpoint}")
    batches = _stream(rows, recipe.batch, recipe.seed + done)
    began = saved = time.monotonic()
    losses: list[tuple[float, float]] = []
    for step in range(done, recipe.steps):
        words, moved = _losses(model, next(batches))
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(words + recipe.moved_weight * moved)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        _average(averaged, model, max(recipe.average, 1.0 / (step + 1)))
        losses.append((words.item(), moved.item()))
        if (step + 1) % _SAY_EVERY == 0 or step + 1 == recipe.steps:
            pace = (time.monotonic() - began) / (step + 1 - done)
            recent = np.mean(losses[-_SAY_EVERY:], axis=0)
            say(
                f"step {step + 1}/{recipe.steps} words {recent[0]:.4f} moved {recent[1]:.4f} {pace:.2f} s/step, "
                f"{pace * (recipe.steps - step - 1) / 60:.0f} min left"
            )
        if time.monotonic() - saved > _CHECKPOINT_S or step + 1 == recipe.steps:
            saved = time.monotonic()
            state = {
                "key": key, "done": step + 1, "model": model.state_dict(), "averaged": averaged.state_dict(),
                "optimizer": optimizer.state_dict(), "schedule": schedule.state_dict(),
                "spent": spent + time.monotonic() - began,
            }  # fmt: skip
            partial = checkpoint.with_suffix(".partial")
            torch.save(state, partial)
            partial.replace(checkpoint)
    return Trained(averaged.eval(), spent + time.monotonic() - began)


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


def _average(averaged: ReportDecoder, model: ReportDecoder, share: float) -> None:
    with torch.no_grad():
        for kept, new in zip(averaged.parameters(), model.parameters(), strict=True):
            kept.lerp_(new, share)
