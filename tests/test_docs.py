"""The documentation cannot rot: commands run, and every command, key and metric is named."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from edge_agent.cli import cli
from edge_agent.metrics import Metrics

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def commands_of(page: Path) -> list[str]:
    """The lines of the `sh` blocks of a page."""
    blocks = re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line and not line.startswith("#")]


README_COMMANDS = commands_of(ROOT / "README.md")


def test_the_readme_has_its_two_commands() -> None:
    """What a stranger types first."""
    assert README_COMMANDS[:2] == ["make demo", "make test"]


@pytest.mark.parametrize("line", README_COMMANDS)
def test_a_command_of_the_readme_runs(line: str) -> None:
    """Commands of the agent are run; targets of make, which set up a whole environment, are expanded by make."""
    words = shlex.split(line)
    if words[0] == "edge-agent":
        command = [sys.executable, "-m", "edge_agent", *words[1:]]
    else:
        assert words[0] == "make"
        command = ["make", "--dry-run", *words[1:]]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, "MAKEFLAGS": ""}
    )

    assert done.returncode == 0, done.stderr


def commands(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    """The command and all behind it, with their full names."""
    yield name, command
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=name)
        for inner in command.list_commands(context):
            found = command.get_command(context, inner)
            assert found is not None
            yield from commands(found, f"{name} {inner}")


@pytest.mark.parametrize(("name", "command"), list(commands(cli, "edge-agent")))
def test_every_command_has_help_with_an_example_and_is_documented(name: str, command: click.Command) -> None:
    """`--help` of each shows how it is used."""
    documented = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")

    assert "Example" in (command.help or "")
    assert f"## {name}\n" in documented


def test_every_metric_is_documented() -> None:
    """One vocabulary."""
    page = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")

    assert [family.name for family in Metrics().registry.collect() if family.name not in page] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    """Relative links only, to files that are there."""
    text = page.read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:)([^)#]+)", text)

    assert [link for link in links if not (page.parent / link).exists()] == []
