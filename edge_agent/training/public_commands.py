"""Commands that measure fine-tuning on public sets by their protocols: options in, a table or JSON out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import click

from edge_agent.training.console import require_training, runs_folder, runs_option, say

_FOLDER: Final = click.Path(exists=True, file_okay=False, path_type=Path)
_STEPS: Final = 400  # per fold


@click.command("ai4i")
@click.option("--data", type=_FOLDER, required=True, help="Folder that holds ai4i2020.csv.")
@click.option("--bundle", type=_FOLDER, default=None, help="Bundle to start from; default: the one that came along.")
@click.option("--steps", type=click.IntRange(min=1), default=_STEPS, show_default=True, help="Steps per fold.")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Of the folds.")
@runs_option
@click.option("--json", "as_json", is_flag=True, help="Figures as JSON instead of a table.")
def ai4i(  # noqa: PLR0913 - one parameter per option
    data: Path, bundle: Path | None, steps: int, seed: int, folder: Path | None, *, as_json: bool
) -> None:
    """Measure fine-tuning on AI4I 2020: stratified 5-fold, from the base in each fold, beside boosted trees.

    Both read the five measured channels and power, temperature difference and overstrain; thresholds come from the
    training folds. Resumable: folds that are done are kept in --runs.

    \b
    Examples:
      edge-agent evaluate ai4i --data ../shared/data/ai4i2020
      edge-agent evaluate ai4i --data ai4i2020 --steps 200 --json
    """
    require_training()
    from edge_agent.bundle.load import default_bundle, load_bundle  # noqa: PLC0415 - onnxruntime
    from edge_agent.training import ai4i as protocol  # noqa: PLC0415 - torch
    from edge_agent.training.evaluations import append_evaluation  # noqa: PLC0415 - with the others

    base = load_bundle(bundle or default_bundle())
    rows = protocol.load(data)
    work = runs_folder(folder)
    found = protocol.summarise(rows, protocol.judge(base, rows, steps, work, say, seed))
    figures: dict[str, float | str] = {"ai4i_prevalence": found.prevalence}
    for name, one in (("f1", found.f1), ("f1_trees", found.f1_trees), ("f1_difference", found.difference)):
        figures |= {f"ai4i_{name}": one.value, f"ai4i_{name}_low": one.low, f"ai4i_{name}_high": one.high}
    figures |= {"ai4i_pr_auc": found.ap, "ai4i_pr_auc_trees": found.ap_trees}
    append_evaluation(work, f"edge-agent evaluate ai4i --steps {steps} --seed {seed}", base.manifest, figures)
    if as_json:
        folds = [{"f1": ours, "f1_trees": theirs} for ours, theirs in found.folds]
        click.echo(json.dumps({**figures, "folds": folds}, indent=2))
        return
    click.echo("| AI4I 2020, stratified 5-fold | fine-tuned | boosted trees | difference |\n|---|---|---|---|")
    click.echo(f"| F1 | {found.f1} | {found.f1_trees} | {found.difference} |")
    click.echo(f"| PR-AUC (prevalence {found.prevalence:.3f}) | {found.ap:.3f} | {found.ap_trees:.3f} | |")
    for number, (ours, theirs) in enumerate(found.folds, 1):
        click.echo(f"| F1, fold {number} | {ours:.3f} | {theirs:.3f} | {ours - theirs:+.3f} |")
