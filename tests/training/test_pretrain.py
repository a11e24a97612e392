"""Reading before being taught: what is hidden, what may still be seen, and that something is learned by it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from edge_agent.bundle.encode import TextEncoder
from edge_agent.bundle.load import load_bundle
from edge_agent.core.text import ORDINALS
from edge_agent.training.batches import Source, collate
from edge_agent.training.examples import build
from edge_agent.training.fleet import TRAINING_SEED, load_fleet
from edge_agent.training.logs.encoder import TokenBatch
from edge_agent.training.model import RiskEncoder, Shape
from edge_agent.training.pretrain import Pretraining, hidden_tokens, mask_of, masked_loss, pretrain
from edge_agent.training.recipe import by_group
from tests.bundle.tiny import TINY

pytestmark = pytest.mark.train
RECIPE = Pretraining(steps=6, batch=8, rate=3e-3, seed=7)
LINES = ("pump seal leaking at drive end", "bearing replaced", "running hot and noisy")


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    return load_bundle(TINY).risk.encoder


@pytest.fixture(scope="module")
def shape(encoder: TextEncoder) -> Shape:
    return Shape(encoder.tokenizer.get_vocab_size(), 5, encoder.first_ordinal, len(ORDINALS), 32, 1, 2, 48)


@pytest.fixture(scope="module")
def source(encoder: TextEncoder) -> Source:
    """Windows of a simulated pump."""
    examples = build(by_group(load_fleet(TRAINING_SEED, 10))["pump"][:1], None, encoder)
    return Source(examples, examples.risk, 1.0)


@pytest.fixture(scope="module")
def batch(encoder: TextEncoder) -> TokenBatch:
    """One window of two channels."""
    text = "pump cond 1\nflow_m3h q93 q91 q88 z+31 z+12 z+09 z-02\nvib q03 q01 q08 z-31 z-12 z-09 z+02\nlog <1h noisy"
    found = collate([encoder.lines(text)], encoder, np.zeros(1, np.float32), np.zeros(1, np.int64))
    return TokenBatch(*(torch.from_numpy(part) for part in found[:3]))


def said_losses(said: list[str]) -> list[float]:
    return [float(line.split("masked tokens ")[1].split()[0]) for line in said if line.startswith("step")]


def same(one: RiskEncoder, other: RiskEncoder) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(left, right) for left, right in pairs)


def ordinals_of(batch: TokenBatch, shape: Shape) -> torch.Tensor:
    """Where the values stand, (B, T) bool."""
    past = shape.first_ordinal + shape.ordinals
    found: torch.Tensor = (batch.input_ids >= shape.first_ordinal) & (batch.input_ids < past)
    return found


def test_an_encoder_that_reads_foretells_hidden_tokens_ever_better(
    tmp_path: Path, source: Source, encoder: TextEncoder, shape: Shape
) -> None:
    said: list[str] = []
    recipe = Pretraining(steps=100, batch=16, rate=5e-3)
    pretrain([source], LINES, encoder, shape, recipe, tmp_path / "c", said.append)
    losses = said_losses(said)

    assert len(losses) == 4
    assert losses[-1] < losses[0] - 0.5


def test_the_seed_decides_everything(tmp_path: Path, source: Source, encoder: TextEncoder, shape: Shape) -> None:
    one, two = (
        pretrain([source], LINES, encoder, shape, RECIPE, tmp_path / name, lambda _line: None).model for name in "ab"
    )
    other = Pretraining(steps=RECIPE.steps, batch=RECIPE.batch, rate=RECIPE.rate, seed=RECIPE.seed + 1)
    third = pretrain([source], LINES, encoder, shape, other, tmp_path / "c", lambda _line: None).model

    assert same(one, two)
    assert not same(one, third)


def test_a_second_call_goes_on_from_the_first_and_other_lines_begin_anew(
    tmp_path: Path, source: Source, encoder: TextEncoder, shape: Shape
) -> None:
    said: list[str] = []
    path = tmp_path / "c"
    first = pretrain([source], LINES, encoder, shape, RECIPE, path, said.append)
    again = pretrain([source], LINES, encoder, shape, RECIPE, path, said.append)

    assert said[-1] == f"resumed at step 6 from {path}"
    assert same(first.model, again.model)
    assert again.seconds == first.seconds
    pretrain([source], LINES[:1], encoder, shape, RECIPE, path, said.append)
    assert sum(line.startswith("resumed") for line in said) == 1


def test_values_names_and_log_words_are_hidden_but_neither_padding_nor_the_first_token(batch: TokenBatch) -> None:
    rng = np.random.default_rng(1)
    drawn = torch.stack([hidden_tokens(batch.attention_mask, 1, rng) for _ in range(300)])
    share = drawn.float().mean(dim=0)[0]  # (T,)
    seen = batch.attention_mask[0].bool()

    assert share[0] == 0.0
    assert (share[~seen] == 0.0).all()
    assert ((share[seen][1:] > 0.08) & (share[seen][1:] < 0.24)).all()
    assert drawn.flatten(1).any(dim=1).all()
    one = torch.ones((1, 2), dtype=torch.int64)
    assert hidden_tokens(one, 1, rng).tolist() == [[False, True]]  # always something to learn from


def test_a_hidden_value_keeps_its_place_and_the_places_of_others(
    encoder: TextEncoder, shape: Shape, batch: TokenBatch
) -> None:
    torch.manual_seed(1)
    model = RiskEncoder(shape)
    where = ordinals_of(batch, shape)
    hidden = torch.zeros_like(where)
    hidden[0, where[0].nonzero()[0]] = True  # the first level of the first channel
    shown = batch.input_ids.masked_fill(hidden, mask_of(encoder))
    with torch.no_grad():
        plain, masked = model.embed(*batch), model.embed(*batch, shown)
        exchanged = model.tokens.weight[shown] - model.tokens.weight[batch.input_ids]

    assert torch.allclose(masked - plain, exchanged, atol=1e-6)
    assert torch.equal(plain[~hidden], masked[~hidden])


def test_the_hidden_token_itself_is_not_read(encoder: TextEncoder, shape: Shape, batch: TokenBatch) -> None:
    torch.manual_seed(1)
    model = RiskEncoder(shape)
    where = ordinals_of(batch, shape)
    hidden = torch.zeros_like(where)
    hidden[0, where[0].nonzero()[3]] = True
    other = batch._replace(input_ids=torch.where(hidden, batch.input_ids + 1, batch.input_ids))
    mask = mask_of(encoder)
    with torch.no_grad():
        one, two = (model.states(*part, part.input_ids.masked_fill(hidden, mask)) for part in (batch, other))

    assert torch.equal(one, two)
    assert not torch.equal(masked_loss(model, batch, hidden, mask), masked_loss(model, other, hidden, mask))
