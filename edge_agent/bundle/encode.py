"""Text → token ids and channel binding: what the risk model reads. Training encodes by it too.

`channel_of` holds, for each token of a channel line, the position of the line's first token, and 0 elsewhere: the model
adds the embedding of the channel's name to every value by it. A text that is too long loses its dullest channel lines
(they come last), never its newest log line: `LOG_TOKENS` are kept for logs.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from edge_agent.core.text import LEVELS, ORDINALS
from edge_agent.errors import BundleError

Ids = NDArray[np.int64]

BUCKETS: Final = (32, 64, 96, 128, 160, 192)  # padded lengths: fixed shapes keep int8 results and memory stable
LOG_TOKENS: Final = 32
_MOST_WORDS: Final = 4096  # whose tokens are kept
PAD, CLS, SEP, UNK, MASK = "[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"
SPECIAL: Final = (PAD, CLS, SEP, UNK, MASK)
ZONES: Final = ("warning", "alarm")
LOG: Final = "log"
SILENT: Final = "silent"


class Kind(IntEnum):
    """What a line of the text is."""

    HEAD = 0
    CHANNEL = 1
    SILENT = 2
    LOG = 3


_CHANNEL: Final = Kind.CHANNEL
_PLACE: Final = {Kind.HEAD: 0, Kind.SILENT: 1, Kind.LOG: 2}  # of what is no channel line


class Line(NamedTuple):
    """One line of the text in tokens."""

    kind: Kind
    ids: tuple[int, ...]


class Encoded(NamedTuple):
    """What a session is fed, (1, T) each."""

    input_ids: Ids
    attention_mask: Ids
    channel_of: Ids


class _Words(dict[str, tuple[int, ...]]):
    """The tokens of words, each with the same blank before it; kept, since a machine's texts are of few words.

    What is empty or holds a blank is no word: a KeyError.
    """

    def __init__(self, tokenizer: Tokenizer, blank: str) -> None:
        super().__init__()
        self._tokenizer, self._blank = tokenizer, blank

    def __missing__(self, word: str) -> tuple[int, ...]:
        if word.split() != [word]:
            raise KeyError(word)
        if len(self) >= _MOST_WORDS:
            self.clear()
        ids = self[word] = tuple(self._tokenizer.encode(self._blank + word, add_special_tokens=False).ids)
        return ids


class TextEncoder:
    """Encodes texts for one bundle. `bound` is whether its model takes the channel binding."""

    def __init__(self, tokenizer: Tokenizer, buckets: Sequence[int] = BUCKETS, *, bound: bool = True) -> None:
        self.tokenizer = tokenizer
        self.buckets = tuple(sorted(buckets))
        self.bound = bound
        self.pad = self._id(PAD, 0)
        self._cls = self._id(CLS, 0)
        self._log, self._silent = self._id(LOG, -1), self._id(SILENT, -1)
        self.first_ordinal = self._id(ORDINALS[0], -1)
        self._past_ordinals = self.first_ordinal + len(ORDINALS)
        self._first, self._later = _Words(tokenizer, ""), _Words(tokenizer, " ")
        self._blank = tokenizer.encode(" ", add_special_tokens=False).ids
        self._levels = frozenset(range(self.first_ordinal + 1, self.first_ordinal + 1 + len(LEVELS)))
        if bound and self._id(ORDINALS[-1], -1) != self._past_ordinals - 1:
            raise BundleError(
                f"the tokenizer does not hold the {len(ORDINALS)} ordinal words of the text in one block",
                hint="train the bundle anew with this version: edge-agent train base",
            )

    def _id(self, word: str, default: int) -> int:
        found = self.tokenizer.token_to_id(word)
        return default if found is None else int(found)

    def lines(self, text: str) -> list[Line]:
        """The text line by line in tokens."""
        try:
            ids = self._by_words(text)
        except KeyError:
            ids = self._by_offsets(text)
        return [Line(self._kind(k, line), tuple(line)) for k, line in enumerate(ids) if line]

    def _by_words(self, text: str) -> list[list[int]]:
        """Token ids of each line, word by word: no token reaches over a blank but to take in the one before it.

        Raises:
            KeyError: there is more between two words than one blank or line break, or any around the text.
        """
        start, *lines = text.split("\n")
        first, *words = start.split(" ")
        spelled, flat = self._later.__getitem__, itertools.chain.from_iterable
        ids = [list(flat(map(spelled, line.split(" ")))) for line in lines]
        ids.insert(0, [*self._first[first], *flat(map(spelled, words))])
        for line, following in itertools.pairwise(ids):
            if following and following[:1] == self._blank:  # as by offsets, and as models learned: it ends at its break
                line.append(following.pop(0))
        return ids

    def _by_offsets(self, text: str) -> list[list[int]]:
        """Token ids of each line, of any text."""
        encoding = self.tokenizer.encode(text, add_special_tokens=False)
        breaks = np.array([i for i, c in enumerate(text) if c == "\n"])
        ends = np.array([end for _, end in encoding.offsets], dtype=np.int64)
        number = np.searchsorted(breaks, ends - 1)  # (tokens,) a token may begin with the line break before it
        ids: list[list[int]] = [[] for _ in range(len(breaks) + 1)]
        for token, line in zip(encoding.ids, number.tolist(), strict=True):
            ids[line].append(token)
        return ids

    def _kind(self, number: int, ids: Sequence[int]) -> Kind:
        if number == 0:
            return Kind.HEAD
        if ids[0] == self._log:
            return Kind.LOG
        if ids[0] == self._silent:
            return Kind.SILENT
        low, high = self.first_ordinal, self._past_ordinals
        return Kind.CHANNEL if low <= ids[-1] < high or any(low <= i < high for i in ids) else Kind.LOG

    def assemble(self, lines: Sequence[Line]) -> tuple[list[int], list[int]]:
        """Token ids and channel binding of the lines, cut to the longest bucket, not padded."""
        limit = self.buckets[-1]
        channels: list[tuple[int, ...]] = []
        others: tuple[list[int], list[int], list[int]] = ([self._cls], [], [])
        for kind, tokens in lines:
            if kind == _CHANNEL:
                channels.append(tokens)
            else:
                others[_PLACE[kind]].extend(tokens)
        head, silent, logs = others
        head = head[: limit - LOG_TOKENS]
        silent = silent[: limit - LOG_TOKENS - len(head)]
        used = len(head) + len(silent)
        logs = logs[: max(LOG_TOKENS, limit - used - sum(map(len, channels)))]
        used += len(logs)
        ids, channel_of = head, [0] * len(head)
        for channel in channels:
            if used + len(channel) > limit:
                break
            used += len(channel)
            channel_of += [len(ids)] * len(channel)
            ids += channel
        rest = silent + logs
        return ids + rest, channel_of + [0] * len(rest)

    def encode(self, text: str) -> Encoded:
        """The text padded to the shortest bucket that holds it."""
        if self.bound:
            return self.padded(*self.assemble(self.lines(text)))
        ids = self.tokenizer.encode(text).ids[: self.buckets[-1]]
        return self.padded(ids, [0] * len(ids))

    def stranger(self, ids: Ids) -> bool:
        """Whether a text states no level but `q?`: nothing is known of its class. Joint channels have none in any."""
        said = ids.ravel().tolist()
        return self.bound and self.first_ordinal in said and self._levels.isdisjoint(said)

    def padded(self, ids: Sequence[int], channel_of: Sequence[int]) -> Encoded:
        """Token ids and binding as one row, padded to the shortest bucket that holds them."""
        width = next(bucket for bucket in self.buckets if bucket >= len(ids))
        out = np.zeros((3, 1, width), dtype=np.int64)
        out[0, 0] = self.pad
        out[0, 0, : len(ids)] = ids
        out[1, 0, : len(ids)] = 1
        out[2, 0, : len(ids)] = channel_of
        return Encoded(out[0], out[1], out[2])


def read_tokenizer(path: Path) -> Tokenizer:
    """The tokenizer of a bundle, without truncation or padding of its own.

    Raises:
        BundleError: the file is no tokenizer.
    """
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises bare Exception
        raise BundleError(f"{path} is no tokenizer: {error}", hint="the bundle is damaged: install it again") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer
