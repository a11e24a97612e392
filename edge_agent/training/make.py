"""Prepared data → a bundle folder: teach, train, quantise, calibrate, check, measure, describe.

The order of work of `edge-agent train base`. Every choice made here (int8 scales, calibration, threshold)
looks at held-out training assets only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from edge_agent.bundle.classify import OnnxRiskModel
from edge_agent.bundle.encode import BUCKETS
from edge_agent.bundle.load import GoldenCase, load_bundle
from edge_agent.bundle.manifest import FORMAT, Calibration, Conformal, DataSource, Manifest
from edge_agent.core.text import ORDINALS, VERSION, render
from edge_agent.simulate.turbofan import SPEC
from edge_agent.training import card, corpus, fleet, teacher
from edge_agent.training.batches import Augmentation, Source, collate
from edge_agent.training.calibrate import (
    FEWEST_STEPS,
    LONGEST_LEFT,
    apply_calibration,
    fit_calibration,
    fit_conformal,
    fit_threshold,
)
from edge_agent.training.evaluate import evaluate
from edge_agent.training.examples import Examples
from edge_agent.training.export import export_float, quantize, write_files, write_manifest
from edge_agent.training.figures import Figure, flat
from edge_agent.training.fit import Recipe, Trained, train
from edge_agent.training.model import RiskEncoder, Shape
from edge_agent.training.recipe import LEARNED, STRANGE, Prepared, Say, Scale, prepare
from edge_agent.training.runs import HORIZON, MODES, UNKNOWN, recent_logs, windows_of
from edge_agent.training.scoring import Floats, Indices, joined, logits_of, pr_auc, sample

_STRANGE_SHARE: Final = 0.5  # weight of a window shown without its class beside one shown with it
_REFINED_STRANGE_SHARE: Final = 1.0
_FLEET_SHARE: Final = 0.45  # of a batch, where there is C-MAPSS as well
_REFINED_FLEET_SHARE: Final = 0.4  # the wear of turbofans is harder to read than simulated faults
_REFINING: Final = Augmentation(
    jitter=2, drop=3, rename=0.08, forget_class=0.08, forget_levels=0.04, drop_logs=0.1, logs_only=0.06
)
_CHECKED: Final = 1_500  # held-out windows per set for calibration
_GOLDEN_SEED: Final = 1_003
_GOLDEN_RUNS: Final = 8
_TOLERANCE: Final = 0.08
_LICENCES: Final = {
    "simulator": ("as this project", "learned from (even seeds), calibrated and measured on (odd seeds)"),
    "cmapss": ("US Government work", "learned from and calibrated on train_FD001-FD003, measured on test and FD004"),
    **{name: (licence, "vocabulary of the tokenizer") for name, licence in corpus.LICENCES.items()},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that decides what comes out."""

    name: str = "default"
    version: str = "1.0.0"
    scale: Scale = field(default_factory=Scale)
    recipe: Recipe
    refine: Recipe | None  # a second, gentler round, nearer to what is served; None for none
    dim: int
    layers: int
    heads: int
    inner: int


@dataclass(frozen=True, slots=True)
class _HeldOut:
    """Held-out windows pooled: logits and truth, (N, ...) each."""

    logits: Floats  # (N, 1 + labels)
    risk: NDArray[np.float32]
    mode: NDArray[np.int8]
    asset: Indices
    protocol: NDArray[np.bool_]  # the threshold looks at these alone
    weight: Floats


def make_bundle(  # noqa: PLR0913 - what to make, from what, where, and how it was asked for
    plan: Plan, data: Path | None, folder: Path, out: Path, command: str, say: Say
) -> list[Figure]:
    """Train and write the bundle to `out`; working files stay in `folder`, and a second call resumes. Its figures."""
    folder.mkdir(parents=True, exist_ok=True)
    prepared = prepare(data, folder, plan.scale, say)
    shape = Shape(
        prepared.encoder.tokenizer.get_vocab_size(), len(MODES), prepared.encoder.first_ordinal, len(ORDINALS),
        plan.dim, plan.layers, plan.heads, plan.inner,
    )  # fmt: skip
    model, seconds = _trained(plan, prepared, shape, folder, say)
    say("exporting, quantising, calibrating ...")
    manifest, ladder = _assemble(plan, prepared, model, folder, out, say)
    bundle = load_bundle(out)
    measured = [*ladder, *evaluate(bundle, data, folder, plan.scale, say)]
    manifest = manifest.model_copy(update={"figures": flat(measured)})
    write_manifest(out, manifest)
    card.write_card(
        out, manifest, measured, card.Making(command, shape, plan.recipe, plan.refine, seconds / 60, _modes(prepared))
    )
    return measured


