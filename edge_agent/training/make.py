"""Prepared data → a bundle folder: teach, train, quantise, calibrate, check, measure, describe.

The order of work of `edge-agent train base`. Every choice made here (int8 scales, calibration, threshold)
looks at held-out training assets only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge_agent.bundle.load import Bundle, load_bundle
from edge_agent.bundle.manifest import CLASSES, TOKENIZER, DataSource
from edge_agent.bundle.references import format_references
from edge_agent.core.text import ORDINALS, render
from edge_agent.errors import UsageError
from edge_agent.training import card, corpus, fleet
from edge_agent.training.assemble import Checks, Content, assemble, draft
from edge_agent.training.batches import NO_AUGMENTATION, Augmentation, stream
from edge_agent.training.calibrate import FEWEST_STEPS, LONGEST_LEFT
from edge_agent.training.evaluate import evaluate
from edge_agent.training.evaluations import append_evaluation
from edge_agent.training.examples import Examples
from edge_agent.training.export import with_report, write_manifest
from edge_agent.training.figures import Figure, flat
from edge_agent.training.fit import Recipe, Trained, train
from edge_agent.training.mixture import Shares, is_turbofan, sources_of, targets_of
from edge_agent.training.model import RiskEncoder, Shape
from edge_agent.training.pretrain import Pretraining, pretrain
from edge_agent.training.prune import pruned
from edge_agent.training.recipe import LEARNED, STRANGE_RIGS, Prepared, Say, Scale, prepare
from edge_agent.training.runs import HORIZON, MODES, UNKNOWN, recent_logs, windows_of
from edge_agent.training.scoring import Indices, joined, sample
from edge_agent.training.stages import Stage, checkpoint_of, forget, keep
from edge_agent.training.weights import encoder_of

_REFINING: Final = Augmentation(
    jitter=2, drop=3, rename=0.08, forget_class=0.08, forget_levels=0.04, drop_logs=0.1, logs_only=0.06
)
_SETTLING: Final = Augmentation(
    jitter=2, drop=3, rename=0.1, forget_class=0.08, forget_levels=0.0, drop_logs=0.1, logs_only=0.1, reworded=0.35
)
_LOOKED_AT: Final = 4  # batches whose activity says which inner units do least
_CHECKED: Final = 1_500  # held-out windows per set for calibration
_RIGS_CHECKED: Final = 4_000
_TURBOFAN, _FLEET, _RIGS = range(3)  # origins of a set
_ORIGINS: Final = 3
_GOLDEN_SEED: Final = 1_003
_GOLDEN_RUNS: Final = 8
_LICENCES: Final = {
    "simulator": ("as this project", "learned from (even seeds), calibrated and measured on (odd seeds)"),
    "cmapss": ("US Government work", "learned from and calibrated on train_FD001-FD003, measured on test and FD004"),
    **{name: (licence, "vocabulary of the tokenizer") for name, licence in corpus.LICENCES.items()},
    **{name: (corpus.LICENCES[name], "vocabulary; lines by the mode their words name") for name in corpus.WORK_ORDERS},
}


_LEARNING_SHARES: Final = Shares(turbofan=0.55, strange=0.5)
_REFINING_SHARES: Final = Shares(turbofan=0.6, strange=1.0)  # the wear of turbofans is harder to read than faults
_SETTLING_SHARES: Final = Shares(turbofan=0.5, strange=1.0, told=0.13, rigs=0.13)


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
    pretraining: Pretraining | None = None  # reading, before anything is taught; None for none
    recipe: Recipe
    refine: Recipe | None  # a second, gentler round, nearer to what is served; None for none
    settle: Recipe | None = None  # a third: log lines in real words, machines nobody declared; None for none
    dim: int
    layers: int
    heads: int
    inner: int
    pruning: Pruning | None = None  # after all learning; None for none
    weights: Path | None = None  # bundle that was made by this plan: its weights are taken, and nothing is trained


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
    lines = () if data is None else corpus.read_lines(data)
    before = None if plan.weights is None else _made_before(plan.weights, prepared)
    if before is None:
        model, seconds = _trained(plan, prepared, lines, shape, say)
    else:
        model, seconds = encoder_of(before), 0.0
    say("exporting, quantising, calibrating ...")
    sources = [DataSource(name=name, licence=_LICENCES[name][0], use=_LICENCES[name][1]) for name in prepared.sources]
    content = Content(prepared.encoder, prepared.references, _golden_texts(prepared))
    manifest, ladder = assemble(
        model, draft(plan.name, plan.version, HORIZON, sources), content, checks_of(prepared.held_out), folder, out, say
    )
    if before is not None:
        manifest = with_report(manifest, before, out)
    bundle = load_bundle(out)
    measured = [*ladder, *evaluate(bundle, data, folder, plan.scale, say)]
    manifest = manifest.model_copy(update={"figures": flat(measured)})
    write_manifest(out, manifest)
    append_evaluation(folder, command, manifest, manifest.figures)
    repair = None if plan.pruning is None else card.Pruned(shape.inner, plan.pruning.repair)
    modes = _modes(prepared)
    card.write_card(
        out, manifest, measured,
        card.Making(
            command, model.shape, plan.recipe, plan.refine, plan.settle, seconds / 60, modes, repair,
            None if before is None else f"{before.manifest.name} {before.manifest.version}",
        ),
    )  # fmt: skip
    return measured


def _made_before(folder: Path, prepared: Prepared) -> Bundle:
    """The bundle whose weights are taken.

    Raises:
        UsageError: it reads other tokens or references than this training would.
    """
    bundle = load_bundle(folder)
    other = [
        name
        for name, theirs, ours in (
            (TOKENIZER, bundle.risk.encoder.tokenizer.to_str(), prepared.encoder.tokenizer.to_str()),
            (CLASSES, format_references(bundle.references), format_references(prepared.references)),
        )
        if theirs != ours
    ]
    if other:
        raise UsageError(
            f"--weights {folder}: its {' and '.join(other)} are not those of this training",
            hint="give the data and options that the bundle was made with: they stand in its MODEL_CARD.md",
        )
    return bundle


def _trained(plan: Plan, prepared: Prepared, lines: Sequence[str], shape: Shape, say: Say) -> Trained:
    """The model after reading, learning, refining and pruning: each resumes by itself; what each ends with is kept."""
    cache, encoder = prepared.cache, prepared.encoder
    targets = targets_of(prepared, say)
    sources = sources_of(prepared, targets, _LEARNING_SHARES)
    forget(cache)
    start: RiskEncoder | None = None
    before_s = 0.0
    if plan.pretraining is not None:
        say(f"{Stage.PRETRAINED}: {plan.pretraining.steps} steps of reading ...")
        checkpoint = checkpoint_of(cache, Stage.PRETRAINED)
        start, before_s = pretrain(sources, lines, encoder, shape, plan.pretraining, checkpoint, say)
        keep(cache, Stage.PRETRAINED, start)
    checkpoint = checkpoint_of(cache, Stage.LEARNED)
    done = train(sources, encoder, shape, plan.recipe, checkpoint, say, Augmentation(), start)
    done = Trained(done.model, before_s + done.seconds)
    keep(cache, Stage.LEARNED, done.model)
    for stage, recipe, shares, augmentation in (
        (Stage.REFINED, plan.refine, _REFINING_SHARES, _REFINING),
        (Stage.SETTLED, plan.settle, _SETTLING_SHARES, _SETTLING),
    ):
        if recipe is not None:
            say(f"{stage}: {recipe.steps} steps more ...")
            sources = sources_of(prepared, targets, shares)
            more = train(
                sources, encoder, shape, recipe, checkpoint_of(cache, stage), say, augmentation, done.model,
                wordings=prepared.wordings,
            )  # fmt: skip
            done = Trained(more.model, done.seconds + more.seconds)
            keep(cache, stage, done.model)
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


def checks_of(parts: Mapping[str, Examples]) -> Checks:
    """The held-out windows that settle calibration and threshold; C-MAPSS, simulator and rigs weigh the same."""
    chosen = {name: sample(part, _CHECKED if name != STRANGE_RIGS else _RIGS_CHECKED) for name, part in parts.items()}
    origin = np.concatenate([np.full(len(rows), _origin(name)) for name, rows in chosen.items()])
    return Checks(
        parts,
        chosen,
        joined([parts[name].run[rows] for name, rows in chosen.items()]),
        np.concatenate([_in_protocol(name, parts[name], rows) for name, rows in chosen.items()])
        if _TURBOFAN in origin
        else np.concatenate([np.full(len(rows), not name.endswith("?")) for name, rows in chosen.items()]),
        len(origin) / len(np.unique(origin)) / np.bincount(origin, minlength=_ORIGINS)[origin],
    )


def _origin(name: str) -> int:
    """What kind of data a set is."""
    if name == STRANGE_RIGS:
        return _RIGS
    return _TURBOFAN if is_turbofan(name) else _FLEET


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
