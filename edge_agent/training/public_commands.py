"""Commands that measure fine-tuning on public sets by their protocols: options in, a table or JSON out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import click

from edge_agent.training.console import require_training, runs_folder, runs_option, say

_FOLDER: Final = click.Path(exists=True, file_okay=False, path_type=Path)
_STEPS: Final = 400  # per fold
_HYDRAULIC_STEPS: Final = 500  # per fold
_ENGINES_STEPS: Final = 400  # per seed
_SEEDS: Final = 3

_bundle_option = click.option(
    "--bundle", type=_FOLDER, default=None, help="Bundle to start from; default: the one that came along."
)
_seed_option = click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Of the folds.")
_json_option = click.option("--json", "as_json", is_flag=True, help="Figures as JSON instead of a table.")


@click.command("ai4i")
@click.option("--data", type=_FOLDER, required=True, help="Folder that holds ai4i2020.csv.")
@_bundle_option
@click.option("--steps", type=click.IntRange(min=1), default=_STEPS, show_default=True, help="Steps per fold.")
@_seed_option
@runs_option
@_json_option
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
    mill = protocol.load(data)
    work = runs_folder(folder)
    found = protocol.summarise(mill.rows, protocol.judge(base, mill, steps, work, say, seed))
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


@click.command("hydraulic")
@click.option("--data", type=_FOLDER, required=True, help="Folder that holds profile.txt and the sensors' files.")
@_bundle_option
@click.option(
    "--steps", type=click.IntRange(min=1), default=_HYDRAULIC_STEPS, show_default=True, help="Steps per fold."
)
@_seed_option
@runs_option
@_json_option
def hydraulic(  # noqa: PLR0913 - one parameter per option
    data: Path, bundle: Path | None, steps: int, seed: int, folder: Path | None, *, as_json: bool
) -> None:
    """Measure fine-tuning on the hydraulic rig of UCI: the state of four components, 5 folds of whole blocks.

    Each minute-long cycle is a row of statistics of ten sensors, the same for the model and for boosted trees. Cycles
    come in blocks of one state, and a block is never split. Resumable: folds that are done are kept in --runs.

    \b
    Examples:
      edge-agent evaluate hydraulic --data ../shared/data/uci_hydraulic
      edge-agent evaluate hydraulic --data uci_hydraulic --steps 200 --json
    """
    require_training()
    from edge_agent.bundle.load import default_bundle, load_bundle  # noqa: PLC0415 - onnxruntime
    from edge_agent.training import components as protocol  # noqa: PLC0415 - torch
    from edge_agent.training.evaluations import append_evaluation  # noqa: PLC0415 - with the others
    from edge_agent.training.hydraulic import load  # noqa: PLC0415 - with the others

    base, work = load_bundle(bundle or default_bundle()), runs_folder(folder)
    rig = load(data)
    found = protocol.summarise(rig, protocol.judge(base, rig, steps, work, say, seed))
    figures: dict[str, float | str] = {"hydraulic_blocks": found.blocks}
    for name in found.model:
        three = (("", found.model[name]), ("_trees", found.trees[name]), ("_difference", found.difference[name]))
        for kind, one in three:
            key = f"hydraulic_{name}_f1{kind}"
            figures |= {key: one.value, f"{key}_low": one.low, f"{key}_high": one.high}
    append_evaluation(work, f"edge-agent evaluate hydraulic --steps {steps} --seed {seed}", base.manifest, figures)
    if as_json:
        folds = [{"mean_f1": ours, "mean_f1_trees": theirs} for ours, theirs in found.folds]
        click.echo(json.dumps({**figures, "folds": folds}, indent=2))
        return
    click.echo(f"| macro-F1, 5 folds of {found.blocks} blocks | fine-tuned | boosted trees | difference |")
    click.echo("|---|---|---|---|")
    for name, one in found.model.items():
        click.echo(f"| {name} | {one} | {found.trees[name]} | {found.difference[name]} |")
    for number, (ours, theirs) in enumerate(found.folds, 1):
        click.echo(f"| mean, fold {number} | {ours:.3f} | {theirs:.3f} | {ours - theirs:+.3f} |")


@click.command("engines")
@click.option("--data", type=_FOLDER, required=True, help="Folder that holds train_FD001.txt.gz and its like.")
@_bundle_option
@click.option("--seeds", type=click.IntRange(1, 20), default=_SEEDS, show_default=True, help="How many: 1, 2, 3 ...")
@click.option("--steps", type=click.IntRange(min=1), default=_ENGINES_STEPS, show_default=True, help="Steps per seed.")
@runs_option
@_json_option
def engines(  # noqa: PLR0913 - one parameter per option
    data: Path, bundle: Path | None, seeds: int, steps: int, folder: Path | None, *, as_json: bool
) -> None:
    """Measure fine-tuning on the engines of FD001: fails within 30 cycles, or not, asked at each one's last cycle.

    Every seed is shown, and their mean; boosted trees learn from the same engines. Thresholds come from training
    engines that nothing was learned from. Resumable: seeds that are done are kept in --runs.

    \b
    Examples:
      edge-agent evaluate engines --data ../shared/data/cmapss
      edge-agent evaluate engines --data cmapss --seeds 5 --json
    """
    require_training()
    from edge_agent.bundle.load import default_bundle, load_bundle  # noqa: PLC0415 - onnxruntime
    from edge_agent.training import engines as protocol  # noqa: PLC0415 - torch
    from edge_agent.training.evaluations import append_evaluation  # noqa: PLC0415 - with the others

    base, work = load_bundle(bundle or default_bundle()), runs_folder(folder)
    judged, trees = protocol.judge(base, data, range(1, seeds + 1), steps, work, say)
    found = protocol.summarise(judged, trees)
    rows = {f"seed{number}": one for number, one in enumerate(found.seeds, 1)}
    rows |= {"mean": found.mean, "trees": found.trees}
    figures: dict[str, float | str] = {"engines": found.engines, "engines_failing": found.failing}
    for name, one in rows.items():
        figures |= {f"engines_f1_{name}": one.value, f"engines_f1_{name}_low": one.low}
        figures[f"engines_f1_{name}_high"] = one.high
    append_evaluation(work, f"edge-agent evaluate engines --seeds {seeds} --steps {steps}", base.manifest, figures)
    if as_json:
        click.echo(json.dumps(figures, indent=2))
        return
    click.echo(f"| FD001 test, {found.engines} engines, {found.failing} failing within 30 cycles | F1 | threshold |")
    click.echo("|---|---|---|")
    for number, (one, seed) in enumerate(zip(found.seeds, judged, strict=True), 1):
        click.echo(f"| fine-tuned, seed {number} | {one} | {seed.threshold:.3f} |")
    click.echo(f"| mean of {seeds} seeds | {found.mean} | |")
    click.echo(f"| boosted trees | {found.trees} | {trees.threshold:.3f} |")


@click.command("skab")
@click.argument("bundle", type=_FOLDER)
@click.option("--data", type=_FOLDER, required=True, help="Folder of SKAB recordings, such as skab/valve1.")
@runs_option
@click.option("--json", "as_json", is_flag=True, help="Figures as JSON instead of a table.")
def skab(bundle: Path, data: Path, folder: Path | None, *, as_json: bool) -> None:
    """Measure a bundle on a machine nobody declared: SKAB, beside plain PCA and beside always alarming.

    The first 400 rows of each file are the healthy baseline, every later row is judged, all files are pooled. Nothing
    was learned from SKAB and no threshold is chosen on it.

    \b
    Examples:
      edge-agent evaluate skab models/default --data ../shared/data/skab/valve1
    """
    require_training()
    from edge_agent.bundle.load import load_bundle  # noqa: PLC0415 - onnxruntime
    from edge_agent.training import skab as protocol  # noqa: PLC0415 - scikit-learn
    from edge_agent.training.evaluations import append_evaluation  # noqa: PLC0415 - with the others

    loaded = load_bundle(bundle)
    recordings = protocol.load(data)
    ours = protocol.judged_by_agent(loaded, recordings, say)
    found = [protocol.summarise(rows) for rows in (ours, protocol.judged_by_pca(recordings), protocol.always(ours))]
    figures = protocol.flat(found)
    append_evaluation(runs_folder(folder), f"edge-agent evaluate skab {bundle} --data DIR", loaded.manifest, figures)
    click.echo(json.dumps(figures, indent=2) if as_json else "\n".join(protocol.lines(found)))
