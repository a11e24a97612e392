"""The command `ask`: options in, text out. What is said is in `core/ask.py`, whence it comes in `store/asking.py`."""

from __future__ import annotations

import json
import sys
import textwrap
import time
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import click

from edge_agent.config import load
from edge_agent.core.ask import answer
from edge_agent.store.asking import facts_of
from edge_agent.store.queries import open_readonly

DEFAULT_CONFIG = "/etc/edge-agent/edge-agent.toml"
_PATH = click.Path(path_type=Path)
_WIDTH = 100


@click.command()
@click.argument("asset")
@click.option("--database", "-d", type=_PATH, help="SQLite file; default: the one CONFIG names.")
@click.option("--config", "-c", type=_PATH, default=DEFAULT_CONFIG, show_default=True, help="Names the file.")
@click.option("--json", "as_json", is_flag=True, help="The answer and what it rests on, as JSON.")
def ask(asset: str, database: Path | None, config: Path, *, as_json: bool) -> None:
    """Say in plain words what is wrong with ASSET, since when, what was done before and what to check.

    Everything said is a row of the SQLite file or of a table of advice; times are UTC. Exit code 1 where the file holds
    nothing of the asset. The agent may be running meanwhile.

    \b
    Examples:
      edge-agent ask pump-7
      edge-agent ask "Pump 7" -d /var/lib/edge-agent/edge-agent.db --json
    """  # noqa: D301 - click's backslash-b is a real backspace
    path = database or load(config).store.path
    with closing(open_readonly(path)) as db:
        facts = facts_of(db, asset, time.time())
    said = answer(facts)
    if as_json:
        click.echo(json.dumps({"answer": said, "facts": asdict(facts)}, indent=2))
    else:
        click.echo("\n\n".join(textwrap.fill(line, _WIDTH, break_on_hyphens=False) for line in said.split("\n")))
    sys.exit(0 if facts.known else 1)
