"""`python -m bench.rivals`: the agent beside thingsboard-gateway and Node-RED, same messages, same `kill -9` script.

Prints a Markdown document; whoever does not install here is left out, and that is said. See docs/performance.md.
"""

from __future__ import annotations

import random
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import click

from bench.bar_chart import Panel, bars
from bench.computer import describe
from bench.figures import UnmeasuredError, shown
from bench.rivals.contenders import Contender, EdgeAgent, NodeRed, ThingsBoard
from bench.rivals.install import default_folder
from bench.rivals.script import Killed, Rush, kills, rush
from edge_agent.errors import EdgeAgentError

CONTENDERS = ("edge-agent", "thingsboard-gateway", "node-red")
ON_DISK = "/var/tmp"  # noqa: S108 - where temporary files outlive a boot, so never in memory; our folder is private
RATES = (200, 1000)
RUSH_HEAD = "| in a rush | messages/s | processor | memory | missing |\n|---|---:|---:|---:|---:|"
KILLS_HEAD = "| killed | messages/s | sent | lost | repeated | back after |\n|---|---:|---:|---:|---:|---:|"


@click.command(
    epilog="Examples: `python -m bench.rivals --seed 7 --plot docs/rivals.svg`;"
    " `python -m bench.rivals node-red --kills 3 --rate 200 --messages 2000`."
)
@click.argument("names", nargs=-1, type=click.Choice(CONTENDERS))
@click.option("--kills", "count", type=click.IntRange(min=1), default=20, show_default=True, help="Kills of each.")
@click.option("--seed", type=int, help="Which moments; left out: any, and printed.")
@click.option(
    "--rate",
    "rates",
    type=click.IntRange(min=1),
    multiple=True,
    default=RATES,
    show_default=True,
    help="Messages a second while it is killed; each rate has kills of its own.",
)
@click.option("--messages", type=click.IntRange(min=100), default=10_000, show_default=True, help="Of the rush.")
@click.option(
    "--rivals",
    type=click.Path(path_type=Path, file_okay=False),
    default=default_folder,
    show_default="the cache",
    help="Where rivals are installed; they stay there.",
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=ON_DISK,
    show_default=True,
    help="Where everybody's buffer is made: on a disk, not in memory.",
)
@click.option("--plot", type=click.Path(path_type=Path, dir_okay=False), help="Write a picture (SVG) there.")
def main(  # noqa: PLR0913 - one per option
    names: tuple[str, ...], *, count: int, seed: int | None, rates: tuple[int, ...], messages: int, rivals: Path,
    folder: Path, plot: Path | None,
) -> None:  # fmt: skip
    """Kill the agent and its rivals while they take messages, and count what is missing.

    Each takes numbered QoS 1 messages from a real mosquitto: first a rush as fast as the broker takes them (messages/s,
    processor, memory), then steady streams with kill -9 at moments drawn from a seed (lost, repeated). Rivals are
    installed by pip and npm at the first run. Names choose who takes part; all by default.
    """
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(1))  # so that everything started is stopped
    seed = random.SystemRandom().randrange(10**6) if seed is None else seed
    rivals = rivals.absolute()
    made: dict[str, Contender] = {
        "edge-agent": EdgeAgent(), "thingsboard-gateway": ThingsBoard(rivals), "node-red": NodeRed(rivals),
    }  # fmt: skip
    click.echo("\n".join(f"- {name}: {value}" for name, value in describe(folder).items()))
    click.echo(f"- script: a rush of {messages} messages; {count} kills at each rate, seed {seed}")
    measured: list[tuple[Contender, Rush, list[Killed]]] = []
    left_out: list[str] = []
    for name in names or CONTENDERS:
        contender = made[name]
        with tempfile.TemporaryDirectory(prefix="edge-agent-rivals-", dir=folder) as made_folder:
            place = Path(made_folder)
            place.chmod(0o755)  # mosquitto, started by root, gives up root before it reads its files
            try:
                click.echo(f"{name}: rush ...", err=True)
                quick = rush(contender, place / "rush", messages)
                left = [
                    kills(contender, place / str(r), count, seed=seed, rate=r, tell=_progress(name, r, count))
                    for r in rates
                ]
            except (UnmeasuredError, EdgeAgentError) as error:
                left_out.append(f"{name}: {error}")
            else:
                measured.append((contender, quick, left))
    click.echo("\n".join(["", RUSH_HEAD, *(_rush_row(one, quick) for one, quick, _ in measured)]))
    click.echo("\n".join(["", KILLS_HEAD, *(_kills_row(one, k) for one, _, left in measured for k in left)]))
    click.echo("\n" + "\n".join(f"- {one.name}: {one.how}" for one, _, _ in measured))
    if left_out:
        click.echo("\nNot measured:\n\n" + "\n".join(f"- {reason}" for reason in left_out))
    if plot is not None and measured:
        plot.write_text(_picture(measured, count), encoding="utf-8")


def _progress(name: str, rate: int, count: int) -> Callable[[int], None]:
    return lambda number: click.echo(f"{name}: {rate} messages/s, killed {number} of {count} times", err=True)


def _rush_row(contender: Contender, quick: Rush) -> str:
    cells = (f"{shown(quick.per_s)}", f"{shown(quick.cpu_us)} µs", f"{shown(quick.memory_mb)} MB", f"{quick.missing:,}")
    return f"| {contender.name} | " + " | ".join(cells) + " |"


def _kills_row(contender: Contender, left: Killed) -> str:
    cells = (f"{left.rate}", f"{left.sent:,}", f"{left.lost:,}", f"{left.repeated:,}", f"{shown(left.back_s)} s")
    return f"| {contender.name} | " + " | ".join(cells) + " |"


def _picture(measured: list[tuple[Contender, Rush, list[Killed]]], count: int) -> str:
    lost = [
        Panel(f"lost in {count} kills at {rate} messages a second", tuple(float(value) for value in values))
        for rate, values in _by_rate(measured)
    ]
    panels = (
        *lost,
        Panel("messages a second in a rush", tuple(quick.per_s for _, quick, _ in measured)),
        Panel("memory in the rush", tuple(quick.memory_mb for _, quick, _ in measured), "MB"),
    )
    return bars("The same messages, the same kill -9", [one.name for one, _, _ in measured], panels)


def _by_rate(measured: list[tuple[Contender, Rush, list[Killed]]]) -> list[tuple[int, list[int]]]:
    streams = zip(*(left for _, _, left in measured), strict=True)
    return [(of_all[0].rate, [one.lost for one in of_all]) for of_all in streams]


if __name__ == "__main__":
    main()
