"""A plant's history and a base bundle → a bundle of one's own: the order of work of `edge-agent train finetune`.

What is chosen here (int8 scales, calibration, threshold) looks at the part for that alone; what is measured at the end
looks at assets, or a time, that nothing was learned from or chosen by. Resumable: everything costly lies in `folder`.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from edge_agent.bundle.load import Bundle, load_bundle
from edge_agent.bundle.manifest import DataSource, Manifest
from edge_agent.errors import BundleError
from edge_agent.training import fleet, teacher
from edge_agent.training.assemble import Checks, Content, assemble, draft
from edge_agent.training.batches import Augmentation, Source
from edge_agent.training.calibrate import fit_threshold
from edge_agent.training.evaluations import append_evaluation
from edge_agent.training.examples import Examples, subset
from edge_agent.training.export import write_manifest
from edge_agent.training.figures import flat
from edge_agent.training.fit import Recipe, Say, Trained, train
from edge_agent.training.model import RiskEncoder
from edge_agent.training.plant import card
from edge_agent.training.plant.figures import Answers, Row, answers, compare, figures_of
from edge_agent.training.plant.histories import Plant, PlantSettings, plant_of
from edge_agent.training.plant.source import History
from edge_agent.training.plant.split import CHECK, LEARN, TEST, split
from edge_agent.training.plant.windows import (
    Bar,
    Seen,
    Windows,
    class_reference,
    golden_texts,
    rendered,
    seen_by_base,
    simulated,
)
from edge_agent.training.runs import MODES
from edge_agent.training.scoring import Indices, bootstrapped, joined, pr_auc, sample
from edge_agent.training.weights import encoder_of

_AUGMENTATION: Final = Augmentation(
    jitter=2,
    drop=2,
    rename=0.02,
    rename_one=0.01,
    forget_class=0.05,
    forget_levels=0.02,
    drop_logs=0.15,
    logs_only=0.02,
)
_MOST_CHECKED: Final = 3_000  # windows for calibration and threshold
_MOST_TESTED: Final = 4_000
_SIMULATED_TESTED: Final = 250  # windows per simulated class
_MOST_TEST_LIVES: Final = 30
_TRIED: Final = 8  # steps by which the pace is measured: as many as are drawn at once
_FOR_THE_END: Final = 0.15  # share of the time for int8, calibration and the answers that are measured
_FEWEST_STEPS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """How to fine-tune."""

    plant: PlantSettings
    name: str
    version: str
    epochs: float
    minutes: float
    mix: float  # share of simulated windows in a batch, 0 for none
    simulated: int  # simulated lives they come from
    batch: int = 128
    rate: float = 5e-4


@dataclass(frozen=True, slots=True)
class Told:
    """Where progress is said."""

    say: Say  # one line a stage
    pace: Say  # one line every few steps of the training
    bar: Bar


@dataclass(frozen=True, slots=True)
class _Judged:
    """What base, fine-tuned model and trees are measured on."""

    test: Indices  # rows of the plant's windows
    seen: Seen  # the same windows as the base reads them
    trees: Answers
    fleets: tuple[Examples, ...]  # of simulated machines


@dataclass(frozen=True, slots=True)
class Done:
    """What came of it."""

    manifest: Manifest
    rows: tuple[Row, ...]
    split: str
    steps: int
    minutes: float


def finetune(  # noqa: PLR0913 - from what, how, where, and whom to tell; the order of work in one place
    history: History, base: Path, job: Job, folder: Path, out: Path, command: str, told: Told
) -> Done:
    """Write the fine-tuned bundle to `out`; a second call with the same arguments goes on where the first stopped.

    Raises:
        DataError: the history does not suffice.
        BundleError: the base is no bundle of ours.
    """
    began, say = time.monotonic(), told.say
    bundle = load_bundle(base)
    if bundle.manifest.labels != MODES:
        raise BundleError(
            f"bundle {bundle.manifest.name!r} has other failure modes than this version learns",
            hint="start from a bundle of this version, such as models/default",
        )
    start = encoder_of(bundle)
    plant = plant_of(history, job.plant)
    for note in plant.notes:
        say(f"note: {note}")
    parts = split(plant.runs)
    say(parts.said)
    work = folder / f"finetune-{_digest(plant, bundle, job)}"
    work.mkdir(parents=True, exist_ok=True)
    reference = class_reference(plant, parts)
    windows = rendered(plant, parts, reference, bundle.risk.encoder, work, told.bar)
    learned = subset(windows.examples, np.flatnonzero(windows.part == LEARN))
    judged = _judged(plant, job, windows, learned, bundle, work, told)  # first: the training has the time that is left
    model, recipe = _trained(job, bundle, start, learned, windows, work, told, began)
    say("int8, calibration, threshold ...")
    made = work / "bundle"
    check = windows.rows(CHECK, _MOST_CHECKED)
    checks = Checks(
        {plant.name: windows.examples}, {plant.name: check}, windows.group[check], np.ones(len(check), dtype=np.bool_),
        np.ones(len(check)),
    )  # fmt: skip
    content = Content(
        bundle.risk.encoder, {**bundle.references, plant.spec.name: reference}, golden_texts(plant, parts, reference)
    )
    manifest = draft(job.name, job.version, f"fails within {job.plant.horizon} steps", _data(bundle, plant))
    manifest, ladder = assemble(model, manifest, content, checks, work, made, say)
    if bundle.manifest.stranger_threshold is not None:
        say("note: it judges machines of no known class as it judges yours; the base has odds of their own for them")
    say("measuring base, fine-tuned and boosted trees ...")
    tuned = load_bundle(made)
    rows = [*_own_rows(windows, judged, bundle, tuned), *_kept_rows(judged, bundle, tuned)]
    manifest = manifest.model_copy(update={"figures": flat([*ladder, *figures_of(rows)])})
    write_manifest(made, manifest)
    done = Done(manifest, tuple(rows), parts.said, recipe.steps, (time.monotonic() - began) / 60)
    card.write_card(made, card.Tuning(command, bundle.manifest, plant, done.split, recipe, job.mix), done.rows)
    shutil.copytree(made, out, dirs_exist_ok=True)  # only now: a training that was stopped leaves `out` as it was
    append_evaluation(folder, command, manifest, manifest.figures)
    return done


def _trained(  # noqa: PLR0913 - from what, how long, and where it is kept
    job: Job, bundle: Bundle, start: RiskEncoder, learned: Examples, windows: Windows, work: Path, told: Told,
    began: float,
) -> tuple[RiskEncoder, Recipe]:  # fmt: skip
    """The fine-tuned model, and how it was trained."""
    told.say("boosted trees once more, each time without a fifth of the assets ...")
    group = np.unique(windows.group[windows.part == LEARN], return_inverse=True)[1].astype(np.int32)
    [target] = teacher.soft_targets([replace(learned, run=group)])
    sources = [Source(learned, target, 1.0 - job.mix)]
    if job.mix:  # the base's own machines, so that it does not forget them
        parts = simulated(bundle, fleet.TRAINING_SEED, job.simulated, work, told.bar).values()
        sources += [Source(part, part.risk, job.mix / len(parts)) for part in parts]

    def run(recipe: Recipe, checkpoint: Path, say: Say, watch: Callable[[int], None]) -> Trained:
        return train(
            sources, bundle.risk.encoder, start.shape, recipe, checkpoint, say, _AUGMENTATION, start, watch
        )  # fmt: skip

    def pace() -> float:
        """Seconds a step takes here and now."""
        scratch = work / "pace.checkpoint"
        tried = run(Recipe(steps=_TRIED, batch=job.batch), scratch, _silent, _unwatched)
        scratch.unlink()
        return tried.seconds / _TRIED

    steps = _steps(job, len(learned), work / "steps.json", pace, began)
    recipe = Recipe(steps=steps, batch=job.batch, rate=job.rate)
    with told.bar(steps, "learning") as step:
        return run(recipe, work / "checkpoint", told.pace, _counter(step)).model, recipe


def _judged(  # noqa: PLR0913 - from what, and where it is kept
    plant: Plant, job: Job, windows: Windows, learned: Examples, bundle: Bundle, work: Path, told: Told
) -> _Judged:
    """The windows to measure on, and the boosted trees to compare with; their threshold is chosen as the model's is."""
    check, test, examples = windows.rows(CHECK, _MOST_CHECKED), windows.rows(TEST, _MOST_TESTED), windows.examples
    told.say(f"boosted trees on {len(learned)} windows, {learned.risk.mean():.1%} before a failure ...")
    trees = teacher.fit_trees([learned])
    risk = teacher.predict(trees, examples.features[check]).astype(np.float64)
    threshold, _ = fit_threshold(risk, examples.risk[check], windows.group[check])
    answered = Answers(teacher.predict(trees, examples.features[test]).astype(np.float64), threshold)
    seen = seen_by_base(plant, windows, test, bundle, work, told.bar)
    fleets = simulated(bundle, fleet.TEST_SEED, min(job.simulated, _MOST_TEST_LIVES), work, told.bar)
    return _Judged(test, seen, answered, tuple(fleets.values()))


