"""The command `evaluate ladder`: options in; table, JSON, picture and section of the card out. No torch up here."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Final

import click

from edge_agent.bundle.manifest import CARD
from edge_agent.errors import UsageError
from edge_agent.training.console import data_option, fleet_option, require_training, runs_folder, runs_option, say

_WINDOWS: Final = 6_000  # per data set: with what settles a threshold, some 42,000 verdicts for each float stage
_FEWEST: Final = 50
_ROUNDS: Final = 200


@click.command("ladder")
@click.argument("bundle", type=click.Path(exists=True, file_okay=False, path_type=Path))
@data_option
@runs_option
@fleet_option
@click.option(
    "--windows", type=click.IntRange(min=_FEWEST), default=_WINDOWS, show_default=True,
    help="At most so many windows per data set, the same for every rung, evenly over assets.",
)  # fmt: skip
@click.option("--rounds", type=click.IntRange(min=1), default=_ROUNDS, show_default=True, help="Timed verdicts a rung.")
@click.option("--no-distilbert", is_flag=True, help="Leave out the row of DistilBERT-base with random weights.")
@click.option("--json", "as_json", is_flag=True, help="Everything with its intervals as JSON instead of a table.")
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), help="Write the picture to this SVG file.")
@click.option("--card", is_flag=True, help="Write the table into the bundle's model card.")
def ladder(  # noqa: PLR0913 - one parameter per option
    bundle: Path, data: Path | None, folder: Path | None, train_runs: int, windows: int, rounds: int,
    plot: Path | None, *, no_distilbert: bool, as_json: bool, card: bool,
) -> None:  # fmt: skip
    """Show what every stage of a training cost and gained, from boosted trees to int8.

    Rungs: trees, pre-trained, distilled, refined, settled, pruned, int8, as far as the training had them, and
    DistilBERT-base int8 for its time. The float stages are read from the runs folder of the training that made the
    bundle. All rungs judge the same windows, and are timed in turn. With --card, a picture inside the bundle's folder
    is shown in the card as well.

    Every float stage answers some 42,000 windows, a minute or two on two free cores; fewer with --windows. Boosted
    trees are fitted once and kept with the runs.

    \b
    Examples:
      edge-agent evaluate ladder models/default --data ../shared/data --runs runs --plot ladder.svg
      edge-agent evaluate ladder models/default --json
    """
    require_training()
    from edge_agent.bundle.load import load_bundle  # noqa: PLC0415 - onnxruntime
    from edge_agent.training.evaluations import append_evaluation  # noqa: PLC0415 - with the others
    from edge_agent.training.ladder import table as rungs  # noqa: PLC0415 - with the others
    from edge_agent.training.ladder.measure import Effort, measure  # noqa: PLC0415 - torch
    from edge_agent.training.ladder.splits import splits_of  # noqa: PLC0415 - with the others
    from edge_agent.training.recipe import Scale  # noqa: PLC0415 - with the others

    path = bundle / CARD
    if card and not path.is_file():
        raise UsageError(f"{bundle} has no {CARD} to write to", hint="leave out --card, or make the bundle anew")
    loaded, runs = load_bundle(bundle), runs_folder(folder)
    splits = splits_of(loaded, data, runs, Scale(train_runs=train_runs), say)
    with tempfile.TemporaryDirectory() as work:
        effort = Effort(windows, rounds, yardstick=not no_distilbert)
        found = measure(loaded, splits, Path(work), effort, say)
    said = f"edge-agent evaluate ladder {bundle}{'' if data is None else ' --data DIR'} --windows {windows}"
    append_evaluation(runs, said, loaded.manifest, found.flat())
    if plot is not None:
        plot.write_text(rungs.drawn(found), encoding="utf-8")
    if card:
        inside = plot is not None and plot.resolve().parent == bundle.resolve()
        shown = rungs.in_card(path.read_text(encoding="utf-8"), found, plot.name if plot and inside else None)
        path.write_text(shown, encoding="utf-8")
    click.echo(json.dumps(found.record(), indent=2) if as_json else rungs.table(found))
