"""The commands that act on alarms from the gateway's own shell: options in, one line out.

They reach the agent through the folder beside its journal (`store/spool.py`), so neither broker nor network is needed,
and an agent that is not running obeys when it starts. What came of it is read from the journal.
"""

from __future__ import annotations

import getpass
import json
import re
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import wraps
from pathlib import Path
from typing import Final

import click

from edge_agent.core.commands import REQUESTS, Label, Refusal, command
from edge_agent.core.properties import Reply
from edge_agent.core.types import CommandRecord
from edge_agent.errors import StoreError, UsageError
from edge_agent.store import queries
from edge_agent.store.spool import leave

DEFAULT_CONFIG: Final = "/etc/edge-agent/edge-agent.toml"
LOOK_S: Final = 0.2
Order = tuple[str, dict[str, object]]  # name of a command, and its fields
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def _options(function: Callable[..., Order]) -> Callable[..., None]:
    """The options all of them have."""

    @click.option(
        "--database", "-d", type=click.Path(path_type=Path), help="SQLite file; default: the one CONFIG names."
    )
    @click.option(
        "--config",
        "-c",
        type=click.Path(path_type=Path),
        default=DEFAULT_CONFIG,
        show_default=True,
        help="Names the file.",
    )
    @click.option("--actor", default=None, metavar="NAME", help="Who orders it. Default: the user of this shell.")
    @click.option("--comment", default="", metavar="TEXT", help="Why; told with the alarm.")
    @click.option(
        "--wait", "wait_s", default=10.0, show_default=True, metavar="SECONDS", help="For the agent to answer."
    )
    @wraps(function)
    def wrapped(
        *, database: Path | None, config: Path, actor: str | None, comment: str, wait_s: float, **given: object
    ) -> None:
        name, fields = function(**given)
        _order(database or _journal(config), name, fields, actor=actor, comment=comment, wait_s=wait_s)

    return wrapped


@click.command()
@click.argument("alarm")
@click.option(
    "--label", type=click.Choice([label.value for label in Label]), help="What it was; kept, and learned from."
)
@_options
def ack(alarm: str, label: str | None) -> Order:
    """Acknowledge ALARM (its id, see `edge-agent alarms`).

    \b
    Examples:
      edge-agent ack 4f1c2a90bb12cd34
      edge-agent ack 4f1c2a90bb12cd34 --label false --comment "sensor cable was loose"
    """  # noqa: D301 - click's backslash-b is a real backspace
    return "ack", {"alarm": alarm, "label": label}


@click.command()
@click.argument("target")
@click.option("--for", "length", default="8h", show_default=True, metavar="TIME", help="How long, such as 30m, 8h, 2d.")
@click.option(
    "--kind",
    default=None,
    metavar="KIND",
    help="Of an asset: risk, silence, limit:<channel>. Default: all but hard limits.",
)
@_options
def shelve(target: str, length: str, kind: str | None) -> Order:
    """Let TARGET (an alarm id, or an asset) page nobody for a while; its condition goes on being judged.

    \b
    Examples:
      edge-agent shelve pump-7 --for 2h --comment "running in after overhaul"
      edge-agent shelve pump-7 --kind limit:vib --for 30m
      edge-agent shelve 4f1c2a90bb12cd34
    """  # noqa: D301 - click's backslash-b is a real backspace
    return "shelve", {**_target(target, kind), "duration_s": seconds(length)}


@click.command()
@click.argument("target")
@click.option("--kind", default=None, metavar="KIND", help="Of an asset: risk, silence, limit:<channel>. Default: all.")
@_options
def unshelve(target: str, kind: str | None) -> Order:
    """End a shelving; what still stands is told again.

    \b
    Examples:
      edge-agent unshelve pump-7
      edge-agent unshelve 4f1c2a90bb12cd34
    """  # noqa: D301 - click's backslash-b is a real backspace
    return "unshelve", _target(target, kind)


@click.command("command")
@click.argument("name", type=click.Choice(sorted(REQUESTS)))
@click.argument("fields", nargs=-1, metavar="[KEY=VALUE]...")
@_options
def command_(name: str, fields: tuple[str, ...]) -> Order:
    """Give the agent any command it also takes over MQTT (docs/commands.md).

    \b
    Examples:
      edge-agent command baseline-reset asset=pump-7 --comment "new bearing"
      edge-agent command suppress asset=pump-7 kind=silence
      edge-agent command model-activate bundle=press@2
      edge-agent command reload
    """  # noqa: D301 - click's backslash-b is a real backspace
    pairs = [field.partition("=") for field in fields]
    bad = next((key for key, equals, _ in pairs if not equals), None)
    if bad is not None:
        raise UsageError(f"{bad!r} is no KEY=VALUE", hint="write for instance asset=pump-7")
    return name, {key: float(value) if key == "duration_s" else value for key, _, value in pairs}


def seconds(length: str) -> float:
    """The seconds of a length of time such as 30m.

    Raises:
        UsageError: it is none.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", length.strip())
    if found is None:
        raise UsageError(f"{length!r} is no length of time", hint="write a number and s, m, h or d: 30m, 8h, 2d")
    return float(found[1]) * _UNITS[found[2]]


def _target(target: str, kind: str | None) -> dict[str, object]:
    """An alarm id is sixteen hexadecimal digits; everything else names an asset."""
    if kind is None and re.fullmatch(r"[0-9a-f]{16}", target):
        return {"alarm": target}
    return {"asset": target, **({} if kind is None else {"kind": kind})}


def _journal(config: Path) -> Path:
    from edge_agent.config import load  # noqa: PLC0415 - only where no --database says it

    return load(config).store.path


def _order(  # noqa: PLR0913 - what is ordered, by whom, of which agent
    journal: Path, name: str, fields: Mapping[str, object], *, actor: str | None, comment: str, wait_s: float
) -> None:
    """Leave the command, wait for what comes of it, and say it."""
    with closing(queries.open_readonly(journal)):
        pass  # there is a journal, and it is ours
    given = {key: value for key, value in fields.items() if value is not None}
    body = {
        "request_id": uuid.uuid4().hex,
        "actor": actor or getpass.getuser(),
        "comment": comment,
        "time": time.time(),
        **given,
    }
    payload = json.dumps(body).encode()
    asked = command(name, payload, Reply(), received=time.time(), via="local")
    if isinstance(asked, Refusal):
        raise UsageError(asked.detail, hint=f"edge-agent {name} --help")
    leave(journal, name, asked.request_id, payload)
    record = _answered(journal, asked.request_id, wait_s)
    if record is None:
        click.echo(f"{name}: left for the agent, no answer within {wait_s:g} s; it is obeyed when the agent runs")
    elif not record.accepted:
        raise UsageError(f"{name}: {record.answer}", hint="`edge-agent alarms` shows what stands")
    else:
        click.echo(f"{name}: {record.answer}")


def _answered(journal: Path, request_id: str, wait_s: float) -> CommandRecord | None:
    deadline = time.monotonic() + wait_s
    while time.monotonic() < deadline:
        try:
            with closing(queries.open_readonly(journal)) as db:
                found = queries.commands(db, request_id=request_id, limit=1)
        except StoreError:  # the agent is setting a damaged one aside
            found = []
        if found:
            return found[0]
        time.sleep(LOOK_S)
    return None
