"""A bundle's `risk.onnx` → the torch encoder it was exported from: where fine-tuning starts. Trains and writes nothing.

The graph is read, not run: int8 tables become float32 by their scale and zero point. What is lost against the weights
before quantisation is what the bundle itself lost (half a step of each table's scale).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Final

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper

from edge_agent.bundle.load import Bundle
from edge_agent.core.text import ORDINALS
from edge_agent.errors import BundleError
from edge_agent.training.model import RiskEncoder, Shape
from edge_agent.training.served import ATTENTION, SPOTS, parameters_of

Tensors = Mapping[str, NDArray[np.generic]]

_INT8: Final = "_quantized"
_DENSE: Final = frozenset(("MatMul", "MatMulInteger", "Gemm"))
_SPLIT_PARTS: Final = 3  # query, key, value: the constant before the number of heads in the reshape of a layer
_HINT: Final = "start from a bundle that `edge-agent train base` made, such as models/default"


def encoder_of(bundle: Bundle) -> RiskEncoder:
    """The encoder of a bundle, in evaluation mode, with its shape and weights.

    Raises:
        BundleError: the bundle's risk model is no encoder of ours.
    """
    path = bundle.risk.path
    if not bundle.risk.encoder.bound:
        raise BundleError(f"{path} has no channel binding: it is no encoder of this project", hint=_HINT)
    try:
        graph = onnx.load(str(path)).graph
    except Exception as error:  # the library raises protobuf's own errors, which derive from Exception only
        raise BundleError(f"{path} cannot be read: {error}", hint="install the bundle again") from error
    constants = {
        node.output[0]: numpy_helper.to_array(node.attribute[0].t) for node in graph.node if node.op_type == "Constant"
    }
    tensors = _dequantised({one.name: numpy_helper.to_array(one) for one in graph.initializer})
    if SPOTS in tensors:
        tensors |= parameters_of(tensors)
    try:
        model = RiskEncoder(_shape(bundle, tensors, _heads(graph, constants)))
        model.load_state_dict({name: _weight(name, graph, tensors) for name in model.state_dict()})
    except (KeyError, StopIteration, ValueError, RuntimeError) as error:
        raise BundleError(f"{path} does not hold the weights of an encoder of ours: {error}", hint=_HINT) from error
    return model.eval()


def _scope(name: str) -> str:
    """The scope the exporter gives the nodes of a parameter: `layers.0.mix.weight` is at `/layers.0/mix/`."""
    return f"/{name.rpartition('.')[0].replace('.', '/').replace('layers/', 'layers.')}/"


def _dequantised(stored: Tensors) -> dict[str, NDArray[np.generic]]:
    """The tensors under their own names, int8 ones as float32: (value - zero point) * scale, per table or column."""
    found = dict(stored)
    for name in stored:
        if name.endswith(_INT8):
            plain = name.removesuffix(_INT8)
            values, scale, zero = (
                found.pop(plain + part).astype(np.float32) for part in (_INT8, "_scale", "_zero_point")
            )
            found[plain] = (values - zero) * scale
    return found


def _weight(name: str, graph: onnx.GraphProto, tensors: Tensors) -> torch.Tensor:
    """One parameter: by its name, else as the second operand of its dense step, which is turned there.

    Bundles before 1.2.1 have no names for dense weights, and the quantiser turns the head.
    """
    if name in tensors:
        return torch.from_numpy(np.ascontiguousarray(tensors[name].astype(np.float32)))
    scope = _scope(name)
    operand = next(
        node.input[1] for node in graph.node if node.op_type in _DENSE and node.name.startswith(scope)
    ).removesuffix(_INT8)
    return torch.from_numpy(np.ascontiguousarray(tensors[operand].astype(np.float32).T))


def _heads(graph: onnx.GraphProto, constants: Tensors) -> int:
    """Attention heads: an attribute, or the fourth size of the view (batch, length, 3, heads, width) of a layer."""
    for node in graph.node:
        if node.op_type == ATTENTION:
            return next(int(one.i) for one in node.attribute if one.name == "q_num_heads")
        if node.op_type == "Concat" and node.name.startswith("/layers.0/"):
            sizes = [constants.get(name) for name in node.input]
            for part, heads in itertools.pairwise(sizes):
                if part is not None and heads is not None and part.tolist() == [_SPLIT_PARTS]:
                    return int(heads[0])
    raise ValueError("no view of query, key and value by heads")


def _shape(bundle: Bundle, tensors: Tensors, heads: int) -> Shape:
    """The blueprint, read off the tables."""
    vocabulary, dim = tensors["tokens.weight"].shape
    layers = 1 + max(int(name.split(".")[1]) for name in tensors if name.startswith("layers."))
    return Shape(
        vocabulary=vocabulary, labels=len(tensors["head.bias"]) - 1, first_ordinal=bundle.risk.encoder.first_ordinal,
        ordinals=len(ORDINALS), dim=dim, layers=layers, heads=heads, inner=len(tensors["layers.0.widen.bias"]),
    )  # fmt: skip
