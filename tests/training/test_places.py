"""The head that sees every place: where each value stands, and that one left out counts for nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from edge_agent.bundle.encode import Kind
from edge_agent.bundle.load import load_bundle
from edge_agent.core.text import ORDINALS, VALUES
from edge_agent.training.batches import Batch, collate
from edge_agent.training.examples import Examples
from edge_agent.training.places import PlaceReader, places_of, slots_of
from edge_agent.training.snapshots import Snapshots, class_reference, examples
from edge_agent.training.weights import encoder_of
from tests.bundle.tiny import TINY

pytestmark = pytest.mark.train

BUNDLE = load_bundle(TINY)
ENCODER = BUNDLE.risk.encoder


def made() -> Examples:
    """Twenty rows of three channels."""
    values = np.random.default_rng(1).normal(size=(20, 3 * VALUES))
    rows = Snapshots("rig", ("fs1b", "ce", "ts1"), values, np.zeros(20, np.float32))
    return examples(rows, class_reference(rows, np.arange(20)), ENCODER)


def batch_of(rows: Examples, *, without: int | None = None) -> Batch:
    """The first four rows as a batch, perhaps without the n-th channel line."""
    texts = [[line for k, line in enumerate(rows.lines(n)) if k != without] for n in range(4)]
    return collate(texts, ENCODER, rows.risk[:4], rows.mode[:4].astype(np.int64))


def tensors(rows: Examples, batch: Batch) -> list[torch.Tensor]:
    """What a reader is given."""
    return [torch.from_numpy(part) for part in (*batch[:3], places_of(batch, slots_of(rows)))]


def test_every_place_holds_an_ordinal_of_its_own_channel() -> None:
    rows = made()
    batch, slots = batch_of(rows), slots_of(rows)
    places = places_of(batch, slots).reshape(4, 3, VALUES)

    assert sorted(slots.values()) == [0, 1, 2]
    for n in range(4):
        for line in rows.lines(n):
            if line.kind is Kind.CHANNEL:
                where = places[n, slots[line.ids[:-VALUES]]]
                assert batch.input_ids[n, where].tolist() == list(line.ids[-VALUES:])
    first = ENCODER.first_ordinal
    assert ((batch.input_ids[np.arange(4)[:, None], places.reshape(4, -1)] - first) < len(ORDINALS)).all()


def test_a_line_left_out_has_no_places_and_changes_only_its_own_part() -> None:
    rows = made()
    slots = slots_of(rows)
    missing = next(slots[line.ids[:-VALUES]] for line in rows.lines(0)[1:2])
    places = places_of(batch_of(rows, without=1), slots).reshape(4, 3, VALUES)

    assert (places[0, missing] == 0).all()
    assert (places[0, [k for k in range(3) if k != missing]] > 0).all()


def test_outputs_hang_on_the_order_of_lines_not_at_all() -> None:
    rows = made()
    reader = PlaceReader(encoder_of(BUNDLE), 3, 5).eval()
    turned = collate(
        [[rows.lines(n)[0], *rows.lines(n)[:0:-1]] for n in range(4)], ENCODER, rows.risk[:4],
        rows.mode[:4].astype(np.int64),
    )  # fmt: skip
    with torch.no_grad():
        one, other = reader(*tensors(rows, batch_of(rows))), reader(*tensors(rows, turned))

    assert one.shape == (4, 5)
    assert torch.allclose(one, other, atol=1e-5)


def test_the_first_answers_are_those_of_the_places_alone_and_the_layers_may_add_to_them() -> None:
    rows = made()
    reader = PlaceReader(encoder_of(BUNDLE), 3, 5).eval()
    given = tensors(rows, batch_of(rows))
    with torch.no_grad():
        assert torch.equal(reader(*given), reader.apart(*given))
        reader.whole.weight += 0.1
        assert not torch.equal(reader(*given), reader.apart(*given))


def test_learning_from_the_places_alone_leaves_the_encoder_as_it_was() -> None:
    rows = made()
    reader = PlaceReader(encoder_of(BUNDLE), 3, 5)
    torch.autograd.backward(reader.apart(*tensors(rows, batch_of(rows))).sum())

    assert all(weight.grad is None for weight in reader.encoder.parameters())
    assert reader.read.weight.grad is not None


def test_a_line_left_out_is_read_as_nothing() -> None:
    rows = made()
    reader = PlaceReader(encoder_of(BUNDLE), 3, 5).eval()
    torch.nn.init.zeros_(reader.read.bias)
    gone = slots_of(rows)[rows.lines(0)[1].ids[:-VALUES]]
    with torch.no_grad():
        reader.read.weight[:, [k for k in range(reader.read.in_features) if k // (16 * VALUES) != gone]] = 0.0
        without = reader(*tensors(rows, batch_of(rows, without=1)))
        with_it = reader(*tensors(rows, batch_of(rows)))

    assert without[0].abs().max() == 0.0
    assert with_it[0].abs().max() > 0.0
