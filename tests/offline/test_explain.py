"""An alarm derived again from what the real engine wrote (promise G13); each kind of row, once altered, is named."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.types import Evidence, Quote, Reading
from edge_agent.core.voice import Voice, load_voice
from edge_agent.errors import UsageError
from edge_agent.offline.explain import explain
from edge_agent.offline.likeness import near, same
from edge_agent.store.blocks import pack, unpack
from tests.bundle.tiny import TINY
from tests.offline.alarm_site import Site, played, write_config

UNTRAINED = TINY.parent / "untrained-bundle"
Alter = Callable[[sqlite3.Connection], None]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of an agent that has been killed and started once, and still runs."""
    folder = tmp_path_factory.mktemp("site")
    site = played(folder)
    yield folder
    site.journal.close()


@pytest.fixture
def folder(running: Path, tmp_path: Path) -> Path:
    """A copy of it, to alter."""
    with (
        closing(sqlite3.connect(running / "edge-agent.db")) as source,
        closing(sqlite3.connect(tmp_path / "edge-agent.db")) as copy,
    ):
        source.backup(copy)
    write_config(tmp_path)
    return tmp_path


def alarm(folder: Path, kind: str = "risk") -> str:
    """The id of the alarm of a kind."""
    with closing(sqlite3.connect(folder / "edge-agent.db")) as db:
        [[found]] = db.execute("SELECT DISTINCT alarm_id FROM alarm_event WHERE kind GLOB ?", (f"{kind}*",)).fetchall()
    return str(found)


def explained(folder: Path, *arguments: str | Path, name: str = "") -> Result:
    """What the command says of an alarm, of the one of risk unless named."""
    options = [name or alarm(folder), "--config", str(folder / "edge-agent.toml"), *map(str, arguments)]
    return CliRunner().invoke(explain, options, catch_exceptions=False)


def document(folder: Path, *arguments: str | Path) -> dict[str, object]:
    """The same as JSON."""
    found: dict[str, object] = json.loads(explained(folder, "--json", *arguments).stdout)
    return found


def altered(folder: Path, alter: Alter) -> None:
    """Change the file as somebody with an SQLite shell would."""
    with closing(sqlite3.connect(folder / "edge-agent.db")) as db, db:
        alter(db)


def event(rev: int, **changes: object) -> Alter:
    """Change an event of the risk alarm in its columns and in its JSON alike."""

    def alter(db: sqlite3.Connection) -> None:
        where = "WHERE kind = 'risk' AND rev = ?"
        [[text]] = db.execute(f"SELECT event FROM alarm_event {where}", (rev,)).fetchall()  # noqa: S608 - constant
        fields = {**json.loads(text), **changes}
        db.execute(f"UPDATE alarm_event SET event = ? {where}", (json.dumps(fields), rev))  # noqa: S608
        for name in {"risk", "mode", "summary", "severity", "time"} & changes.keys():
            db.execute(f"UPDATE alarm_event SET {name} = ? {where}", (changes[name], rev))  # noqa: S608

    return alter


def sql(statement: str, *arguments: str | float) -> Alter:
    """Run one statement."""
    return lambda db: (db.execute(statement, arguments), None)[1]


def verdict(change: str) -> Alter:
    """Change the verdict that raised the risk alarm."""
    raised = "SELECT time FROM alarm_event WHERE kind = 'risk' AND rev = 1"
    return sql(f"UPDATE verdict SET {change} WHERE asset = 'p1' AND time = ({raised})")  # noqa: S608 - constants


def names(db: sqlite3.Connection, table: str) -> dict[int, str]:
    """The names of assets or channels by their numbers."""
    return dict(db.execute(f"SELECT id, name FROM {table}").fetchall())  # noqa: S608 - constant


def middle_block(db: sqlite3.Connection) -> int:
    """A block in the middle that holds a reading of p1: how many commits there are is a matter of the computer."""
    assets, channels = names(db, "asset"), names(db, "channel")
    for block, data in db.execute("SELECT id, data FROM reading_block WHERE id >= 20 ORDER BY id"):
        if any(one.asset == "p1" for one in unpack(data, assets, channels)):
            return int(block)
    raise AssertionError("no such block")


def middle(statement: str) -> Alter:
    """Run one statement on that block."""
    return lambda db: (db.execute(statement, (middle_block(db),)), None)[1]


def reading(change: Callable[[Reading], Reading]) -> Alter:
    """Change a reading of p1 in that block, and pack it again so that its head fits."""

    def alter(db: sqlite3.Connection) -> None:
        assets, channels, block = names(db, "asset"), names(db, "channel"), middle_block(db)
        [[data]] = db.execute("SELECT data FROM reading_block WHERE id = ?", (block,)).fetchall()
        readings = unpack(data, assets, channels)
        at = next(i for i, one in enumerate(readings) if one.asset == "p1")
        readings[at] = change(readings[at])
        back = [{name: number for number, name in known.items()} for known in (assets, channels)]
        db.execute("UPDATE reading_block SET data = ? WHERE id = ?", (pack(readings, back[0], back[1]), block))

    return alter


