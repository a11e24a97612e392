"""What is looked up of one asset: the newest, the gravest, and nothing of another asset."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlite_utils import Database

from edge_agent.core.types import AlarmEvent, LogLine, Reading, Status, Transition
from edge_agent.errors import StoreError
from edge_agent.ports import Batch
from edge_agent.store import queries
from edge_agent.store.asking import MAX_LINES, MAX_PAST, facts_of
from edge_agent.store.database import StoreSettings
from edge_agent.store.journal import SqliteJournal
from tests.store.journal_values import NOON, some_event, some_log, some_verdict

ASKED = NOON + 1e6


@pytest.fixture
def db(journal: SqliteJournal, settings: StoreSettings) -> Iterator[Database]:
    """A journal that also knows of two other pumps, read beside its writer."""
    journal.commit(
        Batch(
            readings=[Reading(name, "vib", NOON, 1.0) for name in ("pump-1", "pump-17", "fan-2")],
            logs=[LogLine("fan-2", NOON, "of another asset")],
            events=[replace(some_event("ff"), asset="fan-2")],
            verdicts=[replace(some_verdict(1), asset="fan-2")],
        )
    )
    with closing(queries.open_readonly(settings.path)) as found:
        yield found


def raised_and_cleared(alarm: str, first: float) -> list[AlarmEvent]:
    """An alarm that became graver, was less so again, and ended."""
    plain = replace(some_event(alarm), first=first)
    return [
        replace(plain, rev=1, time=first, mode="VIB"),
        replace(plain, rev=2, time=first + 10, severity="critical", severity_number=900, mode="OHE"),
        replace(plain, rev=3, time=first + 20, mode="VIB"),
        replace(plain, rev=4, time=first + 30, active=False, transition=Transition.CLEARED, mode="none"),
    ]


def test_an_asset_of_which_only_readings_are_known_has_nothing_to_tell(db: Database) -> None:
    found = facts_of(db, "pump-1", ASKED)

    assert (found.asset, found.asked, found.known) == ("pump-1", ASKED, True)
    assert (found.standing, found.past, found.log, found.verdict) == ((), (), (), None)


@pytest.mark.parametrize("name", ["Pump 1", "PUMP_1", "pump-1"])
def test_an_asset_is_found_by_the_name_that_gives_its_id(db: Database, journal: SqliteJournal, name: str) -> None:
    journal.commit(Batch(logs=[LogLine("pump_1", NOON, "x")]))

    assert facts_of(db, name, ASKED).asset == ("pump_1" if name == "PUMP_1" else "pump-1")


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("pump", ("pump-1", "pump-17")),
        ("pump-7", ("pump-1", "pump-17")),
        ("Fan 3", ("fan-2",)),
        ("gearbox", ()),
        ("%%", ()),
    ],
)
def test_of_an_unknown_asset_the_names_that_look_alike_are_told(db: Database, name: str, near: tuple[str, ...]) -> None:
    found = facts_of(db, name, ASKED)

    assert not found.known
    assert found.near == near


def test_standing_alarms_are_told_as_they_are_now_the_gravest_first(db: Database, journal: SqliteJournal) -> None:
    minor = replace(some_event("a1"), kind="silence", severity="low", severity_number=300)
    grave = replace(some_event("a2"), kind="limit:vib", severity="critical", severity_number=900)
    again = replace(minor, rev=2, transition=Transition.UPDATED, summary="still silent")
    journal.commit(Batch(events=[minor, grave, again, *raised_and_cleared("b1", NOON - 100)]))

    assert facts_of(db, "pump-1", ASKED).standing == (grave, again)


def test_an_alarm_that_is_over_is_told_by_its_worst_its_end_and_the_log_meanwhile(
    db: Database, journal: SqliteJournal
) -> None:
    revisions = raised_and_cleared("b1", NOON)
    lines = [some_log(1, NOON - 1), some_log(2, NOON + 5), some_log(3, NOON + 29), some_log(4, NOON + 31)]
    journal.commit(Batch(events=revisions, logs=lines))

    [episode] = facts_of(db, "pump-1", ASKED).past
    assert (episode.worst, episode.end, episode.said) == (revisions[1], revisions[3], lines[2])


def test_an_alarm_that_was_acknowledged_afterwards_was_over_before(db: Database, journal: SqliteJournal) -> None:
    revisions = raised_and_cleared("b1", NOON)
    acked = replace(revisions[-1], rev=5, time=NOON + 9000, transition=Transition.ACKED, acked=True)
    journal.commit(Batch(events=[*revisions, acked]))

    [episode] = facts_of(db, "pump-1", ASKED).past
    assert episode.end == revisions[-1]


def test_an_alarm_that_was_over_when_its_data_came_is_one_revision(db: Database, journal: SqliteJournal) -> None:
    only = replace(some_event("c1"), active=False, transition=Transition.CLEARED, historical=True)
    journal.commit(Batch(events=[only]))

    [episode] = facts_of(db, "pump-1", ASKED).past
    assert (episode.worst, episode.end, episode.said) == (only, only, None)


def test_only_the_newest_are_told(db: Database, journal: SqliteJournal) -> None:
    journal.commit(
        Batch(
            events=[e for n in range(MAX_PAST + 2) for e in raised_and_cleared(f"d{n}", NOON + 100 * n)],
            logs=[some_log(n, NOON + n) for n in range(MAX_LINES + 2)],
            verdicts=[some_verdict(n, NOON + n) for n in range(3)],
        )
    )
    found = facts_of(db, "pump-1", ASKED)

    assert [episode.end.id for episode in found.past] == [f"d{n}" for n in range(MAX_PAST + 1, 1, -1)]
    assert [line.time for line in found.log] == [NOON + n for n in range(MAX_LINES + 1, 1, -1)]
    assert found.verdict is not None
    assert found.verdict.time == NOON + 2


def test_a_verdict_on_what_is_over_is_not_the_last_word(db: Database, journal: SqliteJournal) -> None:
    past = replace(some_verdict(2, NOON - 9000), historical=True, status=Status.UNCERTAIN)
    journal.commit(Batch(verdicts=[some_verdict(1), past]))

    assert facts_of(db, "pump-1", ASKED).verdict == some_verdict(1)


def test_an_altered_row_is_an_error_with_a_remedy(
    db: Database, journal: SqliteJournal, settings: StoreSettings
) -> None:
    journal.commit(Batch(events=[some_event("a1")]))
    with closing(Database(settings.path)) as other:
        other.execute("UPDATE alarm_event SET event = '{}' WHERE alarm_id = 'a1'")
        other.conn.commit()

    with pytest.raises(StoreError, match="was altered"):
        facts_of(db, "pump-1", ASKED)


def test_a_file_without_our_tables_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "other.db")) as other, pytest.raises(StoreError, match="cannot look the asset up"):
        facts_of(other, "pump-1", ASKED)
