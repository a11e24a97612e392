"""The commands. Each calls one function of a lower layer; every error is printed as `Error:` and `Try:`."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edge_agent import __version__
from edge_agent.core.types import AlarmEvent
from edge_agent.errors import EX_CONFIG, EdgeAgentError

if TYPE_CHECKING:
    from edge_agent.store.queries import AlarmRow

DEFAULT_CONFIG = "/etc/edge-agent/edge-agent.toml"


class _Group(click.Group):
    """Loads the heavy commands (numpy, onnxruntime) only when they are called, so that `--help` is quick."""

    lazy = {  # noqa: RUF012 - a constant of the class
        "replay": ("edge_agent.offline.commands", "replay", "Send a CSV file to a broker at a chosen speed."),
        "backtest": ("edge_agent.offline.commands", "backtest", "Run the agent's decisions over CSV files, offline."),
        "ask": ("edge_agent.offline.ask", "ask", "Say in plain words what is wrong with an asset."),
        "explain": ("edge_agent.offline.explain", "explain", "Derive an alarm again, and say if a row was altered."),
        "ack": ("edge_agent.offline.operate", "ack", "Acknowledge an alarm, and say what it was."),
        "audit": ("edge_agent.offline.audit", "audit", "Look the alarms over: which are a nuisance, what would help."),
        "labels": ("edge_agent.offline.audit", "labels", "Print what people called alarms, as CSV."),
        "shelve": ("edge_agent.offline.operate", "shelve", "Let an alarm or an asset page nobody for a while."),
        "unshelve": ("edge_agent.offline.operate", "unshelve", "End a shelving."),
        "command": ("edge_agent.offline.operate", "command_", "Give the agent any command it takes over MQTT."),
        "demo": ("edge_agent.demo.commands", "demo", "Show a plant in which a bearing fails, live in the terminal."),
        "train": ("edge_agent.training.commands", "train", "Make models (extra `train`)."),
        "evaluate": ("edge_agent.training.commands", "evaluate", "Measure models on unseen data (extra `train`)."),
    }

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *self.lazy})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.lazy:
            return super().get_command(ctx, cmd_name)
        module, name, _ = self.lazy[cmd_name]
        from importlib import import_module  # noqa: PLC0415 - the point of being lazy

        command = getattr(import_module(module), name)
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        own = {name: super(_Group, self).get_command(ctx, name) for name in super().list_commands(ctx)}
        rows = [(name, command.get_short_help_str(80)) for name, command in own.items() if command is not None]
        rows += [(name, text) for name, (_, _, text) in self.lazy.items()]
        with formatter.section("Commands"):
            formatter.write_dl(sorted(rows))


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="edge-agent")
def cli() -> None:
    """Predictive maintenance beside the machine.

    Reads sensor values and maintenance logs from MQTT, judges each machine with a small language model, raises
    explained alarms, and keeps everything in SQLite.

    \b
    Examples:
      edge-agent check-config deploy/edge-agent.toml
      edge-agent run /etc/edge-agent/edge-agent.toml
      edge-agent alarms --open
      edge-agent backtest my.csv --time ts --asset machine --run-to-failure
    """


@cli.command()
@click.argument("config", type=click.Path(path_type=Path), default=DEFAULT_CONFIG)
def run(config: Path) -> None:
    """Run the agent until it is told to stop (SIGTERM, Ctrl-C); SIGHUP reloads CONFIG.

    \b
    Examples:
      edge-agent run
      edge-agent run deploy/edge-agent.toml
    """
    from edge_agent.app import run as run_agent  # noqa: PLC0415 - imports onnxruntime

    sys.exit(run_agent(config))


@cli.command("check-config")
@click.argument("config", type=click.Path(path_type=Path), default=DEFAULT_CONFIG)
def check_config(config: Path) -> None:
    """Check CONFIG and name every fault at once; exit 78 when there is one.

    \b
    Examples:
      edge-agent check-config
      edge-agent check-config deploy/edge-agent.toml
    """
    from edge_agent.config import check  # noqa: PLC0415

    problems = check(config)
    for problem in problems:
        click.echo(f"Error: {config}: {problem.field}: {problem.reason} (value: {problem.value})")
        click.echo(f"  Try: {problem.remedy}")
    if problems:
        click.echo(f"{len(problems)} problem(s) in {config}")
        sys.exit(EX_CONFIG)
    click.echo(f"{config}: no problems")


_DATABASE = click.option(
    "--database", "-d", type=click.Path(path_type=Path), help="SQLite file; default: the one CONFIG names."
)
_CONFIG = click.option(
    "--config", "-c", type=click.Path(path_type=Path), default=DEFAULT_CONFIG, show_default=True, help="Names the file."
)
_JSON = click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")


@cli.command()
@_DATABASE
@_CONFIG
@_JSON
@click.option("--open", "open_only", is_flag=True, help="Only alarms that stand or wait to be acknowledged.")
@click.option("--limit", default=20, show_default=True, help="At most so many, newest first.")
@click.option("--id", "alarm_id", help="All events of one alarm.")
def alarms(  # noqa: PLR0913 - one argument an option
    database: Path | None, config: Path, *, as_json: bool, open_only: bool, limit: int, alarm_id: str | None
) -> None:
    """Show alarms from the SQLite file, while the agent runs or after.

    \b
    Examples:
      edge-agent alarms --open
      edge-agent alarms -d /var/lib/edge-agent/agent.db --json
      edge-agent alarms --id 4f1c2a90bb12cd34
    """
    from edge_agent.store import queries  # noqa: PLC0415

    with closing(queries.open_readonly(_database(database, config))) as db:
        rows: Sequence[queries.AlarmRow | AlarmEvent] = (
            queries.events(db, alarm_id) if alarm_id else queries.alarms(db, open_only=open_only, limit=limit)
        )
    if as_json:
        click.echo(json.dumps([asdict(row) for row in rows], indent=2))
        return
    if not rows:
        click.echo("no alarms")
    for row in rows:
        risk = "" if row.risk is None else f"  risk {row.risk:.2f}"
        name = row.id if isinstance(row, AlarmEvent) else row.alarm_id
        click.echo(f"{_local(row.time)}  {row.asset}  {row.severity}  {row.transition}  {row.kind} {row.mode}{risk}")
        click.echo(f"    {row.summary}")
        click.echo(f"    id {name}  rev {row.rev}  {_attention(row)}".rstrip())


@cli.command()
@_DATABASE
@_CONFIG
@_JSON
def status(database: Path | None, config: Path, *, as_json: bool) -> None:
    """Show what the SQLite file holds and what waits to be sent.

    \b
    Examples:
      edge-agent status
      edge-agent status -d /var/lib/edge-agent/agent.db --json
    """
    from edge_agent.store import queries  # noqa: PLC0415

    with closing(queries.open_readonly(_database(database, config))) as db:
        row = queries.status(db)
    if as_json:
        click.echo(json.dumps(asdict(row), indent=2))
        return
    click.echo("\n".join(f"{table:<16} {count:>10} rows" for table, count in row.rows.items()))
    if row.oldest_reading is not None and row.newest_reading is not None:
        click.echo(f"readings from    {_local(row.oldest_reading)} to {_local(row.newest_reading)}")
    click.echo(f"waiting to send  {row.unsent}, the oldest for {row.oldest_unsent_s:.0f} s")
    click.echo(f"file             {row.file_bytes / 1e6:.1f} MB")


def _database(database: Path | None, config: Path) -> Path:
    if database is not None:
        return database
    from edge_agent.config import load  # noqa: PLC0415

    return load(config).store.path


def _attention(row: AlarmRow | AlarmEvent) -> str:
    """Who still has to look at it."""
    words = ["acknowledged" if row.acked else "not acknowledged"] if row.open or row.acked else []
    return ", ".join([*words, *(["shelved or suppressed"] if row.quiet and row.open else [])])


def _local(moment: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(moment))


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point: every expected error as `Error:` and `Try:`, exit code by kind."""
    try:
        cli.main(args=None if arguments is None else list(arguments), standalone_mode=False)
    except EdgeAgentError as error:
        click.echo(f"Error: {error}", err=True)
        if error.hint:
            click.echo(f"  Try: {error.hint}", err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