def _trained(plan: Plan, prepared: Prepared, shape: Shape, folder: Path, say: Say) -> Trained:
    """The model after learning and refining, with its own checkpoint for each."""
    checkpoint = folder / f"{prepared.cache.name}.checkpoint"
    targets = _targets(prepared, say)
    sources = _sources(prepared, targets, _FLEET_SHARE, _STRANGE_SHARE)
    learned = train(sources, prepared.encoder, shape, plan.recipe, checkpoint, say, Augmentation())
    if plan.refine is None:
        return learned
    say("refining ...")
    sources = _sources(prepared, targets, _REFINED_FLEET_SHARE, _REFINED_STRANGE_SHARE)
    checkpoint = checkpoint.with_suffix(".refined")
    refined = train(sources, prepared.encoder, shape, plan.refine, checkpoint, say, _REFINING, learned.model)
    return Trained(refined.model, learned.seconds + refined.seconds)


def _modes(prepared: Prepared) -> frozenset[str]:
    """The failure modes that occurred in training."""
    return frozenset(MODES[i] for part in prepared.learned.values() for i in np.unique(part.mode) if i != UNKNOWN)


def _targets(prepared: Prepared, say: Say) -> dict[str, NDArray[np.float32]]:
    """What the risk is learned by: per class, the mean of the truth and of boosted trees out of fold."""
    sets = prepared.learned
    targets: dict[str, NDArray[np.float32]] = {}
    for label, names in _by_class(sets).items():
        path = prepared.cache / f"teacher-{label}.npy"
        if not path.exists():
            say(f"teaching {label}: boosted trees by asset-wise folds ...")
            np.save(path, np.concatenate(teacher.soft_targets([sets[name] for name in names])))
        cuts = np.cumsum([len(sets[name]) for name in names])[:-1]
        targets |= dict(zip(names, np.split(np.load(path), cuts), strict=True))
    return targets | {name: targets[name[:-1]][sets[name[:-1]].run % STRANGE == 0] for name in sets if name[-1] == "?"}


def _by_class(sets: Mapping[str, Examples]) -> dict[str, list[str]]:
    """The sets shown with their class reference, by class: the turbofan sets are one class."""
    turbofan = [name for name in LEARNED if name in sets]
    grouped = {name: [name] for name in sets if name[-1] != "?" and name not in turbofan}
    return grouped | ({SPEC.name: turbofan} if turbofan else {})


def _sources(
    prepared: Prepared, targets: Mapping[str, NDArray[np.float32]], fleet_share: float, strange_share: float
) -> list[Source]:
    """The learned sets with their shares of a batch."""
    sets = prepared.learned
    weight = {name: strange_share if name.endswith("?") else 1.0 for name in sets}
    weight = {name: weight[name] * len(sets[name].risk) ** 0.5 for name in sets}  # small sets are not to drown
    for ours, share in ((True, 1 - fleet_share), (False, fleet_share)):
        names = [name for name in sets if _is_turbofan(name) == ours]
        total = sum(weight[name] for name in names)
        weight |= {name: weight[name] / total * share for name in names}
    return [Source(part, targets[name], weight[name]) for name, part in sets.items()]


def _is_turbofan(name: str) -> bool:
    return name.rstrip("?") in LEARNED


def _assemble(  # noqa: PLR0913 - the parts of one training, used once
    plan: Plan, prepared: Prepared, model: RiskEncoder, folder: Path, out: Path, say: Say
) -> tuple[Manifest, list[Figure]]:
    whole = folder / "risk-float.onnx"
    export_float(model, whole)
    draft = _manifest(plan, prepared)
    golden = [GoldenCase(text="-", risk=0.0, mode=MODES[0], mode_probability=0.0)]
    chosen = {name: sample(part, _CHECKED) for name, part in prepared.held_out.items()}
    floats = _float_logits(model, prepared, chosen)
    best: tuple[float, Path, _HeldOut] | None = None
    for per_channel in (False, True):
        path = folder / f"risk-int8-{'channel' if per_channel else 'tensor'}.onnx"
        quantize(whole, path, per_channel=per_channel)
        files = write_files(out, path, prepared.encoder.tokenizer, prepared.references, golden)
        held = _held_out(OnnxRiskModel(out, draft.model_copy(update={"files": files})), prepared.held_out, chosen)
        gap = float(np.mean(np.abs(held.logits[:, 0] - floats[:, 0])))
        say(f"int8 {path.stem}: mean gap of the risk logit to float {gap:.3f}, {path.stat().st_size / 1e6:.1f} MB")
        if best is None or gap < best[0]:
            best = (gap, path, held)
    assert best is not None  # noqa: S101 - two candidates were tried
    _, path, held = best
    calibration = fit_calibration(held.logits[:, 0], held.risk, held.weight)
    risk = apply_calibration(calibration, held.logits[:, 0])
    threshold, f1 = fit_threshold(risk[held.protocol], held.risk[held.protocol], held.asset[held.protocol])
    manifest = draft.model_copy(
        update={"calibration": calibration, "conformal": fit_conformal(risk, held.risk), "threshold": threshold}
    )
    files = write_files(out, path, prepared.encoder.tokenizer, prepared.references, golden)
    scorer = OnnxRiskModel(out, manifest.model_copy(update={"files": files}))
    files = write_files(out, path, prepared.encoder.tokenizer, prepared.references, _golden(scorer, prepared))
    manifest = manifest.model_copy(update={"files": files})
    write_manifest(out, manifest)
    float_risk = apply_calibration(calibration, floats[:, 0])
    agree = float(np.mean((risk >= threshold) == (float_risk >= threshold)))
    known = held.mode != UNKNOWN
    return manifest, [
        Figure("size_mb", "size of the bundle, MB", sum(f.stat().st_size for f in out.iterdir()) / 1e6),
        Figure("held_out_f1", "held-out assets, F1 at the threshold, cross-validated", f1),
        Figure("held_out_pr_auc", "held-out assets, PR-AUC", pr_auc(held.risk.astype(np.float64), risk)),
        Figure("held_out_pr_auc_float", "the same before int8", pr_auc(held.risk.astype(np.float64), float_risk)),
        Figure("held_out_mode_accuracy", "held-out assets, failure mode, accuracy",
               float(np.mean(held.logits[known, 1:].argmax(axis=1) == held.mode[known]))),
        Figure("int8_agreement", "int8 and float on the same side of the threshold", agree),
    ]  # fmt: skip


