"""`edge-agent train report` and `edge-agent evaluate report`. Heavy imports happen inside, for quick help."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import click

from edge_agent.training.console import require_training, runs_folder, runs_option, say

_RUNS: Final = 1500
_STEPS: Final = 900
_QUICK_RUNS, _QUICK_STEPS = 50, 250


@click.command("report")
@click.option(
    "--bundle", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True,
    help="Bundle whose risk model raises the alarms that are to be put into words.",
)  # fmt: skip
@runs_option
@click.option(
    "--lives", type=click.IntRange(min=8), default=_RUNS, show_default=True, help="Simulated lives to learn from."
)
@click.option("--steps", type=click.IntRange(min=1), default=_STEPS, show_default=True, help="Training steps.")
@click.option("--width", type=click.IntRange(min=32), default=160, show_default=True, help="Width of the decoder.")
@click.option("--layers", type=click.IntRange(min=1), default=4, show_default=True, help="Layers of the decoder.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder of the bundle.")
@click.option("--quick", is_flag=True, help="A tiny decoder from few lives, in about a minute: for tests.")
def train_report(  # noqa: PLR0913 - one parameter per option
    bundle: Path, folder: Path | None, lives: int, steps: int, width: int, layers: int, out: Path, *, quick: bool
) -> None:
    """Train the model that puts alarms into words, and add it to a bundle.

    It learns from simulated alarms which channels the fault truly moves. Resumable: stop it at any time and give the
    same command again.

    \b
    Examples:
      edge-agent train report --bundle models/default --out models/mine
      edge-agent train report --quick --bundle models/default --out /tmp/bundle
    """
    require_training()
    from edge_agent.training.report.fit import Recipe  # noqa: PLC0415 - torch
    from edge_agent.training.report.make import Plan, make_report  # noqa: PLC0415 - torch

    if quick:
        recipe = Recipe(steps=min(steps, _QUICK_STEPS), batch=32, rate=3e-3)
        plan = Plan(runs=min(lives, _QUICK_RUNS), recipe=recipe, dim=64, layers=2, heads=2, inner=128)
    else:
        plan = Plan(runs=lives, recipe=Recipe(steps=steps), dim=width, layers=layers, heads=4, inner=3 * width)
    make_report(plan, bundle, runs_folder(folder), out, say)


@click.command("report")
@click.argument("bundle", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--windows", type=click.IntRange(min=20), default=10_000, show_default=True, help="Simulated alarms to write about."
)
@click.option("--json", "as_json", is_flag=True, help="Figures as JSON instead of a table.")
def evaluate_report(bundle: Path, windows: int, *, as_json: bool) -> None:
    """Measure a bundle's summaries on machines it never saw: grounding, facts chosen, time.

    \b
    Examples:
      edge-agent evaluate report models/default
      edge-agent evaluate report models/default --windows 1000 --json
    """
    require_training()
    from edge_agent.training.figures import flat  # noqa: PLC0415 - sklearn
    from edge_agent.training.report import evaluate as report_evaluate  # noqa: PLC0415 - onnxruntime, sklearn

    figures = report_evaluate.evaluate_report(bundle, windows, say)
    click.echo(json.dumps(flat(figures), indent=2) if as_json else report_evaluate.page(figures))
