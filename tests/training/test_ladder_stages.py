"""What a training keeps of its stages, and which of them a bundle was made from."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch

from edge_agent.bundle.load import load_bundle
from edge_agent.training.model import RiskEncoder, Shape
from edge_agent.training.stages import Stage, checkpoint_of, forget, keep, kept, leading_to, stage_path
from edge_agent.training.weights import encoder_of
from tests.bundle.tiny import TINY

pytestmark = pytest.mark.train
SHAPE = Shape(vocabulary=300, labels=3, first_ordinal=5, ordinals=250, dim=32, layers=2, heads=2, inner=24)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache-0123456789ab"


def same(one: RiskEncoder, other: RiskEncoder) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return one.shape == other.shape and all(torch.equal(left, right) for left, right in pairs)


def test_stages_come_back_in_their_order_with_shape_and_weights(cache: Path) -> None:
    learned, pruned = RiskEncoder(SHAPE), RiskEncoder(replace(SHAPE, inner=12))
    keep(cache, Stage.LEARNED, learned)
    keep(cache, Stage.PRUNED, pruned)

    found = kept(cache)

    assert list(found) == [Stage.LEARNED, Stage.PRUNED]
    assert same(found[Stage.LEARNED], learned)
    assert same(found[Stage.PRUNED], pruned)
    assert not list(cache.parent.glob("*.partial"))


def test_a_new_training_takes_the_later_stages_of_an_older_one_away(cache: Path) -> None:
    for stage in Stage:
        keep(cache, stage, RiskEncoder(SHAPE))

    keep(cache, Stage.REFINED, RiskEncoder(SHAPE))

    assert list(kept(cache)) == [Stage.PRETRAINED, Stage.LEARNED, Stage.REFINED]


def test_a_training_without_a_stage_can_forget_that_of_an_older_one(cache: Path) -> None:
    for stage in Stage:
        keep(cache, stage, RiskEncoder(SHAPE))

    forget(cache)
    keep(cache, Stage.LEARNED, RiskEncoder(SHAPE))

    assert list(kept(cache)) == [Stage.LEARNED]


def test_stages_stand_in_the_order_of_the_work() -> None:
    assert [stage.value for stage in Stage] == ["pretrained", "learned", "refined", "settled", "pruned"]


def test_a_training_that_kept_no_stages_is_read_from_its_checkpoints(cache: Path) -> None:
    averaged = RiskEncoder(SHAPE)
    state = {"key": {"shape": asdict(SHAPE)}, "averaged": averaged.state_dict()}
    torch.save(state, checkpoint_of(cache, Stage.LEARNED))
    torch.save(state, checkpoint_of(cache, Stage.REFINED))

    found = kept(cache)

    assert list(found) == [Stage.LEARNED, Stage.REFINED]
    assert same(found[Stage.REFINED], averaged)


def test_nothing_kept_is_no_stage(cache: Path) -> None:
    assert kept(cache) == {}


def test_stages_of_two_trainings_lie_side_by_side(cache: Path) -> None:
    other = cache.with_name("cache-ba9876543210")
    assert len({checkpoint_of(c, s) for c in (cache, other) for s in Stage}) == 10
    assert len({stage_path(c, s) for c in (cache, other) for s in Stage}) == 10


def test_only_the_stages_up_to_the_one_a_bundle_was_made_from_lead_to_it() -> None:
    made = encoder_of(load_bundle(TINY))
    source = RiskEncoder(made.shape)
    source.norm.load_state_dict(made.norm.state_dict())  # what int8 leaves in float; the rest differs by int8
    with torch.no_grad():
        source.head.bias.copy_(made.head.bias)
    other = RiskEncoder(made.shape)

    stages = {Stage.LEARNED: other, Stage.REFINED: source, Stage.PRUNED: RiskEncoder(made.shape)}

    assert list(leading_to(stages, made)) == [Stage.LEARNED, Stage.REFINED]
    assert leading_to({Stage.LEARNED: other}, made) == {}
