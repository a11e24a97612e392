"""What the running agent does about damaged files: it sets them aside, says so, and goes on; nobody is needed (G4)."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from edge_agent.errors import EX_CONFIG
from edge_agent.store.database import StoreSettings
from edge_agent.store.journal import open_journal
from tests.bundle.test_lastgood import flip
from tests.bundle.tiny import TINY
from tests.mosquitto import until
from tests.small_agent import LIMIT, PATIENCE_S, SmallAgent, small_agent
from tests.store.test_damage import page_of
from tests.store.test_salvage import spoil as spoil_page

pytestmark = [pytest.mark.broker, pytest.mark.slow]


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[SmallAgent]:
    """An agent whose state folder is not made yet."""
    with small_agent(tmp_path, tmp_path / "var" / "agent" / "agent.db") as one:
        yield one


def make_journal(path: Path) -> None:
    """A sound journal, closed."""
    with closing(open_journal(StoreSettings(path=path, reserve_bytes=0))):
        return


def spoil(path: Path) -> None:
    """Overwrite a file from its beginning to its end, in place, as a dying card does."""
    with path.open("r+b") as file:
        file.write(b"\xff" * path.stat().st_size)


def notices(agent: SmallAgent, kind: str) -> list[dict[str, object]]:
    """The notices of a kind that were heard."""
    return [data for data in agent.told() if data.get("notice") == kind]


def wait_for_notices(agent: SmallAgent, kind: str, count: int) -> dict[str, object]:
    """The newest notice, once so many have been heard."""
    until(lambda: len(notices(agent, kind)) == count, f"{count} notices {kind}: {agent.log()}", PATIENCE_S)
    return notices(agent, kind)[-1]


def set_aside(agent: SmallAgent) -> list[Path]:
    """The damaged journals that were set aside."""
    return sorted(path for path in agent.database.parent.glob("*.bad-*") if not path.name.endswith(("-wal", "-shm")))


# ---------------------------------------------------------------------------------------------------- the journal


def test_a_journal_damaged_while_stopped_is_set_aside_told_and_counted_and_work_goes_on(agent: SmallAgent) -> None:
    agent.database.parent.mkdir(parents=True)
    agent.database.write_bytes(b"no database, but long enough for one " * 200)
    agent.start()
    agent.send("flow", 1.0, 2.0)
    agent.wait_for_readings(1.0, 2.0)

    told = wait_for_notices(agent, "journal_set_aside", 1)
    (bad,) = set_aside(agent)
    assert told["about"] == str(bad)
    assert told["reason"] == "file is not a database"
    assert told["remedy"]
    until(lambda: agent.health().get("set_aside") == 1, "health counts it", PATIENCE_S)


def test_a_journal_damaged_while_running_is_replaced_without_an_end_of_the_process(agent: SmallAgent) -> None:
    agent.start()
    agent.send("flow", 1.0)
    agent.wait_for_readings(1.0)
    for path in (agent.database, agent.database.with_name("agent.db-wal")):
        spoil(path)
    agent.send("temp", LIMIT + 1)  # an alarm: something to write and to read
    wait_for_notices(agent, "journal_set_aside", 1)
    until(lambda: agent.states().count("online") == 2, "it is online again", PATIENCE_S)
    agent.send("flow", 2.0, 3.0)
    agent.wait_for_readings(2.0, 3.0)
    assert len(set_aside(agent)) == 1

    spoil(agent.database)  # a disk that damages file after file is left to systemd, which waits between the starts
    spoil(agent.database.with_name("agent.db-wal"))
    agent.send("temp", 1.0)
    assert agent.ended() == 1
    agent.start()
    wait_for_notices(agent, "journal_set_aside", 2)
    agent.send("flow", 4.0)
    agent.wait_for_readings(4.0)


def test_an_alarm_that_stood_when_the_journal_was_damaged_is_cleared_by_its_own_name(agent: SmallAgent) -> None:
    agent.start()
    agent.send("temp", LIMIT + 1)
    until(lambda: len(agent.told()) == 1, "the alarm is raised", PATIENCE_S)
    (raised,) = agent.told()
    assert agent.stop() == 0
    spoil_page(agent.database, page_of(agent.database, "an index page"))

    agent.start()
    wait_for_notices(agent, "journal_set_aside", 1)
    agent.send("temp", 20.0)
    until(lambda: agent.told()[-1].get("transition") == "cleared", "the alarm is cleared", PATIENCE_S)
    cleared = agent.told()[-1]
    assert (cleared["alarm"], cleared["rev"]) == (raised["alarm"], 2)
    topic = f"pdm/v1/t/s/gw/asset/p1/alarm/{raised['alarm']}"
    agent.ear.publish("pdm/v1/t/s/gw/cmd/ack", json.dumps({"alarm": raised["alarm"]}).encode())
    until(lambda: agent.ear.payloads(topic)[-1] == b"", "the retained alarm is emptied", PATIENCE_S)


def test_a_folder_in_place_of_the_journal_is_refused_with_a_remedy(agent: SmallAgent) -> None:
    agent.database.mkdir(parents=True)
    refused = agent.refused()
    assert refused.returncode == 1
    assert "this is not a file" in refused.stderr
    assert "Try: change `path` of [store]" in refused.stderr


def test_a_newer_agents_journal_is_refused_with_a_remedy_and_not_tried_again(agent: SmallAgent) -> None:
    make_journal(agent.database)
    with closing(sqlite3.connect(agent.database)) as conn, conn:
        conn.execute(
            "INSERT INTO _sqlite_migrations(migration_set, name, applied_at) VALUES (?, '9999_later', '')",
            ["edge_agent.store"],
        )
    content = agent.database.read_bytes()
    refused = agent.refused()
    assert refused.returncode == EX_CONFIG  # RestartPreventExitStatus
    assert "9999_later" in refused.stderr
    assert "Try: install the newer version again" in refused.stderr
    assert agent.database.read_bytes() == content


def test_an_empty_file_is_a_new_journal(agent: SmallAgent) -> None:
    agent.database.parent.mkdir(parents=True)
    agent.database.touch()
    agent.start()
    agent.send("flow", 1.0)
    agent.wait_for_readings(1.0)
    assert set_aside(agent) == []


# ---------------------------------------------------------------------------------------------------- the bundle


def test_a_bundle_damaged_after_it_was_good_gives_way_to_its_copy_until_it_is_mended(
    agent: SmallAgent, tmp_path: Path
) -> None:
    bundle = Path(shutil.copytree(TINY, tmp_path / "bundle"))
    agent.set_bundle(bundle)
    agent.start()
    assert agent.stop() == 0
    flip(bundle / "risk.onnx")

    agent.start()
    told = wait_for_notices(agent, "bundle_fallback", 1)
    assert told["about"] == str(bundle)
    assert "does not match its sha256" in str(told["reason"])
    until(lambda: agent.health().get("bundle_fallback") is True, "health says it", PATIENCE_S)
    assert agent.health()["bundle"] == "tiny@1.0.0"
    assert "bundle_fallback" in agent.log()
    agent.send("flow", 1.0)
    agent.wait_for_readings(1.0)

    shutil.copytree(TINY, bundle, dirs_exist_ok=True)
    agent.reload()
    until(lambda: agent.health().get("bundle_fallback") is False, "health says that it is mended", PATIENCE_S)


def test_a_bundle_that_never_was_good_is_refused_and_not_tried_again(agent: SmallAgent, tmp_path: Path) -> None:
    bundle = Path(shutil.copytree(TINY, tmp_path / "bundle"))
    flip(bundle / "risk.onnx")
    agent.set_bundle(bundle)
    refused = agent.refused()
    assert refused.returncode == EX_CONFIG
    assert "does not match its sha256" in refused.stderr
    assert "Try: install the bundle again" in refused.stderr
