"""The report decoder in torch: a small pre-norm causal transformer with a cache of keys and values.

Inputs and outputs carry the names of Hugging Face decoders, so that another decoder of that shape can take its place.
A second head, used in training only, says of each candidate where it is asked for whether the fault moves it.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from edge_agent.training.layer import HIDDEN, PreNormLayer, initialise

POSITIONS = 192
_OPSET = 17


@dataclass(frozen=True, slots=True)
class Shape:
    """The blueprint of a decoder."""

    vocabulary: int
    dim: int = 160
    layers: int = 4
    heads: int = 4
    inner: int = 480  # width of the feed-forward part


class Layer(PreNormLayer):
    """One layer in which a token attends to what came before it."""

    def forward(self, x: Tensor, mask: Tensor, past: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """States (B, T, D), additive mask (B, 1, T, P + T), past (B, H, P, D/H) → states, all keys, all values."""
        q, k, v = self._projected(x)
        k, v = torch.cat([past[0].to(k.dtype), k], dim=2), torch.cat([past[1].to(v.dtype), v], dim=2)
        return self._advanced(x, q, k, v, mask), k, v


class ReportDecoder(nn.Module):
    """Token ids → the next token's logits; and whether each asked candidate is moved."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.tokens = nn.Embedding(shape.vocabulary, shape.dim)
        self.positions = nn.Embedding(POSITIONS, shape.dim)
        self.layers = nn.ModuleList([Layer(shape.dim, shape.heads, shape.inner) for _ in range(shape.layers)])
        self.norm = nn.LayerNorm(shape.dim)
        self.head = nn.Linear(shape.dim, shape.vocabulary)
        self.moved = nn.Linear(shape.dim, 1)
        initialise(self.named_parameters())

    def states(self, ids: Tensor) -> Tensor:
        """Token ids (B, T) → states (B, T, D), nothing before them."""
        batch, length = ids.shape
        x = self.tokens(ids) + self.positions(torch.arange(length))
        mask = torch.full((length, length), HIDDEN).triu(1)[None, None]
        none = torch.zeros(batch, self.shape.heads, 0, self.shape.dim // self.shape.heads)
        for layer in self.layers:
            x, _, _ = layer(x, mask, (none, none))
        out: Tensor = self.norm(x)
        return out

    def forward(self, input_ids: Tensor, attention_mask: Tensor, position_ids: Tensor, *past: Tensor) -> list[Tensor]:
        """(B, T), (B, P + T), (B, T), then key and value of each layer (B, H, P, D/H) → logits, then those grown."""
        x = self.tokens(input_ids) + self.positions(position_ids)
        whole, length = attention_mask.shape[1], input_ids.shape[1]
        order = torch.arange(whole, device=input_ids.device)
        later = order[None, :] > (order[whole - length :])[:, None]  # (T, P + T)
        hidden = later[None] | (attention_mask == 0)[:, None, :]  # (B, T, P + T)
        mask = hidden.to(x.dtype)[:, None] * HIDDEN
        present = []
        for number, layer in enumerate(self.layers):
            x, key, value = layer(x, mask, (past[2 * number], past[2 * number + 1]))
            present += [key, value]
        return [self.head(self.norm(x)), *present]


def export_decoder(model: ReportDecoder, path: Path) -> None:
    """Write the decoder as float32 ONNX with a cache of free length."""
    shape = model.shape
    past = [f"past_key_values.{n}.{part}" for n in range(shape.layers) for part in ("key", "value")]
    present = [f"present.{n}.{part}" for n in range(shape.layers) for part in ("key", "value")]
    ids = torch.zeros((1, 3), dtype=torch.int64)
    cache = [torch.zeros(1, shape.heads, 2, shape.dim // shape.heads) for _ in past]
    axes = {"input_ids": {1: "length"}, "attention_mask": {1: "whole"}, "position_ids": {1: "length"}}
    axes |= {name: {2: "past"} for name in past} | {name: {2: "whole"} for name in present} | {"logits": {1: "length"}}
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the TorchScript exporter says that it is not the newest one
        torch.onnx.export(
            model.eval(), (ids, torch.ones((1, 5), dtype=torch.int64), ids + 2, *cache), str(path),
            input_names=["input_ids", "attention_mask", "position_ids", *past], output_names=["logits", *present],
            dynamic_axes=axes, opset_version=_OPSET, dynamo=False,
        )  # fmt: skip
