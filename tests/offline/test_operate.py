"""The commands from the gateway's shell, without an agent: what is refused before anything is left."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from edge_agent.errors import EdgeAgentError, UsageError
from edge_agent.offline.operate import ack, command_, seconds, shelve, unshelve
from edge_agent.ports import Batch
from edge_agent.store.database import StoreSettings
from edge_agent.store.journal import open_journal
from edge_agent.store.spool import FileSpool
from tests.store.journal_values import some_command


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """An empty journal."""
    path = tmp_path / "agent.db"
    with closing(open_journal(StoreSettings(path=path))):
        pass
    return path


def run(command: click.Command, journal: Path, *arguments: str) -> Result:
    """What a command says."""
    return CliRunner().invoke(command, [*arguments, "--database", str(journal), "--wait", "0"], catch_exceptions=True)


@pytest.mark.parametrize(
    ("command", "arguments", "name", "said"),
    [
        (ack, ["4f1c2a90bb12cd34", "--label", "false"], "ack", b'"label": "false"'),
        (shelve, ["4f1c2a90bb12cd34"], "shelve", b'"alarm": "4f1c2a90bb12cd34"'),
        (shelve, ["pump-7", "--for", "30m"], "shelve", b'"duration_s": 1800.0'),
        (shelve, ["pump-7", "--kind", "limit:vib"], "shelve", b'"kind": "limit:vib"'),
        (unshelve, ["pump-7", "--comment", "done"], "unshelve", b'"comment": "done"'),
        (command_, ["baseline-reset", "asset=pump-7"], "baseline-reset", b'"asset": "pump-7"'),
        (command_, ["shelve", "asset=pump-7", "duration_s=60"], "shelve", b'"duration_s": 60.0'),
        (command_, ["reload", "--actor", "bert"], "reload", b'"actor": "bert"'),
    ],
)
def test_a_command_is_left_for_the_agent(
    journal: Path, command: click.Command, arguments: list[str], name: str, said: bytes
) -> None:
    result = run(command, journal, *arguments)
    [(_, found, payload)] = FileSpool(journal).waiting()

    assert (result.exit_code, found) == (0, name)
    assert "left for the agent" in result.output
    assert said in payload


@pytest.mark.parametrize(
    ("command", "arguments", "said"),
    [
        (ack, ["4f1c/.."], "alarm"),
        (shelve, ["pump-7", "--for", "soon"], "length of time"),
        (shelve, ["Pump 7"], "asset"),
        (command_, ["baseline-reset", "pump-7"], "KEY=VALUE"),
        (command_, ["baseline-reset", "machine=pump-7"], "machine"),
    ],
)
def test_what_the_agent_would_refuse_is_refused_here(
    journal: Path, command: click.Command, arguments: list[str], said: str
) -> None:
    result = run(command, journal, *arguments)

    assert isinstance(result.exception, UsageError)
    assert said in str(result.exception)
    assert FileSpool(journal).waiting() == []


def test_a_journal_that_is_not_there_is_said(tmp_path: Path) -> None:
    assert isinstance(run(ack, tmp_path / "no.db", "x").exception, EdgeAgentError)


def test_lengths_of_time() -> None:
    assert [seconds(text) for text in ("90s", "1.5h", "2d")] == [90.0, 5400.0, 172800.0]


def test_a_request_id_of_ones_own_is_waited_for_and_answered_again(tmp_path: Path) -> None:
    path = tmp_path / "agent.db"
    with closing(open_journal(StoreSettings(path=path))) as journal:
        journal.commit(Batch(commands=[replace(some_command("r-1"), name="reload")]))
    arguments = ["reload", "request_id=r-1", "--database", str(path), "--wait", "5"]
    result = CliRunner().invoke(command_, arguments, catch_exceptions=False)

    assert result.output == "reload: done\n"
    assert [b'"request_id": "r-1"' in payload for _, _, payload in FileSpool(path).waiting()] == [True]
