"""Prepared data → a bundle folder: teach, train, quantise, calibrate, check, measure, describe.

The order of work of `edge-agent train base`. Every choice made here (int8 scales, calibration, threshold)
looks at held-out training assets only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge_agent.bundle.load import load_bundle
from edge_agent.bundle.manifest import DataSource
from edge_agent.core.text import ORDINALS, render
from edge_agent.simulate.turbofan import SPEC
from edge_agent.training import card, corpus, fleet, teacher
from edge_agent.training.assemble import Checks, Content, assemble, draft
from edge_agent.training.batches import NO_AUGMENTATION, Augmentation, Source, stream
from edge_agent.training.calibrate import FEWEST_STEPS, LONGEST_LEFT
from edge_agent.training.evaluate import evaluate
from edge_agent.training.evaluations import append_evaluation
from edge_agent.training.examples import Examples
from edge_agent.training.export import write_manifest
from edge_agent.training.figures import Figure, flat
from edge_agent.training.fit import Recipe, Trained, train
from edge_agent.training.model import Shape
from edge_agent.training.prune import pruned
from edge_agent.training.recipe import LEARNED, Prepared, Say, Scale, prepare
from edge_agent.training.runs import HORIZON, MODES, UNKNOWN, recent_logs, windows_of
from edge_agent.training.scoring import Indices, joined, sample
from edge_agent.training.stages import Stage, checkpoint_of, keep

_STRANGE_SHARE: Final = 0.5  # weight of a window shown without its class beside one shown with it
_REFINED_STRANGE_SHARE: Final = 1.0
_FLEET_SHARE: Final = 0.45  # of a batch, where there is C-MAPSS as well
_REFINED_FLEET_SHARE: Final = 0.4  # the wear of turbofans is harder to read than simulated faults
_REFINING: Final = Augmentation(
    jitter=2, drop=3, rename=0.08, forget_class=0.08, forget_levels=0.04, drop_logs=0.1, logs_only=0.06
)
_LOOKED_AT: Final = 4  # batches whose activity says which inner units do least
_CHECKED: Final = 1_500  # held-out windows per set for calibration
_GOLDEN_SEED: Final = 1_003
_GOLDEN_RUNS: Final = 8
_LICENCES: Final = {
    "simulator": ("as this project", "learned from (even seeds), calibrated and measured on (odd seeds)"),
    "cmapss": ("US Government work", "learned from and calibrated on train_FD001-FD003, measured on test and FD004"),
    **{name: (licence, "vocabulary of the tokenizer") for name, licence in corpus.LICENCES.items()},
}


@dataclass(frozen=True, slots=True)
class Pruning:
    """How narrow the feed-forward parts become, and the training that repairs what is left."""

    inner: int
    repair: Recipe


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
    pruning: Pruning | None = None  # after all learning; None for none


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
    model, seconds = _trained(plan, prepared, shape, say)
    say("exporting, quantising, calibrating ...")
    sources = [DataSource(name=name, licence=_LICENCES[name][0], use=_LICENCES[name][1]) for name in prepared.sources]
    content = Content(prepared.encoder, prepared.references, _golden_texts(prepared))
    manifest, ladder = assemble(
        model, draft(plan.name, plan.version, HORIZON, sources), content, checks_of(prepared.held_out), folder, out, say
    )
    bundle = load_bundle(out)
    measured = [*ladder, *evaluate(bundle, data, folder, plan.scale, say)]
    manifest = manifest.model_copy(update={"figures": flat(measured)})
    write_manifest(out, manifest)
    append_evaluation(folder, command, manifest, manifest.figures)
    repair = None if plan.pruning is None else card.Pruned(shape.inner, plan.pruning.repair)
    modes = _modes(prepared)
    card.write_card(
        out, manifest, measured,
        card.Making(command, model.shape, plan.recipe, plan.refine, seconds / 60, modes, repair),
    )  # fmt: skip
    return measured


def _trained(plan: Plan, prepared: Prepared, shape: Shape, say: Say) -> Trained:
    """The model after learning, refining and pruning: each resumes by itself, and what each ends with is kept."""
    cache, encoder = prepared.cache, prepared.encoder
    targets = _targets(prepared, say)
    sources = _sources(prepared, targets, _FLEET_SHARE, _STRANGE_SHARE)
    done = train(sources, encoder, shape, plan.recipe, checkpoint_of(cache, Stage.LEARNED), say, Augmentation())
    keep(cache, Stage.LEARNED, done.model)
    sources = _sources(prepared, targets, _REFINED_FLEET_SHARE, _REFINED_STRANGE_SHARE)
    if plan.refine is not None:
        say("refining ...")
        checkpoint = checkpoint_of(cache, Stage.REFINED)
        refined = train(sources, encoder, shape, plan.refine, checkpoint, say, _REFINING, done.model)
        done = Trained(refined.model, done.seconds + refined.seconds)
        keep(cache, Stage.REFINED, done.model)
    if plan.pruning is not None:
        inner, repair = plan.pruning.inner, plan.pruning.repair
        say(f"pruning {shape.inner} inner units to {inner}, repairing ...")
        seen = islice(stream(sources, encoder, repair.batch, NO_AUGMENTATION, repair.seed), _LOOKED_AT)
        narrow = pruned(done.model, seen, inner)
        checkpoint = checkpoint_of(cache, Stage.PRUNED)
        repaired = train(sources, encoder, narrow.shape, repair, checkpoint, say, _REFINING, narrow)
        done = Trained(repaired.model, done.seconds + repaired.seconds)
        keep(cache, Stage.PRUNED, done.model)
    return done


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
    return targets


def _by_class(sets: Mapping[str, Examples]) -> dict[str, list[str]]:
    """The sets by class and by whether the class is known: the turbofan sets are one class."""
    grouped: dict[str, list[str]] = {}
    for name in sets:
        label = SPEC.name if _is_turbofan(name) else name.rstrip("?")
        grouped.setdefault(f"{label}-strange" if name.endswith("?") else label, []).append(name)
    return grouped


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


def checks_of(parts: Mapping[str, Examples]) -> Checks:
    """The held-out windows that settle calibration and threshold; C-MAPSS and simulator weigh the same."""
    chosen = {name: sample(part, _CHECKED) for name, part in parts.items()}
    turbofan = np.concatenate([np.full(len(rows), _is_turbofan(name)) for name, rows in chosen.items()])
    return Checks(
        parts,
        chosen,
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


def _golden_texts(prepared: Prepared) -> list[str]:
    """Texts of a simulated fleet of their own, late in each life."""
    texts = []
    for run in fleet.load_fleet(_GOLDEN_SEED, _GOLDEN_RUNS)[:_GOLDEN_RUNS]:
        windows = list(windows_of(run, prepared.references.get(run.spec.name)))
        risky = np.flatnonzero(run.risky)
        window = windows[min(int(risky[len(risky) // 2]) if len(risky) else len(windows) - 1, len(windows) - 1)]
        texts.append(render(window, recent_logs(run.logs, window, run.spec)))
    return texts
