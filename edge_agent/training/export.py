"""A model as float ONNX → int8, and the folder of a bundle. Nothing is learned or measured here."""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import onnx
from onnxruntime.quantization import QuantType, quantize_dynamic
from tokenizers import Tokenizer

from edge_agent.bundle.load import Bundle, GoldenCase, file_sha256
from edge_agent.bundle.manifest import (
    CLASSES,
    GOLDEN,
    HASHED,
    MANIFEST,
    REPORT_HASHED,
    RISK,
    TOKENIZER,
    Manifest,
    format_manifest,
)
from edge_agent.bundle.references import format_references
from edge_agent.core.baseline import Reference
from edge_agent.training.served import HEAD, SPOTS

_SPLIT_GEMM = "_MatMul"  # onnxruntime's quantiser makes of a Gemm a MatMul of this ending, before it looks at names


def quantize(source: Path, target: Path, *, per_channel: bool) -> None:
    """Write the int8 form: dynamic, signed weights, embeddings as int8 Gather; small heads and tables stay in float."""
    graph = onnx.load(str(source)).graph
    kept = [node.name for node in graph.node if HEAD in node.name or f"/{SPOTS}/" in node.name]
    kept += [f"{name}{_SPLIT_GEMM}" for name in kept]  # names that do not occur are ignored
    logging.disable(logging.WARNING)  # the library recommends a pass that changes nothing here
    try:
        quantize_dynamic(
            source, target, op_types_to_quantize=["MatMul", "Gemm", "Gather"], per_channel=per_channel,
            weight_type=QuantType.QInt8, nodes_to_exclude=kept,
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


def with_report(manifest: Manifest, other: Bundle, folder: Path) -> Manifest:
    """The manifest with the report model of another bundle, copied to `folder`; as it was where there is none."""
    if not other.manifest.report:
        return manifest
    for name in REPORT_HASHED:
        shutil.copyfile(other.risk.path.with_name(name), folder / name)
    files = manifest.files | {name: other.manifest.files[name] for name in REPORT_HASHED}
    manifest = manifest.model_copy(update={"report": other.manifest.report, "files": files})
    write_manifest(folder, manifest)
    return manifest
