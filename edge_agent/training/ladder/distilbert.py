"""A DistilBERT-base as ONNX, int8, with random weights: the yardstick of a verdict. Speed does not know what it says.

The graph is what an export of the original gives (6 layers, 768 wide, 12 heads, 3072 inner, vocabulary 30522, two
labels), quantised by the same call as our own models. Source: Sanh et al. 2019, arXiv 1910.01108, and the `config.json`
of distilbert-base-uncased.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

import numpy as np
from onnxruntime.quantization import QuantType, quantize_dynamic

from edge_agent.training.graph import Graph

LAYERS: Final = 6
WIDTH: Final = 768
HEADS: Final = 12
INNER: Final = 3072
VOCABULARY: Final = 30522
POSITIONS: Final = 512
LABELS: Final = 2
_OPSET: Final = 17
_INITIAL: Final = 0.02  # deviation of the weights
_MASKED: Final = -1e4


def write_distilbert(folder: Path) -> Path:
    """The path of an int8 model with inputs input_ids and attention_mask, (1, T) each."""
    source, target = folder / "distilbert-float.onnx", folder / "distilbert.onnx"
    graph = _Random()
    _encode(graph)
    inputs = dict.fromkeys(("input_ids", "attention_mask"), (1, "T"))
    graph.write(source, inputs, (1, LABELS), _OPSET)
    logging.disable(logging.WARNING)  # the library recommends a pass that changes nothing here
    try:
        quantize_dynamic(source, target, op_types_to_quantize=["MatMul", "Gemm", "Gather"], weight_type=QuantType.QInt8)
    finally:
        logging.disable(logging.NOTSET)
    source.unlink()
    return target


class _Random(Graph):
    """A graph whose weights are drawn."""

    def __init__(self) -> None:
        super().__init__()
        self._rng = np.random.default_rng(1)

    def drawn(self, *shape: int) -> str:
        """A random weight."""
        return self.weight(self._rng.standard_normal(shape, dtype=np.float32) * np.float32(_INITIAL))

    def dense(self, x: str, inputs: int, outputs: int) -> str:
        """A matrix product and a bias."""
        return self.run("Add", self.run("MatMul", x, self.drawn(inputs, outputs)), self.drawn(outputs))

    def norm(self, x: str) -> str:
        """A layer norm."""
        one = self.weight(np.ones(WIDTH, dtype=np.float32))
        return self.run("LayerNormalization", x, one, self.drawn(WIDTH), axis=-1, epsilon=1e-12)


def _encode(g: _Random) -> None:
    """Add everything, the logits last."""
    words = g.run("Gather", g.drawn(VOCABULARY, WIDTH), "input_ids")  # (1, T, D)
    length = g.run("Gather", g.run("Shape", "input_ids"), g.whole(1))  # (1,)
    places = g.run("Slice", g.drawn(POSITIONS, WIDTH), g.whole(0), length, g.whole(0))  # (T, D)
    x = g.norm(g.run("Add", words, places))
    seen = g.run("Cast", g.run("Unsqueeze", "attention_mask", g.whole(1, 2)), to=1)  # (1, 1, 1, T) float
    mask = g.run("Mul", g.run("Sub", g.number(1.0), seen), g.number(_MASKED))
    for _ in range(LAYERS):
        x = g.norm(g.run("Add", x, _attention(g, x, mask)))
        wide = g.dense(x, WIDTH, INNER)
        half = g.run("Add", g.run("Erf", g.run("Div", wide, g.number(2.0**0.5))), g.number(1.0))
        gelu = g.run("Mul", g.run("Mul", wide, half), g.number(0.5))
        x = g.norm(g.run("Add", x, g.dense(gelu, INNER, WIDTH)))
    first = g.run("Squeeze", g.run("Slice", x, g.whole(0), g.whole(1), g.whole(1)), g.whole(1))  # (1, D)
    g.dense(g.run("Relu", g.dense(first, WIDTH, WIDTH)), WIDTH, LABELS)


def _attention(g: _Random, x: str, mask: str) -> str:
    """Twelve heads of 64, (1, T, D) → (1, T, D)."""
    apart, together = g.whole(1, -1, HEADS, WIDTH // HEADS), g.whole(1, -1, WIDTH)
    q, k, v = (g.run("Reshape", g.dense(x, WIDTH, WIDTH), apart) for _ in range(3))
    query = g.run("Div", g.run("Transpose", q, perm=[0, 2, 1, 3]), g.number((WIDTH / HEADS) ** 0.5))
    weights = g.run("MatMul", query, g.run("Transpose", k, perm=[0, 2, 3, 1]))  # (1, H, T, T)
    shares = g.run("Softmax", g.run("Add", weights, mask), axis=-1)
    mixed = g.run("MatMul", shares, g.run("Transpose", v, perm=[0, 2, 1, 3]))
    merged = g.run("Reshape", g.run("Transpose", mixed, perm=[0, 2, 1, 3]), together)
    return g.dense(merged, WIDTH, WIDTH)
