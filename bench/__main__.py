"""`python -m bench [NAME...]`: measures and prints a Markdown document; slowness is no failure.

What goes wrong on the way (no broker, no `onnx`) is said below the table, and the other benchmarks go on.
"""

from __future__ import annotations

import json
import logging
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import click

from bench import assets, drain, flash, idle, ingest, latency, start, sweep, verdict
from bench.computer import describe
from bench.figures import HEAD, Figure, UnmeasuredError
from bench.site import Setting
from edge_agent.errors import EdgeAgentError

ON_DISK = "/var/tmp"  # noqa: S108 - where temporary files outlive a boot, so never in memory; our folder is private
BENCHES: dict[str, Callable[[Setting], tuple[list[Figure], list[str]]]] = {
    module.BENCH: module.measure for module in (verdict, ingest, sweep, drain, latency, idle, start, assets, flash)
}


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(BENCHES)))
@click.option("--quick", is_flag=True, help="Small sizes: to see that it works, not what it is worth.")
@click.option(
    "--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="Write the figures there too."
)
@click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False, exists=True), default=ON_DISK, show_default=True,
    help="Where databases are made: on the disk that is to be measured.",
)  # fmt: skip
@click.option(
    "--plots",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Write the pictures of benchmarks that have one into this folder (SVG).",
)
def main(names: tuple[str, ...], *, quick: bool, json_file: Path | None, folder: Path, plots: Path | None) -> None:
    """Measure speed, memory and start-up on this computer; all benchmarks, or those named.

    The table goes to standard output as Markdown, progress to standard error. See docs/performance.md.
    """
    logging.basicConfig(level=logging.ERROR)  # the quantiser advises on accuracy, which random weights have none of
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(1))  # so that everything started is stopped
    with tempfile.TemporaryDirectory(prefix="edge-agent-bench-", dir=folder) as made:
        Path(made).chmod(0o755)  # mosquitto, started by root, gives up root before it reads its files
        setting = Setting(folder=Path(made), quick=quick, plots=plots)
        computer = {**describe(setting.folder), "sizes": "quick" if quick else "full"}
        click.echo("\n".join(f"- {name}: {value}" for name, value in computer.items()) + f"\n\n{HEAD}")
        figures: list[Figure] = []
        left_out: list[str] = []
        for name in names or BENCHES:
            click.echo(f"{name} ...", err=True)
            try:
                found, missing = BENCHES[name](setting)
            except (UnmeasuredError, EdgeAgentError) as error:
                found, missing = [], [str(error)]
            left_out += [f"{name}: {reason}" for reason in missing]
            figures += found
            click.echo("".join(f"{figure.row}\n" for figure in found), nl=False)
    if left_out:
        click.echo("\nNot measured:\n\n" + "\n".join(f"- {reason}" for reason in left_out))
    if json_file is not None:
        document = {"computer": computer, "figures": [f.record() for f in figures], "not measured": left_out}
        json_file.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
