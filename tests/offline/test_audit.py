"""`audit` and `labels` over a journal that the real store wrote."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from edge_agent.core.types import CommandRecord, Transition
from edge_agent.errors import UsageError
from edge_agent.offline.audit import audit, labels, per_day
from edge_agent.ports import Batch
from edge_agent.store.database import StoreSettings
from edge_agent.store.journal import SqliteJournal, open_journal
from edge_agent.store.pasts import pasts
from edge_agent.store.queries import open_readonly
from tests.store.journal_values import NOON, some_event

FOR_EVER = str(40_000)  # days


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SqliteJournal]:
    """A journal with one alarm of each label and one that stands."""
    with closing(open_journal(StoreSettings(path=tmp_path / "agent.db"))) as journal:
        for number, (label, risk) in enumerate((("false", 0.6), ("false", 0.7), ("real", 0.9), ("", 0.8))):
            raised = replace(
                some_event(f"alarm-{number}"),
                rev=1,
                transition=Transition.RAISED,
                time=NOON + 7200.0 * number,
                risk=risk,
            )
            cleared = replace(raised, rev=2, transition=Transition.CLEARED, time=raised.time + 60.0, active=False)
            journal.commit(Batch(events=[raised, *([cleared] if label else [])], commands=[said(raised.id, label)]))
        yield journal


def said(alarm: str, label: str) -> CommandRecord:
    """An acknowledgement that called an alarm something."""
    return CommandRecord(
        request_id=f"r-{alarm}", received=NOON, issued=NOON, name="ack", asset="p1", kind="risk", alarm=alarm,
        actor="anna", via="mqtt", accepted=True, answer="done", label=label, comment="", request="{}",
    )  # fmt: skip


def run(journal: SqliteJournal, *arguments: str, command: str = "audit") -> Result:
    """What the command says."""
    path = str(journal._settings.path)
    return CliRunner().invoke({"audit": audit, "labels": labels}[command], [*arguments, "--database", path])


def test_the_labels_of_acknowledgements_are_printed_as_csv(journal: SqliteJournal) -> None:
    rows = run(journal, command="labels").output.splitlines()

    assert rows[0] == "asset,time,kind,label,peak_risk,alarm"
    assert [row.split(",")[3:] for row in rows[1:]] == [
        ["false", "0.6000", "alarm-0"], ["false", "0.7000", "alarm-1"], ["real", "0.9000", "alarm-2"],
    ]  # fmt: skip
    assert len(run(journal, "--all", command="labels").output.splitlines()) == 5


def test_an_audit_says_what_each_condition_asks_of_people(journal: SqliteJournal) -> None:
    page = run(journal, "--days", FOR_EVER).output

    assert "4 alarm(s)" in page
    assert "false 2, real 1" in page
    assert "stands for more than a day" in page


def test_a_budget_gives_a_threshold_by_the_labels(journal: SqliteJournal) -> None:
    page = run(journal, "--days", FOR_EVER, "--budget", "0/day").output
    document = json.loads(run(journal, "--days", FOR_EVER, "--budget", "0/day", "--json").output)

    assert "raise_at = 0.701" in page
    assert (document["threshold"]["raise_at"], document["threshold"]["recall"]) == (0.701, 1.0)


def test_a_while_without_alarms_says_so(journal: SqliteJournal) -> None:
    assert "no alarm has paged anybody" in run(journal, "--days", "1").output


def test_an_altered_alarm_and_one_known_to_the_history_only_are_left_out(journal: SqliteJournal) -> None:
    journal._conn.execute("UPDATE alarm_event SET event = '{}' WHERE alarm_id = 'alarm-0'")
    journal._conn.commit()
    journal.commit(Batch(events=[replace(some_event("past"), historical=True)]))
    with closing(open_readonly(journal._settings.path)) as db:
        assert [past.alarm for past in pasts(db, 0.0)] == ["alarm-1", "alarm-2", "alarm-3"]


@pytest.mark.parametrize(("text", "expected"), [("2/day", 2.0), ("7/week", 1.0), ("3/month", 0.1)])
def test_budgets(text: str, expected: float) -> None:
    assert per_day(text) == pytest.approx(expected)


def test_what_is_no_budget_is_refused() -> None:
    with pytest.raises(UsageError, match="budget"):
        per_day("few")
