"""A trained encoder → ONNX → int8, and the folder of a bundle. Nothing is learned or measured here."""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from tokenizers import Tokenizer

from edge_agent.bundle.load import GoldenCase, file_sha256
from edge_agent.bundle.manifest import CLASSES, GOLDEN, HASHED, MANIFEST, RISK, TOKENIZER, Manifest, format_manifest
from edge_agent.bundle.references import format_references
from edge_agent.core.baseline import Reference
from edge_agent.training.model import RiskEncoder

OPSET = 17
_INPUTS = ("input_ids", "attention_mask", "channel_of")
_SPLIT_GEMM = "_MatMul"  # onnxruntime's quantiser makes of a Gemm a MatMul of this ending, before it looks at names


def export_float(model: RiskEncoder, path: Path) -> None:
    """Write the model as float32 ONNX with free batch and length."""
    example = torch.zeros((2, 64), dtype=torch.int64)
    mask = torch.ones_like(example)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the TorchScript exporter says that it is not the newest one
        torch.onnx.export(
            model.eval(), (example, mask, example), str(path), input_names=list(_INPUTS), output_names=["logits"],
            dynamic_axes={name: {0: "batch", 1: "length"} for name in _INPUTS} | {"logits": {0: "batch"}},
            opset_version=OPSET, dynamo=False,
        )  # fmt: skip


def quantize(source: Path, target: Path, *, per_channel: bool) -> None:
    """Write the int8 form: dynamic, signed weights, embeddings as int8 Gather; the small heads stay in float."""
    graph = onnx.load(str(source)).graph
    heads = [node.name for node in graph.node if "/head/" in node.name]
    heads += [f"{name}{_SPLIT_GEMM}" for name in heads]  # names that do not occur are ignored
    logging.disable(logging.WARNING)  # the library recommends a pass that changes nothing here
    try:
        quantize_dynamic(
            source, target, op_types_to_quantize=["MatMul", "Gemm", "Gather"], per_channel=per_channel,
            weight_type=QuantType.QInt8, nodes_to_exclude=heads,
        )  # fmt: skip
    finally:
        logging.disable(logging.NOTSET)


def write_files(
    folder: Path, risk: Path, tokenizer: Tokenizer, references: Mapping[str, Reference], golden: Iterable[GoldenCase]
) -> dict[str, str]:
    """Write everything of a bundle but manifest and card; the SHA-256 of each file."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(risk, folder / RISK)
    (folder / TOKENIZER).write_text(
        json.dumps(json.loads(tokenizer.to_str()), separators=(",", ":")) + "\n", encoding="utf-8"
    )
    (folder / CLASSES).write_text(format_references(references), encoding="utf-8")
    (folder / GOLDEN).write_text("".join(case.model_dump_json() + "\n" for case in golden), encoding="utf-8")
    return {name: file_sha256(folder / name) for name in HASHED}


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest, last: without it a folder is no bundle."""
    with tempfile.NamedTemporaryFile("w", dir=folder, delete=False, encoding="utf-8") as partial:
        partial.write(format_manifest(manifest))
    Path(partial.name).chmod(0o644)
    Path(partial.name).replace(folder / MANIFEST)