# --------------------------------------------------------------------------------------------- untouched


@pytest.mark.parametrize("kind", ["risk", "limit", "silence"])
def test_an_alarm_is_derived_again_byte_for_byte_while_the_agent_writes(running: Path, kind: str) -> None:
    result = explained(running, name=alarm(running, kind))

    assert result.stdout.splitlines()[-1] == "verified, byte for byte"
    assert result.exit_code == 0


def test_the_page_shows_what_the_model_read_and_what_moved_the_risk(running: Path) -> None:
    page = explained(running).stdout

    assert "judged by tiny@1.0.0" in page
    assert 'log: "' in page
    assert "What the model read for rev 3" in page
    assert "  pump\n" in page
    assert "log <1h vib high at coupling" in page
    assert any(line.endswith("#") and "+0.0" in line for line in page.splitlines())
    assert max(len(line) for line in page.splitlines()) <= 80


def test_the_document_holds_every_revision_with_contributions_that_fit(running: Path) -> None:
    found = json.loads(explained(running, "--json").stdout)

    assert (found["outcome"], found["differences"], found["unchecked"]) == ("verified", [], [])
    assert [one["event"]["rev"] for one in found["revisions"]] == [1, 2, 3]
    assert found["judged_by"] == found["here"]
    for one in found["revisions"][1:]:
        told = {fact["channel"]: fact["contribution"] for fact in one["event"]["evidence"] if fact["contribution"]}
        assert told
        assert told.items() <= one["contributions"]["channels"].items()


def test_the_beginning_of_an_id_is_enough(running: Path) -> None:
    assert explained(running, name=alarm(running)[:6]).exit_code == 0


@pytest.mark.parametrize(("prefix", "said"), [("zz", "no alarm begins 'zz'"), ("", "ids of 3 alarms begin with ''")])
def test_an_id_that_names_no_alarm_or_several_is_refused(running: Path, prefix: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        CliRunner().invoke(explain, [prefix, "--config", str(running / "edge-agent.toml")], catch_exceptions=False)


# --------------------------------------------------------------------------------------------- altered

OTHER = {"channel": "vib", "component": "", "value": 9.0, "unit": "mm/s", "baseline": 2.0, "shift": 9.0,
         "limit": None, "rule": "deviation", "contribution": None}  # fmt: skip
MIDDLE = "MIDDLE"  # stands for the number of that block
FORGED = [
    (event(1, risk=0.31), "alarm_event rev 1", "risk is 0.31, verdict "),
    (event(3, mode="VIB"), "alarm_event rev 3", "mode is 'VIB', verdict "),
    (event(2, summary="All is well."), "alarm_event rev 2", "summary is 'All is well.', its evidence gives"),
    (event(2, evidence=[OTHER]), "alarm_event rev 2", "summary is "),
    (event(1, severity="low", severity_number=100), "alarm_event rev 1", "severity is 'low', the readings give"),
    (event(1, first=1.76e9), "alarm_event rev 1", "first is 1760000000.0, the readings give"),
    (event(1, episode=7), "alarm_event rev 1", "its id does not belong to its asset, kind, episode and time"),
    (event(1, transition=None), "alarm_event rev 1", "cannot be read"),
    (sql("UPDATE alarm_event SET risk = 0.5 WHERE kind = 'risk' AND rev = 2"), "alarm_event rev 2", "column risk is"),
    (sql("DELETE FROM alarm_event WHERE kind = 'risk' AND rev = 2"), "alarm_event rev 2", "is missing"),
    (verdict("risk = 0.2"), "verdict ", "risk is 0.2, the model gives 0."),
    (verdict("mode = 'VIB'"), "verdict ", "mode is 'VIB'"),
    (verdict("status = 'uncertain'"), "verdict ", "status is "),
    (verdict("text = replace(text, 'z+', 'z-')"), "verdict ", "risk is 0."),
    (sql("DELETE FROM verdict WHERE asset = 'p1' AND time = (SELECT time FROM alarm_event WHERE rev = 3)"),
     "alarm_event rev 3", "no verdict is stored for its time"),
    (sql("UPDATE log_line SET text = 'all good' WHERE text = 'vib high at coupling'"), "log_line ",
     "does not say what its id was made of: 'all good'"),
    (sql("DELETE FROM log_line WHERE text = 'vib high at coupling'"), "log_line",
     "read `log <1h vib high at coupling`, which the stored lines do not give"),
    (reading(lambda one: one._replace(value=one.value + 3.0)), "reading_block ", "the readings give `"),
    (middle("UPDATE reading_block SET data = x'00' WHERE id = ?"), f"reading_block {MIDDLE}", "cannot be read: "),
    (middle("UPDATE reading_block SET readings = 0 WHERE id = ?"), f"reading_block {MIDDLE}", "than its head says"),
    (middle("DELETE FROM reading_block WHERE id = ?"), f"reading_block {MIDDLE}", "is missing"),
]  # fmt: skip


@pytest.mark.parametrize(("alter", "row", "what"), FORGED, ids=[f"{row}: {what}" for _, row, what in FORGED])
def test_an_altered_row_is_named(folder: Path, alter: Alter, row: str, what: str) -> None:
    with closing(sqlite3.connect(folder / "edge-agent.db")) as db:
        row = row.replace(MIDDLE, str(middle_block(db)))
    altered(folder, alter)
    result = explained(folder, "--json")
    differences = json.loads(result.stdout)["differences"]

    assert any(one["row"].startswith(row) and what in one["what"] for one in differences), differences
    assert result.exit_code == 1


def test_a_contribution_that_was_altered_is_named(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "edge-agent.db")) as db:
        [[text]] = db.execute("SELECT event FROM alarm_event WHERE kind = 'risk' AND rev = 2").fetchall()
    facts = json.loads(text)["evidence"]
    altered(folder, event(2, evidence=[{**facts[0], "contribution": 0.9}, *facts[1:]]))

    assert "contribution of vib is 0.9, the model gives 0.0" in " ".join(explained(folder).stdout.split())


