"""What the running agent does on a disk that is full, or cannot be written: alarms go out, and all goes on later (G4).

The disk is real: a file system in memory, mounted where only the agent sees it.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.mosquitto import until
from tests.power.conversation import conversation
from tests.power.recording import Recording, begin, compile_shim, read_log
from tests.small_agent import LIMIT, PATIENCE_S, SmallAgent, small_agent

pytestmark = [pytest.mark.broker, pytest.mark.slow]
DISK_MB = 80
NEARLY_FULL_MB = 40  # free: less than what is kept for alarms
OWN_MOUNTS = ("unshare", "--user", "--map-root-user", "--mount")
ON_A_DISK = (*OWN_MOUNTS, "sh", "-c", f'mount -t tmpfs -o size={DISK_MB}m tmpfs "$0" && exec "$@"')
READ_ONLY = (*OWN_MOUNTS, "sh", "-c", 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"')


def require_own_mounts() -> None:
    """Skip where no process may have mounts of its own."""
    if shutil.which("unshare") is None:
        pytest.skip("unshare is not installed: no disk can be made")
    tried = subprocess.run([*ON_A_DISK, "/mnt", "true"], capture_output=True, text=True, check=False, timeout=60)
    if tried.returncode:
        pytest.skip(f"no disk can be made here: {tried.stderr.strip()}")


class Disk:
    """The disk of one agent."""

    def __init__(self, agent: SmallAgent, folder: Path) -> None:
        self.agent = agent
        self._seen = Path(f"/proc/{agent.pid}/root") / folder.relative_to("/")
        self._ballast = self._seen / "ballast"
        self._copy = folder / "copy.db"  # under the mount point, which is an empty folder to all but the agent

    def readings(self) -> Counter[float]:
        """How often each value is in the journal: of a copy, since SQLite would follow the path out of the mount."""
        for ending in ("", "-wal"):
            copy = self._copy.with_name(f"{self._copy.name}{ending}")
            copy.write_bytes((self._seen / f"{self.agent.database.name}{ending}").read_bytes())
        try:
            with closing(sqlite3.connect(self._copy)) as conn:  # reads the log in; the copy may be torn: look again
                conn.execute("SELECT count(*) FROM sqlite_master").fetchall()
        except sqlite3.Error:
            return Counter()
        return self.agent.readings(self._copy)

    def leave(self, megabytes: int) -> None:
        """Fill it but for so much."""
        free = shutil.disk_usage(self._seen).free
        with self._ballast.open("ab") as file:
            os.posix_fallocate(file.fileno(), file.tell(), free - (megabytes << 20))

    def fill(self) -> None:
        """Fill it to the last block."""
        with self._ballast.open("ab", buffering=0) as file:
            try:
                while True:
                    file.write(b"\0" * 4096)
            except OSError:
                return

    def free(self) -> None:
        """Take away what filled it."""
        self._ballast.unlink()


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    """What the agent says is recorded, to know what it has acknowledged; its files are elsewhere."""
    return begin(compile_shim(tmp_path), tmp_path / "unused")


@pytest.fixture
def disk(tmp_path: Path, recording: Recording) -> Iterator[Disk]:
    """A disk of its own for a running agent."""
    require_own_mounts()
    folder = tmp_path / "disk"
    folder.mkdir()
    with small_agent(tmp_path, folder / "agent.db") as agent:
        agent.start(environment=recording.environment(), under=(*ON_A_DISK, str(folder)))
        yield Disk(agent, folder)


def acknowledged(recording: Recording) -> set[float]:
    """The values that the agent has acknowledged so far."""
    return {json.loads(payload)["value"] for payload in conversation(list(read_log(recording.log))).acknowledged}


def alarms(agent: SmallAgent) -> list[tuple[object, bool]]:
    """Each alarm event that was heard: its id and revision, and whether it was unrecorded."""
    return [((data["alarm"], data["rev"]), bool(data["unrecorded"])) for data in agent.told() if "alarm" in data]


def test_on_a_full_disk_nothing_is_acknowledged_alarms_go_out_and_once_it_is_freed_all_goes_on(
    disk: Disk, recording: Recording
) -> None:
    agent = disk.agent
    agent.send("flow", 1.0)
    until(lambda: disk.readings()[1.0] == 1, "the first reading is in SQLite", PATIENCE_S)
    disk.fill()
    meanwhile = [2.0, 3.0, 4.0, LIMIT + 5, 6.0]
    for value in meanwhile:
        agent.send("temp" if value > LIMIT else "flow", value)
    until(lambda: len(alarms(agent)) == 1, "the alarm goes out", PATIENCE_S)

    assert [unrecorded for _, unrecorded in alarms(agent)] == [True]
    assert acknowledged(recording) == {1.0}
    assert "store_failed" in agent.log()

    disk.free()
    until(lambda: all(disk.readings()[v] == 1 for v in meanwhile), "everything is written", PATIENCE_S)
    until(lambda: acknowledged(recording) == {1.0, *meanwhile}, "everything is acknowledged", PATIENCE_S)
    until(lambda: len(alarms(agent)) > 1, "the alarm comes recorded as well", PATIENCE_S)
    (first, _), (again, unrecorded), *_ = alarms(agent)
    assert (again, unrecorded) == (first, False)
    assert "store_recovered" in agent.log()
    agent.send("flow", 7.0)
    until(lambda: disk.readings()[7.0] == 1, "it goes on", PATIENCE_S)
    assert agent.stop() == 0


def test_the_last_free_space_is_kept_for_alarms(disk: Disk, recording: Recording) -> None:
    agent = disk.agent
    disk.leave(NEARLY_FULL_MB)
    agent.send("flow", 1.0)
    until(lambda: "are kept for alarms" in agent.log(), "readings are refused", PATIENCE_S)
    assert acknowledged(recording) == set()
    agent.send("temp", LIMIT + 5)
    until(lambda: len(alarms(agent)) == 1, "the alarm goes out", PATIENCE_S)
    assert [unrecorded for _, unrecorded in alarms(agent)] == [False]
    assert disk.readings()[LIMIT + 5] == 1


def test_on_a_disk_mounted_read_only_it_does_not_start_and_says_what_to_do(tmp_path: Path) -> None:
    require_own_mounts()
    folder = tmp_path / "disk"
    folder.mkdir()
    with small_agent(tmp_path, folder / "agent.db") as agent:
        refused = agent.refused(under=(*READ_ONLY, str(folder)))
    assert refused.returncode == 1  # systemd tries again: a disk may come back
    assert "Try: give the agent's user write access" in refused.stderr
