"""What our two models are built of: one pre-norm layer, and the weights they begin with.

How a layer is masked, and whether it remembers what came before, is the business of the model that has it.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional

HIDDEN = -1e4  # added to the attention on what may not be seen; finite, so that nothing to see is no NaN
_INITIAL = 0.02  # deviation of the weights


class PreNormLayer(nn.Module):
    """The parts of one layer: attention by heads, then two dense steps."""

    def __init__(self, dim: int, heads: int, inner: int) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm = nn.LayerNorm(dim)
        self.projections = nn.Linear(dim, 3 * dim)
        self.mix = nn.Linear(dim, dim)
        self.inner_norm = nn.LayerNorm(dim)
        self.widen = nn.Linear(dim, inner)
        self.narrow = nn.Linear(inner, dim)

    def _projected(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """States (B, T, D) → queries, keys and values (B, H, T, D/H)."""
        batch, length, dim = x.shape
        parts = self.projections(self.attention_norm(x)).view(batch, length, 3, self.heads, dim // self.heads)
        q, k, v = parts.permute(2, 0, 3, 1, 4)
        return q, k, v

    def _advanced(self, x: Tensor, q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
        """States (B, T, D) with what they attend to and the dense steps added; the mask is added to the attention.

        Attention is spelled out: of a step with torch's fused one, its way back took 60 % on a CPU (torch 2.13).
        """
        batch, length, dim = x.shape
        seen = torch.matmul(q * (dim // self.heads) ** -0.5, k.transpose(-2, -1)) + mask.to(q.dtype)
        mixed = torch.matmul(torch.softmax(seen, dim=-1).to(v.dtype), v)
        x = x + self.mix(mixed.transpose(1, 2).reshape(batch, length, dim))
        widened = functional.gelu(self.widen(self.inner_norm(x)))
        out: Tensor = x + self.narrow(widened)
        return out


def initialise(parameters: Iterable[tuple[str, nn.Parameter]]) -> None:
    """Draw all tables and matrices; biases become 0 and the scales of norms stay 1."""
    for name, weight in parameters:
        if weight.dim() > 1:
            nn.init.normal_(weight, std=_INITIAL)
        elif name.endswith("bias"):
            nn.init.zeros_(weight)


def padding_mask(visible: Tensor) -> Tensor:
    """1 where a token is and 0 where padding is, (B, T) → the mask of all its layers, (B, 1, 1, T)."""
    return ((1.0 - visible) * HIDDEN)[:, None, None, :]
