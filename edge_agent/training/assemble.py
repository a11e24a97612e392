"""A trained encoder → a bundle folder: int8, calibration, conformal bounds, threshold, golden cases, manifest.

What is chosen here looks at held-out windows alone. Training the base, and fine-tuning it, end here both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from edge_agent.bundle.classify import OnnxRiskModel
from edge_agent.bundle.encode import BUCKETS, TextEncoder
from edge_agent.bundle.load import GoldenCase
from edge_agent.bundle.manifest import FORMAT, HASHED, Calibration, Conformal, DataSource, Manifest
from edge_agent.core.baseline import Reference
from edge_agent.core.text import VERSION
from edge_agent.training.batches import collate
from edge_agent.training.calibrate import (
    apply_calibration,
    fit_calibration,
    fit_conformal,
    fit_quiet_threshold,
    fit_threshold,
)
from edge_agent.training.examples import Examples
from edge_agent.training.export import quantize, write_files, write_manifest
from edge_agent.training.figures import Figure
from edge_agent.training.model import RiskEncoder
from edge_agent.training.recipe import Say
from edge_agent.training.runs import MODES, UNKNOWN
from edge_agent.training.scoring import Floats, Indices, logits_of, pr_auc
from edge_agent.training.served import write_served

_TOLERANCE: Final = 0.08
_BATCH: Final = 128


@dataclass(frozen=True, slots=True)
class Checks:
    """Held-out windows, N in all."""

    parts: Mapping[str, Examples]
    chosen: Mapping[str, Indices]  # rows of each part
    asset: Indices  # (N,) windows of one number belong together
    protocol: NDArray[np.bool_]  # (N,) the threshold looks at these alone
    weight: Floats  # (N,) in the calibration

    def risk(self) -> NDArray[np.float32]:
        """What became of the windows, (N,)."""
        return np.concatenate([self.parts[name].risk[rows] for name, rows in self.chosen.items()])

    def strange(self) -> NDArray[np.bool_]:
        """Which windows are of assets without class reference, (N,): those of parts named `<name>?`."""
        return np.concatenate([np.full(len(rows), name.endswith("?")) for name, rows in self.chosen.items()])

    def mode(self) -> NDArray[np.int8]:
        """Their failure modes, (N,)."""
        return np.concatenate([self.parts[name].mode[rows] for name, rows in self.chosen.items()])


@dataclass(frozen=True, slots=True)
class Content:
    """What goes into a bundle beside its model."""

    encoder: TextEncoder
    references: Mapping[str, Reference]
    texts: Sequence[str]  # of the golden cases


def draft(name: str, version: str, horizon: str, data: Sequence[DataSource]) -> Manifest:
    """The manifest before anything was measured."""
    return Manifest(
        format=FORMAT, name=name, version=version, text=VERSION, horizon=horizon, labels=MODES, threshold=0.5,
        golden_tolerance=_TOLERANCE, buckets=BUCKETS, calibration=Calibration(temperature=1.0, bias=0.0),
        conformal=Conformal(alpha=0.1, sound_to=0.5, failing_from=0.5), files=dict.fromkeys(HASHED, "0" * 64),
        figures={}, data=tuple(data),
    )  # fmt: skip


def assemble(  # noqa: PLR0913 - the parts of one bundle, used once
    model: RiskEncoder, manifest: Manifest, content: Content, checks: Checks, folder: Path, out: Path, say: Say
) -> tuple[Manifest, list[Figure]]:
    """Write the bundle to `out`, working files to `folder`; its manifest, and how the held-out windows came out."""
    whole = folder / "risk-float.onnx"
    write_served(model, whole)
    floats = _float_logits(model, content.encoder, checks)
    nothing = [GoldenCase(text="-", risk=0.0, mode=MODES[0], mode_probability=0.0)]
    best: tuple[float, Path, Floats] | None = None
    for per_channel in (False, True):
        path = folder / f"risk-int8-{'channel' if per_channel else 'tensor'}.onnx"
        quantize(whole, path, per_channel=per_channel)
        files = write_files(out, path, content.encoder.tokenizer, content.references, nothing)
        scorer = OnnxRiskModel(out, manifest.model_copy(update={"files": files}))
        logits = np.concatenate([logits_of(scorer, checks.parts[name], rows) for name, rows in checks.chosen.items()])
        gap = float(np.mean(np.abs(logits[:, 0] - floats[:, 0])))
        say(f"int8 {path.stem}: mean gap of the risk logit to float {gap:.3f}, {path.stat().st_size / 1e6:.1f} MB")
        if best is None or gap < best[0]:
            best = (gap, path, logits)
    assert best is not None  # noqa: S101 - two candidates were tried
    _, path, logits = best
    label = checks.risk()
    manifest = _settled(manifest, logits[:, 0], label, checks)
    risk = _risk(manifest, logits[:, 0], checks)
    judged = checks.protocol
    threshold, f1 = fit_threshold(risk[judged], label[judged], checks.asset[judged])
    manifest = manifest.model_copy(update={"threshold": threshold})
    files = write_files(out, path, content.encoder.tokenizer, content.references, nothing)
    scorer = OnnxRiskModel(out, manifest.model_copy(update={"files": files}))
    golden = [_golden(scorer, text) for text in content.texts]
    files = write_files(out, path, content.encoder.tokenizer, content.references, golden)
    manifest = manifest.model_copy(update={"files": files})
    write_manifest(out, manifest)
    float_risk = _risk(manifest, floats[:, 0], checks)
    truth = label.astype(np.float64)
    mode = checks.mode()
    figures = [
        Figure("size_mb", "size of the bundle, MB", sum(f.stat().st_size for f in out.iterdir()) / 1e6),
        Figure("held_out_f1", "held-out assets, F1 at the threshold, cross-validated", f1),
        Figure("held_out_pr_auc", "held-out assets, PR-AUC", pr_auc(truth, risk)),
        Figure("held_out_pr_auc_float", "the same before int8", pr_auc(truth, float_risk)),
        Figure("int8_agreement", "int8 and float on the same side of the threshold",
               float(np.mean((risk >= threshold) == (float_risk >= threshold)))),
    ]  # fmt: skip
    if (known := mode != UNKNOWN).any():
        right = float(np.mean(logits[known, 1:].argmax(axis=1) == mode[known]))
        figures.append(Figure("held_out_mode_accuracy", "held-out assets, failure mode, accuracy", right))
    return manifest, figures


def _settled(manifest: Manifest, logits: Floats, label: NDArray[np.float32], checks: Checks) -> Manifest:
    """The manifest with calibration and bounds: of assets with class reference, and of strangers where there are any.

    A stranger's risk is of another kind (that a fault shows), and so are its odds.
    """
    strange = checks.strange()
    known = ~strange if (~strange).any() else strange
    update: dict[str, Calibration | Conformal | float] = {}
    for prefix, rows in (("", known), ("stranger_", strange)):
        if len(np.unique(label[rows] > 0.5)) == 2 or not prefix:  # noqa: PLR2004 - sound and failing ones
            calibration = fit_calibration(logits[rows], label[rows], checks.weight[rows])
            risk = apply_calibration(calibration, logits[rows])
            update |= {f"{prefix}calibration": calibration, f"{prefix}conformal": fit_conformal(risk, label[rows])}
            if prefix:
                update["stranger_threshold"] = fit_quiet_threshold(risk, label[rows])
    return manifest.model_copy(update=update)


def _risk(manifest: Manifest, logits: Floats, checks: Checks) -> Floats:
    """The calibrated risk of every window, (N,)."""
    strange = checks.strange()
    known, stranger = (apply_calibration(manifest.reading(stranger=one)[0], logits) for one in (False, True))
    return np.where(strange, stranger, known)


def _float_logits(model: RiskEncoder, encoder: TextEncoder, checks: Checks) -> Floats:
    out = []
    for name, rows in checks.chosen.items():
        part = checks.parts[name]
        for some in np.array_split(rows, max(1, len(rows) // _BATCH)):
            texts = [part.lines(n) for n in some.tolist()]
            batch = collate(texts, encoder, part.risk[some], part.mode[some].astype(np.int64))
            with torch.no_grad():
                out.append(model(*(torch.from_numpy(array) for array in batch[:3])).numpy())
    return np.concatenate(out).astype(np.float64)


def _golden(scorer: OnnxRiskModel, text: str) -> GoldenCase:
    scores = scorer.score(text)
    mode = int(np.argmax(scores.modes))
    return GoldenCase(
        text=text, risk=round(scores.risk, 4), mode=MODES[mode], mode_probability=round(scores.modes[mode], 4)
    )
