"""The whole demo as a user runs it: story, Ctrl-C, a dying agent, a killed demo. No process is ever left."""

from __future__ import annotations

import os
import pty
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from edge_agent.demo.engines import engines_script
from edge_agent.simulate.machines import STEP_S
from edge_agent.simulate.plant import REPAIRED, STOPPED
from tests.demo.test_child import runs
from tests.demo.test_engines import write
from tests.mosquitto import find_mosquitto, until

ROOT = Path(__file__).parents[2]
BUNDLE = ROOT / "models" / "default" / "bundle.toml"
START_S = 90.0  # until the agent is online, on a busy machine

pytestmark = [pytest.mark.broker, pytest.mark.slow]


class Demo:
    """A running demo, its output in a file."""

    def __init__(self, folder: Path, *options: str, terminal: int | None = None) -> None:
        find_mosquitto()
        if not BUNDLE.exists():
            pytest.skip("models/default is not there")
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self._output = folder / "output"
        environment = {**os.environ, "TMPDIR": str(self.temporary), "TERM": "xterm", "PYTHONPATH": str(ROOT)}
        environment.pop("NO_COLOR", None)
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "edge_agent", "demo", *options],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output if terminal is None else terminal,
                stderr=subprocess.STDOUT,
                env={**environment, "OMP_NUM_THREADS": "1"},
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        return self._output.read_text(encoding="utf-8")

    def children(self) -> list[int]:
        """Its child processes."""
        pid = self.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]

    def agent(self) -> int:
        """Process id of its agent."""
        return next(pid for pid in self.children() if b"edge_agent\0run" in Path(f"/proc/{pid}/cmdline").read_bytes())

    def until_said(self, words: str) -> None:
        def said() -> bool:
            assert self.process.poll() is None, self.output
            return words in self.output

        until(said, f"the demo says {words!r}", START_S)

    def end(self, number: int | None = None) -> int:
        """Send a signal, if one is given, and wait for the end; the exit code."""
        if number is not None:
            os.kill(self.process.pid, number)
        return self.process.wait(300)

    def left(self) -> list[Path]:
        """Files it has left behind."""
        return list(self.temporary.iterdir())


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Demo]]:
    started: list[Demo] = []

    def run(*options: str, terminal: int | None = None) -> Demo:
        started.append(Demo(tmp_path, *options, terminal=terminal))
        return started[-1]

    yield run
    for demo in started:
        if demo.process.poll() is None:
            demo.process.kill()
            demo.process.wait()


def test_the_plant_ends_with_an_alarm_raised_and_cleared(start: Callable[..., Demo], tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    demo = start("--speed", "8", "--keep", str(kept))
    assert demo.end() == 0, demo.output
    output = demo.output
    assert "ALARM P-101" in output
    assert re.search(r"P-101: alarm raised at step \d+ .* before the end of the bearing's life", output)
    assert "cleared at step" in output
    assert "\x1b" not in output
    assert (kept / "edge-agent.db").exists()
    told = subprocess.run(
        [sys.executable, "-m", "edge_agent", "alarms", "--config", str(kept / "edge-agent.toml")],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "p-101" in told.stdout
    assert told_while_standing(kept / "edge-agent.db") == []
    assert demo.left() == []


def told_while_standing(database: Path) -> list[int]:
    """The steps, between the stop of the pump and its start, in which something was told or judged of it."""
    with closing(sqlite3.connect(database)) as db:
        [[first]] = db.execute("SELECT min(time) FROM verdict")
        times = db.execute(
            "SELECT time FROM alarm_event WHERE asset = 'p-101'"
            " UNION ALL SELECT time FROM verdict WHERE asset = 'p-101'"
        ).fetchall()
    steps = [round((time - first) / STEP_S) for (time,) in times]
    assert len(steps) > STOPPED
    return [step for step in steps if STOPPED <= step < REPAIRED]


def test_ctrl_c_stops_everything_and_leaves_nothing(start: Callable[..., Demo]) -> None:
    demo = start()
    demo.until_said("-- commissioning")
    children = demo.children()
    assert len(children) == 2
    assert demo.left() != []
    assert demo.end(signal.SIGINT) == 130
    assert "Traceback" not in demo.output
    assert demo.output.endswith("stopped: agent and broker have ended\n")
    assert not any(runs(pid) for pid in children)
    assert demo.left() == []


def test_the_agent_is_given_time_to_say_goodbye(start: Callable[..., Demo], tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    demo = start("--keep", str(kept))
    demo.until_said("-- commissioning")
    assert demo.end(signal.SIGTERM) == 143
    assert "stopped reason=stopped" in (kept / "agent.log").read_text(encoding="utf-8")


def test_a_dying_agent_ends_the_demo_with_its_last_words(start: Callable[..., Demo]) -> None:
    demo = start()
    demo.until_said("agent: online")
    children = demo.children()
    os.kill(demo.agent(), signal.SIGKILL)
    assert demo.end() == 1
    assert "Error: the agent ended with exit code -9; its last lines:" in demo.output
    assert "link_up" in demo.output
    assert "Traceback" not in demo.output
    assert not any(runs(pid) for pid in children)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent is gone")
def test_a_killed_demo_leaves_no_process(start: Callable[..., Demo]) -> None:
    demo = start()
    demo.until_said("agent: online")
    children = demo.children()
    assert demo.end(signal.SIGKILL) == -signal.SIGKILL
    until(lambda: not any(runs(pid) for pid in children), "the children end")


def test_a_folder_with_an_earlier_demo_is_not_written_over(start: Callable[..., Demo], tmp_path: Path) -> None:
    (tmp_path / "edge-agent.db").write_bytes(b"precious")
    demo = start("--keep", str(tmp_path))
    assert demo.end() == 2
    assert "edge-agent.db is there already" in demo.output
    assert "Try: name a new folder" in demo.output


def test_a_live_terminal_is_drawn_on_and_given_back(start: Callable[..., Demo]) -> None:
    ours, theirs = pty.openpty()
    demo = start(terminal=theirs)
    os.close(theirs)
    seen = b""
    deadline = time.monotonic() + START_S
    while b"commissioning" not in seen:
        assert time.monotonic() < deadline, seen
        seen += os.read(ours, 65536)
    os.kill(demo.process.pid, signal.SIGINT)
    try:
        while piece := os.read(ours, 65536):
            seen += piece
    except OSError:  # how Linux says that the other end is closed
        pass
    os.close(ours)
    assert demo.end() == 130
    assert b"\x1b[?1049h" in seen
    assert seen.index(b"\x1b[?25h\x1b[?1049l") > seen.index(b"commissioning")
    assert b"P-101" in seen


@pytest.mark.data
def test_recorded_engines_near_their_failure_get_alarms(start: Callable[..., Demo], data_folder: Path) -> None:
    demo = start("--speed", "4", "--data", str(data_folder))
    assert demo.end() == 0, demo.output
    assert re.search(r"[1-5] of 5 failing machines had an alarm", demo.output)


def test_engines_of_another_kind_are_refused_before_anything_starts(start: Callable[..., Demo], tmp_path: Path) -> None:
    folder = write(tmp_path / "cmapss", [1, 2, 3])
    demo = start("--data", str(folder))
    assert demo.end() == 1
    assert "Error:" in demo.output
    assert "broker:" not in demo.output
    assert engines_script.__name__ not in demo.output
