"""The weights after every stage of a training, kept beside its checkpoints, so that the ladder can be measured later.

Nothing is trained or measured here. A checkpoint is for going on; what is kept here is what a stage ended with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path

import torch

from edge_agent.training.model import RiskEncoder, Shape


class Stage(StrEnum):
    """The stages, in the order of the work; a training need not have all of them."""

    PRETRAINED = "pretrained"  # has read windows and log lines; nothing was taught, the head is as it was drawn
    LEARNED = "learned"  # taught by boosted trees and the truth
    REFINED = "refined"  # with less augmentation, nearer to what is served
    SETTLED = "settled"  # at a low rate on what is served, to rest
    PRUNED = "pruned"  # narrower, and repaired


def checkpoint_of(cache: Path, stage: Stage) -> Path:
    """Where a stage of the training on these examples goes on from after an interruption."""
    suffix = "checkpoint" if stage is Stage.LEARNED else stage.value
    return cache.with_name(f"{cache.name}.{suffix}")


def stage_path(cache: Path, stage: Stage) -> Path:
    """Where the weights that a stage ended with are."""
    return cache.with_name(f"{cache.name}.stage-{stage}.pt")


def forget(cache: Path) -> None:
    """Take away what an earlier training kept: a new one may go without some of its stages."""
    for stage in Stage:
        stage_path(cache, stage).unlink(missing_ok=True)


def keep(cache: Path, stage: Stage, model: RiskEncoder) -> None:
    """Write what a stage ended with; what an earlier training kept of later stages is taken away."""
    for later in list(Stage)[list(Stage).index(stage) :]:
        stage_path(cache, later).unlink(missing_ok=True)
    partial = stage_path(cache, stage).with_suffix(".partial")
    torch.save({"shape": asdict(model.shape), "weights": model.state_dict()}, partial)
    partial.replace(stage_path(cache, stage))


def kept(cache: Path) -> dict[Stage, RiskEncoder]:
    """The models of the stages in their order, in evaluation mode; of a training that kept none, its checkpoints'."""
    found = {stage: _read(path) for stage in Stage if (path := stage_path(cache, stage)).exists()}
    if found:
        return found
    return {stage: _resumed(path) for stage in Stage if (path := checkpoint_of(cache, stage)).exists()}


def leading_to(stages: Mapping[Stage, RiskEncoder], made: RiskEncoder) -> dict[Stage, RiskEncoder]:
    """The stages up to the one that `made` was exported from; none where it was made from other weights.

    Quantisation leaves norms and biases in float, so that they are the same to the bit in the bundle and in the stage.
    """
    leading: dict[Stage, RiskEncoder] = {}
    for stage, model in stages.items():
        leading[stage] = model
        if model.shape == made.shape and all(map(torch.equal, _left_in_float(model), _left_in_float(made))):
            return leading
    return {}


def _left_in_float(model: RiskEncoder) -> tuple[torch.Tensor, ...]:
    return model.norm.weight, model.norm.bias, model.head.bias


def _read(path: Path) -> RiskEncoder:
    stored = torch.load(path, weights_only=True)
    return _model(stored["shape"], stored["weights"])


def _resumed(path: Path) -> RiskEncoder:
    stored = torch.load(path, weights_only=True)
    return _model(stored["key"]["shape"], stored["averaged"])


def _model(shape: Mapping[str, int], weights: Mapping[str, torch.Tensor]) -> RiskEncoder:
    model = RiskEncoder(Shape(**shape))
    model.load_state_dict(weights)
    return model.eval()
