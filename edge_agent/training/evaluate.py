"""A bundle → its figures, on data it never saw; what the model card states. Nothing is chosen here.

Beside every figure of the model stands that of boosted trees on the same statistics, learned from the same engines.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from sklearn.metrics import f1_score

from edge_agent.bundle.load import Bundle
from edge_agent.core.text import render
from edge_agent.simulate.turbofan import SPEC
from edge_agent.training import cmapss, fleet, fusion, teacher
from edge_agent.training.calibrate import FEWEST_STEPS, apply_calibration, fit_threshold
from edge_agent.training.examples import Examples, last_windows
from edge_agent.training.features import joint_shift
from edge_agent.training.figures import Figure
from edge_agent.training.recipe import (
    LEARNED,
    TRANSFER,
    Say,
    Scale,
    Task,
    build_all,
    by_group,
    cache_of,
    judged,
    split_engines,
    strangers,
)
from edge_agent.training.runs import HORIZON_STEPS, Run, recent_logs, windows_of
from edge_agent.training.scoring import (
    Floats,
    Indices,
    Interval,
    bootstrapped,
    brier_skill,
    calibration_error,
    joined,
    logits_of,
    pr_auc,
    sample,
)  # fmt: skip

TEST_RUNS: Final = 120
TEST_RIGS: Final = 60
_FUSION_RUNS: Final = 4  # times as many: rare failure modes have few assets
_TRANSFER_WINDOWS: Final = 15_000
_FLEET_WINDOWS: Final = 4_000  # per class
_RIG_WINDOWS: Final = 6_000
_TIMED: Final = 200


@dataclass(frozen=True, slots=True)
class _Judged:
    """Windows with the model's and the trees' risk, (N,) each."""

    label: Floats
    asset: Indices
    model: Floats
    trees: Floats


def evaluate(bundle: Bundle, data: Path | None, folder: Path, scale: Scale, say: Say) -> list[Figure]:
    """All figures of a bundle; those on C-MAPSS need `data`. Rendered windows are cached under `folder`."""
    cache = cache_of(folder, bundle.risk.encoder, bundle.references)
    figures = [*_fleet_figures(bundle, cache, scale, say), *_rig_figures(bundle, cache, scale, say)]
    figures += [*_fusion_figures(bundle, data, cache, scale, say)]
    if data is not None and (data / "cmapss").is_dir() and SPEC.name in bundle.references:
        figures += _turbofan_figures(bundle, data / "cmapss", cache, say)
    return [*figures, Figure("verdict_ms", "one verdict, batch 1, one thread, median ms", _latency(bundle))]


# ---------------------------------------------------------------------------------------------------- turbofan


def _turbofan_figures(bundle: Bundle, data: Path, cache: Path, say: Say) -> list[Figure]:
    split = {name: split_engines(cmapss.load_train(data, name)) for name in LEARNED}
    learned = _examples(bundle, cache, "learned", {name: parts[0] for name, parts in split.items()}, say)
    held_out = _examples(bundle, cache, "held-out", {name: parts[1] for name, parts in split.items()}, say)
    tests = _examples(bundle, cache, "test", {name: cmapss.load_test(data, name) for name in LEARNED}, say)
    transfer = _examples(bundle, cache, "transfer", {TRANSFER: cmapss.load_train(data, TRANSFER)}, say)[TRANSFER]
    say("boosted trees ...")
    trees = teacher.fit_trees(list(learned.values()))
    held = list(held_out.values())
    tree_threshold, _ = fit_threshold(
        np.concatenate([teacher.predict(trees, part.features) for part in held]).astype(np.float64),
        np.concatenate([part.risk for part in held]),
        joined([part.run for part in held]),
    )
    judged = {}
    for name, part in tests.items():
        say(f"{name}: {len(part)} test windows ...")
        judged[name] = _judge(bundle, trees, part, np.arange(len(part)))
    figures = [_last_windows(bundle, tests["FD001"], judged["FD001"], tree_threshold)]
    figures += [
        _area(f"{name.lower()}_pr_auc", f"{name} test, all windows, PR-AUC", one) for name, one in judged.items()
    ]
    figures += [_skill(f"{name.lower()}_brier_skill", f"{name} test, Brier skill", one) for name, one in judged.items()]
    pooled = _pool(list(judged.values()))
    figures += [
        Figure("test_ece", "FD001-FD003 test, calibration error (ECE)",
               calibration_error(pooled.label, pooled.model), calibration_error(pooled.label, pooled.trees)),
        *_coverage("test", "FD001-FD003 test", bundle, pooled),
    ]  # fmt: skip
    say(f"{TRANSFER}: {_TRANSFER_WINDOWS} windows of engines of a set never learned from ...")
    far = _judge(bundle, trees, transfer, sample(transfer, _TRANSFER_WINDOWS))
    return [*figures, _area("transfer_pr_auc", f"{TRANSFER} train (never learned from), PR-AUC", far)]


def _last_windows(bundle: Bundle, test: Examples, judged: _Judged, tree_threshold: float) -> Figure:
    last = last_windows(test, FEWEST_STEPS)
    label = (test.left[last] <= HORIZON_STEPS).astype(np.float64)
    asset = np.arange(len(last))

    def f1(threshold: float, risk: Floats) -> Interval:
        return bootstrapped(
            lambda truth, r: float(f1_score(truth > 0, r >= threshold, zero_division=0.0)),
            label,
            risk[last],
            asset,
            2000,
        )

    return Figure(
        "fd001_f1", f"FD001 test, last window of {len(last)} engines ({int(label.sum())} failing), F1",
        f1(bundle.manifest.threshold, judged.model), f1(tree_threshold, judged.trees),
        f"thresholds from held-out training engines: {bundle.manifest.threshold}, trees {tree_threshold}",
    )  # fmt: skip


# ---------------------------------------------------------------------------------------------------- simulator


def _fleet_figures(bundle: Bundle, cache: Path, scale: Scale, say: Say) -> list[Figure]:
    learned = _examples(
        bundle, cache, "learned", by_group(fleet.load_fleet(fleet.TRAINING_SEED, scale.train_runs)), say
    )
    runs = by_group(fleet.load_fleet(fleet.TEST_SEED, min(TEST_RUNS, scale.held_out_runs)))
    tests = _examples(bundle, cache, "test", runs, say)
    strange = _examples(bundle, cache, "strange", runs, say, known=False)
    say("simulated machines never learned from ...")
    known, unknown, right, shown = [], [], 0, 0
    for name, part in tests.items():
        trees = teacher.fit_trees([learned[name]])
        chosen = sample(part, _FLEET_WINDOWS)
        logits = logits_of(bundle.risk, part, chosen)
        known.append(_judged(bundle, trees, part, chosen, logits))
        faulty = (part.risk[chosen] > 0) & (part.mode[chosen] > 0)
        right += int((logits[faulty, 1:].argmax(axis=1) == part.mode[chosen][faulty]).sum())
        shown += int(faulty.sum())
        unknown.append(_judge(bundle, trees, strange[name], sample(strange[name], _FLEET_WINDOWS), stranger=True))
    return [
        _area("simulator_pr_auc", "simulated fleet, PR-AUC", _pool(known)),
        _area("simulator_strange_pr_auc", "class unknown: a fault shows, PR-AUC", _pool(unknown), trees=False),
        Figure(
            "simulator_mode_accuracy", f"failure mode of {shown} windows before a failure", right / max(shown, 1)
        ),
    ]  # fmt: skip


def _rig_figures(bundle: Bundle, cache: Path, scale: Scale, say: Say) -> list[Figure]:
    """What the model makes of machines nobody declared; beside it T² of the own baseline alone, which plain PCA has."""
    runs = by_group(fleet.load_rigs(fleet.TEST_SEED, min(TEST_RIGS, scale.held_out_rigs)))
    part = judged(_examples(bundle, cache, "strange", runs, say, known=False)[fleet.RIGS])
    say("rigs never learned from ...")
    chosen = sample(part, _RIG_WINDOWS)
    calibration, _ = bundle.manifest.reading(stranger=True)
    risk = apply_calibration(calibration, logits_of(bundle.risk, part, chosen)[:, 0])
    t2 = joint_shift(part.features[chosen]).astype(np.float64)
    one = _Judged(part.risk[chosen].astype(np.float64), part.run[chosen].astype(np.int64), risk, t2)
    alone = bootstrapped(pr_auc, one.label, one.trees, one.asset)
    return [
        Figure("rigs_pr_auc", "rigs of no class: a fault shows, PR-AUC",
               bootstrapped(pr_auc, one.label, one.model, one.asset),
               note=f"prevalence {one.label.mean():.3f}; T² alone {alone}"),
        Figure("rigs_ece", "the same, calibration error (ECE)", calibration_error(one.label, one.model)),
    ]  # fmt: skip


def _fusion_figures(bundle: Bundle, data: Path | None, cache: Path, scale: Scale, say: Say) -> list[Figure]:
    runs = by_group(fleet.load_fleet(fleet.FUSION_SEED, _FUSION_RUNS * min(TEST_RUNS, scale.held_out_runs)))
    tests = list(_examples(bundle, cache, "told", runs, say, told=True).values())
    say("failure modes by sensors and log, by either alone ...")
    real = None if data is None else fusion.real_lines(data / "fmc_mwo2kg")
    figures = _ablation("fused", "the simulator's log lines", fusion.ablate(bundle, tests))
    return figures + (_ablation("composed", "real log lines", fusion.ablate(bundle, tests, real)) if real else [])


def _ablation(name: str, with_what: str, found: fusion.Ablation) -> list[Figure]:
    modes = f"{found.windows} windows, {' '.join(found.modes)}"
    return [
        Figure(f"{name}_macro_f1", f"failure mode with {with_what}, macro-F1", found.both, note=modes),
        Figure(f"{name}_macro_f1_sensors", "the same by the sensors alone", found.sensors),
        Figure(f"{name}_macro_f1_log", "the same by the log alone", found.logs),
        Figure(f"{name}_gain", "both, less the better of the two", found.gain),
    ]


def _skill(name: str, what: str, judged: _Judged) -> Figure:
    return Figure(
        name, what, bootstrapped(brier_skill, judged.label, judged.model, judged.asset),
        bootstrapped(brier_skill, judged.label, judged.trees, judged.asset), "1 is perfect, 0 says the prevalence",
    )  # fmt: skip


def _coverage(name: str, what: str, bundle: Bundle, judged: _Judged) -> list[Figure]:
    """How many windows of each class have their class in the conformal set: at least 1 - alpha is promised."""
    conformal = bundle.manifest.conformal
    failing = judged.label > 0
    said = f"promised {1 - conformal.alpha:.2f}"
    return [
        Figure(f"{name}_{kind}_coverage", f"{what}, conformal coverage of {kind} windows",
               bootstrapped(_share, judged.label[rows], inside[rows].astype(np.float64), judged.asset[rows]), note=said)
        for kind, rows, inside in (
            ("failing", failing, judged.model >= conformal.failing_from),
            ("sound", ~failing, judged.model <= conformal.sound_to),
        )
    ]  # fmt: skip


def _share(_: Floats, inside: Floats) -> float:
    return float(inside.mean())


def _pool(parts: Sequence[_Judged]) -> _Judged:
    return _Judged(
        np.concatenate([part.label for part in parts]), joined([part.asset for part in parts]),
        np.concatenate([part.model for part in parts]), np.concatenate([part.trees for part in parts]),
    )  # fmt: skip


# ---------------------------------------------------------------------------------------------------- common


def _examples(  # noqa: PLR0913 - what to render, with what, and where to keep it
    bundle: Bundle, cache: Path, part: str, groups: Mapping[str, Sequence[Run]], say: Say, *, known: bool = True,
    told: bool = False,
) -> dict[str, Examples]:  # fmt: skip
    tasks = {
        name: (
            cache / f"{part}-{name}.npz",
            Task(name, tuple(runs), bundle.references[runs[0].spec.name] if known else None, told),
        )
        for name, runs in groups.items()
    }
    built = build_all(tasks, bundle.risk.encoder, say)
    return built if known else {name: strangers(part) for name, part in built.items()}


def _judge(
    bundle: Bundle, trees: teacher.Trees, part: Examples, chosen: Indices, *, stranger: bool = False
) -> _Judged:  # fmt: skip
    return _judged(bundle, trees, part, chosen, logits_of(bundle.risk, part, chosen), stranger=stranger)


def _judged(  # noqa: PLR0913 - what was judged, and by whom
    bundle: Bundle, trees: teacher.Trees, part: Examples, chosen: Indices, logits: Floats, *, stranger: bool = False
) -> _Judged:  # fmt: skip
    calibration, _ = bundle.manifest.reading(stranger=stranger)
    return _Judged(
        part.risk[chosen].astype(np.float64),
        part.run[chosen].astype(np.int64),
        apply_calibration(calibration, logits[:, 0]),
        teacher.predict(trees, part.features[chosen]).astype(np.float64),
    )


def _area(name: str, what: str, judged: _Judged, *, trees: bool = True) -> Figure:
    return Figure(
        name, what, bootstrapped(pr_auc, judged.label, judged.model, judged.asset),
        bootstrapped(pr_auc, judged.label, judged.trees, judged.asset) if trees else None,
        f"prevalence {judged.label.mean():.3f}",
    )  # fmt: skip


def _latency(bundle: Bundle) -> float:
    run = fleet.load_fleet(fleet.TEST_SEED, 1)[0]
    texts = [
        render(window, recent_logs(run.logs, window, run.spec))
        for window in windows_of(run, bundle.references.get(run.spec.name))
    ]
    spent = []
    for text in texts[:_TIMED]:
        began = time.perf_counter()
        bundle.risk.score(text)
        spent.append(time.perf_counter() - began)
    return float(np.median(spent)) * 1e3
