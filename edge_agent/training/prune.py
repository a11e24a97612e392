"""A trained encoder → a narrower one: the inner units of the feed-forward parts that do least are taken out.

Structured, so that any runtime is faster for it; width before depth. A short training repairs what is left. The loop
itself is in `fit.py`; no data set is known here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from edge_agent.training.batches import Batch
from edge_agent.training.model import Layer, RiskEncoder


def pruned(model: RiskEncoder, batches: Iterable[Batch], inner: int) -> RiskEncoder:
    """A copy of the model with `inner` inner units per layer, those of the largest effect on the batches.

    The effect of a unit is its mean absolute activation times the norm of its outgoing weights (Sun et al. 2024, the
    structured form of their measure).

    Raises:
        ValueError: the model has no more than `inner` units.
    """
    if inner >= model.shape.inner:
        message = f"the model has {model.shape.inner} inner units, not more than {inner}"
        raise ValueError(message)
    activity = _activity(model, batches)
    smaller = RiskEncoder(replace(model.shape, inner=inner))
    for (name, part), (_, old) in zip(smaller.named_children(), model.named_children(), strict=True):
        if name != "layers":
            part.load_state_dict(old.state_dict())
    with torch.no_grad():
        for new, kept, active in zip(_layers(smaller), _layers(model), activity, strict=True):
            effect = active * kept.narrow.weight.norm(dim=0)  # (inner of the model,)
            units = effect.topk(inner).indices.sort().values
            whole = dict(kept.state_dict())
            whole["widen.weight"], whole["widen.bias"] = whole["widen.weight"][units], whole["widen.bias"][units]
            whole["narrow.weight"] = whole["narrow.weight"][:, units]
            new.load_state_dict(whole)
    return smaller.eval()


def _layers(model: RiskEncoder) -> list[Layer]:
    return [layer for layer in model.layers if isinstance(layer, Layer)]


def _activity(model: RiskEncoder, batches: Iterable[Batch]) -> list[Tensor]:
    """Mean absolute activation of each inner unit over all tokens that are no padding, (inner,) per layer."""
    total = [torch.zeros(model.shape.inner) for _ in model.layers]
    seen: list[Tensor] = []

    def keep(_module: nn.Module, _given: tuple[Tensor, ...], answer: Tensor) -> None:
        seen.append(functional.gelu(answer).abs())

    hooks = [layer.widen.register_forward_hook(keep) for layer in _layers(model)]
    tokens = 0.0
    try:
        for batch in batches:
            mask = torch.from_numpy(batch.attention_mask).float()
            with torch.no_grad():
                model(*(torch.from_numpy(part) for part in batch[:3]))
            for sums, answer in zip(total, seen, strict=True):
                sums.add_((answer * mask.unsqueeze(2)).sum(dim=(0, 1)))
            tokens += float(mask.sum())
            seen.clear()
    finally:
        for hook in hooks:
            hook.remove()
    return [sums / max(tokens, 1.0) for sums in total]
