"""An ONNX graph written operator by operator, where an exporter's own way would be slower to run.

Outputs are names; weights are named by whoever reads them again, the rest by number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray

_IR: Final = 10

Array = NDArray[np.generic]
Attribute = float | Sequence[int]


class Graph:
    """Nodes and weights in the order in which they are computed."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._weights: dict[str, Array] = {}

    def run(self, kind: str, *inputs: str, scope: str = "", **attributes: Attribute) -> str:
        """One more node; its output. The node is called `scope` and its kind, where a scope is given."""
        name = f"{scope or '/'}{kind}_{len(self._nodes)}"
        output = f"{kind}_{len(self._nodes)}"
        node = onnx.helper.make_node(kind, list(inputs), [output], name)
        node.attribute.extend(onnx.helper.make_attribute(key, value) for key, value in attributes.items())
        self._nodes.append(node)
        return output

    def weight(self, values: Array, name: str | None = None) -> str:
        """An array of the file, under a name of its own or the next number."""
        name = f"w{len(self._weights)}" if name is None else name
        self._weights[name] = values.copy(order="C")
        return name

    def number(self, value: float) -> str:
        """A number as float32, no axes."""
        return self.weight(np.array(value, dtype=np.float32))

    def whole(self, *values: int) -> str:
        """Whole numbers, such as a shape, (values,)."""
        return self.weight(np.array(values, dtype=np.int64))

    def write(
        self, path: Path, inputs: Mapping[str, Sequence[int | str]], output: Sequence[int | str], opset: int
    ) -> None:
        """Write the graph: int64 inputs of these shapes, and the last node's output, float32, as `logits`."""
        self._nodes[-1].output[0] = "logits"
        given = [
            onnx.helper.make_tensor_value_info(name, onnx.TensorProto.INT64, shape) for name, shape in inputs.items()
        ]
        answer = onnx.helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, output)
        weights = [onnx.numpy_helper.from_array(values, name) for name, values in self._weights.items()]
        model = onnx.helper.make_model(
            onnx.helper.make_graph(self._nodes, "main", given, [answer], weights),
            opset_imports=[onnx.helper.make_opsetid("", opset)], ir_version=_IR,
        )  # fmt: skip
        onnx.save(model, str(path))
