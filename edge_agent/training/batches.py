"""Examples → padded batches, with augmentation on the level of tokens. numpy only; no torch belongs here.

Augmentation teaches what the agent will meet: other channels, names and orders, no class, no logs. Labels stay.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge_agent.bundle.encode import Ids, Kind, Line, TextEncoder
from edge_agent.core.text import LEVELS, ORDINALS
from edge_agent.training.examples import Examples
from edge_agent.training.runs import UNKNOWN
from edge_agent.training.wordings import FRAME, Wordings

WIDTHS: Final = (64, 96, 128, 160, 192)
_POOL: Final = 8  # batches drawn at once and sorted by length, so that padding is rare


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How far a text is changed before it is learned."""

    jitter: int = 3  # ordinal steps within a scale
    drop: int = 5  # at most so many channels left out
    rename: float = 0.15  # probability that all channels of a text get random names
    rename_one: float = 0.02  # probability that one channel does
    forget_class: float = 0.15  # probability that class word and regime are lost or replaced
    forget_levels: float = 0.08  # probability that all levels become `q?`
    drop_logs: float = 0.15  # probability that the log lines are left out
    logs_only: float = 0.04  # probability that a text with log lines loses all its channels
    reworded: float = 0.0  # probability that the newest log line becomes a real one of the same failure mode


