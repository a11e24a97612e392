"""A bundle's risk model with weights drawn anew: the same shape, the same inputs and outputs, nothing learned.

Only what a test of promise G8 needs of the ONNX format is read here: where the stored weights lie in the file.
Source: onnx.proto3, fields 7 of ModelProto, 5 of GraphProto, 2 and 9 of TensorProto; protobuf wire format.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from edge_agent.bundle.classify import OnnxRiskModel
from edge_agent.bundle.load import read_golden
from edge_agent.bundle.manifest import RISK, TOKENIZER, Calibration, read_manifest

_GRAPH, _INITIALIZER, _TYPE, _RAW = 7, 5, 2, 9
_FLOAT, _UINT8, _INT8 = 1, 2, 3
_VARINT, _FIXED64, _BYTES = 0, 1, 2
_SIZES = {_FIXED64: 8, 5: 4}


def with_random_weights(bundle: Path, folder: Path, seed: int) -> OnnxRiskModel:
    """The risk model of a bundle with random weights, written into `folder`; its self-test would refuse it.

    It is calibrated so that its risks lie all over the range: without that most draws say one thing to every text.
    """
    data = bytearray((bundle / RISK).read_bytes())
    rng = np.random.default_rng(seed)
    drawn = 0
    for kind, first, last in list(_weights(bytes(data))):
        if kind == _FLOAT:
            values = rng.normal(0.0, 1.0, (last - first) // 4).astype("<f4").tobytes()
        else:
            values = rng.integers(0, 256, last - first, dtype=np.uint8).tobytes()
        data[first:last] = values
        drawn += last - first
    assert drawn > len(data) // 2, "most of the file is weights"
    folder.mkdir()
    (folder / RISK).write_bytes(data)
    shutil.copy(bundle / TOKENIZER, folder / TOKENIZER)
    manifest = read_manifest(bundle)
    logits = [OnnxRiskModel(folder, manifest).logits(case.text)[0] for case in read_golden(bundle)]
    spread = float(np.std(logits)) or 1.0
    calibration = Calibration(temperature=spread, bias=-float(np.mean(logits)) / spread)
    return OnnxRiskModel(folder, manifest.model_copy(update={"calibration": calibration}))


def _weights(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Type, begin and end of the stored bytes of every weight."""
    for graph in _fields(data, (0, len(data)), _GRAPH):
        for tensor in _fields(data, graph, _INITIALIZER):
            kind = next((value for value, _ in _fields(data, tensor, _TYPE)), 0)
            for first, last in _fields(data, tensor, _RAW):
                if kind in {_FLOAT, _UINT8, _INT8}:
                    yield kind, first, last


def _fields(data: bytes, span: tuple[int, int], wanted: int) -> Iterator[tuple[int, int]]:
    """Begin and end of every field of this number in a message; of a number, the number twice."""
    at, end = span
    while at < end:
        tag, at = _varint(data, at)
        kind = tag & 7
        if kind == _VARINT:
            value, at = _varint(data, at)
            found = (value, value)
        else:
            size, at = _varint(data, at) if kind == _BYTES else (_SIZES[kind], at)
            found = (at, at + size)
            at += size
        if tag >> 3 == wanted:
            yield found


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value, at, shift = value | (byte & 127) << shift, at + 1, shift + 7
        if byte < 128:
            return value, at
