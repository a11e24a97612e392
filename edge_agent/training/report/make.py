"""A bundle with a risk model → the same with a report model: simulate, train, quantise, check, write.

The order of work of `edge-agent train report`. Golden summaries come from the validation fleet; the test fleet is read
by `report_evaluate` alone.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from tokenizers import Tokenizer, models, pre_tokenizers

from edge_agent.bundle.load import GoldenSummary, file_sha256, load_bundle
from edge_agent.bundle.manifest import (
    CARD,
    HASHED,
    REPORT,
    REPORT_GOLDEN,
    REPORT_HASHED,
    REPORT_TOKENS,
    Manifest,
    read_manifest,
)
from edge_agent.bundle.report import OnnxReportModel
from edge_agent.core.report import UNKNOWN, VERSION, grammar_of, realise
from edge_agent.errors import BundleError
from edge_agent.training.export import quantize, write_manifest
from edge_agent.training.fleet import VALIDATION_SEED
from edge_agent.training.report.data import Alarm
from edge_agent.training.report.fit import Recipe, Trained, train
from edge_agent.training.report.fleet import learned_rows, measured_alarms, words_of
from edge_agent.training.report.model import Shape, export_decoder

Say = Callable[[str], None]

_GOLDEN: Final = 6
_GOLDEN_RUNS: Final = 40
_GOLDEN_PER_RUN: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that decides what comes out."""

    runs: int
    recipe: Recipe
    dim: int
    layers: int
    heads: int
    inner: int


def make_report(plan: Plan, bundle: Path, folder: Path, out: Path, say: Say) -> Manifest:
    """Train a report model and write the bundle with it to `out`, which may be `bundle`; the new manifest.

    Working files stay in `folder`, and a second call resumes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    words = words_of(plan.runs)
    rows = learned_rows(bundle, folder, words, plan.runs, say)
    shape = Shape(len(words), plan.dim, plan.layers, plan.heads, plan.inner)
    say(f"learning from {len(rows)} summaries, {len(words)} words ...")
    trained = train(rows, shape, plan.recipe, folder / "report.checkpoint", say)
    say("exporting, quantising, checking ...")
    return assemble(trained, words, bundle, folder, out)


def assemble(trained: Trained, words: Sequence[str], bundle: Path, folder: Path, out: Path) -> Manifest:
    """Write the bundle with the trained decoder as its report model; its manifest.

    Raises:
        BundleError: it writes no whole summary to be checked by.
    """
    manifest = read_manifest(bundle)
    out.mkdir(parents=True, exist_ok=True)
    if out.resolve() != bundle.resolve():
        for name in (*HASHED, CARD):
            if (bundle / name).exists():
                shutil.copyfile(bundle / name, out / name)
    whole = folder / "report-float.onnx"
    with torch.no_grad():
        export_decoder(trained.model, whole)
    quantize(whole, out / REPORT, per_channel=False)
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    (out / REPORT_TOKENS).write_text(tokenizer.to_str() + "\n", encoding="utf-8")
    model = OnnxReportModel(out)
    golden = golden_of(model, measured_alarms(bundle, VALIDATION_SEED, _GOLDEN_RUNS, _GOLDEN_PER_RUN))
    (out / REPORT_GOLDEN).write_text("".join(case.model_dump_json() + "\n" for case in golden), encoding="utf-8")
    files = {name: file_sha256(out / name) for name in (*HASHED, *REPORT_HASHED)}
    manifest = manifest.model_copy(update={"report": VERSION, "files": files})
    write_manifest(out, manifest)
    load_bundle(out)
    return manifest


def golden_of(model: OnnxReportModel, alarms: Sequence[Alarm]) -> list[GoldenSummary]:
    """The clearest summary of each of some machines: other processors round int8 a little otherwise.

    Raises:
        BundleError: the model writes none.
    """
    clearest: dict[int, tuple[float, GoldenSummary]] = {}
    for alarm in alarms:
        writing = model.write(alarm.facts)
        text = realise(writing.tokens, grammar_of(alarm.facts))
        if text is not None and writing.margin > clearest.get(alarm.run, (0.0,))[0]:
            clearest[alarm.run] = (writing.margin, GoldenSummary(facts=alarm.facts, summary=text))
    if not clearest:
        raise BundleError("the report model writes no whole summary", hint="train it longer: --steps")
    return [case for _, case in sorted(clearest.values(), key=lambda one: -one[0])[:_GOLDEN]]