NO_AUGMENTATION: Final = Augmentation(0, 0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
NO_WORDINGS: Final[Wordings] = {}


class Batch(NamedTuple):
    """B padded texts with labels."""

    input_ids: Ids  # (B, T)
    attention_mask: Ids  # (B, T)
    channel_of: Ids  # (B, T)
    risk: NDArray[np.float32]  # (B,) target, perhaps soft
    mode: NDArray[np.int64]  # (B,) index into MODES or UNKNOWN


@dataclass(frozen=True, slots=True)
class Source:
    """Examples with their targets and the share of the batch they get."""

    examples: Examples
    target: NDArray[np.float32]  # (N,)
    share: float


class Augmenter:
    """Changes the lines of texts at random."""

    def __init__(
        self, encoder: TextEncoder, how: Augmentation, rng: np.random.Generator, wordings: Wordings = NO_WORDINGS
    ) -> None:
        self.how = how
        self.rng = rng
        self._wordings = wordings
        tokenizer = encoder.tokenizer
        first = encoder.first_ordinal
        self._unknown = first
        self._levels = (first + 1, first + 1 + len(LEVELS))
        self._zs = (self._levels[1], first + len(ORDINALS))
        past = first + len(ORDINALS)
        self._keep = {i for word in ("cond", "learning") if (i := tokenizer.token_to_id(word)) is not None}
        self._named = range(past + 2, tokenizer.get_vocab_size())

    def lines(self, lines: Sequence[Line], mode: int = UNKNOWN) -> list[Line]:
        """The lines of one text of that failure mode, changed."""
        rng, how = self.rng, self.how
        channels = [line for line in lines if line.kind is Kind.CHANNEL]
        if how.drop and len(channels) > 1:
            keep = len(channels) - min(int(rng.integers(0, how.drop + 1)), len(channels) // 2)
            channels = [channels[i] for i in rng.permutation(len(channels))[:keep]]
        channels = self._values(channels, forget=bool(rng.random() < how.forget_levels))
        chance = 1.0 if rng.random() < how.rename else how.rename_one
        renamed = rng.random(len(channels)) < chance
        channels = [self._rename(line) if new else line for line, new in zip(channels, renamed, strict=True)]
        head = [line for line in lines if line.kind is Kind.HEAD]
        if rng.random() < how.forget_class:
            head = [self._strange_head(line) for line in head]
        no_logs = rng.random() < how.drop_logs
        if not no_logs and rng.random() < how.logs_only and any(line.kind is Kind.LOG for line in lines):
            channels = []
        silent = [line for line in lines if line.kind is Kind.SILENT]
        logs = [] if no_logs else self._told([line for line in lines if line.kind is Kind.LOG], mode)
        return [*head, *channels, *silent, *logs]

    def _told(self, logs: list[Line], mode: int) -> list[Line]:
        """The log lines, newest first; the newest perhaps in the words of a real work order, perhaps alone then."""
        known = self._wordings.get(mode, ())
        if not logs or not known or self.rng.random() >= self.how.reworded:
            return logs
        words = known[int(self.rng.integers(len(known)))]
        newest = Line(Kind.LOG, logs[0].ids[:FRAME] + words)
        return [newest, *logs[1:]] if self.rng.random() < 0.5 else [newest]  # noqa: PLR2004

    def _name(self) -> tuple[int, ...]:
        count = int(self.rng.integers(1, 5))
        return tuple(int(i) for i in self.rng.integers(self._named.start, self._named.stop, count))

    def _strange_head(self, line: Line) -> Line:
        learning = tuple(i for i in line.ids[-1:] if i in self._keep)
        return Line(Kind.HEAD, self._name() + learning)

    def _values(self, lines: Sequence[Line], *, forget: bool) -> list[Line]:
        """The channel lines with jittered ordinals, and perhaps without levels."""
        if not lines:
            return []
        ids = np.concatenate([line.ids for line in lines]).astype(np.int64)
        level = (ids >= self._levels[0]) & (ids < self._levels[1])
        if self.how.jitter:
            z = (ids >= self._zs[0]) & (ids < self._zs[1])
            moved = ids + self.rng.integers(-self.how.jitter, self.how.jitter + 1, len(ids))
            ids = np.where(level, np.clip(moved, self._levels[0], self._levels[1] - 1), ids)
            ids = np.where(z, np.clip(moved, self._zs[0], self._zs[1] - 1), ids)
        if forget:
            ids = np.where(level, self._unknown, ids)
        changed = ids.tolist()
        ends = np.cumsum([len(line.ids) for line in lines]).tolist()
        return [
            Line(Kind.CHANNEL, tuple(changed[end - len(line.ids) : end])) for line, end in zip(lines, ends, strict=True)
        ]

    def _rename(self, line: Line) -> Line:
        start = next((k for k, i in enumerate(line.ids) if self._unknown <= i < self._zs[1]), len(line.ids))
        return Line(Kind.CHANNEL, self._name() + line.ids[start:])


def collate(
    texts: Sequence[Sequence[Line]], encoder: TextEncoder, risk: NDArray[np.float32], mode: NDArray[np.int64]
) -> Batch:
    """The texts as one padded batch."""
    encoded = [encoder.assemble(lines) for lines in texts]
    longest = max(len(ids) for ids, _ in encoded)
    width = next((w for w in WIDTHS if w >= longest), longest)
    arrays = np.zeros((3, len(texts), width), dtype=np.int64)
    arrays[0] = encoder.pad
    for row, (ids, channel_of) in enumerate(encoded):
        arrays[0, row, : len(ids)] = ids
        arrays[1, row, : len(ids)] = 1
        arrays[2, row, : len(ids)] = channel_of
    return Batch(arrays[0], arrays[1], arrays[2], risk, mode)


def stream(  # noqa: PLR0913 - what is drawn from, how, and in whose words
    sources: Sequence[Source], encoder: TextEncoder, size: int, how: Augmentation, seed: int,
    wordings: Wordings = NO_WORDINGS,
) -> Iterator[Batch]:  # fmt: skip
    """Endless augmented batches, drawn from the sources by their shares, alike in length within a batch."""
    rng = np.random.default_rng(seed)
    augmenter = Augmenter(encoder, how, rng, wordings)
    shares = np.array([source.share for source in sources])
    shares = shares / shares.sum()
    while True:
        which = rng.choice(len(sources), size * _POOL, p=shares)
        drawn = [(sources[s], int(rng.integers(len(sources[s].examples)))) for s in which]
        lines = [augmenter.lines(source.examples.lines(n), int(source.examples.mode[n])) for source, n in drawn]
        order = np.argsort([sum(len(line.ids) for line in text) for text in lines], kind="stable")
        for part in rng.permutation(_POOL):
            chosen = order[part * size : (part + 1) * size]
            yield collate(
                [lines[i] for i in chosen], encoder,
                np.array([drawn[i][0].target[drawn[i][1]] for i in chosen], np.float32),
                np.array([drawn[i][0].examples.mode[drawn[i][1]] for i in chosen], np.int64),
            )  # fmt: skip
