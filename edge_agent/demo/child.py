"""Processes the demo starts, and their certain end: none outlives the demo, not even after `kill -9`.

A child runs in a session of its own, so that Ctrl-C in the terminal reaches the demo alone, which then stops its
children in order. On Linux the kernel sends SIGTERM to a child whose parent is gone (Source: prctl(2),
PR_SET_PDEATHSIG); `python -m edge_agent.demo.child PID COMMAND...` asks for that and becomes the command.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

STOP_S: Final = 20.0  # the agent needs at most its own STOP_S and DRAIN_S; then it is killed
_FOR_AGENTS: Final = ("EDGE_AGENT__", "NOTIFY_SOCKET", "WATCHDOG_", "CREDENTIALS_DIRECTORY")
_PR_SET_PDEATHSIG: Final = 1
_TAIL_BYTES: Final = 16_384


class Child:
    """One started process; its output is in a file."""

    def __init__(self, command: Sequence[str], log: Path) -> None:
        """Start it, without what the environment says for another agent: that may name a real broker."""
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own command lines
                [sys.executable, "-m", __name__, str(os.getpid()), *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={name: value for name, value in os.environ.items() if not name.startswith(_FOR_AGENTS)},
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """How it ended; None while it runs. Negative: killed by that signal."""
        return self._process.poll()

    def tail(self, lines: int) -> list[str]:
        """The last lines of its output."""
        with self.log.open("rb") as output:
            output.seek(0, os.SEEK_END)
            output.seek(max(0, output.tell() - _TAIL_BYTES))
            return output.read().decode("utf-8", "replace").splitlines()[-lines:]

    def stop(self) -> int:
        """Ask it to end, insist after `STOP_S`; its exit code. Safe to call twice."""
        if self.exit_code is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
        return self._process.wait()


def become(parent: int, command: Sequence[str]) -> None:
    """Turn this process into the command, which the kernel ends when `parent` is gone."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)  # is kept through exec
    if os.getppid() != parent:  # gone before we asked
        sys.exit(1)
    try:
        os.execvp(command[0], list(command))  # noqa: S606 - no shell is wanted
    except OSError as error:
        sys.exit(f"{command[0]} cannot be started: {error}")


if __name__ == "__main__":
    become(int(sys.argv[1]), sys.argv[2:])
