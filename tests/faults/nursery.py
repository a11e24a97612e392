"""Starts agents by fork from a process that has imported everything: a start costs 0.1 s instead of 1 s.

python -m tests.faults.nursery

The child runs the command `edge-agent run`, nothing else, unless a flaw is asked for: then it is broken on purpose. One
JSON object a line on standard input: {"run": [config, log, flaw]} is answered with the pid, {"wait": [pid, seconds]}
with the exit status, or null while it lives. At the end of the input all children are killed.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import time

from edge_agent import app  # noqa: F401 - imported before the fork, for all children
from edge_agent.cli import main as edge_agent
from tests.faults.flaws import FLAWS

LOOK_S = 0.005


def run(config: str, log: str, flaw: str) -> int:
    """The pid of a new agent."""
    pid = os.fork()
    if pid:
        return pid
    nothing, output = os.open(os.devnull, os.O_RDONLY), os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for old, new in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(old, new)
    status = 1
    try:
        if flaw:
            FLAWS[flaw]()
        edge_agent(["run", config])
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    finally:
        sys.stderr.flush()
        os._exit(status)


class Children:
    """The agents that were started; one that has ended is remembered with its status."""

    def __init__(self) -> None:
        self._living: set[int] = set()
        self._ended: dict[int, int] = {}

    def run(self, config: str, log: str, flaw: str) -> int:
        """The pid of a new agent."""
        pid = run(config, log, flaw)
        self._living.add(pid)
        return pid

    def wait(self, pid: int, seconds: float) -> int | None:
        """The exit status of an agent, negative the signal that ended it; None if it still lives."""
        end = time.monotonic() + seconds
        while pid in self._living:
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                self._living.discard(pid)
                self._ended[pid] = os.waitstatus_to_exitcode(status)
            elif time.monotonic() >= end:
                return None
            else:
                time.sleep(LOOK_S)
        return self._ended[pid]

    def close(self) -> None:
        """Kill who still lives."""
        for pid in self._living:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def main() -> None:
    """Serve until the input ends."""
    gc.freeze()
    children = Children()
    for line in sys.stdin:
        order = json.loads(line)
        answer = children.run(*order["run"]) if "run" in order else children.wait(*order["wait"])
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    children.close()


if __name__ == "__main__":
    main()
