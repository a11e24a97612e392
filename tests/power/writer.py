"""Commits numbered batches as the crash tests do, and says what it did; restarts, prunes and checkpoints in between.

python -m tests.power.writer journal.db SEED COMMITS [--careless]
"""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from pathlib import Path

from edge_agent.core.types import Verdict
from edge_agent.ports import Batch
from edge_agent.store.database import StoreSettings
from edge_agent.store.journal import SqliteJournal, open_journal
from tests.crash.journal_writer import numbered_batch
from tests.store.journal_values import NOON, some_verdict

KEPT_S = 100.0  # a verdict a second: so many are kept
TEXT = "pump vib q50 z+1 " * 60  # a kilobyte, so that deleting gives pages back


def store(path: Path) -> StoreSettings:
    """A small journal, so that pages are given back to the disk now and then."""
    return StoreSettings(path=path, reserve_bytes=0, max_bytes=8 << 20, retention_verdicts_s=KEPT_S)


def batch(number: int) -> Batch:
    """A numbered batch whose verdict is as old as its number."""
    made = numbered_batch(number)
    made.verdicts = [numbered_verdict(number)]
    return made


def numbered_verdict(number: int) -> Verdict:
    """A large verdict with a time of its own."""
    return replace(some_verdict(number, NOON + number), text=f"{TEXT} {number}")


def say(line: str) -> None:
    """Promise it: the shim records what is said."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def opened(path: Path, *, careless: bool) -> SqliteJournal:
    """The journal; a careless one tells SQLite not to sync."""
    journal = open_journal(store(path))
    if careless:
        journal._conn.execute("PRAGMA synchronous = OFF")
    return journal


def main(path: Path, seed: int, commits: int, *, careless: bool) -> None:
    """Commit so many batches."""
    rng = random.Random(seed)
    journal = opened(path, careless=careless)
    for number in range(1, commits + 1):
        journal.commit(batch(number))
        say(f"committed {number}")
        journal.checkpoint()
        chance = rng.random()
        if chance < 0.02:
            journal.close()
            journal = opened(path, careless=careless)
        elif chance < 0.04:
            say(f"forgets {number - int(KEPT_S)}")
            journal.prune(NOON + number)
        elif chance < 0.06:
            journal._conn.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    if rng.random() < 0.5:
        journal.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), careless="--careless" in sys.argv[4:])
