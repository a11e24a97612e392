"""What the commands of this package share: options, where work is kept, how progress is said. No torch here."""

from __future__ import annotations

import importlib.util
import time
from pathlib import Path
from typing import Final

import click

from edge_agent.errors import EdgeAgentError

_NEEDED: Final = ("torch", "onnx", "lightgbm", "sklearn")

runs_option = click.option(
    "--runs", "folder", type=click.Path(file_okay=False, path_type=Path), default=None,
    help="Folder for caches and checkpoints; default: edge-agent in the user's cache folder. A second call resumes.",
)  # fmt: skip
data_option = click.option(
    "--data", type=click.Path(exists=True, file_okay=False, path_type=Path), default=None,
    help="Folder with `cmapss/` and, for the vocabulary, licensed log texts; without it the simulator alone is used.",
)  # fmt: skip
fleet_option = click.option(
    "--fleet", "train_runs", type=click.IntRange(min=8), default=480, show_default=True,
    help="Simulated machine lives to learn from.",
)  # fmt: skip


def require_training() -> None:
    """Check that the extra `train` is installed.

    Raises:
        EdgeAgentError: it is not; names what is missing.
    """
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise EdgeAgentError(
            f"training needs {', '.join(missing)}, not installed here", hint="pip install 'edge-agent[train]'"
        )


def runs_folder(given: Path | None) -> Path:
    """The folder of caches and checkpoints: the given one, or that of the user's cache."""
    return Path(click.get_app_dir("edge-agent")) / "training" if given is None else given


def say(line: str) -> None:
    """Print a line of progress with the time."""
    click.echo(f"{time.strftime('%H:%M:%S')} {line}", err=True)
