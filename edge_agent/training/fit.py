"""The training loop: batches → averaged weights, with checkpoints it can resume from. Knows no data set by name.

Recipe (measured on FD001, see the model card): AdamW 1e-3 one-cycle, batch 128, gradient clip 1, bf16 autocast, soft
targets, weights averaged exponentially (0.005).
"""

from __future__ import annotations

import copy
import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from edge_agent.bundle.encode import TextEncoder
from edge_agent.training.batches import Augmentation, Batch, Source, stream
from edge_agent.training.model import RiskEncoder, Shape
from edge_agent.training.runs import UNKNOWN

Say = Callable[[str], None]

_WARM_UP = 0.1  # share of the steps in which the learning rate rises
_SOUND_WEIGHT = 0.2  # of a sound window in the failure-mode loss: a mode is asked for only when something is wrong
_SAY_EVERY = 25  # steps
_CHECKPOINT_S = 60.0


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
) -> Trained:  # fmt: skip
    """The averaged model after `recipe.steps` steps from random weights, or from those of `start`.

    Goes on from `checkpoint` where it is there and of the same shape and recipe. `watch` is told the steps done.
    """
    torch.manual_seed(recipe.seed)
    model = RiskEncoder(shape) if start is None else copy.deepcopy(start).train()
    averaged = copy.deepcopy(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=recipe.rate, weight_decay=recipe.decay, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=recipe.rate, total_steps=recipe.steps + 1, pct_start=_WARM_UP
    )
    key = {"shape": asdict(shape), "recipe": asdict(recipe), "start": "" if start is None else _digest(start)}
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
    batches = stream(sources, encoder, recipe.batch, augmentation, recipe.seed + done)
    began = saved = time.monotonic()
    losses: list[float] = []
    watch(done)
    for step in range(done, recipe.steps):
        batch = next(batches)
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(*(torch.from_numpy(part) for part in batch[:3]))
        loss = loss_of(logits.float(), batch, recipe.mode_weight)
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        _average(averaged, model, max(recipe.average, 1.0 / (step + 1)))
        losses.append(loss.item())
        watch(step + 1)
        if (step + 1) % _SAY_EVERY == 0 or step + 1 == recipe.steps:
            pace = (time.monotonic() - began) / (step + 1 - done)
            say(
                f"step {step + 1}/{recipe.steps} loss {np.mean(losses[-_SAY_EVERY:]):.4f} {pace:.2f} s/step, "
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


def _digest(model: RiskEncoder) -> str:
    """A digest of the weights."""
    parts = b"".join(weight.detach().numpy().tobytes() for weight in model.parameters())
    return hashlib.blake2s(parts, digest_size=8).hexdigest()


def _average(averaged: RiskEncoder, model: RiskEncoder, share: float) -> None:
    with torch.no_grad():
        for kept, new in zip(averaged.parameters(), model.parameters(), strict=True):
            kept.lerp_(new, share)
