"""The risk encoder as the graph that is served: the answers of `RiskEncoder`, in as few and as quick steps as can be.

A text of 96 tokens is so short that every operator's call counts, so the exporter of torch, which writes many more,
is not asked. Attention is one operator that takes heads as they lie; query, key and value are products of their
own, which share one quantisation; lines are compared once; what belongs to a place or to a position is one row of one
table. Sums stand as `Sum` before a norm, since onnxruntime 1.32 fuses `Add` and norm to an operator that is several
times as slow as the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import onnx

from edge_agent.bundle.encode import ZONES
from edge_agent.core.text import VALUES
from edge_agent.training.graph import Array, Graph
from edge_agent.training.model import INNER_POSITIONS, PAST, RiskEncoder

SPOTS: Final = "spots"  # table of places, then of positions with the place of no ordinal added
ATTENTION: Final = "Attention"
PARTS: Final = ("query", "key", "value")  # of the projections of a layer
HEAD: Final = "/head/"  # scope of the nodes that stay in float
_PROJECTIONS: Final = ".projections."
_OPSET: Final = 23  # the first with attention as an operator
_IDS, _MASK, _CHANNEL = "input_ids", "attention_mask", "channel_of"
_TURNED: Final = ".T"  # ending of a matrix that is stored (inputs, outputs)
_HIDDEN: Final = -50.0  # added to the attention on padding: enough in float32; the exponential of less is slow
_EPSILON: Final = 1e-5  # of torch's layer norm


def write_served(model: RiskEncoder, path: Path) -> None:
    """Write the encoder as float32 ONNX: (B, T) int64 three times → `logits` (B, 1 + labels), B and T free."""
    inputs = dict.fromkeys((_IDS, _MASK, _CHANNEL), ("batch", "length"))
    _Served(model).write(path, inputs, ("batch", 1 + model.shape.labels), _OPSET)


class _Served(Graph):
    def __init__(self, model: RiskEncoder) -> None:
        super().__init__()
        self._shape = model.shape
        self._of = _stored({name: weight.detach().numpy() for name, weight in model.state_dict().items()})
        self._zero, self._one, self._none = self.whole(0), self.whole(1), self.whole(-1)
        states = self._embedded()
        mask = self._mask()
        for number in range(model.shape.layers):
            states = self._layer(f"layers.{number}", states, mask)
        self._headed(self._norm("norm", states))

    def _embedded(self) -> str:
        """Tokens with the name of their channel, and their place or position, (B, T, D)."""
        low = self._shape.first_ordinal
        high = low + self._shape.ordinals
        tokens = self.run("Gather", self._parameter("tokens.weight"), _IDS)
        bound = self._cast(_CHANNEL, onnx.TensorProto.BOOL)
        value = self._between(low, high + len(ZONES))
        wants = self.run("Where", value, self.run("Where", bound, _CHANNEL, self._none), self._none)
        names = self.run("Where", value, self._zero, _CHANNEL)  # 0 where there is none, which nobody wants
        pairs = self.run("Equal", self.run("Unsqueeze", wants, self.whole(2)), self.run("Unsqueeze", names, self._one))
        named = self._cast(pairs, onnx.TensorProto.FLOAT)  # (B, T, T): the name tokens of a value's line
        count = self.run("Max", self.run("ReduceSum", named, self.whole(2), keepdims=1), self.number(1.0))
        name = self.run("Div", self.run("MatMul", named, tokens), count)
        row = self._spot(bound, self._between(low, high))
        spot = self.run("Gather", self._parameter(SPOTS), row, scope=f"/{SPOTS}/")
        return self.run("Sum", tokens, name, spot)

    def _spot(self, bound: str, word: str) -> str:
        """The row of each token in the table: its place among the ordinals of its line, or its position."""
        ordinals = self._cast(word, onnx.TensorProto.INT64)
        before = self.run("CumSum", ordinals, self._axis(1), exclusive=1)
        line = self.run("GatherElements", before, _CHANNEL, axis=1)  # those before the line
        place = self.run("Min", self.run("Sub", before, line), self.whole(VALUES))
        free = self.run("Where", bound, self._zero, _MASK)
        count = self.run("Min", self.run("CumSum", free, self._axis(1)), self.whole(INNER_POSITIONS))
        position = self.run("Add", self.run("Mul", count, free), self.whole(PAST))
        return self.run("Where", self.run("And", bound, word), place, position)

    def _mask(self) -> str:
        """What is added to the attention, (B, 1, T, T)."""
        visible = self._cast(_MASK, onnx.TensorProto.BOOL)
        row = self.run("Where", visible, self.number(0.0), self.number(_HIDDEN))
        nothing = self.run("Unsqueeze", self.run("Sub", row, row), self.whole(1, 3))  # (B, 1, T, 1)
        return self.run("Add", self.run("Unsqueeze", row, self.whole(1, 2)), nothing)

    def _layer(self, name: str, states: str, mask: str) -> str:
        """As `Layer.forward`."""
        normed = self._norm(f"{name}.attention_norm", states)
        parts = [self._dense(f"{name}.{part}", normed) for part in PARTS]
        heads = self._shape.heads
        mixed = self.run(ATTENTION, *parts, mask, q_num_heads=heads, kv_num_heads=heads)
        states = self.run("Sum", states, self._dense(f"{name}.mix", mixed))
        wide = self._dense(f"{name}.widen", self._norm(f"{name}.inner_norm", states))
        return self.run("Sum", states, self._dense(f"{name}.narrow", self.run("Gelu", wide)))

    def _headed(self, states: str) -> str:
        """The logits, of the first token and the mean of all that are no padding."""
        visible = self._cast(_MASK, onnx.TensorProto.FLOAT)
        total = self.run("MatMul", self.run("Unsqueeze", visible, self._one), states)
        count = self.run("ReduceSum", visible, self._one, keepdims=1)
        mean = self.run("Div", self.run("Squeeze", total, self._one), count)
        first = self.run("Gather", states, self._axis(0), axis=1)
        both = self.run("Concat", first, mean, axis=1)
        head = self._parameter("head.weight"), self._parameter("head.bias")
        return self.run("Gemm", both, *head, transB=1, scope=HEAD)

    # ------------------------------------------------------------------------------------------------ small steps

    def _between(self, low: int, high: int) -> str:
        """Whether a token's id is one of low, ..., high - 1, (B, T)."""
        return self.run("Equal", self.run("Clip", _IDS, self._axis(low), self._axis(high - 1)), _IDS)

    def _cast(self, x: str, kind: int) -> str:
        return self.run("Cast", x, to=kind)

    def _dense(self, name: str, x: str) -> str:
        product = self.run("MatMul", x, self._turned(f"{name}.weight"))
        return self.run("Add", product, self._parameter(f"{name}.bias"))

    def _norm(self, name: str, x: str) -> str:
        scale, shift = self._parameter(f"{name}.weight"), self._parameter(f"{name}.bias")
        return self.run("LayerNormalization", x, scale, shift, axis=-1, epsilon=_EPSILON)

    def _axis(self, value: int) -> str:
        return self.weight(np.array(value, dtype=np.int64))

    def _parameter(self, name: str) -> str:
        return self.weight(self._of[name], name)

    def _turned(self, name: str) -> str:
        return self.weight(self._of[name].T, name + _TURNED)


