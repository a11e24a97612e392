"""The whole agent, its power cut anywhere: what it acknowledged or told is in its journal (G1, G2)."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from edge_agent.errors import StoreError
from edge_agent.store.database import StoreSettings
from edge_agent.store.journal import open_journal
from tests.mosquitto import until
from tests.power.conversation import conversation
from tests.power.judge import STATES, Cut, judge
from tests.power.recording import begin, read_log
from tests.small_agent import LIMIT, PATIENCE_S, small_agent

pytestmark = [pytest.mark.broker, pytest.mark.slow]
ALARMS = 4
TOLD = 3 * ALARMS - 1  # each is raised and cleared, and nobody having acknowledged it, closed by the next


def acknowledged_and_told_is_there(cut: Cut) -> Iterator[str]:
    """What breaks the promise: acknowledged readings are there once, others at most once, told alarms are there."""
    said = conversation(cut.before)
    acknowledged = {json.loads(payload)["value"] for payload in said.acknowledged}
    try:
        settings = StoreSettings(path=cut.folder / "state" / "agent.db", reserve_bytes=0)
        with closing(open_journal(settings)) as journal:
            if journal.quarantined is not None:
                yield f"the file was set aside as {journal.quarantined.name}"
            conn = journal._conn
            if (found := conn.execute("PRAGMA integrity_check").fetchall()) != [("ok",)]:
                yield f"integrity_check: {found[0][0]}"
            readings = Counter(r.value for _, block in journal.readings_since(0) for r in block if r.channel)
            events = set(conn.execute("SELECT alarm_id, rev FROM alarm_event").fetchall())
    except (StoreError, sqlite3.Error) as error:
        yield str(error)
        return
    if lost := sorted(acknowledged - readings.keys()):
        yield f"{len(lost)} of {len(acknowledged)} acknowledged readings are lost, the first is {lost[0]}"
    if twice := sorted(value for value, count in readings.items() if count > 1):
        yield f"{len(twice)} readings are there twice, the first is {twice[0]}"
    if unwritten := sorted(set(said.told) - events):
        yield f"{len(unwritten)} told alarm events are lost, the first is {unwritten[0]}"


def test_what_was_acknowledged_or_told_survives_a_power_cut_at_any_moment(
    shim: Path, place: Path, tmp_path: Path
) -> None:
    recording = begin(shim, place / "disk")
    with small_agent(tmp_path, recording.folder / "state" / "agent.db") as agent:
        agent.start(environment=recording.environment())
        for round_ in range(ALARMS):
            agent.send("flow", *(round_ * 100.0 + n for n in range(25)))
            agent.send("temp", LIMIT + 1 + round_, 0.5 + round_)  # raised and cleared
        until(lambda: len(agent.told()) == TOLD, "all alarms are raised and cleared", PATIENCE_S)
        agent.wait_for_readings(*(round_ * 100.0 + n for round_ in range(ALARMS) for n in range(25)))
        assert agent.stop() == 0

    findings = judge(recording, acknowledged_and_told_is_there, count=STATES)

    assert not findings, "\n".join(map(str, findings))
    everything = conversation(list(read_log(recording.log)))  # or nothing was tried
    assert len(everything.told) == TOLD
    assert len(everything.acknowledged) == ALARMS * (25 + 2)
