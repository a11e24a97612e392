"""Tries many cuts of one recorded run, and says what of a promise was broken at which."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.power.disk import Disk, Mood
from tests.power.recording import CREATED, Kind, Record, Recording, read_log

STATES = int(os.environ.get("EDGE_AGENT_POWER_STATES", "60"))  # a run; more in the long one
SEED = int(os.environ.get("EDGE_AGENT_POWER_SEED", "1"))
_PROMISES = {Kind.PRINT, Kind.SEND}
_NAMES = {Kind.MAKE_FOLDER, Kind.RENAME, Kind.REMOVE}
_NEAR = 4  # records


@dataclass(frozen=True, slots=True)
class Cut:
    """One state that a cut could leave, and what had been said and heard until then."""

    seed: int
    place: int  # number of the record before which the power went
    mood: Mood
    folder: Path
    before: list[Record]  # what was printed, sent and received

    def __str__(self) -> str:
        """How to try it again."""
        return (
            f"EDGE_AGENT_POWER_SEED={self.seed}, power cut before record {self.place}, the disk {self.mood}; "
            f"state in {self.folder}"
        )

    def said(self) -> list[str]:
        """The lines that were printed whole."""
        text = b"".join(record.data for record in self.before if record.kind is Kind.PRINT).decode()
        return text.split("\n")[:-1]


@dataclass(frozen=True, slots=True)
class Finding:
    """A promise that was broken."""

    cut: str
    what: str

    def __str__(self) -> str:
        """In one line."""
        return f"{self.what} ({self.cut})"


def judge(recording: Recording, promise: Callable[[Cut], Iterator[str]], *, count: int = STATES) -> list[Finding]:
    """What of a promise was broken in so many states; those that keep it are deleted, the others can be looked at."""
    rng = random.Random(SEED)
    records = list(read_log(recording.log))
    assert any(record.kind is Kind.SYNC for record in records), "the shim saw no sync: this process is not recorded"
    drawn = _Places(rng, records)
    places = sorted(drawn.draw() for _ in range(count))
    disk, done = Disk(recording.folder, recording.start), 0
    findings: list[Finding] = []
    heard: list[Record] = []
    for number, place in enumerate(places):
        for record in records[done:place]:
            disk.follow(record)
            if record.kind in {Kind.PRINT, Kind.SEND, Kind.RECEIVE}:
                heard.append(record)
        done = place
        folder = recording.folder.with_name(f"{recording.folder.name}-cut-{number}")
        folder.mkdir()
        mood = rng.choice(list(Mood))
        disk.after_cut(rng, mood, folder)
        cut = Cut(SEED, place, mood, folder, list(heard))
        broken = [Finding(str(cut), what) for what in promise(cut)]
        findings += broken
        if not broken:
            shutil.rmtree(folder)
    return findings


class _Places:
    """Where the power is cut: anywhere, right after a promise, or near a change of names."""

    def __init__(self, rng: random.Random, records: list[Record]) -> None:
        self._rng, self._count = rng, len(records)
        numbered = list(enumerate(records, start=1))
        self._promises = [n for n, r in numbered if r.kind in _PROMISES]
        self._names = [n for n, r in numbered if r.kind in _NAMES or (r.kind is Kind.OPEN and r.flags & CREATED)]

    def draw(self) -> int:
        """Number of records before a cut."""
        chance = self._rng.random()
        if chance < 0.4 and self._promises:
            return self._rng.choice(self._promises)
        if chance < 0.7 and self._names:
            return min(self._rng.choice(self._names) + self._rng.randint(0, _NEAR), self._count)
        return self._rng.randint(0, self._count)