def _stored(parameters: Mapping[str, Array]) -> dict[str, Array]:
    """The parameters of an encoder as the graph has them: projections apart, places and positions as one table."""
    stored = dict(parameters)
    places, positions = stored.pop("places.weight"), stored.pop("positions.weight")
    stored[SPOTS] = np.concatenate([places, positions + places[PAST]])
    for name in [name for name in stored if _PROJECTIONS in name]:
        for part, values in zip(PARTS, np.split(stored.pop(name), len(PARTS)), strict=True):
            stored[name.replace(_PROJECTIONS, f".{part}.")] = values
    return stored


def parameters_of(weights: Mapping[str, Array]) -> dict[str, Array]:
    """The weights of a graph → the parameters of the encoder that it was written of, by name."""
    stored = {
        name.removesuffix(_TURNED): values.T if name.endswith(_TURNED) else values for name, values in weights.items()
    }
    spots = stored.pop(SPOTS)
    stored["places.weight"], stored["positions.weight"] = spots[: PAST + 1], spots[PAST + 1 :] - spots[PAST]
    for name in [name for name in stored if f".{PARTS[0]}." in name]:
        parts = [stored.pop(name.replace(f".{PARTS[0]}.", f".{part}.")) for part in PARTS]
        stored[name.replace(f".{PARTS[0]}.", _PROJECTIONS)] = np.concatenate(parts)
    return stored
