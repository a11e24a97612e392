"""The batch being gathered, its commit, and the upkeep of the journal: everything the engine writes.

Belongs to the engine thread; it alone writes. A batch that could not be written is kept and tried again whole. What
follows from a commit (acknowledging, waking the publisher) is the engine's.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from edge_agent.core import snapshot
from edge_agent.core.pipeline import Pipeline
from edge_agent.core.types import AlarmEvent, CommandRecord
from edge_agent.errors import StoreError
from edge_agent.metrics import Metrics
from edge_agent.ports import Batch, Journal
from edge_agent.service import backlog
from edge_agent.service.clock import ClockWatch
from edge_agent.service.rebuild import rebuild, snapshot_states
from edge_agent.service.settings import RecorderSettings

logger = logging.getLogger(__name__)

CLOCK = "clock"  # name of the state that holds the last time that could be trusted
RUNNING = "running"  # name of the state that is empty only after a clean end


class Recorder:
    """Owns the only writing database connection."""

    def __init__(  # noqa: PLR0913 - what it needs of the engine's, once
        self,
        journal: Journal,
        pipeline: Pipeline,
        clock: ClockWatch,
        metrics: Metrics,
        settings: RecorderSettings,
        unrecorded: Callable[[Sequence[AlarmEvent]], None],  # told what is alarming although it could not be written
    ) -> None:
        self.batch = Batch()  # what the next commit writes
        self.failing = False  # the last commit did not succeed
        self._journal, self._pipeline, self._clock = journal, pipeline, clock
        self._metrics, self._settings, self._unrecorded = metrics, settings, unrecorded
        self._since_snapshot = 0  # readings
        self._sent_since = 0.0
        self._next_prune = time.monotonic() + settings.prune_s

    def restore(self) -> tuple[int, dict[int, bytes]]:
        """Rebuild the pipeline from the journal: how many readings were pushed again, and the marks of redelivery.

        After a kill or a power cut what the broker was given to keep is told again: it may have lost that with the same
        power, or have been another one, empty, whose new session we had no time to write down.
        """
        self._since_snapshot = rebuild(self._pipeline, self._journal)
        states = self._journal.states()
        written = states.get(CLOCK, b"")
        if written.isdigit():
            self._clock.known(float(written))
        marks = self._journal.seen()
        self.batch.again = bool(states.get(RUNNING))
        self.batch.states[RUNNING] = b"1"
        self.commit(owed=True)  # before we connect
        return self._since_snapshot, marks

    def states(self) -> dict[str, bytes]:
        """The named states as the last commits left them."""
        return self._journal.states()

    def known(self, request_id: str) -> CommandRecord | None:
        """What came of a command, written or about to be; None where none has this request id."""
        ahead = next((record for record in self.batch.commands if record.request_id == request_id), None)
        try:
            return ahead or self._journal.command(request_id)
        except StoreError as error:  # a repeat does no harm: every command says when it was given
            logger.error("commands_unreadable error=%s hint=%s", error, error.hint)  # noqa: TRY400 - said in one line
            return None

    def changed(self, asset: str) -> None:
        """Note that the conditions of an asset must be written; as they are when the batch is complete."""
        self.batch.states[snapshot.ALARMS + asset] = b""

    def sent(self, row: int) -> None:
        """Note that the broker has acknowledged a row of the outbox."""
        if not self.batch.sent:
            self._sent_since = time.monotonic()
        self.batch.sent.append(row)

    def commit(self, *, owed: bool, final: bool = False) -> Batch | None:
        """Write the batch and begin a new one; the batch as written, None where there was nothing or it failed.

        Args:
            owed: somebody waits for this commit, however little it writes.
            final: write also what could wait.

        Raises:
            StoreError: the journal is damaged; the next start sets it aside and begins a fresh one.
        """
        batch = self.batch
        waiting = time.monotonic() - self._sent_since < self._settings.sent_s
        if not owed and not _brings(batch) and (not batch.sent or (waiting and not final)):
            return None
        for name in list(batch.states):
            if name.startswith(snapshot.ALARMS):
                batch.states[name] = snapshot.dump_alarms(self._pipeline, name.removeprefix(snapshot.ALARMS))
        batch.seen_kept = self._settings.seen
        batch.clock = self._clock.quality()
        try:
            with self._metrics.commit_seconds.time():
                self._journal.commit(batch)
        except StoreError as error:
            self._not_written(error)
            return None
        if self.failing:
            logger.info("store_recovered readings=%d", len(batch.readings))
            self.failing = False
        self._metrics.commits.inc()
        self._since_snapshot += len(batch.readings)
        self.batch = Batch()
        return batch

    @property
    def snapshot_due(self) -> bool:
        """Whether so many readings were written since the last snapshot that a restart would take long."""
        return self._since_snapshot >= self._settings.snapshot_readings

    def add_snapshot(self) -> None:
        """Add a snapshot to the batch, which must be empty of readings: those before it are in the journal."""
        if self._since_snapshot and not self.failing:
            self._note_time()
            self.batch.states |= snapshot_states(self._pipeline, self._journal)
            self._since_snapshot = 0

    def end(self) -> None:
        """Add to the batch that all is told: it is the last one."""
        self.batch.states[RUNNING] = b""

    def keep_up(self) -> None:
        """Do what commits leave undone, and give space back when that is due; not while nothing can be written."""
        now = time.monotonic()
        try:
            self._journal.checkpoint()
            if now >= self._next_prune:
                self._next_prune = now + self._settings.prune_s
                self._prune()
        except StoreError as error:
            logger.error("upkeep_failed error=%s hint=%s", error, error.hint)  # noqa: TRY400 - said in one line

    def close(self) -> None:
        """Close the journal."""
        self._journal.close()

    def _not_written(self, error: StoreError) -> None:
        """Keep the batch; what is alarming goes out all the same."""
        self._metrics.commit_faults.inc()
        if not self.failing:
            logger.error("store_failed error=%s hint=%s", error, error.hint)
        self.failing = True
        self._unrecorded(self.batch.events)
        self._metrics.shed.labels(backlog.UNWRITABLE).inc(backlog.trim(self.batch))
        if self._journal.damaged:
            raise error  # the process ends; the next start sets the file aside and goes on with a fresh one

    def _prune(self) -> None:
        """Give space back; by age only while the clock can be trusted."""
        deleted = self._journal.prune(self._clock.for_retention())
        self._note_time()
        if deleted:
            logger.info("pruned rows=%d", deleted)

    def _note_time(self) -> None:
        """Write down the time for the next start, which has no other clock to hold its own to."""
        if now := self._clock.for_retention():
            self.batch.states[CLOCK] = str(int(now)).encode()


def _brings(batch: Batch) -> bool:
    """Whether a batch holds more than acknowledgements of what was sent."""
    told = batch.events or batch.outgoing or batch.commands or batch.again
    return bool(batch.readings or batch.logs or batch.verdicts or batch.states or told)
