"""One risk verdict: text in, calibrated scores out, batch 1, one thread. No text comes twice: nothing is cached."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from statistics import median

import numpy as np

from bench.distilbert import VOCABULARY, write_distilbert
from bench.figures import Figure, UnmeasuredError, spread
from bench.site import Setting
from bench.texts import texts
from edge_agent.bundle.classify import OnnxRiskModel, open_session
from edge_agent.bundle.load import default_bundle, load_bundle

BENCH = "verdict"
TOKENS = 96
TEXTS = (400, 30)  # full and quick
MACHINES = (30, 3)  # whose texts they are
WARM = 20  # runs before the clock
BUDGET = 0.1  # of the time of DistilBERT


def measure(setting: Setting) -> tuple[list[Figure], list[str]]:
    """Time of a verdict at the bundle's own median text and at 96 tokens, and its share of DistilBERT's."""
    bundle = load_bundle(default_bundle())
    model, wanted = bundle.risk, setting.size(*TEXTS)
    sized = sorted((_tokens(model, text), text) for text in set(texts(bundle, setting.size(*MACHINES))))
    first = max(len(sized) // 2 - wanted // 2, 0)
    typical = sized[first : first + wanted]
    long = [(tokens, text) for tokens, text in sized if tokens <= TOKENS][-wanted:]  # the agent pads them to 96
    whole = [text for _, text in long]
    how = f"texts of {long[0][0]} to {long[-1][0]} tokens, padded to {TOKENS} as in service"
    median_tokens = sized[len(sized) // 2][0]
    lengths = f"texts of {typical[0][0]} to {typical[-1][0]} tokens, as the agent encodes them"
    [usual] = _timed([model.score], [text for _, text in typical])
    figures = spread(BENCH, f"median text, {median_tokens} tokens", usual, lengths)
    try:
        yardstick = _distilbert(setting)
    except UnmeasuredError as reason:
        [ours] = _timed([model.score], whole)
        return figures + spread(BENCH, f"T={TOKENS}", ours, how), [str(reason)]
    ours, theirs = _timed([model.score, yardstick], whole)
    figures += spread(BENCH, f"T={TOKENS}", ours, f"{how}, tokenizer included")
    figures += spread(
        BENCH, f"DistilBERT-base int8, T={TOKENS}", theirs, "texts, without its tokenizer, in turn with ours"
    )
    share = median(ours) / median(theirs)
    figures.append(
        Figure(bench=BENCH, name="share of DistilBERT-base int8", value=share, budget=BUDGET, how="of the medians")
    )
    return figures, []


def _tokens(model: OnnxRiskModel, text: str) -> int:
    return len(model.encoder.assemble(model.encoder.lines(text))[0])


def _distilbert(setting: Setting) -> Callable[[str], object]:
    """A run of the yardstick on random ids.

    Raises:
        UnmeasuredError: it cannot be made here.
    """
    session = open_session(write_distilbert(setting.new("distilbert")))
    ids = np.random.default_rng(2).integers(0, VOCABULARY, (1, TOKENS))
    given = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
    return lambda _text: session.run(None, given)


def _timed(calls: Sequence[Callable[[str], object]], texts: Sequence[str]) -> list[list[float]]:
    """Seconds of each call on each text, the calls in turn, so that a busy moment hits all of them."""
    for text in texts[:WARM]:
        for call in calls:
            call(text)
    taken: list[list[float]] = [[] for _ in calls]
    for text in texts:
        for call, seconds in zip(calls, taken, strict=True):
            began = time.perf_counter()
            call(text)
            seconds.append(time.perf_counter() - began)
    return taken
