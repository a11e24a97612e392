"""Commits numbered batches to a journal and says each number once its commit has returned, until it is killed.

python -m tests.crash.journal_writer journal.db 17
"""

from __future__ import annotations

import sys
from itertools import count
from pathlib import Path

from edge_agent.ports import Batch
from edge_agent.store.database import StoreSettings
from edge_agent.store.journal import open_journal
from tests.store.journal_values import some_event, some_log, some_message, some_readings, some_verdict

READINGS = 25


def numbered_batch(number: int) -> Batch:
    """A batch in which everything bears the number."""
    return Batch(
        readings=some_readings(number, READINGS),
        logs=[some_log(number)],
        verdicts=[some_verdict(number)],
        events=[some_event(f"alarm-{number}")],
        outgoing=[some_message(f"key-{number}")],
        states={"newest": str(number).encode()},
        seen=[(1, number.to_bytes(8, "big"))],
        seen_kept=1,
        sent=[number - 1],
    )


def main(path: Path, first: int) -> None:
    """Commit for ever."""
    journal = open_journal(StoreSettings(path=path, reserve_bytes=0))
    for number in count(first):
        journal.commit(numbered_batch(number))
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
