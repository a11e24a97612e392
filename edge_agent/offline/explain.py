"""The command `explain`: options in, text out. What is checked is in `examine`, how it looks in `explain_page`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import click

from edge_agent.bundle.load import default_bundle, load_bundle
from edge_agent.config import load
from edge_agent.errors import UsageError
from edge_agent.offline.examine import examine
from edge_agent.offline.explain_page import document, page
from edge_agent.offline.explanation import Explanation
from edge_agent.store.audit import Audit
from edge_agent.store.queries import open_readonly

DEFAULT_CONFIG = "/etc/edge-agent/edge-agent.toml"
_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("alarm")
@click.option("--database", "-d", type=_PATH, help="SQLite file; default: the one CONFIG names.")
@click.option(
    "--config", "-c", type=_PATH, default=DEFAULT_CONFIG, show_default=True, help="Classes and policy of the alarm."
)
@click.option("--bundle", "-b", type=_PATH, help="Model bundle; default: the one CONFIG names, or the packaged one.")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of a page.")
def explain(alarm: str, database: Path | None, config: Path, bundle: Path | None, *, as_json: bool) -> None:
    """Derive ALARM (an id or its beginning) again from the SQLite file, and say whether a row was altered.

    Shows what the model read, what moved the risk, and the summary of every revision. Exit code 0 where nothing
    differs, 1 where a row does; the rows that differ are named. The agent may be running meanwhile.

    \b
    Examples:
      edge-agent explain 4f1c2a90
      edge-agent explain 4f1c2a90 -d /var/lib/edge-agent/edge-agent.db --json
    """  # noqa: D301 - click's backslash-b is a real backspace
    settings = load(config)
    path = database or settings.store.path
    model = load_bundle(bundle or settings.bundle.path or default_bundle())
    with closing(open_readonly(path)) as db:
        audit = Audit(db, path)
        found = examine(audit, _one_alarm(audit, alarm, path), settings, model, _watch)
    click.echo(json.dumps(document(found), indent=2) if as_json else "\n".join(page(found)))
    sys.exit(_exit_code(found))


def _one_alarm(audit: Audit, prefix: str, path: Path) -> str:
    """The only alarm whose id begins so."""
    ids = audit.alarm_ids(prefix)
    if len(ids) == 1 or prefix in ids:
        return prefix if prefix in ids else ids[0]
    what = f"ids of {len(ids)} alarms begin with {prefix!r}: {', '.join(ids)}" if ids else f"no alarm begins {prefix!r}"
    hint = "give more of the id" if ids else "`edge-agent alarms` lists the alarms with their ids"
    raise UsageError(f"journal {path}: {what}", hint=hint)


def _exit_code(found: Explanation) -> int:
    return 1 if found.differences else 0


def _watch(blocks: int) -> Callable[[], None]:
    """What counts a block that was read: a line on a terminal, rewritten every hundredth; nothing elsewhere."""
    done = 0

    def passed() -> None:
        nonlocal done
        done += 1
        if sys.stderr.isatty() and (done % max(1, blocks // 100) == 0 or done == blocks):
            end = "\r\033[K" if done == blocks else ""
            click.echo(f"\rreading {done} of {blocks} blocks{end}", err=True, nl=False)

    return passed
