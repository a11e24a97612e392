"""Children of the demo: they end when told, and when their parent is gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edge_agent.demo.child import Child
from tests.mosquitto import until

SLEEPER = (sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)")


def runs(pid: int) -> bool:
    """Whether a process lives; a zombie does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def test_a_stopped_child_has_ended_and_may_be_stopped_again(tmp_path: Path) -> None:
    child = Child(SLEEPER, tmp_path / "log")
    until(lambda: child.tail(1) == ["up"], "the child is up")
    assert child.exit_code is None
    assert child.stop() == -signal.SIGTERM
    assert child.stop() == -signal.SIGTERM
    assert not runs(child.pid)


def test_the_last_lines_of_a_dead_child_can_be_read(tmp_path: Path) -> None:
    script = "print('one'); print('two'); print('three'); raise SystemExit(7)"
    child = Child((sys.executable, "-c", script), tmp_path / "log")
    until(lambda: child.exit_code is not None, "the child ends")
    assert child.exit_code == 7
    assert child.tail(2) == ["two", "three"]


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    child = Child(("no-such-program",), tmp_path / "log")
    until(lambda: child.exit_code is not None, "the child ends")
    assert child.exit_code == 1
    assert child.tail(1)[0].startswith("no-such-program cannot be started:")


def test_settings_for_another_agent_do_not_reach_a_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGE_AGENT__BROKER__HOST", "broker.plant.example")
    monkeypatch.setenv("KEPT", "yes")
    shown = "import os; print(os.environ.get('EDGE_AGENT__BROKER__HOST'), os.environ.get('KEPT'))"
    child = Child((sys.executable, "-c", shown), tmp_path / "log")
    until(lambda: child.exit_code is not None, "the child ends")
    assert child.tail(1) == ["None yes"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent is gone")
def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from edge_agent.demo.child import Child;"
        f"child = Child({SLEEPER!r}, Path(sys.argv[1])); print(child.pid, flush=True); time.sleep(60)"
    )
    log = tmp_path / "log"
    with subprocess.Popen([sys.executable, "-c", script, str(log)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        until(lambda: log.read_text(encoding="utf-8") == "up\n", "the child is up")
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
    until(lambda: not runs(pid), "the child ends")
