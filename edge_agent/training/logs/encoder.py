"""Log lines for the small encoder: tokens as the agent shows a line, batches by length, and its answers in int8.

What it learns from stands in `logs_pretrain` and `logs_student`; this is what both share. A class's logit stands where
the bundle has risk and failure modes: an encoder for C classes has the same graph with C outputs.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edge_agent.bundle.classify import open_session
from edge_agent.bundle.encode import Kind, Line, TextEncoder
from edge_agent.core.text import AGES
from edge_agent.training.export import quantize
from edge_agent.training.learning import Pace
from edge_agent.training.model import RiskEncoder
from edge_agent.training.scoring import Floats
from edge_agent.training.served import write_served

Tokens = tuple[int, ...]

_POOL: Final = 8  # batches drawn at once and sorted by length, so that padding is rare
_ROWS: Final = 128  # at once, when nothing is learned
_AVERAGE: Final = 0.02  # share of the new weights in the running average
_DECAY: Final = 0.01
_SAID_EVERY: Final = 100  # steps


class TokenBatch(NamedTuple):
    """B padded lines."""

    input_ids: Tensor  # (B, T)
    attention_mask: Tensor  # (B, T)
    channel_of: Tensor  # (B, T), all 0: a log line binds to no channel


def tokens_of(encoder: TextEncoder, text: str) -> Tokens:
    """The token ids of one cleaned line, as a text of the agent quotes it."""
    ids = encoder.tokenizer.encode(f"log {AGES[0][1]} {text}", add_special_tokens=False).ids
    assembled, _ = encoder.assemble([Line(Kind.LOG, tuple(ids))])
    return tuple(assembled)


def padded(rows: Sequence[Tokens], pad: int) -> TokenBatch:
    """Token rows as one batch."""
    ids = np.full((len(rows), max(map(len, rows))), pad, dtype=np.int64)
    visible = np.zeros_like(ids)
    for number, row in enumerate(rows):
        ids[number, : len(row)] = row
        visible[number, : len(row)] = 1
    return TokenBatch(torch.from_numpy(ids), torch.from_numpy(visible), torch.from_numpy(np.zeros_like(ids)))


def drawn(lengths: NDArray[np.int64], size: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Endless batches of row numbers, rows of one batch alike in length."""
    while True:
        pool = rng.integers(0, len(lengths), size * _POOL)
        pool = pool[np.argsort(lengths[pool], kind="stable")]
        for part in rng.permutation(_POOL):
            yield pool[part * size : (part + 1) * size]


def with_outputs(model: RiskEncoder, outputs: int) -> RiskEncoder:
    """A copy of the encoder with a fresh head of so many outputs."""
    shape = replace(model.shape, labels=outputs - 1)
    out = RiskEncoder(shape)
    kept = {name: weight for name, weight in model.state_dict().items() if not name.startswith("head.")}
    out.load_state_dict(kept, strict=False)
    return out


def pace_of(rate: float, steps: int) -> Pace:
    """How an encoder of log lines learns."""
    return Pace(steps=steps, rate=rate, decay=_DECAY, average=_AVERAGE, said_every=_SAID_EVERY)


def probabilities(model: RiskEncoder, encoder: TextEncoder, texts: Sequence[str]) -> Floats:
    """The float encoder's probability of every class, (len(texts), classes)."""
    rows = [tokens_of(encoder, text) for text in texts]
    with torch.no_grad():
        parts = [
            model(*padded(rows[start : start + _ROWS], encoder.pad)).numpy() for start in range(0, len(rows), _ROWS)
        ]
    return softmax(np.concatenate(parts).astype(np.float64))


def int8_probabilities(model: RiskEncoder, encoder: TextEncoder, texts: Sequence[str]) -> Floats:
    """As `probabilities`, of the int8 form at batch 1 in the buckets of the bundle: what would serve."""
    return softmax(int8_outputs(model, encoder, texts))


def int8_outputs(model: RiskEncoder, encoder: TextEncoder, texts: Sequence[str]) -> Floats:
    """What the head of the int8 form gives, text by text, (len(texts), outputs)."""
    with tempfile.TemporaryDirectory() as folder:
        whole, small = Path(folder) / "float.onnx", Path(folder) / "int8.onnx"
        write_served(model, whole)
        quantize(whole, small, per_channel=True)
        session = open_session(small)
        answers = []
        for text in texts:
            ids = tokens_of(encoder, text)
            given = encoder.padded(ids, [0] * len(ids))._asdict()
            answers.append(np.asarray(session.run(["logits"], given)[0], dtype=np.float64)[0])
    return np.stack(answers)


def softmax(logits: Floats) -> Floats:
    """Logits → probabilities, row by row."""
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    out: Floats = shares / shares.sum(axis=1, keepdims=True)
    return out
