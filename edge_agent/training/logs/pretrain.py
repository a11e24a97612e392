"""Unlabelled log lines → an encoder that reads log lines, kept in the runs folder. No label ever comes here.

With sentence vectors it learns to give a line, as somebody would mistype it, the vector of the line as it stands
(distillation); its tokens begin as the vectors of their words, cut to the principal directions. Without them it learns
to say which token a mask hides.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from edge_agent.bundle.encode import ZONES, TextEncoder
from edge_agent.training.learning import Checkpoint, Loss, Say, learn
from edge_agent.training.logs.encoder import drawn, pace_of, padded, tokens_of, with_outputs
from edge_agent.training.logs.noise import Noise
from edge_agent.training.logs.sentences import SentenceModel, Vectors
from edge_agent.training.model import RiskEncoder
from edge_agent.training.pretrain import hidden_tokens, mask_of, masked_loss

_RATE: Final = 1.5e-3
_BATCH: Final = 128
_NOISED: Final = 0.3  # share of lines that are read as mistyped
_FRAMED: Final = 3  # leading tokens that every line has: [CLS] log <1h
_SPANS: Final = 0.75  # spans of one to six words per line: shop-floor lines are often no longer
_SPAN_WORDS: Final = 6
_MASKED_OUTPUTS: Final = 2  # of a head that masked tokens do not use; two is the least a head can have


@dataclass(frozen=True, slots=True)
class Corpus:
    """What may be learned from without labels."""

    lines: tuple[str, ...]
    shorthand: Mapping[str, Sequence[str]]
    vectors: Vectors | None  # (len(lines), width) of length 1
    words: Vectors | None  # (vocabulary, width) those of the tokens; None where `vectors` is


def spans_of(lines: Sequence[str], seed: int) -> tuple[str, ...]:
    """The lines and spans of a few words out of them, each once."""
    rng = np.random.default_rng(seed)
    found = list(lines)
    for n in rng.integers(0, len(lines), int(_SPANS * len(lines))).tolist():
        words = lines[n].split(" ")
        count = int(rng.integers(1, min(_SPAN_WORDS, len(words)) + 1))
        start = int(rng.integers(0, len(words) - count + 1))
        found.append(" ".join(words[start : start + count]))
    return tuple(dict.fromkeys(found))


def read_vectors(sentences: SentenceModel, lines: Sequence[str], folder: Path, say: Say) -> Vectors:
    """The sentence vectors of the lines, made once and kept in `folder`, (len(lines), width)."""
    key = hashlib.blake2s("\n".join((sentences.digest, *lines)).encode(), digest_size=8).hexdigest()
    path = folder / f"logs-vectors-{key}.npy"
    if not path.exists():
        say(f"sentence vectors of {len(lines)} texts, kept in {path} ...")
        partial = path.with_name(f"{path.stem}.partial.npy")
        np.save(partial, sentences.vectors(lines).astype(np.float16))
        partial.replace(path)
    stored: Vectors = np.load(path, allow_pickle=False).astype(np.float32)
    return stored


def pretrained(  # noqa: PLR0913 - what is learned from, how long, and where it is kept
    base: RiskEncoder, encoder: TextEncoder, corpus: Corpus, steps: int, seed: int, folder: Path, say: Say
) -> RiskEncoder:
    """The encoder after so many steps on the corpus; read from `folder` where the same call was made before.

    Goes on from a checkpoint there where such a call was interrupted.
    """
    key = _key(base, encoder, corpus, steps, seed)
    path = folder / f"logs-encoder-{key}.pt"
    torch.manual_seed(seed)
    model = with_outputs(base, _MASKED_OUTPUTS if corpus.vectors is None else corpus.vectors.shape[1])
    if path.exists():
        say(f"pre-trained encoder from {path}")
        model.load_state_dict(torch.load(path, weights_only=True))
        return model.eval()
    if corpus.words is not None:
        _begin_with(model, corpus.words)
    checkpoint = Checkpoint(path.with_suffix(".checkpoint"), {"encoder": key})
    learned = _learn(model, encoder, corpus, steps, seed, checkpoint, say)
    partial = path.with_suffix(".partial")
    torch.save(learned.state_dict(), partial)
    partial.replace(path)
    checkpoint.path.unlink()
    return learned


def _begin_with(model: RiskEncoder, words: Vectors) -> None:
    """Set the tokens of language to the principal directions of their words, and the head to lead back from them."""
    shape = model.shape
    directions = np.linalg.svd(words, full_matrices=False)[2][: shape.dim]  # (k, width), k = dim but for huge models
    count = len(directions)
    language = shape.first_ordinal + shape.ordinals + len(ZONES)
    with torch.no_grad():
        model.tokens.weight[language:, :count] = torch.from_numpy(words[language:] @ directions.T)
        model.head.weight.zero_()
        model.head.weight[:, shape.dim : shape.dim + count] = torch.from_numpy(directions.T)


def _learn(  # noqa: PLR0913 - as `pretrained`
    model: RiskEncoder, encoder: TextEncoder, corpus: Corpus, steps: int, seed: int, checkpoint: Checkpoint, say: Say
) -> RiskEncoder:  # fmt: skip
    known = [tokens_of(encoder, line) for line in corpus.lines]
    targets = None if corpus.vectors is None else torch.from_numpy(corpus.vectors)
    what = "masked tokens" if targets is None else "sentence vectors"

    def losses(learning: RiskEncoder, done: int) -> Iterator[Loss]:
        rng = np.random.default_rng(seed + done)
        noise = Noise(corpus.shorthand, rng)
        for rows in drawn(np.array([len(row) for row in known]), _BATCH, rng):
            if targets is None:
                batch = padded([known[n] for n in rows.tolist()], encoder.pad)
                hidden = hidden_tokens(batch.attention_mask, _FRAMED, rng)
                loss = masked_loss(learning, batch, hidden, mask_of(encoder))
            else:
                noised = rng.random(len(rows)) < _NOISED
                read = [
                    tokens_of(encoder, noise.rewritten(corpus.lines[n])) if new else known[n]
                    for n, new in zip(rows.tolist(), noised.tolist(), strict=True)
                ]
                answer = learning(*padded(read, encoder.pad))
                loss = (1.0 - functional.cosine_similarity(answer, targets[torch.from_numpy(rows)])).mean()
            yield Loss(loss, {"loss": loss.item()})

    learned = learn(
        model, pace_of(_RATE, steps), losses, checkpoint, lambda line: say(f"pre-training on {what}: {line}")
    )  # fmt: skip
    return learned.averaged


def _key(base: RiskEncoder, encoder: TextEncoder, corpus: Corpus, steps: int, seed: int) -> str:
    """A name for everything that decides the result."""
    digest = hashlib.blake2s(digest_size=8)
    parts = [asdict(base.shape), steps, seed, _RATE, _BATCH, corpus.lines, sorted(corpus.shorthand.items())]
    digest.update(repr(parts).encode())
    digest.update(encoder.tokenizer.to_str().encode())
    arrays: list[NDArray[np.float32]] = [weight.numpy() for weight in base.state_dict().values()]
    arrays += [part for part in (corpus.vectors, corpus.words) if part is not None]
    for array in arrays:
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
