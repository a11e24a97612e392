"""Labelled log lines → what plain methods, our encoder and their average make of lines they were not trained on.

Per fold: a teacher learns the fold's training rows and judges unlabelled lines; the encoder learns from both. It starts
from the bundle and from pre-training without labels, so no label of the set is in it. Unlabelled lines that are also
lines to be answered are not judged by the teacher. Where the pre-trained encoder gives vectors, lines are also judged
by how near they are to the training rows.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch

from edge_agent.bundle.encode import TextEncoder
from edge_agent.training import corpus
from edge_agent.training.learning import Say
from edge_agent.training.logs.data import Fold, LabelledTexts
from edge_agent.training.logs.encoder import int8_outputs, int8_probabilities, probabilities
from edge_agent.training.logs.kernel import KernelModel
from edge_agent.training.logs.ngrams import NgramModel, majority
from edge_agent.training.logs.noise import Noise
from edge_agent.training.logs.pretrain import Corpus, pretrained, read_vectors, spans_of
from edge_agent.training.logs.scores import Result, score
from edge_agent.training.logs.sentences import SentenceModel
from edge_agent.training.logs.student import Lesson, taught
from edge_agent.training.model import RiskEncoder
from edge_agent.training.scoring import Floats

MAJORITY: Final = "commonest class"
NGRAMS: Final = "character n-grams"
ENCODER: Final = "our encoder"
INT8: Final = "our encoder, int8"
BOTH: Final = "average of int8 and n-grams"
NEAREST: Final = "nearness by n-grams and int8 vectors"
ALL: Final = "average of nearness and int8"
_START_SEED: Final = 0  # of spans and pre-training: one start serves the folds of every seed
_COPIES: Final = 8  # mistyped copies of every training row where there are no unlabelled lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How long to learn."""

    pretraining: int  # steps, once
    steps: int  # per fold
    seed: int = 0  # of what is drawn per fold


@dataclass(frozen=True, slots=True)
class Start:
    """What every fold starts from; nothing in it has seen a label of the set."""

    model: RiskEncoder
    encoder: TextEncoder
    corpus: Corpus
    sentences: SentenceModel | None
    gives_vectors: bool = False  # whether the model has learned to give a line its sentence vector


def read_corpus(
    data: Path | None, encoder: TextEncoder, sentences: SentenceModel | None, folder: Path, say: Say
) -> Corpus:
    """The unlabelled lines of a data folder with their sentence vectors; empty without a folder."""
    lines = () if data is None else corpus.read_lines(data)
    if data is None or not lines:
        return Corpus((), {}, None, None)
    lines = spans_of(lines, _START_SEED)
    shorthand = corpus.read_shorthand(data)
    if sentences is None:
        return Corpus(lines, shorthand, None, None)
    tokens = [encoder.tokenizer.decode([i]) for i in range(encoder.tokenizer.get_vocab_size())]
    words = read_vectors(sentences, tokens, folder, say)
    return Corpus(lines, shorthand, read_vectors(sentences, lines, folder, say), words)


def prepare(  # noqa: PLR0913 - what to start from, what to learn from, and where it is kept
    base: RiskEncoder, encoder: TextEncoder, data: Path | None, sentences: SentenceModel | None, effort: Effort,
    folder: Path, say: Say,
) -> Start:  # fmt: skip
    """The start of all folds: the bundle's encoder, pre-trained on the unlabelled lines of `data`."""
    torch.set_num_threads(1)  # lines are short: a second thread costs more than it brings
    folder.mkdir(parents=True, exist_ok=True)
    found = read_corpus(data, encoder, sentences, folder, say)
    if found.lines and effort.pretraining:
        base = pretrained(base, encoder, found, effort.pretraining, _START_SEED, folder, say)
        return Start(base, encoder, found, sentences, gives_vectors=found.vectors is not None)
    return Start(base, encoder, found, sentences)


