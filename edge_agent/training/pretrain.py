"""Windows and log lines without their labels → an encoder that has read: it says which token a mask hides.

The first stage of a training, before anything is taught. Values, names and words of the log are hidden alike; the table
of tokens is also the output, so that no weight is learned that is not served. Heads and labels are not used here.
Source: Devlin et al. 2019, without their exchanged and unchanged tokens.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from edge_agent.bundle.encode import MASK, TextEncoder
from edge_agent.training.batches import Augmentation, Source, stream
from edge_agent.training.learning import Checkpoint, Loss, Pace, Say, learn
from edge_agent.training.logs.encoder import TokenBatch, drawn, padded, tokens_of
from edge_agent.training.model import RiskEncoder, Shape

_HIDDEN: Final = 0.15  # share of tokens behind a mask
_FRAMED: Final = 1  # leading tokens that every text has: [CLS]
_LINES_EVERY: Final = 4  # of so many batches one is of log lines alone, where there are any
_READ: Final = Augmentation(
    jitter=0, drop=3, rename=0.0, rename_one=0.0, forget_class=0.05, forget_levels=0.04, drop_logs=0.0, logs_only=0.05
)  # nothing is drawn that nobody could guess


@dataclass(frozen=True, slots=True, kw_only=True)
class Pretraining:
    """How long and how fast to read."""

    steps: int
    batch: int = 128
    rate: float = 1e-3
    decay: float = 0.01
    average: float = 0.005  # share of the new weights in the running average
    seed: int = 1


class Read(NamedTuple):
    """An encoder that has read, its risk head as it was drawn, and what it cost."""

    model: RiskEncoder
    seconds: float


def pretrain(  # noqa: PLR0913 - what is read, by what, how long, and where it is kept
    sources: Sequence[Source], lines: Sequence[str], encoder: TextEncoder, shape: Shape, recipe: Pretraining,
    checkpoint: Path, say: Say, watch: Callable[[int], None] = lambda _done: None,
) -> Read:  # fmt: skip
    """The averaged encoder after `recipe.steps` steps on the windows and on the cleaned log lines.

    Goes on from `checkpoint` where it is there and of the same shape, recipe and lines. `watch` is told the steps done.

    Raises:
        ValueError: the tokenizer has no token that hides others.
    """
    torch.manual_seed(recipe.seed)
    pace = Pace(steps=recipe.steps, rate=recipe.rate, decay=recipe.decay, average=recipe.average)
    read = hashlib.blake2s("\n".join(lines).encode(), digest_size=8).hexdigest()
    key = {"shape": asdict(shape), "recipe": asdict(recipe), "lines": read}
    mask = mask_of(encoder)

    def losses(learning: RiskEncoder, done: int) -> Iterator[Loss]:
        rng = np.random.default_rng(recipe.seed + done)
        for batch in _batches(sources, lines, encoder, recipe, done):
            hidden = hidden_tokens(batch.attention_mask, _FRAMED, rng)
            with torch.autocast("cpu", torch.bfloat16):
                loss = masked_loss(learning, batch, hidden, mask)
            yield Loss(loss, {"masked tokens": loss.item()})

    learned = learn(RiskEncoder(shape), pace, losses, Checkpoint(checkpoint, key), say, watch)
    return Read(learned.averaged, learned.spent_s)


def mask_of(encoder: TextEncoder) -> int:
    """The id of the token that hides others.

    Raises:
        ValueError: the tokenizer has none.
    """
    found = encoder.tokenizer.token_to_id(MASK)
    if found is None:
        message = f"the tokenizer has no token {MASK}"
        raise ValueError(message)
    return int(found)


def hidden_tokens(attention_mask: Tensor, framed: int, rng: np.random.Generator) -> Tensor:
    """Which tokens of a batch are hidden, (B, T) bool: none of the `framed` first, no padding, at least one in all."""
    hidden = torch.from_numpy(rng.random(tuple(attention_mask.shape)) < _HIDDEN)
    hidden &= attention_mask.bool()
    hidden[:, :framed] = False
    if not bool(hidden.any()):
        hidden[0, attention_mask[0].sum() - 1] = True
    return hidden


def masked_loss(model: RiskEncoder, batch: TokenBatch, hidden: Tensor, mask: int) -> Tensor:
    """Cross entropy of the hidden tokens, a scalar."""
    shown = batch.input_ids.masked_fill(hidden, mask)
    logits = model.states(*batch, shown)[hidden] @ model.tokens.weight.T
    return functional.cross_entropy(logits.float(), batch.input_ids[hidden])


def _batches(
    sources: Sequence[Source], lines: Sequence[str], encoder: TextEncoder, recipe: Pretraining, done: int
) -> Iterator[TokenBatch]:
    """Endless batches of windows, and of log lines in between."""
    seed = recipe.seed + done
    windows = stream(sources, encoder, recipe.batch, _READ, seed)
    known = [tokens_of(encoder, line) for line in lines]
    rows = drawn(np.array([len(row) for row in known]), recipe.batch, np.random.default_rng(seed))
    for step in itertools.count(done + 1):
        if known and step % _LINES_EVERY == 0:
            yield padded([known[n] for n in next(rows).tolist()], encoder.pad)
        else:
            yield TokenBatch(*(torch.from_numpy(part) for part in next(windows)[:3]))
