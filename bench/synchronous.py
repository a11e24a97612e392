"""The agent with another fsync mode than its own: python -m bench.synchronous MODE CONFIG. To measure, never to use.

FULL is the agent's: each commit is on the disk before it is acknowledged. NORMAL syncs at checkpoints only, OFF never:
a power cut takes what was acknowledged. Source: sqlite.org/pragma.html#pragma_synchronous.
"""

from __future__ import annotations

import sqlite3
import sys
from functools import partial

from edge_agent.cli import main

OWN = "PRAGMA synchronous = FULL"


class _Connection(sqlite3.Connection):
    """Sets the mode of the command line where the agent sets its own."""

    def execute(self, statement: str, *parameters: object) -> sqlite3.Cursor:
        return super().execute(f"PRAGMA synchronous = {sys.argv[1]}" if statement == OWN else statement, *parameters)


if __name__ == "__main__":
    sqlite3.connect = partial(sqlite3.connect, factory=_Connection)
    main(["run", sys.argv[2]])