def evaluate(  # noqa: PLR0913 - what is judged, how it is parted, and from what start
    data: LabelledTexts, folds: Sequence[Fold], protocol: str, start: Start, effort: Effort, say: Say
) -> Result:  # fmt: skip
    """The result over all rows that a fold judges."""
    vectors = int8_outputs(start.model, start.encoder, data.texts) if start.gives_vectors else None
    answers: dict[str, Floats] = {}
    for number, fold in enumerate(folds, start=1):
        began = time.monotonic()
        for name, shares in _judge(data, fold, vectors, start, effort).items():
            answers.setdefault(name, np.zeros((len(data), len(data.classes))))[fold.test] = shares
        shown = [name for name in (NGRAMS, INT8, BOTH, NEAREST, ALL) if name in answers]
        right = ", ".join(f"{name} {_right(data, fold, answers[name]):.3f}" for name in shown)
        say(f"fold {number}/{len(folds)}: {len(fold.test)} rows, right: {right}; {time.monotonic() - began:.0f} s")
    judged = np.sort(np.concatenate([fold.test for fold in folds]))
    rows = score({name: shares[judged] for name, shares in answers.items()}, data.label[judged], NGRAMS)
    return Result(protocol, len(judged), len(data.classes), rows, (*data.notes, *_said(start, effort)))


def _right(data: LabelledTexts, fold: Fold, shares: Floats) -> float:
    """Share of the judged rows whose likeliest class is theirs."""
    return float(np.mean(shares[fold.test].argmax(axis=1) == data.label[fold.test]))


def _judge(data: LabelledTexts, fold: Fold, vectors: Floats | None, start: Start, effort: Effort) -> dict[str, Floats]:
    """The probabilities of every method for the rows to be judged, (rows, classes) each."""
    own = tuple(data.texts[n] for n in fold.train.tolist())
    asked = tuple(data.texts[n] for n in fold.test.tolist())
    label, classes = data.label[fold.train], len(data.classes)
    grams = NgramModel(own, label, classes)
    plain = grams.probabilities(asked)
    model = taught(start.model, start.encoder, _lesson(data, fold, start, effort), effort.steps, effort.seed)
    int8 = int8_probabilities(model, start.encoder, asked)
    answers = {
        MAJORITY: majority(label, classes, len(asked)),
        NGRAMS: plain,
        ENCODER: probabilities(model, start.encoder, asked),
        INT8: int8,
        BOTH: 0.5 * (plain + int8),
    }
    if vectors is not None:
        nearness = KernelModel(own, label, classes, vectors[fold.train])
        answers[NEAREST] = nearness.probabilities(asked, vectors[fold.test])
        answers[ALL] = 0.5 * (answers[NEAREST] + int8)
    return answers


def _lesson(data: LabelledTexts, fold: Fold, start: Start, effort: Effort) -> Lesson:
    """What the fold's encoder may learn: its training rows, and other lines as the teacher judges them."""
    own = tuple(data.texts[n] for n in fold.train.tolist())
    label, classes = data.label[fold.train], len(data.classes)
    hidden = {data.texts[n] for n in fold.test.tolist()}
    sentences, found = start.sentences, start.corpus
    vectors = None if sentences is None else sentences.vectors(own)
    teacher = NgramModel(own, label, classes, vectors)
    if found.lines:
        free = np.array([n for n, line in enumerate(found.lines) if line not in hidden])
        others = tuple(found.lines[n] for n in free.tolist())
        read = None if found.vectors is None else found.vectors[free]
    else:
        noise = Noise({}, np.random.default_rng(effort.seed))
        copies = (noise.rewritten(line) for line in own for _ in range(_COPIES))
        others = tuple(dict.fromkeys(copy for copy in copies if copy not in hidden))
        read = None if sentences is None else sentences.vectors(others)
    return Lesson(
        own, label, teacher.probabilities(own, vectors), others, teacher.probabilities(others, read), found.shorthand
    )  # fmt: skip


def _said(start: Start, effort: Effort) -> list[str]:
    """What the figures rest on, in words."""
    lines = len(start.corpus.lines)
    teacher = "n-grams" if start.sentences is None else "n-grams with MiniLM sentence vectors"
    corpus_said = (
        f"pre-trained for {effort.pretraining} steps on {lines} unlabelled lines of the data folder"
        if lines
        else "without unlabelled lines (--data DIR): taught on mistyped copies of the training rows"
    )
    return [f"our encoder: {corpus_said}; teacher per fold: {teacher}; {effort.steps} steps per fold"]
