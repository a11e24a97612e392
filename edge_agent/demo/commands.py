"""The command `edge-agent demo`: options in, a show, an account and an exit code out."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import Final

import click

from edge_agent.demo.account import Account, account
from edge_agent.demo.broker import KINDS
from edge_agent.demo.engines import engines_script
from edge_agent.demo.ink import wrapped
from edge_agent.demo.screen import Screen, live, look_of
from edge_agent.demo.script import Script, plant_script
from edge_agent.demo.show import Show
from edge_agent.demo.stage import Stage

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SIGNALLED: Final = 128  # + number of the signal: the shell's exit code


class _Asked(BaseException):
    """Somebody wants the show to end; no `except Exception` may swallow it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@click.command()
@click.option(
    "--data", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR",
    help="Replay recorded engines instead: DIR/cmapss/test_FD001.txt.gz and RUL_FD001.txt.gz.",
)  # fmt: skip
@click.option("--speed", type=click.FloatRange(0.05, 100.0), default=1.0, help="So many times as fast; default: 1.")
@click.option("--broker", type=click.Choice(KINDS), help="Which broker to start; default: mosquitto, else iotcore.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the broker on 127.0.0.1; default: a free one.")
@click.option(
    "--keep", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
    help="Keep configuration, database and logs there; default: a temporary folder, removed at the end.",
)  # fmt: skip
@click.option("--linger/--once", default=False, help="Stay until Ctrl-C when the story has ended; default: --once.")
def demo(  # noqa: PLR0913 - one argument an option
    *, data: Path | None, speed: float, broker: str | None, port: int | None, keep: Path | None, linger: bool
) -> None:
    """Show a plant in which a bearing fails, live in the terminal.

    Starts a broker on a loopback port and the agent beside it, plays five simulated machines through MQTT faster than
    real, and shows what the agent says: risk, failure mode, alarms with their reasons. Takes about 75 seconds. Exits
    with 0 when the failing bearing got an alarm that was cleared after its repair.

    \b
    Examples:
      edge-agent demo
      edge-agent demo --keep demo-run --linger
      edge-agent demo --data ../shared/data
    """
    script = plant_script(time.time()) if data is None else engines_script(data, time.time())
    try:
        with _signals():
            told = _perform(script, speed=speed, broker=broker, port=port, keep=keep, linger=linger)
    except _Asked as asked:
        click.echo("stopped: agent and broker have ended", err=True)
        sys.exit(_SIGNALLED + asked.number)
    sys.exit(0 if told.passed else 1)


def _perform(  # noqa: PLR0913 - the options
    script: Script, *, speed: float, broker: str | None, port: int | None, keep: Path | None, linger: bool
) -> Account:
    look = look_of(sys.stdout, os.environ)
    with Stage(script, keep=keep, broker=broker, port=port, say=click.echo) as stage:
        with ExitStack() as stack:
            screen = stack.enter_context(Screen()) if live(sys.stdout, os.environ) else None
            show = Show(stage, script, speed, screen, look, click.echo)
            show.perform()
            if linger and screen is not None:
                _until_asked(show)
        told = account(show.board.events, script)
        width = None
        if screen is not None:
            width, height = screen.size()
            click.echo("\n".join(show.picture(width, height)), color=True)
        _tell(told, script, stage, width)
        if linger and screen is None:
            click.echo(f"the agent still runs on {stage.broker}; Ctrl-C ends it")
            _until_asked(show)
    return told


def _until_asked(show: Show) -> None:
    try:
        show.linger()
    except _Asked as asked:
        if asked.number != signal.SIGINT:
            raise


def _tell(told: Account, script: Script, stage: Stage, width: int | None) -> None:
    click.echo("\nWhat happened")
    for line in told.lines:
        for part in [f"  {line}"] if width is None else wrapped(f"  {line}", width, hang=6):
            click.echo(part)
    if not told.passed:
        failing = ", ".join(m.name for m in script.machines if m.truth.fails)
        click.echo(f"Error: not as it should be: {failing} fails, and must get an alarm that is cleared after a repair")
    if stage.kept:
        click.echo("\nTry next")
        click.echo(f"  edge-agent alarms --config {stage.config}")
        click.echo(f"  edge-agent status --database {stage.database}")
        click.echo(f"  edge-agent run {stage.config}   (needs a broker on port {stage.port})")
    else:
        click.echo("\nTry next: edge-agent demo --keep demo-run, then edge-agent alarms -c demo-run/edge-agent.toml")


@contextmanager
def _signals() -> Iterator[None]:
    """Turns the first signal that asks for an end into `_Asked`; further ones are ignored while things are stopped."""

    def asked(number: int, _frame: FrameType | None) -> None:
        for other in _SIGNALS:
            signal.signal(other, signal.SIG_IGN)
        raise _Asked(number)

    before = {number: signal.signal(number, asked) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
