"""Writes the sample of the current schema; run once for every migration, before its release.

    python -m tests.store.write_sample tests/data/schema-2.db

A sample that is there is never written again: it is what an agent of that time left behind.
"""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path

from edge_agent.ports import Batch
from edge_agent.store.database import StoreSettings
from edge_agent.store.journal import open_journal
from tests.store.journal_values import NOON, some_event, some_log, some_message, some_readings, some_verdict


def sample_batch() -> Batch:
    """Something for every table."""
    return Batch(
        readings=some_readings(1),
        logs=[some_log(1)],
        verdicts=[some_verdict(1)],
        events=[some_event("0123456789abcdef")],
        outgoing=[some_message("key-1")],
        states={"tracks": b"blob"},
        seen=[(1, bytes.fromhex("0123456789abcdef"))],
    )


def main(path: Path) -> None:
    """Write the sample to a file that is not there yet."""
    if path.exists():
        raise SystemExit(f"{path} is there already")
    with closing(open_journal(StoreSettings(path=path), now=lambda: NOON)) as journal:
        journal.commit(sample_batch())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