def test_a_reading_is_blamed_on_the_blocks_of_its_step(folder: Path) -> None:
    """The first text that differs is that of the step the reading belongs to."""
    with closing(sqlite3.connect(folder / "edge-agent.db")) as db:
        block = middle_block(db)
    altered(folder, reading(lambda one: one._replace(value=one.value + 3.0)))
    [difference] = json.loads(explained(folder, "--json").stdout)["differences"]

    first, _, last = difference["row"].removeprefix("reading_block ").partition(" to ")
    assert int(first) <= block <= int(last or first) <= int(first) + 2


def test_what_an_altered_row_holds_cannot_command_the_terminal(folder: Path) -> None:
    altered(folder, event(2, summary="\x1b[2Jverified, byte for byte\x07"))
    page = explained(folder).stdout

    assert "?[2Jverified" in page
    assert not any(letter in page for letter in "\x1b\x07")


# --------------------------------------------------------------------------------------------- what cannot be asked


def test_without_the_readings_the_model_is_still_asked(folder: Path) -> None:
    altered(folder, sql("DELETE FROM reading_block WHERE id < 30"))
    found = document(folder)

    assert found["outcome"] == "verified in part"
    assert found["unchecked"] == ["the readings: those before the alarm have been deleted, as [store] says"]
    altered(folder, verdict("risk = 0.2"))
    assert document(folder)["outcome"] == "differs"


def test_readings_are_taken_from_a_snapshot_where_earlier_ones_are_gone(tmp_path: Path) -> None:
    before = played(tmp_path, stop_at=30)
    before.engine.close()
    played(tmp_path, first=30).journal.close()
    altered(tmp_path, sql("DELETE FROM reading_block WHERE id < 20"))
    found = json.loads(explained(tmp_path, "--json").stdout)

    assert found["outcome"] == "verified"
    assert 0 < found["checked"]["readings"] < 100


def test_another_bundle_is_not_taken_for_the_one_that_judged(folder: Path) -> None:
    result = explained(folder, "--bundle", UNTRAINED)

    assert "the bundle that judged was tiny@1.0.0" in " ".join(result.stdout.split())
    assert "verified in part" in result.stdout
    assert result.exit_code == 0


def test_other_classes_are_not_taken_for_those_that_judged(folder: Path) -> None:
    write_config(folder, raise_at=0.11)
    found = document(folder)

    assert found["outcome"] == "verified in part"
    assert found["unchecked"] == ["the readings: classes or alarm policy have changed since; name the old --config"]


def judged_by(db: sqlite3.Connection) -> Voice:
    """The voice that is written down."""
    [[blob]] = db.execute("SELECT data FROM state WHERE name GLOB 'voice/*'").fetchall()
    return load_voice(blob)


def elsewhere(db: sqlite3.Connection) -> None:
    """Let the alarm have been judged on another processor."""
    voice = replace(judged_by(db), processor="z80")
    db.execute("UPDATE state SET name = ?, data = ? WHERE name GLOB 'voice/*'", (voice.state, voice.dump()))
    db.execute("UPDATE alarm_event SET event = json_set(event, '$.voice', ?)", (voice.key,))


