"""A head that sees every place of every channel line: for rows whose channels are known and always the same.

The risk head reads the first state and the mean of all: right for machines whose channels come and go. Where the
channels are fixed, single values decide as well as their interplay: here the outputs are the sum of that head and of a
reading of each place by itself. Without it the valve and accumulator of the hydraulic rig are learned very slowly.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from edge_agent.bundle.encode import Ids, Kind
from edge_agent.core.text import VALUES
from edge_agent.training.batches import Batch
from edge_agent.training.examples import Examples
from edge_agent.training.layer import initialise, padding_mask
from edge_agent.training.model import RiskEncoder

Slots = Mapping[tuple[int, ...], int]  # a channel's number by the tokens of its name

_READ: Final = 16  # numbers kept of what stands in a place
_DROPOUT: Final = 0.1


class PlaceReader(nn.Module):
    """An encoder with outputs of its own."""

    def __init__(self, encoder: RiskEncoder, channels: int, outputs: int) -> None:
        super().__init__()
        dim = encoder.shape.dim
        self.encoder = copy.deepcopy(encoder)
        self.whole = nn.Linear(2 * dim, outputs)
        self.norm = nn.LayerNorm(dim)
        self.squeeze = nn.Linear(dim, _READ)
        self.dropout = nn.Dropout(_DROPOUT)
        self.read = nn.Linear(channels * VALUES * _READ, outputs)
        for part in (self.squeeze, self.read):
            initialise(part.named_parameters())
        nn.init.zeros_(self.whole.weight)  # what the layers make of it is added to what the places say by themselves
        nn.init.zeros_(self.whole.bias)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, channel_of: Tensor, places: Tensor) -> Tensor:
        """(B, T) int64 three times and `places_of` (B, P) → outputs (B, outputs)."""
        x = self.encoder.embed(input_ids, attention_mask, channel_of)  # (B, T, D)
        apart = self._apart(x, places)
        visible = attention_mask.to(x.dtype)
        mask = padding_mask(visible)
        for layer in self.encoder.layers:
            x = layer(x, mask)
        x = self.encoder.norm(x)
        mean = (x * visible.unsqueeze(2)).sum(dim=1) / visible.sum(dim=1, keepdim=True)
        outputs: Tensor = apart + self.whole(torch.cat([x[:, 0], mean], dim=1))
        return outputs

    def apart(self, input_ids: Tensor, attention_mask: Tensor, channel_of: Tensor, places: Tensor) -> Tensor:
        """As `forward`, by the places alone: for the first steps, in which only their reading is learned."""
        with torch.no_grad():
            x = self.encoder.embed(input_ids, attention_mask, channel_of)
        return self._apart(x, places)

    def _apart(self, x: Tensor, places: Tensor) -> Tensor:
        """Embedded tokens (B, T, D) → outputs (B, outputs)."""
        there = (places > 0).unsqueeze(2)  # (B, P, 1)
        read = x.gather(1, places.unsqueeze(2).expand(-1, -1, x.shape[2]))
        read = functional.gelu(self.squeeze(self.norm(read))) * there.to(x.dtype)  # (B, P, _READ)
        outputs: Tensor = self.read(self.dropout(read.flatten(1)))
        return outputs


def slots_of(made: Examples) -> Slots:
    """The channels of the examples, numbered in the order of their tokens."""
    names = {
        line.ids[:-VALUES] for n in range(len(made)) for line in made.lines(n) if line.kind is Kind.CHANNEL
    }  # fmt: skip
    return {name: number for number, name in enumerate(sorted(names))}


def places_of(batch: Batch, slots: Slots) -> Ids:
    """The position of each place of each channel, (B, channels * VALUES); 0 where its line is not there."""
    out = np.zeros((len(batch.input_ids), len(slots), VALUES), dtype=np.int64)
    for row, (ids, channel_of) in enumerate(zip(batch.input_ids, batch.channel_of, strict=True)):
        for start in np.unique(channel_of[channel_of > 0]).tolist():
            line = np.flatnonzero(channel_of == start)
            out[row, slots[tuple(ids[line[:-VALUES]].tolist())]] = line[-VALUES:]
    return out.reshape(len(out), -1)
