"""Plain methods, noise, pre-training and the taught encoder: what each does on lines a child could tell apart."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers

from edge_agent.bundle.encode import UNK
from edge_agent.bundle.load import load_bundle
from edge_agent.core.text import clean
from edge_agent.errors import DataError
from edge_agent.training.logs import sentences as logs_sentences
from edge_agent.training.logs.data import Indices
from edge_agent.training.logs.encoder import int8_probabilities, probabilities, tokens_of
from edge_agent.training.logs.ngrams import NgramModel, majority
from edge_agent.training.logs.noise import Noise
from edge_agent.training.logs.pretrain import Corpus, pretrained, read_vectors, spans_of
from edge_agent.training.logs.scores import score
from edge_agent.training.logs.sentences import SentenceModel
from edge_agent.training.logs.student import Lesson, taught
from edge_agent.training.weights import encoder_of
from tests.bundle.tiny import TINY

pytestmark = pytest.mark.train

PARTS = ("pump", "motor", "fan", "gearbox", "valve", "seal", "hose", "bearing")
SAYS = ("leaking badly", "running hot", "very noisy")


def lines(parts: tuple[str, ...]) -> tuple[tuple[str, ...], Indices]:
    """A line for every part and class, and its class."""
    return tuple(f"{part} {said}" for part in parts for said in SAYS), np.tile(np.arange(len(SAYS)), len(parts))


def test_ngrams_read_a_misspelt_word_and_the_commonest_class_does_not() -> None:
    texts, label = lines(PARTS)
    answers = NgramModel(texts, label, 4).probabilities(["motr runing hott"])

    assert answers.argmax() == 1
    assert answers[0, 3] == 0.0  # a class it never saw
    assert majority(np.array([0, 2, 2]), 4, 1).argmax() == 2


def test_a_rewritten_line_differs_and_is_never_empty() -> None:
    noise = Noise({"hydraulic": ("hyd",)}, np.random.default_rng(1))
    seen = {noise.rewritten("hydraulic hose leaking") for _ in range(200)}

    assert any("hyd " in line for line in seen)
    assert len(seen) > 100
    assert all(noise.rewritten(word) for word in ("a", "ab", "x y"))


def test_spans_are_words_of_a_line_and_come_once() -> None:
    found = spans_of(("pump seal leaking at drive end", "hot"), 1)

    assert len(found) == len(set(found))
    assert all(span in "pump seal leaking at drive end" or span == "hot" for span in found)


def test_a_taught_encoder_beats_the_commonest_class_in_float_and_in_int8() -> None:
    bundle = load_bundle(TINY)
    encoder = bundle.risk.encoder
    own, label = lines(PARTS[:6])
    asked, truth = lines(PARTS[6:])
    told = NgramModel(own, label, 3)
    lesson = Lesson(own, label, told.probabilities(own), asked[:0], np.zeros((0, 3)), {})
    model = taught(encoder_of(bundle), encoder, lesson, 60, 0)
    whole, small = probabilities(model, encoder, asked), int8_probabilities(model, encoder, asked)
    rows = {
        row.method: row
        for row in score({"float": whole, "int8": small, "commonest": majority(label, 3, 6)}, truth, "commonest")
    }

    assert rows["float"].micro.value > 0.8
    assert rows["commonest"].gain is None
    gain = rows["int8"].gain
    assert gain is not None
    assert gain.low <= gain.value <= gain.high
    assert gain.value > 0.4
    assert np.allclose(small.sum(axis=1), 1.0)
    assert np.abs(whole - small).max() < 0.3


def test_a_hundred_kilobytes_of_another_alphabet_are_tokens_like_any_line() -> None:
    encoder = load_bundle(TINY).risk.encoder
    ids = tokens_of(encoder, clean("насос \x00 течёт \x1b[31m " * 9000))

    assert 3 < len(ids) <= encoder.buckets[-1]


@pytest.mark.parametrize("with_vectors", [True, False], ids=["vectors", "masks"])
def test_pretraining_learns_and_a_second_call_reads_what_the_first_kept(tmp_path: Path, *, with_vectors: bool) -> None:
    bundle = load_bundle(TINY)
    encoder = bundle.risk.encoder
    texts, label = lines(PARTS)
    vectors = np.eye(8, dtype=np.float32)[label] if with_vectors else None
    words = np.eye(8, dtype=np.float32)[np.arange(encoder.tokenizer.get_vocab_size()) % 8] if with_vectors else None
    corpus = Corpus(texts, {}, vectors, words)
    said: list[str] = []
    model = pretrained(encoder_of(bundle), encoder, corpus, 30, 1, tmp_path, said.append)
    losses = [float(line.split("loss ")[1].split()[0]) for line in said]
    again = pretrained(encoder_of(bundle), encoder, corpus, 30, 1, tmp_path, said.append)

    assert losses
    assert said[-1].startswith("pre-trained encoder from ")
    assert all(
        torch.equal(one, two) for one, two in zip(model.state_dict().values(), again.state_dict().values(), strict=True)
    )
    if with_vectors:
        answers = probabilities(model, encoder, texts)
        assert (answers.argmax(axis=1) == label).mean() > 0.6
    other = pretrained(encoder_of(bundle), encoder, corpus, 1, 1, tmp_path, said.append)
    assert not torch.equal(model.tokens.weight, other.tokens.weight)


# ---------------------------------------------------------------------------------------------- sentence encoder


def sentence_folder(folder: Path) -> Path:
    """A sentence encoder of the right form with random weights."""
    words = [UNK, "pump", "leaks", "hot", "very"]
    tokenizer = Tokenizer(models.WordLevel({word: k for k, word in enumerate(words)}, unk_token=UNK))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "vocab_size": len(words), "max_position_embeddings": 80, "type_vocab_size": 2, "hidden_size": 8,
        "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    bert = logs_sentences._Bert(logs_sentences._Blueprint(**config))
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    values = b""
    for name, weight in bert.state_dict().items():
        raw = weight.numpy().tobytes()
        place = [len(values), len(values) + len(raw)]
        header[logs_sentences._stored(name)] = {"dtype": "F32", "shape": list(weight.shape), "data_offsets": place}
        values += raw
    encoded = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(encoded)) + encoded + values)
    return folder


def test_a_sentence_vector_has_length_one_and_does_not_depend_on_its_batch(tmp_path: Path) -> None:
    model = SentenceModel(sentence_folder(tmp_path))
    together = model.vectors(["pump leaks", "hot", "very very hot pump " * 40])
    alone = np.concatenate([model.vectors([text]) for text in ("pump leaks", "hot", "very very hot pump " * 40)])

    assert np.allclose(np.linalg.norm(together, axis=1), 1.0, atol=1e-5)
    assert np.allclose(together, alone, atol=1e-5)
    assert not np.allclose(together[0], together[1], atol=1e-2)


def test_sentence_vectors_are_made_once(tmp_path: Path) -> None:
    model = SentenceModel(sentence_folder(tmp_path))
    said: list[str] = []
    first = read_vectors(model, ("pump leaks", "hot"), tmp_path, said.append)
    second = read_vectors(model, ("pump leaks", "hot"), tmp_path, said.append)

    assert len(said) == 1
    assert np.array_equal(first, second)


def test_a_damaged_sentence_encoder_is_said_with_the_way_round_it(tmp_path: Path) -> None:
    folder = sentence_folder(tmp_path)
    (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:100])
    with pytest.raises(DataError, match="holds no sentence encoder") as caught:
        SentenceModel(folder)

    assert "--no-sentences" in caught.value.hint


def test_without_the_package_there_is_no_sentence_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs_sentences, "PACKAGE", "no_such_package_anywhere")

    assert logs_sentences.find_sentences() is None
