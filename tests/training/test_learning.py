"""The loop that every model learns by: it goes on where it stopped, and only where it is the same training."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from edge_agent.training.learning import Checkpoint, Learning, Loss, Pace, learn

pytestmark = pytest.mark.train
PACE = Pace(steps=40, rate=0.05, decay=0.0, average=0.1)
KEY: dict[str, object] = {"shape": {"dim": 3}, "recipe": {"steps": 40, "rate": 0.05}}


class StoppedError(Exception):
    """The process was ended."""


def line() -> nn.Linear:
    """A model that has yet to learn the sum of its inputs."""
    torch.manual_seed(1)
    return nn.Linear(3, 1)


def losses(model: nn.Linear, done: int) -> Iterator[Loss]:
    """The squared error on batches that are drawn by the number of the step."""
    for step in range(done, PACE.steps):
        x = torch.randn(8, 3, generator=torch.Generator().manual_seed(step))
        loss: Tensor = ((model(x) - x.sum(dim=1, keepdim=True)) ** 2).mean()
        yield Loss(loss, {"error": loss.item(), "twice": 2 * loss.item()})


def quiet(_line: str) -> None:
    return


def stop_at(step: int) -> None:
    if step == 30:
        raise StoppedError


def stopped(path: Path) -> None:
    """Write a checkpoint of step 29 of 40."""
    with pytest.raises(StoppedError):
        learn(line(), PACE, losses, Checkpoint(path, KEY, every_s=-1.0), quiet, stop_at)


def same(one: nn.Linear, other: nn.Linear) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(left, right) for left, right in pairs)


def test_what_was_stopped_ends_as_what_was_not(tmp_path: Path) -> None:
    whole = learn(line(), PACE, losses, Checkpoint(tmp_path / "whole", KEY), quiet)
    stopped(tmp_path / "part")
    said: list[str] = []
    seen: list[int] = []
    rest = learn(line(), PACE, losses, Checkpoint(tmp_path / "part", KEY), said.append, seen.append)

    assert same(rest.averaged, whole.averaged)
    assert same(rest.model, whole.model)
    assert said[0] == f"resumed at step 29 from {tmp_path / 'part'}"
    assert seen == list(range(29, 41))
    assert rest.done == 40
    assert rest.spent_s > 0.0
    assert not list(tmp_path.glob("*.partial"))


def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    whole = learn(line(), PACE, losses, Checkpoint(tmp_path / "whole", KEY), quiet)
    again = learn(line(), PACE, losses, Checkpoint(tmp_path / "whole", KEY), quiet)

    assert same(again.averaged, whole.averaged)
    assert again.spent_s == whole.spent_s


def test_a_checkpoint_of_another_training_is_not_gone_on_from(tmp_path: Path) -> None:
    stopped(tmp_path / "part")
    seen: list[int] = []
    other = {**KEY, "recipe": {"steps": 41}}
    learn(line(), PACE, losses, Checkpoint(tmp_path / "part", other), quiet, seen.append)

    assert seen[0] == 0


def test_a_checkpoint_keeps_the_names_that_earlier_versions_wrote(tmp_path: Path) -> None:
    stopped(tmp_path / "part")
    state = torch.load(tmp_path / "part", weights_only=True)

    assert set(state) == {"key", "done", "model", "averaged", "optimizer", "schedule", "spent"}
    assert (state["key"], state["done"]) == (KEY, 29)


def test_the_average_lies_between_the_weights_it_is_of() -> None:
    learning = Learning(line(), PACE)
    first = learning.model.weight.detach().clone()
    for loss in losses(learning.model, 38):
        learning.step(loss.total)
        if learning.done == 1:
            assert torch.equal(learning.averaged.weight, learning.model.weight)  # the first step counts in full
            first = learning.model.weight.detach().clone()

    assert torch.allclose(learning.averaged.weight, (first + learning.model.weight) / 2)


def test_progress_says_the_mean_of_every_part(tmp_path: Path) -> None:
    said: list[str] = []
    found = [loss.parts["error"] for loss in losses(line(), 38)]
    pace = Pace(steps=40, rate=0.0, decay=0.0, average=0.1, said_every=2)
    learn(line(), pace, losses, Checkpoint(tmp_path / "c", {}), said.append)

    assert len(said) == 20
    mean = sum(found) / 2  # at rate 0 the model stays as it was
    assert said[-1].startswith(f"step 40/40 error {mean:.4f} twice {2 * mean:.4f} ")
