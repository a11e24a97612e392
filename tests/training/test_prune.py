"""Pruning: what is taken out, what stays the same."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from edge_agent.training.batches import Batch
from edge_agent.training.model import Layer, RiskEncoder, Shape
from edge_agent.training.prune import pruned

pytestmark = pytest.mark.train
SHAPE = Shape(vocabulary=300, labels=3, first_ordinal=5, ordinals=250, dim=32, layers=2, heads=2, inner=24)


@pytest.fixture
def batch() -> Batch:
    rng = np.random.default_rng(3)
    ids = rng.integers(0, 300, (4, 16))
    return Batch(ids, np.ones_like(ids), np.zeros_like(ids), np.zeros(4, np.float32), np.zeros(4, np.int64))


def answer(model: RiskEncoder, batch: Batch) -> torch.Tensor:
    with torch.no_grad():
        logits: torch.Tensor = model(*(torch.from_numpy(part) for part in batch[:3]))
    return logits


def layers(model: RiskEncoder) -> list[Layer]:
    return [layer for layer in model.layers if isinstance(layer, Layer)]


def test_units_that_do_nothing_go_first_and_nothing_changes(batch: Batch) -> None:
    torch.manual_seed(1)
    model = RiskEncoder(SHAPE).eval()
    with torch.no_grad():
        for layer in layers(model):
            layer.narrow.weight[:, ::2] = 0.0  # every other unit has no effect

    smaller = pruned(model, [batch], 12)

    assert smaller.shape.inner == 12
    assert all(layer.widen.weight.shape == (12, 32) for layer in layers(smaller))
    assert torch.allclose(answer(smaller, batch), answer(model, batch), atol=1e-5)


def test_the_model_itself_is_left_as_it_was(batch: Batch) -> None:
    model = RiskEncoder(SHAPE).eval()
    before = answer(model, batch)

    pruned(model, [batch], 12)

    assert torch.equal(answer(model, batch), before)


def test_pruning_to_the_same_width_is_refused(batch: Batch) -> None:
    with pytest.raises(ValueError, match="24 inner units"):
        pruned(RiskEncoder(SHAPE), [batch], 24)
