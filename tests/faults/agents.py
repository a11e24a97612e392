"""Our end of the nursery: starts agents, and says how they ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
END_S = 60.0


class Nursery:
    """The process that starts agents by fork."""

    def __init__(self) -> None:
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # a fork copies no threads
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.nursery"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, config: Path, flaw: str) -> int:
        """The pid of a new agent, broken on purpose where a flaw is named."""
        pid = self._ask({"run": [str(config), str(config.with_name("agent.log")), flaw]})
        assert pid is not None
        return pid

    def ended(self, pid: int, seconds: float) -> int | None:
        """The exit status of an agent, negative the signal that ended it; None if it has not ended within the time."""
        return self._ask({"wait": [pid, seconds]})

    def close(self) -> None:
        """End it and every agent it has started."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(END_S)
        self._process.stdout.close()

    def _ask(self, order: dict[str, list[str] | list[float]]) -> int | None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the nursery has died"
        found: int | None = json.loads(answer)
        return found
