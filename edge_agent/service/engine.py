"""The engine: takes messages from the inbox, decides, commits once, then acknowledges.

One turn drains up to half of the receive window or for `batch_s` seconds; an alarm ends the turn at once. Nothing is
acknowledged before the commit that wrote it. When a commit fails the batch is kept and tried again: the broker, left
without acknowledgements, holds the rest; alarms go out at once marked `unrecorded`.

Redelivery: a message with the DUP flag whose packet id and digest were committed before is acknowledged and dropped
(MQTT 5 §4.4; what was committed but not acknowledged is in the same transaction, so a kill -9 between commit and PUBACK
repeats nothing).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import islice

from edge_agent.core import snapshot
from edge_agent.core.alarm import retell
from edge_agent.core.decode import Decoded, Decoder
from edge_agent.core.identity import mark
from edge_agent.core.pipeline import CLOSE, NOTHING, Outcome, Pipeline
from edge_agent.core.types import AlarmEvent, Clock, LogLine, Outgoing, Reading, Verdict, Window
from edge_agent.core.wire import Origin, alarm_messages, risk_message
from edge_agent.errors import StoreError
from edge_agent.metrics import Metrics
from edge_agent.ports import Arrival, Batch, Journal, Link
from edge_agent.service.clock import ClockWatch
from edge_agent.service.inbox import Delivered, Inbox, Item, Summary

logger = logging.getLogger(__name__)

MAX_BATCH_READINGS = 50_000  # only QoS 0 readings can pile up so, while nothing can be written
SNAPSHOT_BLOCK = "tracks_block"  # id of the last block of readings inside the `tracks` snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """How the engine groups its work."""

    batch_messages: int = 100  # half of the receive window
    batch_s: float = 2.0  # fewer commits spare the flash; alarms do not wait for it
    sent_s: float = 5.0  # how long acknowledged outbox rows may wait for a commit of their own
    retry_s: float = 2.0  # pause after a failed commit
    snapshot_readings: int = 200_000  # replayed in a few seconds at start
    prune_s: float = 600.0
    explain_s: float = 2.0  # how long the explanation of an alarm waits for an empty inbox
    quiet_s: float = 1.0  # between looks for assets that have gone quiet
    risk_step: float = 0.05  # change of risk worth a message (report by exception)
    risk_max_age_s: float = 900.0  # event time after which the risk is sent again
    seen: int = 200  # receive maximum: so many QoS 1 messages can be unacknowledged at the broker
    first_faults: int = 1  # of each kind, logged with topic and cause


@dataclass(frozen=True, slots=True)
class EngineNumbers:
    """What the engine tells of itself; replaced as a whole, so that any thread may read it."""

    readings: int = 0
    verdicts: int = 0
    assets: int = 0
    alarms_active: int = 0
    shed: int = 0
    faults: tuple[tuple[str, int], ...] = ()


class Engine:
    """Owns windows, baselines, alarm conditions, the model and the only writing database connection."""

    def __init__(  # noqa: PLR0913 - the composition root names each part once
        self,
        *,
        decoder: Decoder,
        pipeline: Pipeline,
        journal: Journal,
        link: Link,
        inbox: Inbox,
        origin: Origin,
        metrics: Metrics,
        clock: ClockWatch,
        settings: EngineSettings,
        committed: Callable[[tuple[int, ...]], None],
        urgent: Callable[[Outgoing], None],
        report: Callable[[AlarmEvent, Window], None] | None = None,
    ) -> None:
        self.numbers = EngineNumbers()
        self._decoder, self._pipeline, self._journal = decoder, pipeline, journal
        self._link, self._inbox, self._origin = link, inbox, origin
        self._metrics, self._clock, self._settings = metrics, clock, settings
        self._committed, self._urgent, self._report = committed, urgent, report
        self._batch = Batch()
        self._unacked: list[Arrival] = []
        self._seen: dict[int, bytes] = {}  # packet id → mark of the newest QoS 1 messages, oldest first
        self._faults: dict[str, int] = {}
        self._arrived: dict[str, float] = {}  # asset → monotonic time of the last reading
        self._silent: set[str] = set()
        self._told: dict[
            str, tuple[float, float, tuple[str, str]]
        ] = {}  # asset → last told: risk, time, (mode, status)
        self._urgent_done: set[str] = set()
        self._since_snapshot = 0
        self._sent_since = 0.0
        self._failing = False
        self._next_prune = time.monotonic() + settings.prune_s
        self._next_quiet = self._explain_by = 0.0
        self._taken = [0, 0, 0]  # messages by QoS, and
        self._accepted = 0  # readings that are not in the metrics yet: counted there once a turn, it costs a lock each

    # ------------------------------------------------------------------------------------------------ life

    def restore(self) -> None:
        """Rebuild windows, baselines and conditions from the journal: snapshot first, then the readings after it."""
        states = self._journal.states()
        block = 0
        if snapshot.TRACKS in states:
            block = self._restore_tracks(states)
        self._pipeline.judging = False
        replayed = 0
        for _, readings in self._journal.readings_since(block):
            for reading in readings:
                self._pipeline.reading(reading)
            replayed += len(readings)
        self._pipeline.judging = True
        for name, blob in states.items():
            if name.startswith(snapshot.ALARMS):
                self._restore_alarms(name.removeprefix(snapshot.ALARMS), blob)
        newest = [t.newest for w in self._pipeline.windowers.values() for t in w.tracks.values()]
        horizon = max((w.spec.log_horizon_s for w in self._pipeline.windowers.values()), default=0.0)
        if newest:
            for line in self._journal.recent_logs(min(newest) - horizon):
                self._pipeline.log(line)
        self._seen.update(self._journal.seen())
        self._since_snapshot = replayed
        now = time.monotonic()
        self._arrived = {a: now for w in self._pipeline.windowers.values() for a in w.tracks}
        self._renumber()
        logger.info("restored assets=%d readings_replayed=%d", len(self._arrived), replayed)

    def _restore_tracks(self, states: dict[str, bytes]) -> int:
        """Load the snapshot; the block after which readings are replayed: all of them where it is damaged (G4)."""
        try:
            left_out = snapshot.load_tracks(self._pipeline, states[snapshot.TRACKS])
            block = int(states.get(SNAPSHOT_BLOCK, b"0"))
        except ValueError as error:
            logger.error("snapshot_damaged error=%s (rebuilt from the readings on disk)", error)  # noqa: TRY400
            return 0
        if left_out:
            logger.warning("baseline_dropped assets=%d reason=class_changed first=%s", len(left_out), left_out[0])
        return block

    def _restore_alarms(self, asset: str, blob: bytes) -> None:
        try:
            snapshot.load_alarms(self._pipeline, asset, blob)
        except ValueError as error:
            logger.error("conditions_damaged asset=%s error=%s (they begin anew)", asset, error)  # noqa: TRY400

    def turn(self) -> None:
        """One turn: drain, decide, commit, acknowledge."""
        settings = self._settings
        self._quiet()
        deadline = time.monotonic() + (settings.retry_s if self._failing else settings.batch_s)
        while self._failing or not (self._batch.events or len(self._unacked) >= settings.batch_messages):
            left = deadline - time.monotonic()
            item = self._inbox.take(left) if left > 0 else None
            if item is None:
                break
            self._item(item)
        self._commit()
        self._count()
        self._explain()
        self._maintain()

    def close(self) -> None:
        """Decide on what is left in the inbox, write everything with a snapshot, close the journal."""
        while (item := self._inbox.take(0)) is not None:
            self._item(item)
        self._snapshot()
        self._commit(final=True)
        self._journal.close()

    # ------------------------------------------------------------------------------------------------ deciding

    def _item(self, item: Item) -> None:
        if isinstance(item, Summary):
            self._retold(item)
            return
        if isinstance(item, Delivered):
            if not self._batch.sent:
                self._sent_since = time.monotonic()
            self._batch.sent.append(item.id)
            return
        self._taken[item.qos] += 1
        if item.qos:
            self._unacked.append(item)
            known, now = self._seen.pop(item.mid, None), mark(item.topic, item.payload)
            self._seen[item.mid] = now
            if item.dup and known == now:
                self._metrics.duplicates.inc()
                return
            self._batch.seen.append((item.mid, now))
        decoded = self._decoder.decode(item.topic, item.payload, item.time)
        if item.retain:
            decoded = self._dated(item, decoded)
        for fault in decoded.faults:
            self._fault(fault.reason, item.topic, fault.detail)
        for reading in decoded.readings:
            self._reading(reading, item.topic, time.monotonic())
        for line in decoded.logs:
            self._log(line)

    def _dated(self, item: Arrival, decoded: Decoded) -> Decoded:
        """What of a retained message bears a time of its own; nobody can say how old the rest is."""
        readings = tuple(reading for reading in decoded.readings if reading.time != item.time)
        logs = tuple(line for line in decoded.logs if line.time != item.time)
        for _ in range(len(decoded.readings) - len(readings) + len(decoded.logs) - len(logs)):
            self._fault("retained", item.topic, "without a time of its own nobody knows how old it is")
        return Decoded(readings, logs, decoded.faults)

    def _reading(self, reading: Reading, topic: str, now: float) -> None:
        outcome = self._pipeline.reading(reading)
        if not outcome.accepted:
            self._fault("unmapped", topic, f"no asset class or channel for {reading.asset}/{reading.channel}")
            return
        self._accepted += 1
        self._since_snapshot += 1
        if len(self._batch.readings) < MAX_BATCH_READINGS:
            self._batch.readings.append(reading)
        else:
            self._metrics.shed.labels("unwritable").inc()
        self._arrived[reading.asset] = now
        if self._silent:
            self._silent.discard(reading.asset)
        if outcome is not NOTHING:
            self._outcome(reading.asset, outcome)

    def _log(self, line: LogLine) -> None:
        if self._pipeline.log(line):
            self._metrics.logs.inc()
            self._batch.logs.append(line)

    def _outcome(self, asset: str, outcome: Outcome) -> None:
        if outcome.conditions_changed:
            self._batch.states[snapshot.ALARMS + asset] = b""  # filled at commit, when the batch is complete
        for verdict in outcome.verdicts:
            self._metrics.verdicts.labels(verdict.status).inc()
            self._batch.verdicts.append(verdict)
            self._risk(verdict)
        for event in outcome.events:
            self._event(event)
        if self._report is not None:
            for event, window in outcome.tellable:
                self._report(event, window)

    def _retold(self, summary: Summary) -> None:
        """Tell an alarm in the reporter's words, unless it has moved on since."""
        event = summary.event
        state = self._pipeline.alarms.get((event.asset, event.kind))
        retold = None if state is None else retell(state, event, summary.text)
        self._metrics.summaries.labels("stale" if retold is None else "model").inc()
        if retold is not None:
            self._pipeline.alarms[event.asset, event.kind], anew = retold
            self._batch.states[snapshot.ALARMS + event.asset] = b""  # filled at commit, when the batch is complete
            self._event(anew)

    def _event(self, event: AlarmEvent) -> None:
        self._metrics.events.labels(event.transition).inc()
        self._batch.events.append(event)
        self._batch.outgoing += alarm_messages(
            event, self._origin, observed=self._clock.now(), clock=self._clock.quality()
        )
        logger.info(
            "alarm_%s asset=%s kind=%s severity=%s mode=%s rev=%d id=%s",
            event.transition, event.asset, event.kind, event.severity, event.mode, event.rev, event.id,
        )  # fmt: skip

    def _risk(self, verdict: Verdict) -> None:
        """Report by exception: a change worth telling, or the last word is old."""
        told = self._told.get(verdict.asset)
        if told is not None:
            risk, at, said = told
            near = abs(verdict.risk - risk) < self._settings.risk_step and said == (verdict.mode, verdict.status)
            if near and verdict.time - at < self._settings.risk_max_age_s:
                return
        self._told[verdict.asset] = (verdict.risk, verdict.time, (verdict.mode, verdict.status))
        self._batch.outgoing.append(risk_message(verdict, self._origin))

    def _explain(self) -> None:
        """Tell what moved the risk of the alarms just raised: after their commit, or the raise would wait for it.

        What waits in the inbox may be the next raise, so it comes first; but not for ever: an inbox may never empty.
        """
        now = time.monotonic()
        if self._failing or (len(self._inbox) and now < self._explain_by):
            return
        told = self._pipeline.explain()
        self._explain_by = now + self._settings.explain_s
        for asset, outcome in told.items():
            self._outcome(asset, outcome)
        if told:
            self._commit()

    def _fault(self, reason: str, topic: str, detail: str) -> None:
        self._metrics.faults.labels(reason).inc()
        self._faults[reason] = self._faults.get(reason, 0) + 1
        if self._faults[reason] <= self._settings.first_faults:
            logger.warning("input_refused reason=%s topic=%s detail=%s (counted from here on)", reason, topic, detail)

    def _quiet(self) -> None:
        """Close the steps of assets that have gone quiet, and alarm on those silent for too long."""
        now = time.monotonic()
        if now < self._next_quiet:
            return
        self._next_quiet = now + self._settings.quiet_s
        for asset, at in self._arrived.items():
            windower = self._pipeline.windower(asset)
            track = None if windower is None else windower.tracks.get(asset)
            if windower is None or track is None:
                continue
            spec = windower.spec
            if track.open and now - at > spec.step_s + spec.lateness_s:
                until = (max(track.open) + 1) * spec.step_s
                close = Reading(asset, CLOSE, until, 0.0)
                self._batch.readings.append(close)
                self._outcome(asset, self._pipeline.reading(close))
            if asset not in self._silent and now - at > spec.silent_after_s:
                self._silent.add(asset)
                self._outcome(asset, self._pipeline.silent(asset))

    # ------------------------------------------------------------------------------------------------ writing

    def _commit(self, *, final: bool = False) -> None:
        batch = self._batch
        waiting = time.monotonic() - self._sent_since < self._settings.sent_s
        brought = batch.readings or batch.logs or batch.verdicts or batch.events or batch.outgoing or batch.states
        if not self._unacked and not brought and (not batch.sent or (waiting and not final)):
            return
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
            return
        if self._failing:
            logger.info("store_recovered readings=%d", len(batch.readings))
            self._failing = False
        self._metrics.commits.inc()
        self._urgent_done.clear()
        self._batch = Batch()
        self._committed(tuple(batch.sent))  # before the acknowledgements: there may be an alarm to send
        self._link.ack(self._unacked)
        for mid in list(islice(self._seen, max(len(self._seen) - self._settings.seen, 0))):
            del self._seen[mid]
        self._unacked = []
        self._renumber(batch)

    def _not_written(self, error: StoreError) -> None:
        """Nothing is acknowledged; what is alarming goes out all the same, once, marked `unrecorded`."""
        self._metrics.commit_faults.inc()
        if not self._failing:
            logger.error("store_failed error=%s hint=%s", error, error.hint)
        self._failing = True
        for event in self._batch.events:
            for message in alarm_messages(
                event, self._origin, observed=self._clock.now(), clock=self._clock.quality(), unrecorded=True
            ):
                if message.key not in self._urgent_done:
                    self._urgent_done.add(message.key)
                    self._metrics.unrecorded.inc()
                    self._urgent(message)
        if self._journal.damaged:
            raise error  # the process ends; the next start sets the file aside and goes on with a fresh one

    def _snapshot(self) -> None:
        if self._since_snapshot:
            self._commit(final=True)  # what the snapshot holds must be in blocks before it
            self._batch.states[snapshot.TRACKS] = snapshot.dump_tracks(self._pipeline)
            self._batch.states[SNAPSHOT_BLOCK] = str(self._journal.last_block()).encode()
            self._since_snapshot = 0

    def _count(self) -> None:
        """Bring the metrics of what has come up to date."""
        for qos, taken in enumerate(self._taken):
            if taken:
                self._metrics.messages.labels(str(qos)).inc(taken)
        self._metrics.readings.inc(self._accepted)
        self._taken, self._accepted = [0, 0, 0], 0

    def _maintain(self) -> None:
        if self._failing:
            return
        if self._since_snapshot >= self._settings.snapshot_readings:
            self._snapshot()
        now = time.monotonic()
        prune = now >= self._next_prune
        try:
            self._journal.checkpoint()
            if prune:
                self._next_prune = now + self._settings.prune_s
                self._prune()
        except StoreError as error:
            logger.error("upkeep_failed error=%s hint=%s", error, error.hint)  # noqa: TRY400 - said in one line

    def _prune(self) -> None:
        """Give space back; by age only while the clock can be trusted."""
        trusted = self._clock.quality() is Clock.SYNCED
        deleted = self._journal.prune(self._clock.now() if trusted else 0.0)
        if deleted:
            logger.info("pruned rows=%d", deleted)

    def _renumber(self, batch: Batch | None = None) -> None:
        active = sum(1 for state in self._pipeline.alarms.values() if state.active)
        self._metrics.alarms_active.set(active)
        self._metrics.inbox.set(len(self._inbox))
        done = batch if batch is not None else Batch()
        self.numbers = replace(
            self.numbers,
            readings=self.numbers.readings + len(done.readings),
            verdicts=self.numbers.verdicts + len(done.verdicts),
            assets=len(self._arrived),
            alarms_active=active,
            faults=tuple(sorted(self._faults.items())),
        )
