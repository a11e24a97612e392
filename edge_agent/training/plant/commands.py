"""The command `train finetune`: options in, a bundle and a comparison out. The work is in `finetune.py`."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

import click

from edge_agent.bundle.load import default_bundle
from edge_agent.errors import UsageError
from edge_agent.tables.options import FILE, FileCommand, file_options, step_option
from edge_agent.tables.progress import progress
from edge_agent.tables.series import FileSettings, default_baseline
from edge_agent.tables.truth import HORIZON
from edge_agent.training.console import require_training, runs_folder, runs_option, say
from edge_agent.training.plant.source import History, read_files, read_journal

_CLASS: Final = re.compile(r"[a-z0-9_-]{1,64}")
_MIX: Final = 0.2
_SIMULATED: Final = 48


@click.command("finetune", cls=FileCommand)
@click.option("--data", type=FILE, help="CSV with time, asset and channels; columns are mapped as in `backtest`.")
@click.option("--failures", type=FILE, help="CSV with asset,time[,mode]: when machines failed, and how (ISO 14224).")
@click.option("--logs", type=FILE, help="CSV with asset,time,text: the maintenance log.")
@click.option("--database", type=FILE, help="The agent's own journal instead of --data and --logs.")
@click.option("--base", type=click.Path(path_type=Path), help="Bundle to start from. Default: the packaged one.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder of the bundle.")
@click.option(
    "--class", "asset_class", default="plant", show_default=True, metavar="NAME", help="Name of the machines."
)
@click.option(
    "--horizon", type=click.IntRange(min=1), default=HORIZON, show_default=True, metavar="STEPS",
    help="The risk is about a failure within so many steps.",
)  # fmt: skip
@click.option("--baseline", type=click.IntRange(min=2), metavar="STEPS", help="Healthy steps each asset starts with.")
@file_options
@step_option
@click.option(
    "--epochs", type=click.FloatRange(min=0.0, min_open=True), default=8.0, show_default=True,
    help="How often each window is learned from, at most.",
)  # fmt: skip
@click.option(
    "--minutes", type=click.FloatRange(min=0.0, min_open=True), default=15.0, show_default=True,
    help="Time for everything; the training is made as long as fits.",
)  # fmt: skip
@click.option(
    "--mix", type=click.FloatRange(0.0, 0.9), default=_MIX, show_default=True,
    help="Share of simulated machines in what is learned, against forgetting.",
)  # fmt: skip
@click.option("--simulated", type=click.IntRange(min=8), default=_SIMULATED, show_default=True, help="Their lives.")
@click.option("--name", default="", help="Name of the bundle. Default: that of the folder.")
@click.option("--version", default="1.0.0", show_default=True, help="Version of the bundle.")
@runs_option
@click.option("--progress/--no-progress", "shown", default=None, help="Progress bars. Default: on a terminal.")
def finetune(  # noqa: PLR0913 - one parameter per option
    *, data: Path | None, failures: Path | None, logs: Path | None, database: Path | None, base: Path | None,
    out: Path, asset_class: str, horizon: int, baseline: int | None, how: FileSettings, epochs: float, minutes: float,
    mix: float, simulated: int, name: str, version: str, folder: Path | None, shown: bool | None,
) -> None:  # fmt: skip
    """Fine-tune a bundle on your own plant's history, in a quarter of an hour on a laptop.

    Learns from what your machines did before they failed, measures on machines (or a time) it did not learn from, and
    says what that was worth beside the base and beside boosted trees. Stop it at any time: the same command goes on.

    \b
    Examples:
      edge-agent train finetune --data my.csv --failures failures.csv --out models/mine
      edge-agent train finetune --data my.csv --failures failures.csv --logs log.csv --class pump --out models/pump
      edge-agent train finetune --database agent.db --failures failures.csv --out models/mine
    """
    require_training()
    if not _CLASS.fullmatch(asset_class):
        raise UsageError(
            f"--class {asset_class!r} is no name of a class", hint="small letters, digits, _ and -, such as press_line"
        )
    start = base or default_bundle()
    if out.resolve() == start.resolve():
        raise UsageError(f"--out {out} is the base itself", hint="give another folder: the base is kept")
    from edge_agent.training.plant.figures import drawn  # noqa: PLC0415 - with the others
    from edge_agent.training.plant.finetune import Job, Told  # noqa: PLC0415 - torch
    from edge_agent.training.plant.finetune import finetune as run  # noqa: PLC0415 - torch
    from edge_agent.training.plant.histories import PlantSettings  # noqa: PLC0415 - with the others

    history = _history(data, failures, logs, database, how)
    steps = baseline or default_baseline([history.dataset])
    job = Job(
        plant=PlantSettings(asset_class=asset_class, horizon=horizon, baseline_steps=steps),
        name=name or re.sub(r"[^a-z0-9_-]+", "-", out.resolve().name.lower())[:64], version=version, epochs=epochs,
        minutes=minutes, mix=mix, simulated=simulated,
    )  # fmt: skip
    source = "--database FILE" if database is not None else f"--data FILE{' --logs FILE' if logs else ''}"
    command = (
        f"edge-agent train finetune {source} --class {asset_class} --horizon {horizon} --baseline {steps} "
        f"--epochs {epochs:g} --minutes {minutes:g} --mix {mix:g} --out FOLDER"
    )
    drawing = sys.stderr.isatty() and shown is not False
    told = Told(say, (lambda _line: None) if drawing else say, lambda n, label: progress(n, label, shown=shown))
    try:
        done = run(history, start, job, runs_folder(folder), out, command, told)
    except KeyboardInterrupt:
        click.echo("\nstopped; the same command goes on where this one stopped", err=True)
        raise click.Abort from None
    click.echo(f"\nMeasured on what nothing was learned from ({done.split}):\n")
    for line in drawn(done.rows):
        click.echo(f"  {line}")
    click.echo(
        f"\n{out}: {done.steps} steps, {done.minutes:.1f} min in all. To use it, name the class of these machines "
        f'{asset_class!r} in the agent\'s configuration, and add:\n\n[bundle]\npath = "{out.resolve()}"'
    )


def _history(
    data: Path | None, failures: Path | None, logs: Path | None, database: Path | None, how: FileSettings
) -> History:
    """The history from where the options say."""
    if database is not None and data is None:
        if logs is not None:
            raise UsageError("--logs with --database", hint="leave --logs out: the journal holds the log lines")
        return read_journal(database, failures, how.step_s)
    if data is None or database is not None:
        raise UsageError("give one of --data and --database", hint="--data my.csv, or --database agent.db")
    if failures is None:
        raise UsageError(
            "--data without --failures", hint="--failures failures.csv with asset,time[,mode]: when machines failed"
        )
    return read_files(data, failures, logs, how)
