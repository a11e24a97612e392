"""What a killed agent leaves behind: `python -m bench.fill CONFIG READINGS` commits and kills itself.

It commits through the agent's own journal, as the engine does: a block every two seconds of ten machines with a reading
a second each. No snapshot is written, so that the next start has to push every reading through its windows again.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from edge_agent.app import store_settings
from edge_agent.config import load
from edge_agent.core.types import Reading
from edge_agent.ports import Batch
from edge_agent.store.journal import open_journal

ASSETS = 10
BLOCK = 20  # readings: two seconds
START = 1_760_000_000.0 - 1_760_000_000.0 % 60.0


def fill(config: Path, readings: int) -> None:
    """Commit so many readings, then die."""
    loaded = load(config)
    [spec] = loaded.class_specs().values()
    journal = open_journal(store_settings(loaded))
    for first in range(0, readings, BLOCK):
        block = []
        for k in range(first, min(first + BLOCK, readings)):
            second, number = divmod(k, ASSETS)
            channel = spec.channels[second % len(spec.channels)].name
            block.append(Reading(f"motor-{number}", channel, START + second, 20.0 + (k * 7 % 13) / 10.0))
        journal.commit(Batch(readings=block))
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    fill(Path(sys.argv[1]), int(sys.argv[2]))