def test_on_another_processor_what_lies_within_the_tolerance_is_verified(folder: Path) -> None:
    altered(folder, elsewhere)
    result = explained(folder)

    assert result.stdout.splitlines()[-1].startswith("verified, within the bundle's tolerance")
    altered(folder, event(1, risk=0.9))
    assert explained(folder).exit_code == 1


def test_a_voice_that_was_altered_is_named(folder: Path) -> None:
    def alter(db: sqlite3.Connection) -> None:
        db.execute("UPDATE state SET data = ? WHERE name GLOB 'voice/*'", (replace(judged_by(db), model="x").dump(),))

    altered(folder, alter)

    assert "does not say what its name was made of" in " ".join(explained(folder).stdout.split())


def test_an_alarm_of_an_agent_that_did_not_record_who_judged_says_so(folder: Path) -> None:
    altered(folder, sql("DELETE FROM state WHERE name GLOB 'voice/*'"))
    found = document(folder)

    assert found["judged_by"] is None
    assert found["outcome"] == "verified in part"


def test_a_silence_noticed_because_nothing_arrived_is_derived_from_its_time(tmp_path: Path) -> None:
    site: Site = played(tmp_path, stop_at=30)
    site.engine._outcome("p2", site.engine._pipeline.silent("p2"))
    site.engine._commit()
    site.journal.close()
    result = explained(tmp_path, name=alarm(tmp_path, "silence"))

    assert result.stdout.splitlines()[-1] == "verified, byte for byte"
    altered(tmp_path, sql("UPDATE alarm_event SET time = time + 60, event = json_set(event, '$.time', time + 60)"))
    assert explained(tmp_path, name=alarm(tmp_path, "silence")).exit_code == 1


def test_words_of_the_report_model_are_taken_over_and_said_to_be(folder: Path) -> None:
    """A revision that only put the alarm into other words shifts the later ones; nothing else of it is taken."""
    with closing(sqlite3.connect(folder / "edge-agent.db")) as db, db:
        where = "WHERE kind = 'risk' AND rev"
        db.execute(f"UPDATE alarm_event SET rev = 4, event = json_set(event, '$.rev', 4) {where} = 3")  # noqa: S608
        db.execute(
            "INSERT INTO alarm_event SELECT alarm_id, 3, asset, kind, transition, time, active, severity, risk, mode,"  # noqa: S608
            " 'Vibration rose.', clock, json_set(event, '$.rev', 3, '$.summary', 'Vibration rose.',"
            f" '$.summary_source', 'model') FROM alarm_event {where} = 2"
        )
    found = document(folder)

    assert (found["differences"], found["unchecked"]) == ([], ["the words of rev 3: the report model wrote them"])


def test_a_copy_of_the_bundle_in_another_place_is_the_same_bundle(folder: Path) -> None:
    shutil.copytree(TINY, folder / "copy")

    assert explained(folder, "--bundle", folder / "copy").stdout.splitlines()[-1] == "verified, byte for byte"


# --------------------------------------------------------------------------------------------- nearness

FACT = Evidence("vib", "", 2.0, "mm/s", 1.0, 3.0, None, "deviation", 0.4)


def test_without_a_tolerance_only_the_same_is_the_same() -> None:
    assert same((FACT,), (replace(FACT),), 0.0)
    assert not same((FACT,), (replace(FACT, contribution=0.4 + 1e-12),), 0.0)


@given(by=st.floats(-0.01, 0.01))
def test_within_the_tolerance_numbers_and_words_made_of_them_are_the_same(by: float) -> None:
    assert same((FACT,), (replace(FACT, contribution=0.4 + by),), 0.02)
    assert same("vib 5.03 mm/s, above", "vib 5.04 mm/s, above", 0.02)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (0.4, 0.5), ((FACT,), ()), ((FACT,), (Quote("q", 0.0, "t"),)), ("vib 5.0 mm/s", "temp 5.0 mm/s"),
        ("vib 5.0", "vib 6.0"), ("vib", "vib vib"), (None, 0.4), (replace(FACT, channel="hum"), FACT),
    ],
)  # fmt: skip
def test_beyond_the_tolerance_nothing_is_the_same(one: object, other: object) -> None:
    assert not same(one, other, 0.02)


@pytest.mark.parametrize(
    ("other", "expected"),
    [("pump\nvib q50 z+03", True), ("pump\nvib q51 z+02", True), ("pump\nvib q52 z+03", False),
     ("pump\nhum q50 z+03", False), ("pump", False)],
)  # fmt: skip
def test_texts_are_near_where_no_ordinal_is_off_by_more_than_a_step(other: str, expected: bool) -> None:  # noqa: FBT001
    assert near("pump\nvib q50 z+03", other) is expected
