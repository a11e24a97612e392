"""A bundle folder → a checked bundle: hashes, text version, golden self-test. What fails here is never active.

A bundle is data, never code: TOML, JSON, ONNX. Nothing is unpickled.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from edge_agent.bundle.classify import OnnxRiskModel
from edge_agent.bundle.manifest import CLASSES, GOLDEN, REPORT_GOLDEN, Manifest, read_manifest
from edge_agent.bundle.references import parse_references
from edge_agent.bundle.report import OnnxReportModel
from edge_agent.core import report, text
from edge_agent.core.baseline import Reference
from edge_agent.core.facts import Facts
from edge_agent.errors import BundleError

_CHUNK: Final = 1 << 20
_CLEAR: Final = 0.6  # a golden mode is compared only where the model was at least so sure of it

_Case = TypeVar("_Case", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle that passed its checks."""

    manifest: Manifest
    risk: OnnxRiskModel
    references: Mapping[str, Reference]  # by asset class
    report: OnnxReportModel | None = None  # None: summaries come from the template


class GoldenCase(BaseModel):
    """A text and what the model said of it on the machine that made the bundle."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str
    risk: float
    mode: str
    mode_probability: float


class GoldenSummary(BaseModel):
    """Facts and what the report model wrote of them, without a close call on the way."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    facts: Facts
    summary: str


def default_bundle() -> Path:
    """The bundle that came along: beside the package in a clone, under `share` where it is installed."""
    clone = Path(__file__).resolve().parents[2] / "models" / "default"
    return clone if clone.is_dir() else Path(sys.prefix) / "share" / "edge-agent" / "models" / "default"


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file, hexadecimal.

    Raises:
        BundleError: the file cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise BundleError(f"{path} cannot be read: {error}", hint="the bundle is damaged: install it again") from error
    return digest.hexdigest()


def load_bundle(folder: Path) -> Bundle:
    """The bundle in a folder, after hashes, text version and golden self-test.

    Raises:
        BundleError: it is missing, damaged, altered, made for another text version, or does not say what it said
            when it was made.
    """
    manifest = read_manifest(folder)
    if manifest.text != text.VERSION:
        raise BundleError(
            f"bundle {manifest.name!r} reads {manifest.text!r}, this agent writes {text.VERSION!r}",
            hint="install a bundle made for this version of the agent",
        )
    for name, expected in manifest.files.items():
        found = file_sha256(folder / name)
        if found != expected:
            raise BundleError(
                f"bundle {manifest.name!r}: {name} does not match its sha256 "
                f"(manifest {expected[:12]}…, file {found[:12]}…)",
                hint=f"install the bundle again: {folder} was altered or only half copied",
            )
    path = folder / CLASSES
    references = parse_references(path.read_text(encoding="utf-8"), path)
    risk = OnnxRiskModel(folder, manifest)
    self_test(risk, manifest, read_golden(folder))
    return Bundle(manifest, risk, references, _report(folder, manifest) if manifest.report else None)


def _report(folder: Path, manifest: Manifest) -> OnnxReportModel:
    """The report model of a bundle, after its self-test."""
    if manifest.report != report.VERSION:
        raise BundleError(
            f"bundle {manifest.name!r} writes {manifest.report!r}, this agent reads {report.VERSION!r}",
            hint="install a bundle made for this version of the agent",
        )
    model = OnnxReportModel(folder)
    for case in read_golden_summaries(folder):
        found = model.summarise(case.facts)
        if found != case.summary:
            raise BundleError(
                f"bundle {manifest.name!r}: self-test: summary {found!r:.60} where {case.summary!r:.60} was recorded",
                hint="the report model does not write here as it did where it was made: install another bundle",
            )
    return model


def read_golden_summaries(folder: Path) -> list[GoldenSummary]:
    """The golden summaries of a bundle with a report model.

    Raises:
        BundleError: there is none, or a line is no golden summary.
    """
    return _golden_rows(folder / REPORT_GOLDEN, GoldenSummary)


def read_golden(folder: Path) -> list[GoldenCase]:
    """The golden cases of a bundle.

    Raises:
        BundleError: there is none, or a line is no golden case.
    """
    return _golden_rows(folder / GOLDEN, GoldenCase)


def _golden_rows(path: Path, kind: type[_Case]) -> list[_Case]:
    try:
        cases = [kind.model_validate_json(row) for row in path.read_text(encoding="utf-8").splitlines()]
    except ValidationError as error:
        raise BundleError(f"{path}: {error.errors()[0]['msg']}", hint="install the bundle again") from error
    if not cases:
        raise BundleError(f"{path} holds no golden case", hint="a bundle without a self-test is not used")
    return cases


def self_test(model: OnnxRiskModel, manifest: Manifest, cases: list[GoldenCase]) -> None:
    """Score the golden texts and compare within the manifest's tolerance; never bits, which differ by processor.

    Raises:
        BundleError: an answer differs.
    """
    for case in cases:
        scores = model.score(case.text)
        if abs(scores.risk - case.risk) > manifest.golden_tolerance:
            raise BundleError(
                f"bundle {manifest.name!r}: self-test: risk {scores.risk:.3f} where {case.risk:.3f} was recorded, "
                f"for the text that begins {case.text[:40]!r}",
                hint="the model does not run here as it did where it was made: install another bundle or runtime",
            )
        mode = manifest.labels[max(range(len(scores.modes)), key=scores.modes.__getitem__)]
        if case.mode_probability >= _CLEAR and mode != case.mode:
            raise BundleError(
                f"bundle {manifest.name!r}: self-test: failure mode {mode} where {case.mode} was recorded",
                hint="the labels of the bundle do not belong to its model: install it again",
            )
