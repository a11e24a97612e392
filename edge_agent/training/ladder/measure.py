"""A bundle and the stages of its training → the ladder: what each step cost and gained. Shows nothing, chooses nothing.

Every rung judges the same windows. Its calibration and threshold come from the held-out training assets, by the same
functions as those of the bundle; the bundle's own are in its manifest.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import onnx

from edge_agent.bundle.classify import OnnxRiskModel
from edge_agent.bundle.load import Bundle
from edge_agent.bundle.manifest import RISK, TOKENIZER
from edge_agent.training import teacher
from edge_agent.training.ladder.distilbert import write_distilbert
from edge_agent.training.ladder.exam import Exam, Judge, Settled
from edge_agent.training.ladder.footprint import Call, medians_ms, peak_mb, session_call, trees_call
from edge_agent.training.ladder.splits import Splits, class_of
from edge_agent.training.ladder.table import Ladder, Rung
from edge_agent.training.model import RiskEncoder
from edge_agent.training.recipe import Say
from edge_agent.training.scoring import logits_of
from edge_agent.training.served import write_served
from edge_agent.training.stages import Stage, kept, leading_to
from edge_agent.training.weights import encoder_of

_NAMES: Final = {
    Stage.PRETRAINED: "pre-trained", Stage.LEARNED: "distilled", Stage.REFINED: "refined", Stage.SETTLED: "settled",
    Stage.PRUNED: "pruned",
}  # fmt: skip
_TREES: Final = "boosted trees (teacher)"
_BUNDLE: Final = "int8 (the bundle)"
_YARDSTICK: Final = "DistilBERT-base int8, random"
_NO_PRETRAINING: Final = "No row for pre-training: this training had none, the encoder starts from random weights."
_ONLY_READ: Final = "pre-trained: has read windows and log lines but was never told what fails, so it has no figures."
_NO_STAGES: Final = "The float stages are left out: the runs folder holds none that this bundle was made from."
_NO_YARDSTICK: Final = "DistilBERT-base is left out, as asked."
_TREE_SIZE: Final = re.compile(r"^num_leaves=(\d+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured."""

    windows: int  # at most so many per data set
    rounds: int  # timed verdicts of each rung
    yardstick: bool  # whether DistilBERT is measured too


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A rung that is yet to be measured."""

    name: str
    parameters: int
    files: tuple[Path, ...]
    call: Call
    judge: Judge | None  # None for a head that was never taught
    settled: Settled | None = None  # calibration and threshold where they are given, not found
    ours: bool = True


def measure(bundle: Bundle, splits: Splits, work: Path, effort: Effort, say: Say) -> Ladder:
    """The ladder; `work` takes the files of the rungs that are not the bundle."""
    made = encoder_of(bundle)
    stages = leading_to(kept(splits.cache), made)
    candidates = [
        _trees(splits, say),
        *(_stage(bundle, stage, model, work) for stage, model in stages.items()),
        _Candidate(
            _BUNDLE, _parameters(made), (bundle.risk.path,), session_call(bundle.risk.path), _by(bundle.risk),
            Settled(bundle.manifest.calibration, bundle.manifest.threshold),
        ),
    ]  # fmt: skip
    notes = [_NO_STAGES] if not stages else [_ONLY_READ if Stage.PRETRAINED in stages else _NO_PRETRAINING]
    if effort.yardstick:
        say("making a DistilBERT-base with random weights ...")
        candidates.append(_yardstick(work))
    else:
        notes.append(_NO_YARDSTICK)
    say(f"timing {len(candidates)} rungs in turn ...")
    times = medians_ms([one.call for one in candidates], effort.rounds)
    exam = Exam(splits, effort.windows)
    rungs = []
    for one, spent in zip(candidates, times, strict=True):
        size = sum(path.stat().st_size for path in one.files) / 1e6
        quality = None
        if one.judge is not None:
            first = "" if one.settled else f"{exam.held_out:,} held-out windows, then "
            say(f"{one.name}: {first}{exam.unseen:,} never seen ...")
            quality = exam.taken(one.judge, one.settled or exam.settled(one.judge, calibrated=one.ours))
        rungs.append(Rung(one.name, one.parameters, size, spent, peak_mb(*one.files), quality, one.ours))
    return Ladder(tuple(rungs), exam.prevalence(), exam.windows(), len(exam.last), peak_mb(), tuple(notes))


# ---------------------------------------------------------------------------------------------------- rungs


def _parameters(model: RiskEncoder) -> int:
    return sum(weight.numel() for weight in model.parameters())


def _by(model: OnnxRiskModel) -> Judge:
    return lambda _name, part, rows: logits_of(model, part, rows)[:, 0]


def _stage(bundle: Bundle, stage: Stage, model: RiskEncoder, work: Path) -> _Candidate:
    """A stage as float ONNX under the runtime that serves."""
    folder = work / stage
    folder.mkdir(parents=True, exist_ok=True)
    write_served(model, folder / RISK)
    shutil.copyfile(bundle.risk.path.with_name(TOKENIZER), folder / TOKENIZER)
    served = OnnxRiskModel(folder, bundle.manifest)
    judge = None if stage is Stage.PRETRAINED else _by(served)
    return _Candidate(_NAMES[stage], _parameters(model), (served.path,), session_call(served.path), judge)


def _trees(splits: Splits, say: Say) -> _Candidate:
    """Boosted trees on the same statistics, one model a class, learned from the same assets."""
    paths: dict[str, Path] = {}
    fitted: dict[str, teacher.Trees] = {}
    for name in splits.learned:
        label = class_of(name)
        if label in paths:
            continue
        paths[label] = splits.cache / f"trees-{label}.txt"
        if not paths[label].exists():
            say(f"boosted trees for {label} ...")
            parts = [part for other, part in splits.learned.items() if class_of(other) == label]
            partial = paths[label].with_suffix(".partial")
            teacher.fit_trees(parts).save_model(str(partial))
            partial.replace(paths[label])
        fitted[label] = teacher.Trees(model_file=str(paths[label]))
    leaves = [int(count) for path in paths.values() for count in _TREE_SIZE.findall(path.read_text(encoding="utf-8"))]
    largest = max(paths.values(), key=lambda path: path.stat().st_size)
    return _Candidate(
        _TREES, sum(2 * count - 1 for count in leaves), tuple(paths.values()), trees_call(largest),
        lambda name, part, rows: teacher.predict(fitted[class_of(name)], part.features[rows]).astype(np.float64),
        ours=False,
    )  # fmt: skip


def _yardstick(work: Path) -> _Candidate:
    work.mkdir(parents=True, exist_ok=True)
    path = write_distilbert(work)
    stored = onnx.load(str(path)).graph.initializer
    parameters = sum(int(np.prod(one.dims)) for one in stored if not one.name.endswith(("_scale", "_zero_point")))
    return _Candidate(_YARDSTICK, parameters, (path,), session_call(path), None, ours=False)
