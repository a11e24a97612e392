"""The report model: facts → a summary by onnxruntime, word by word, never outside the grammar of the facts.

The decoder has Hugging Face's names (`input_ids, attention_mask, position_ids?, past_key_values.N.key/value → logits,
present.N.key/value`); greedy, batch 1, one thread. Where the grammar leaves no choice the model is not asked: such
words are read by it together with the next one that is chosen.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge_agent.bundle.classify import open_session
from edge_agent.bundle.encode import read_tokenizer
from edge_agent.bundle.manifest import REPORT, REPORT_TOKENS
from edge_agent.core.facts import Facts
from edge_agent.core.report import NEEDED, UNKNOWN, Told, grammar_of, prompt, tell
from edge_agent.errors import BundleError

LONGEST: Final = 192  # tokens of prompt and summary
_PAST = re.compile(r"past_key_values\.\d+\.(?:key|value)")

Cache = list[NDArray[np.float32]]


class Writing(NamedTuple):
    """What a decoder wrote."""

    tokens: tuple[str, ...]
    margin: float  # logits between a chosen word and the next best, where it was closest


class OnnxReportModel:
    """A `ports.ReportModel` that writes with a decoder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / REPORT
        self._session = open_session(self._path)
        inputs = {entry.name: entry.shape for entry in self._session.get_inputs()}
        self._past = [name for name in inputs if _PAST.fullmatch(name)]
        unknown = set(inputs) - {"input_ids", "attention_mask", "position_ids", *self._past}
        outputs = ["logits", *(name.replace("past_key_values", "present") for name in self._past)]
        absent = {"input_ids", "attention_mask"} - set(inputs) | set(outputs) - {
            entry.name for entry in self._session.get_outputs()
        }
        if unknown or absent or not self._past:
            raise BundleError(
                f"{self._path} has inputs {', '.join(inputs)} and lacks {', '.join(sorted(absent)) or 'nothing'}",
                hint="a report model takes input_ids, attention_mask, perhaps position_ids, and past_key_values.N.key "
                "and .value, and answers logits and present.N.key and .value",
            )
        self._outputs = outputs
        self._positions = "position_ids" in inputs
        self._empty = [np.zeros((1, inputs[name][1], 0, inputs[name][3]), np.float32) for name in self._past]
        tokenizer = read_tokenizer(folder / REPORT_TOKENS)
        self._ids = tokenizer.get_vocab()
        missing = [word for word in NEEDED if word not in self._ids]
        if missing:
            raise BundleError(
                f"{folder / REPORT_TOKENS} lacks {len(missing)} words of the summaries, {missing[0]!r} first",
                hint="train the report model anew with this version: edge-agent train report",
            )
        self._unknown = self._ids[UNKNOWN]

    def summarise(self, facts: Facts) -> str | None:
        """The summary of the facts; None where the model found none, and the template must speak.

        Raises:
            BundleError: the model answered something that is no number.
        """
        told = self.tell(facts)
        return None if told is None else told.text

    def tell(self, facts: Facts, give_way: Callable[[], None] = lambda: None) -> Told | None:
        """The summary of the facts with its frame; None where the model found none, and the template must speak.

        Raises:
            BundleError: the model answered something that is no number.
        """
        return tell(self.write(facts, give_way).tokens, facts)

    def write(self, facts: Facts, give_way: Callable[[], None] = lambda: None) -> Writing:
        """The words and slots of a summary, before they are filled; cut short where no whole one is possible."""
        grammar = grammar_of(facts)
        unread = [self._ids.get(word, self._unknown) for word in prompt(facts)]
        cache, state = self._empty, grammar.start
        said: list[str] = []
        margin = math.inf
        while not state.done:
            give_way()
            allowed = sorted(grammar.allowed(state))
            if not allowed or cache[0].shape[2] + len(unread) >= LONGEST:
                break
            word = allowed[0]
            if len(allowed) > 1:
                logits, cache = self._read(unread, cache)
                unread = []
                word, clear_by = _chosen({one: float(logits[self._ids[one]]) for one in allowed})
                margin = min(margin, clear_by)
            said.append(word)
            unread.append(self._ids[word])
            state = grammar.advance(state, word)
        return Writing(tuple(said), margin)

    def _read(self, ids: Sequence[int], cache: Cache) -> tuple[NDArray[np.float32], Cache]:
        """The logits after these tokens, (vocabulary,), and the cache grown by them."""
        past = cache[0].shape[2]
        given: dict[str, NDArray[np.int64] | NDArray[np.float32]] = {
            "input_ids": np.array([ids], np.int64),
            "attention_mask": np.ones((1, past + len(ids)), np.int64),
            **dict(zip(self._past, cache, strict=True)),
        }
        if self._positions:
            given["position_ids"] = np.arange(past, past + len(ids), dtype=np.int64)[None]
        logits, *grown = self._session.run(self._outputs, given)
        last: NDArray[np.float32] = np.asarray(logits)[0, -1]
        if not np.isfinite(last).all():
            raise BundleError(f"{self._path}: the model answered NaN", hint="do not use this bundle: install another")
        return last, grown


def _chosen(logits: Mapping[str, float]) -> tuple[str, float]:
    """The word of the highest logit and how clearly it won; whether a channel is named goes before which one.

    Several channels that are each a little less likely than the end of a list may together be far likelier than it.
    """
    channels = {word: logit for word, logit in logits.items() if word[:2] == "<S"}
    others = {word: logit for word, logit in logits.items() if word not in channels}
    clear_by = math.inf
    if channels and others:
        for_channels, for_others = _together(channels), _together(others)
        clear_by = abs(for_channels - for_others)
        logits = channels if for_channels > for_others else others
    ranked = sorted(((logit, word) for word, logit in logits.items()), reverse=True)
    if len(ranked) > 1:
        clear_by = min(clear_by, ranked[0][0] - ranked[1][0])
    return ranked[0][1], clear_by


def _together(logits: Mapping[str, float]) -> float:
    """The logit of any of the words: log of the sum of exponentials."""
    most = max(logits.values())
    return most + math.log(sum(math.exp(logit - most) for logit in logits.values()))