def _own_rows(windows: Windows, judged: _Judged, bundle: Bundle, tuned: Bundle) -> list[Row]:
    """Base, fine-tuned and trees on the windows to measure on."""
    test = judged.test
    return compare(
        windows.examples.risk[test], windows.group[test], answers(bundle, judged.seen.examples, judged.seen.rows),
        answers(tuned, windows.examples, test), judged.trees,
    )  # fmt: skip


def _kept_rows(judged: _Judged, base: Bundle, tuned: Bundle) -> list[Row]:
    """What is left of what the base knew: both on simulated machines that neither learned from."""
    if not judged.fleets:
        return []
    chosen = [(part, sample(part, _SIMULATED_TESTED)) for part in judged.fleets]
    label = np.concatenate([part.risk[rows] for part, rows in chosen]).astype(np.float64)
    asset = joined([part.run[rows] for part, rows in chosen])
    before, after = (
        bootstrapped(pr_auc, label, np.concatenate([answers(one, part, rows).risk for part, rows in chosen]), asset)
        for one in (base, tuned)
    )
    return [Row("simulator_pr_auc", f"simulated machines, PR-AUC (prevalence {label.mean():.3f})", before, after)]


def _digest(plant: Plant, bundle: Bundle, job: Job) -> str:
    """A name for everything that decides what is rendered and learned."""
    hashed = hashlib.blake2s(digest_size=6)
    hashed.update(json.dumps([asdict(job), bundle.manifest.files, plant.spec.name]).encode())
    for run in plant.runs:
        for array in (run.times, run.values, run.left):
            hashed.update(array.tobytes())
        hashed.update(repr((run.asset, run.logs)).encode())
    return hashed.hexdigest()


