"""The words of the report model are derived again like everything else (promise G13)."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from edge_agent.service.reporter import Reporter
from tests.bundle.telling import telling_bundle
from tests.offline.alarm_site import Site, story, write_config
from tests.offline.test_explain import alarm, altered, document, elsewhere, explained


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of an agent whose bundle writes, after an alarm."""
    site = Site(write_config(tmp_path, bundle=telling_bundle(tmp_path / "bundle")))
    assert site.bundle.report is not None
    idle = threading.Event()
    idle.set()
    reporter = Reporter(site.bundle.report, site.inbox, site.metrics, idle)
    site.engine._report = reporter.ask
    for messages in story():
        site.take(messages)
        while not reporter._waiting.empty():
            reporter.turn()
        site.take([])
    site.engine.close()
    return tmp_path


def test_the_words_of_the_model_are_written_again_and_agree(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "edge-agent.db")) as db:
        [[told]] = db.execute(
            "SELECT count(*) FROM alarm_event WHERE json_extract(event, '$.summary_source') = 'model'"
        )
    found = document(folder)

    assert told >= 1
    assert (found["differences"], found["unchecked"]) == ([], [])


def told_by_model(folder: Path) -> list[tuple[int, float]]:
    """Revision and event time of what was told in the words of the model."""
    with closing(sqlite3.connect(folder / "edge-agent.db")) as db:
        where = "json_extract(event, '$.summary_source') = 'model'"
        return db.execute(f"SELECT rev, time FROM alarm_event WHERE {where} ORDER BY rev").fetchall()  # noqa: S608


def test_an_update_that_kept_the_words_agrees_too(folder: Path) -> None:
    (written, at), (kept, later), *_ = told_by_model(folder)

    assert (kept, later > at) == (written + 1, True)
    assert document(folder)["differences"] == []


def test_on_another_processor_the_words_of_the_model_are_taken_over_and_said_to_be_unchecked(folder: Path) -> None:
    altered(folder, elsewhere)
    found = document(folder)

    assert found["differences"] == []
    assert found["unchecked"] == [
        f"the words of rev {rev}: the report model wrote them" for rev, _ in told_by_model(folder)
    ]


def test_words_somebody_changed_are_named(folder: Path) -> None:
    alarm(folder)
    with closing(sqlite3.connect(folder / "edge-agent.db")) as db, db:
        where = "json_extract(event, '$.summary_source') = 'model'"
        changed = db.execute(
            f"UPDATE alarm_event SET summary = 'All is well.', event = json_set(event, '$.summary', 'All is well.')"  # noqa: S608
            f" WHERE {where} RETURNING rev"
        ).fetchall()
    result = explained(folder)

    assert result.exit_code == 1
    assert "All is well." in result.stdout
    assert f"rev {changed[0][0]}" in result.stdout
