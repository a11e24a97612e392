"""The groups `train` and `evaluate` with the commands on whole bundles. Heavy imports happen inside, for quick help.

Commands on one part of the work live beside that part and are added to the groups here.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import click

from edge_agent.errors import UsageError
from edge_agent.training.console import data_option, fleet_option, require_training, runs_folder, runs_option, say
from edge_agent.training.ladder.commands import ladder
from edge_agent.training.logs.commands import logs
from edge_agent.training.plant.commands import finetune
from edge_agent.training.public_commands import ai4i, engines, hydraulic, skab
from edge_agent.training.report.commands import evaluate_report, train_report

_QUICK: Final = {"train_runs": 24, "held_out_runs": 12, "train_rigs": 4, "held_out_rigs": 3, "vocabulary": 1024}
_DEFAULT_STEPS: Final = 2200  # with width and layers below: the shipped bundle, half an hour on two cores
_DEFAULT_REFINE: Final = 0
_REFINING_RATE: Final = 5e-4
_SETTLING_RATE: Final = 4e-4
_QUICK_STEPS: Final = 40
_REPAIR: Final = 400  # steps after pruning
_REPAIR_RATE: Final = 2.5e-4  # what is repaired has been refined already
_QUICK_INNER: Final = 128


@click.group()
def train() -> None:
    """Make models (extra `train`): from public data and the simulator, or from your own plant's history.

    \b
    Examples:
      edge-agent train base --data ../shared/data --out models/mine
      edge-agent train finetune --data plant.csv --failures failures.csv --out models/mine
      edge-agent train report --help
    """


@click.group()
def evaluate() -> None:
    """Measure models on data they never saw (extra `train`).

    \b
    Examples:
      edge-agent evaluate bundle models/default --data ../shared/data
      edge-agent evaluate logs orders.csv --text-column text --label-column code
    """


@train.command("base")
@data_option
@runs_option
@fleet_option
@click.option(
    "--pretrain", type=click.IntRange(min=0), default=0, show_default=True,
    help="Steps of reading before anything is taught: windows and log lines with some tokens hidden.",
)  # fmt: skip
@click.option("--steps", type=click.IntRange(min=1), default=_DEFAULT_STEPS, show_default=True, help="Training steps.")
@click.option(
    "--refine",
    type=click.IntRange(min=0),
    default=_DEFAULT_REFINE,
    show_default=True,
    help="Steps of a second round at half the rate, with less augmentation.",
)
@click.option(
    "--settle",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Steps of a third round: log lines in real words, and machines of no class.",
)
@click.option(
    "--prune",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Inner units per layer to keep of two per unit of width; 0 keeps all.",
)
@click.option("--repair", type=click.IntRange(min=1), default=_REPAIR, show_default=True, help="Steps after pruning.")
@click.option("--width", type=click.IntRange(min=32), default=192, show_default=True, help="Width of the encoder.")
@click.option("--layers", type=click.IntRange(min=1), default=3, show_default=True, help="Layers of the encoder.")
@click.option("--name", default="default", show_default=True, help="Name of the bundle.")
@click.option("--version", default="1.0.0", show_default=True, help="Version of the bundle.")
@click.option(
    "--weights",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Train nothing: take the weights of this bundle, which the same options made, and export, calibrate and "
    "measure them anew.",
)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder of the bundle.")
@click.option("--quick", is_flag=True, help="A tiny model from the simulator alone, in less than a minute: for tests.")
def train_base(  # noqa: PLR0913 - one parameter per option
    data: Path | None, folder: Path | None, train_runs: int, pretrain: int, steps: int, refine: int, settle: int,
    prune: int, repair: int, width: int, layers: int, name: str, version: str, weights: Path | None,
    out: Path, *, quick: bool,
) -> None:  # fmt: skip
    """Train a bundle: data → tokens, teacher, encoder, int8, calibration, figures, model card.

    Resumable: stop it at any time and give the same command again.

    \b
    Examples:
      edge-agent train base --quick --out /tmp/bundle
      edge-agent train base --data ../shared/data --out models/mine
    """
    require_training()
    from edge_agent.training.fit import Recipe  # noqa: PLC0415 - torch
    from edge_agent.training.make import Plan, Pruning, make_bundle  # noqa: PLC0415 - torch
    from edge_agent.training.pretrain import Pretraining  # noqa: PLC0415 - torch
    from edge_agent.training.recipe import Scale  # noqa: PLC0415 - with the others

    inner = _QUICK_INNER if quick else 2 * width
    if prune >= inner:
        raise UsageError(f"--prune {prune}: the encoder has {inner} inner units", hint=f"give fewer than {inner}")
    read = f" --pretrain {pretrain}" if pretrain else ""
    repaired = f" --prune {prune} --repair {repair}" if prune else ""
    taken = "" if weights is None else " --weights BUNDLE"
    if quick:
        steps = min(steps, _QUICK_STEPS)
        plan = Plan(
            name=name, version=version, scale=Scale(**_QUICK), recipe=Recipe(steps=steps, batch=64),
            pretraining=Pretraining(steps=pretrain, batch=64) if pretrain else None,
            refine=Recipe(steps=max(steps // 4, 1), batch=64, rate=_REFINING_RATE, seed=2),
            settle=Recipe(steps=max(steps // 4, 1), batch=64, rate=_SETTLING_RATE, seed=4),
            dim=64, layers=2, heads=2, inner=inner,
            pruning=Pruning(prune, Recipe(steps=repair, batch=64, rate=_REPAIR_RATE, seed=3)) if prune else None,
            weights=weights,
        )  # fmt: skip
        said = f"edge-agent train base --quick{read} --steps {steps}{repaired}{taken} --name {name} --out FOLDER"
        make_bundle(plan, None, runs_folder(folder), out, said, say)
        return
    plan = Plan(
        name=name, version=version, scale=Scale(train_runs=train_runs), recipe=Recipe(steps=steps),
        pretraining=Pretraining(steps=pretrain) if pretrain else None,
        refine=Recipe(steps=refine, rate=_REFINING_RATE, seed=2) if refine else None,
        settle=Recipe(steps=settle, rate=_SETTLING_RATE, seed=4) if settle else None,
        dim=width, layers=layers, heads=4, inner=inner,
        pruning=Pruning(prune, Recipe(steps=repair, rate=_REPAIR_RATE, seed=3)) if prune else None, weights=weights,
    )  # fmt: skip
    given = "" if data is None else " --data DIR"
    said = (
        f"edge-agent train base{given} --fleet {train_runs}{read} --steps {steps} --refine {refine} --settle {settle}"
        f"{repaired} --width {width} --layers {layers} --name {name} --version {version}{taken} --out FOLDER"
    )
    make_bundle(plan, data, runs_folder(folder), out, said, say)


@evaluate.command("bundle")
@click.argument("bundle", type=click.Path(exists=True, file_okay=False, path_type=Path))
@data_option
@runs_option
@fleet_option
@click.option("--json", "as_json", is_flag=True, help="Figures as JSON instead of a table.")
def evaluate_bundle(bundle: Path, data: Path | None, folder: Path | None, train_runs: int, *, as_json: bool) -> None:
    """Measure a bundle on data it never saw, beside boosted trees on the same statistics.

    \b
    Examples:
      edge-agent evaluate bundle models/default --data ../shared/data
      edge-agent evaluate bundle models/default --json
    """
    require_training()
    from edge_agent.bundle.load import load_bundle  # noqa: PLC0415 - onnxruntime
    from edge_agent.training import evaluate as evaluation  # noqa: PLC0415 - lightgbm
    from edge_agent.training.evaluations import append_evaluation  # noqa: PLC0415 - with the others
    from edge_agent.training.figures import flat, table  # noqa: PLC0415 - with the others
    from edge_agent.training.recipe import Scale  # noqa: PLC0415 - with the others

    loaded, runs = load_bundle(bundle), runs_folder(folder)
    figures = evaluation.evaluate(loaded, data, runs, Scale(train_runs=train_runs), say)
    said = f"edge-agent evaluate bundle {bundle}{'' if data is None else ' --data DIR'} --fleet {train_runs}"
    append_evaluation(runs, said, loaded.manifest, flat(figures))
    if as_json:
        click.echo(json.dumps(flat(figures), indent=2))
    else:
        click.echo(table(figures))


train.add_command(finetune)
evaluate.add_command(ai4i)
evaluate.add_command(engines)
evaluate.add_command(hydraulic)
evaluate.add_command(ladder)
evaluate.add_command(logs)
evaluate.add_command(skab)
train.add_command(train_report)
evaluate.add_command(evaluate_report)