def _steps(job: Job, learned: int, path: Path, pace: Callable[[], float], began: float) -> int:
    """Steps of the training: the epochs asked for, or what fits into the minutes; the same again when resumed."""
    if path.exists():
        return int(json.loads(path.read_text(encoding="utf-8")))
    wanted = max(_FEWEST_STEPS, round(job.epochs * learned / job.batch))
    spent = time.monotonic() - began
    left = 60.0 * job.minutes * (1.0 - _FOR_THE_END) - spent
    steps = min(wanted, max(_FEWEST_STEPS, int(left / pace())))
    path.write_text(json.dumps(steps), encoding="utf-8")
    return steps


def _silent(_line: str) -> None:
    """For the steps that only measure the pace."""


def _unwatched(_done: int) -> None:
    """As `_silent`, for the bar."""


def _counter(step: Callable[[], None]) -> Callable[[int], None]:
    """What counts the steps done into a bar that takes one at a time."""
    shown = 0

    def watch(done: int) -> None:
        nonlocal shown
        for _ in range(done - shown):
            step()
        shown = done

    return watch


def _data(bundle: Bundle, plant: Plant) -> tuple[DataSource, ...]:
    own = DataSource(name=plant.name, licence="the plant's own", use="learned from, calibrated and measured on")
    return (*bundle.manifest.data, own)
