"""A fold's labelled lines, and lines a teacher has judged → an encoder that tells the classes apart.

The teacher has seen the fold's training rows only. What it says of unlabelled lines is learned beside the labels
themselves, because a few hundred rows are too few for a network that reads words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch.nn import functional

from edge_agent.bundle.encode import TextEncoder
from edge_agent.training.learning import Learning
from edge_agent.training.logs.data import Indices
from edge_agent.training.logs.encoder import drawn, pace_of, padded, tokens_of, with_outputs
from edge_agent.training.logs.noise import Noise
from edge_agent.training.model import RiskEncoder
from edge_agent.training.scoring import Floats

_RATE: Final = 1e-3
_BATCH: Final = 96
_OWN: Final = 0.4  # share of a batch that has labels, where there are judged lines
_NOISED_OWN: Final = 0.4  # share of the labelled lines that are read as mistyped
_NOISED_OTHERS: Final = 0.2
_TRUST: Final = 0.5  # weight of the label beside the teacher's word on a labelled row


@dataclass(frozen=True, slots=True)
class Lesson:
    """What one fold's encoder learns from."""

    own: tuple[str, ...]  # labelled lines
    label: Indices  # (own,)
    told: Floats  # (own, classes) the teacher's probabilities
    others: tuple[str, ...]  # unlabelled lines, none of them a line to be judged on
    judged: Floats  # (others, classes) the teacher's probabilities
    shorthand: Mapping[str, Sequence[str]]


def taught(start: RiskEncoder, encoder: TextEncoder, lesson: Lesson, steps: int, seed: int) -> RiskEncoder:
    """The encoder after so many steps on the lesson, from the weights of `start` with a fresh head."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    classes = lesson.told.shape[1]
    noise = Noise(lesson.shorthand, rng)
    own = _TRUST * np.eye(classes)[lesson.label] + (1.0 - _TRUST) * lesson.told
    learning = Learning(with_outputs(start, classes), pace_of(_RATE, steps))
    size = round(_OWN * _BATCH) if lesson.others else _BATCH
    first = _rows(encoder, lesson.own, size, rng)
    second = _rows(encoder, lesson.others, _BATCH - size, rng) if lesson.others else None
    for _ in range(steps):
        rows = next(first)
        lines = _read(lesson.own, rows, _NOISED_OWN, noise, rng)
        target = own[rows]
        if second is not None:
            more = next(second)
            lines += _read(lesson.others, more, _NOISED_OTHERS, noise, rng)
            target = np.concatenate([target, lesson.judged[more]])
        logits = learning.model(*padded([tokens_of(encoder, line) for line in lines], encoder.pad))
        learning.step(functional.cross_entropy(logits, torch.from_numpy(target.astype(np.float32))))
    return learning.averaged.eval()


def _rows(encoder: TextEncoder, lines: Sequence[str], size: int, rng: np.random.Generator) -> Iterator[Indices]:
    return drawn(np.array([len(tokens_of(encoder, line)) for line in lines]), size, rng)


def _read(lines: Sequence[str], rows: Indices, share: float, noise: Noise, rng: np.random.Generator) -> list[str]:
    """The chosen lines, a share of them as mistyped."""
    mistyped = rng.random(len(rows)) < share
    return [
        noise.rewritten(lines[n]) if new else lines[n] for n, new in zip(rows.tolist(), mistyped.tolist(), strict=True)
    ]
