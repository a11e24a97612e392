"""An alarm that people worked on, derived again: nothing they did changes what the readings say (G13)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from edge_agent.demo.script import Message
from edge_agent.offline.explain import explain
from tests.offline.alarm_site import START, Site, message, played

CMD = "pdm/v1/t/s/gw/cmd/"


def worked_on(site: Site, step: int) -> Iterable[Message]:
    """Acknowledged as soon as it is raised, then shelved, taken back and suppressed in turn."""
    risk = site.engine._pipeline.alarms.get(("p1", "risk"))
    if risk is None or not risk.active:
        return
    if not risk.acked:
        yield message(CMD + "ack", alarm=risk.id, actor="anna", comment="on my way", request_id=f"ack-{step}")
        return
    fields: dict[str, str | float] = {"asset": "p1", "time": START + step}
    match step % 3:
        case 0:
            yield message(CMD + "shelve", duration_s=600.0, **fields)
        case 1:
            yield message(CMD + "unshelve", **fields)
        case _:
            yield message(CMD + "suppress", kind="risk", **fields)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An agent whose alarms were worked on."""
    folder = tmp_path_factory.mktemp("operated")
    site = played(folder, orders=worked_on)
    yield folder
    site.journal.close()


def rows(folder: Path, kind: str) -> list[tuple[str, str]]:
    """Id and transition of the revisions of a kind of alarm, in order."""
    with closing(sqlite3.connect(folder / "edge-agent.db")) as db:
        found = db.execute(
            "SELECT alarm_id, transition FROM alarm_event WHERE kind GLOB ? ORDER BY rowid", (f"{kind}*",)
        )
        return [(str(alarm), str(transition)) for alarm, transition in found.fetchall()]


def outcome(folder: Path, kind: str) -> dict[str, object]:
    """What `explain` finds of the first alarm of a kind."""
    options = [rows(folder, kind)[0][0], "--config", str(folder / "edge-agent.toml"), "--json"]
    found: dict[str, object] = json.loads(CliRunner().invoke(explain, options, catch_exceptions=False).stdout)
    return found


@pytest.mark.parametrize("kind", ["risk", "limit", "silence"])
def test_an_alarm_that_was_worked_on_is_derived_again_byte_for_byte(folder: Path, kind: str) -> None:
    found = outcome(folder, kind)

    assert (found["differences"], found["outcome"]) == ([], "verified")


def test_the_alarm_of_this_test_was_worked_on(folder: Path) -> None:
    assert {transition for _, transition in rows(folder, "risk")} >= {
        "raised", "acked", "shelved", "unshelved", "suppressed",
    }  # fmt: skip


def test_an_acknowledgement_nobody_gave_is_named(folder: Path, tmp_path: Path) -> None:
    with (
        closing(sqlite3.connect(folder / "edge-agent.db")) as source,
        closing(sqlite3.connect(tmp_path / "edge-agent.db")) as copy,
    ):
        source.backup(copy)
        copy.execute("DELETE FROM command WHERE name = 'ack'")
        copy.commit()
    (tmp_path / "edge-agent.toml").write_text(
        (folder / "edge-agent.toml").read_text(encoding="utf-8").replace(str(folder), str(tmp_path)), encoding="utf-8"
    )

    assert "acknowledged by 'anna', no command says so" in json.dumps(outcome(tmp_path, "risk")["differences"])
