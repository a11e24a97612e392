"""`edge-agent ask` on what the real engine wrote of two pumps."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from edge_agent.offline.ask import ask
from tests.offline.alarm_site import SOUND, START, played


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of an agent that still runs; a limit of p1 was crossed, and its bearing has just been replaced."""
    made = tmp_path_factory.mktemp("site")
    site = played(made, stop_at=SOUND + 8)
    yield made
    site.journal.close()


def asked(folder: Path, *arguments: str) -> Result:
    """What the command says."""
    return CliRunner().invoke(ask, [*arguments, "--config", str(folder / "edge-agent.toml")])


def test_it_says_what_stands_what_was_written_and_what_was_before(folder: Path) -> None:
    done = asked(folder, "P1")
    said = " ".join(done.output.split())

    assert done.exit_code == 0
    assert said.startswith("p1, as of ")
    assert "alarm since 2025-10-09" in said
    assert "drive-end bearing" in said
    assert '"bearing replaced"' in said
    assert "Earlier alarms, newest first: limit of temp, critical, since 2025-10-09 09:38 UTC, over at " in said


def test_its_numbers_are_those_of_the_journal(folder: Path) -> None:
    """Whatever it says with digits, but for the moment it was asked, is in a row of an alarm, a verdict or the log."""
    said = json.loads(asked(folder, "p1", "--json").output)["answer"].split("\n", 1)[1]
    with closing(sqlite3.connect(folder / "edge-agent.db")) as db:
        rows = db.execute("SELECT event FROM alarm_event WHERE asset = 'p1'").fetchall()
        rows += db.execute("SELECT text FROM log_line WHERE asset = 'p1'").fetchall()
    held = " ".join(row[0] for row in rows)
    times = set(re.findall(r"\d{4}-\d\d-\d\d \d\d:\d\d", said))
    figures = re.findall(r"\d+(?:\.\d+)?", re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "", said))

    assert times
    assert all("2025-10-09 09:" in time for time in times), START
    assert [figure for figure in figures if figure not in held and not _risk(figure, held)] == []


def _risk(figure: str, held: str) -> bool:
    """Whether it is a risk of the rows, rounded."""
    return any(f"{float(risk):.2f}" == figure for risk in re.findall(r'"risk":(\d\.[\de-]+)', held))


def test_json_holds_the_answer_and_what_it_rests_on(folder: Path) -> None:
    found = json.loads(asked(folder, "p2", "--json").output)

    assert "No readings from flow." in found["answer"]
    assert [alarm["kind"] for alarm in found["facts"]["standing"]] == ["silence"]
    assert found["facts"]["verdict"]["asset"] == "p2"


def test_an_unknown_asset_is_answered_with_names_and_exit_code_1(folder: Path) -> None:
    done = asked(folder, "p3")

    assert done.exit_code == 1
    assert done.output == "This journal holds nothing of an asset p3.\n\nNames that look alike: p1, p2.\n"


def test_a_file_may_be_named_without_a_configuration(folder: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(ask, ["p2", "-d", str(folder / "edge-agent.db"), "-c", str(tmp_path / "none.toml")])

    assert done.exit_code == 0
