"""A model in training: its optimiser, the running average of its weights, and the checkpoint it goes on from.

One loop for every model here; what is learned comes in as a stream of losses. No data set and no shape is known.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

Say = Callable[[str], None]
Model = TypeVar("Model", bound=nn.Module)

_CLIP = 1.0  # norm of the gradient


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long and how fast: AdamW on a one-cycle rate."""

    steps: int
    rate: float  # the highest
    decay: float
    average: float  # share of the new weights in the running average
    warm_up: float = 0.1  # share of the steps in which the rate rises
    said_every: int = 25  # steps


class Loss(NamedTuple):
    """The loss of one step."""

    total: Tensor  # what is learned from, a scalar
    parts: Mapping[str, float]  # its parts by name, to be said


class Learning(Generic[Model]):
    """A model that learns, and what it has become."""

    def __init__(self, model: Model, pace: Pace) -> None:
        self.model = model.train()
        self.averaged = copy.deepcopy(model)
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=pace.rate, weight_decay=pace.decay, fused=True)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer, max_lr=pace.rate, total_steps=pace.steps + 1, pct_start=pace.warm_up
        )
        self.pace = pace
        self.done = 0  # steps
        self.spent_s = 0.0

    def step(self, loss: Tensor) -> None:
        """Learn from the loss of one batch."""
        self.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), _CLIP)
        self.optimizer.step()
        self.schedule.step()
        self.done += 1
        share = max(self.pace.average, 1.0 / self.done)
        with torch.no_grad():
            for kept, new in zip(self.averaged.parameters(), self.model.parameters(), strict=True):
                kept.lerp_(new, share)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A file that a training goes on from, if it is one of the same training."""

    path: Path
    key: Mapping[str, object]  # everything that decides what is learned: plain numbers, words and mappings of them
    every_s: float = 60.0

    def resume(self, learning: Learning[Model]) -> bool:
        """Whether the learning now stands where the file had it; it is left as it was by a file of another key."""
        if not self.path.exists():
            return False
        state = torch.load(self.path, weights_only=True)
        if state["key"] != self.key:
            return False
        learning.model.load_state_dict(state["model"])
        learning.averaged.load_state_dict(state["averaged"])
        learning.optimizer.load_state_dict(state["optimizer"])
        learning.schedule.load_state_dict(state["schedule"])
        learning.done, learning.spent_s = int(state["done"]), float(state["spent"])
        return True

    def write(self, learning: Learning[Model]) -> None:
        """Put down where the learning stands: wholly, or not at all."""
        state = {
            "key": self.key, "done": learning.done, "model": learning.model.state_dict(),
            "averaged": learning.averaged.state_dict(), "optimizer": learning.optimizer.state_dict(),
            "schedule": learning.schedule.state_dict(), "spent": learning.spent_s,
        }  # fmt: skip
        partial = self.path.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(self.path)


def learn(  # noqa: PLR0913 - what learns, how long, from what, and who is told
    model: Model, pace: Pace, losses: Callable[[Model, int], Iterator[Loss]], checkpoint: Checkpoint, say: Say,
    watch: Callable[[int], None] = lambda _done: None,
) -> Learning[Model]:  # fmt: skip
    """The learning after `pace.steps` steps, its average in evaluation mode; it goes on from the checkpoint.

    `losses` is given the model and the steps done before, and yields a loss a step, each of the weights as they then
    are. `watch` is told the steps done.
    """
    learning = Learning(model, pace)
    if checkpoint.resume(learning):
        say(f"resumed at step {learning.done} from {checkpoint.path}")
    before_s, first = learning.spent_s, learning.done
    stream = losses(learning.model, first)
    began = saved = time.monotonic()
    recent: list[Mapping[str, float]] = []
    watch(first)
    while learning.done < pace.steps:
        loss = next(stream)
        learning.step(loss.total)
        recent = [*recent, loss.parts][-pace.said_every :]
        watch(learning.done)
        now, last = time.monotonic(), learning.done == pace.steps
        learning.spent_s = before_s + now - began
        if learning.done % pace.said_every == 0 or last:
            each_s = (now - began) / (learning.done - first)
            shown = " ".join(f"{name} {np.mean([parts[name] for parts in recent]):.4f}" for name in loss.parts)
            say(
                f"step {learning.done}/{pace.steps} {shown} {each_s:.2f} s/step, "
                f"{each_s * (pace.steps - learning.done) / 60:.0f} min left"
            )
        if last or now - saved > checkpoint.every_s:
            saved = now
            checkpoint.write(learning)
    learning.averaged.eval()
    return learning
