"""The yardstick of a verdict, where it can be made: training brings the package that writes it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from bench.figures import UnmeasuredError

VOCABULARY = 30522


def write_distilbert(folder: Path) -> Path:
    """The path of an int8 DistilBERT-base with random weights, inputs input_ids and attention_mask, (1, T) each.

    Raises:
        UnmeasuredError: the `onnx` package is not installed.
    """
    if find_spec("onnx") is None:
        raise UnmeasuredError("the comparison with DistilBERT needs the package `onnx` (it comes with extra `train`)")
    from edge_agent.training.ladder import distilbert  # noqa: PLC0415 - `onnx` is not part of the dev extra

    return distilbert.write_distilbert(folder)