def _held_out(scorer: OnnxRiskModel, parts: Mapping[str, Examples], chosen: Mapping[str, Indices]) -> _HeldOut:
    """The held-out windows; C-MAPSS and simulator weigh the same, whatever their sizes."""
    turbofan = np.concatenate([np.full(len(rows), _is_turbofan(name)) for name, rows in chosen.items()])
    return _HeldOut(
        np.concatenate([logits_of(scorer, parts[name], rows) for name, rows in chosen.items()]),
        np.concatenate([parts[name].risk[rows] for name, rows in chosen.items()]),
        np.concatenate([parts[name].mode[rows] for name, rows in chosen.items()]),
        joined([parts[name].run[rows] for name, rows in chosen.items()]),
        np.concatenate([_in_protocol(name, parts[name], rows) for name, rows in chosen.items()])
        if turbofan.any()
        else np.ones(len(turbofan), dtype=np.bool_),
        np.where(turbofan, 0.5 / max(turbofan.sum(), 1), 0.5 / max((~turbofan).sum(), 1)) * len(turbofan),
    )


def _in_protocol(name: str, part: Examples, rows: Indices) -> NDArray[np.bool_]:
    """Windows that could be the last of a test engine: known class, old enough, cut off not too early."""
    fits: NDArray[np.bool_] = (part.left[rows] <= LONGEST_LEFT) & (part.step[rows] >= FEWEST_STEPS)
    return fits & (name in LEARNED)


def _float_logits(model: RiskEncoder, prepared: Prepared, chosen: Mapping[str, Indices]) -> Floats:
    out = []
    for name, rows in chosen.items():
        part = prepared.held_out[name]
        for some in np.array_split(rows, max(1, len(rows) // 128)):
            batch = collate(
                [part.lines(n) for n in some.tolist()],
                prepared.encoder,
                part.risk[some],
                part.mode[some].astype(np.int64),
            )
            with torch.no_grad():
                out.append(model(*(torch.from_numpy(array) for array in batch[:3])).numpy())
    return np.concatenate(out).astype(np.float64)


def _golden(scorer: OnnxRiskModel, prepared: Prepared) -> list[GoldenCase]:
    """Texts of a simulated fleet of their own, late in each life, with what the model says of them."""
    cases = []
    for run in fleet.load_fleet(_GOLDEN_SEED, _GOLDEN_RUNS)[:_GOLDEN_RUNS]:
        windows = list(windows_of(run, prepared.references.get(run.spec.name)))
        risky = np.flatnonzero(run.risky)
        window = windows[min(int(risky[len(risky) // 2]) if len(risky) else len(windows) - 1, len(windows) - 1)]
        text = render(window, recent_logs(run.logs, window, run.spec))
        scores = scorer.score(text)
        mode = int(np.argmax(scores.modes))
        cases.append(
            GoldenCase(
                text=text, risk=round(scores.risk, 4), mode=MODES[mode], mode_probability=round(scores.modes[mode], 4)
            )
        )
    return cases


def _manifest(plan: Plan, prepared: Prepared) -> Manifest:
    """The manifest before anything was measured."""
    return Manifest(
        format=FORMAT, name=plan.name, version=plan.version, text=VERSION, horizon=HORIZON, labels=MODES, threshold=0.5,
        golden_tolerance=_TOLERANCE, buckets=BUCKETS, calibration=Calibration(temperature=1.0, bias=0.0),
        conformal=Conformal(alpha=0.1, sound_to=0.5, failing_from=0.5),
        files=dict.fromkeys(("risk.onnx", "tokenizer.json", "classes.json", "golden.jsonl"), "0" * 64), figures={},
        data=tuple(
            DataSource(name=name, licence=_LICENCES[name][0], use=_LICENCES[name][1]) for name in prepared.sources
        ),
    )  # fmt: skip
