"""The engine: takes messages from the inbox, decides, commits once, then acknowledges.

One turn drains up to half of the receive window or for `batch_s` seconds; an alarm ends the turn at once. Nothing is
acknowledged before the commit that wrote it. When a commit fails the batch is kept and tried again: the broker, left
without acknowledgements, holds the rest; alarms go out at once marked `unrecorded`.

Its parts, all of its thread: `redelivery` knows what was taken before, `opener` what a message brings, `reception`
which reading is judged when, `attendance` who is quiet; `teller` puts into messages what was decided, `recorder` writes
it, `rebuild` begins anew after a restart.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from edge_agent.core.commands import Command
from edge_agent.core.decode import Decoder
from edge_agent.core.flow import Way
from edge_agent.core.outputs.interpreter import Interpreter
from edge_agent.core.pipeline import NOTHING, Outcome, Pipeline
from edge_agent.core.types import MARKERS, AlarmEvent, LogLine, Outgoing, Reading, Window
from edge_agent.core.wire import Origin
from edge_agent.metrics import Metrics
from edge_agent.ports import Arrival, Batch, Journal, Link, Spool
from edge_agent.service import backlog
from edge_agent.service.attendance import Attendance
from edge_agent.service.clock import ClockWatch
from edge_agent.service.commander import ERRANDS, Carried, Commander
from edge_agent.service.inbox import Delivered, ErrandDone, Forgotten, Inbox, Item, Summary
from edge_agent.service.opener import Opener
from edge_agent.service.patience import Patience
from edge_agent.service.reception import Reception
from edge_agent.service.recorder import Recorder
from edge_agent.service.redelivery import SESSION, Marks
from edge_agent.service.settings import EngineSettings
from edge_agent.service.tally import EngineNumbers, Tally
from edge_agent.service.teller import Teller

__all__ = ["Engine", "EngineSettings"]

logger = logging.getLogger(__name__)


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
        errand: Callable[[Command], None] = lambda _asked: None,  # takes commands that need time
        reload: Callable[[], None] = lambda: None,  # begins anew with the configuration on disk
        spool: Spool | None = None,  # commands left beside the journal
        report: Callable[[AlarmEvent, Window], None] | None = None,  # may put an event into better words
        told: Callable[[Batch], None] = lambda _written: None,  # hears of every commit
        idle: threading.Event | None = None,  # set while nothing is to be decided: others may compute
        stretch: Callable[[], float] = lambda: 1.0,  # times longer that commits are grouped, to spare the flash
        interpreter: Interpreter | None = None,  # tells other systems in their own words
    ) -> None:
        self._pipeline = pipeline
        self._link, self._inbox = link, inbox
        self._metrics, self._settings = metrics, settings
        self._committed, self._report, self._told = committed, report, told
        self._idle = threading.Event() if idle is None else idle
        self._stretch, self._patience = stretch, Patience()
        self._teller = Teller(
            origin, clock, metrics, urgent, risk_step=settings.risk_step, risk_max_age_s=settings.risk_max_age_s,
            interpreter=Interpreter((), lambda _asset: None) if interpreter is None else interpreter,
        )  # fmt: skip
        self._recorder = Recorder(journal, pipeline, clock, metrics, settings, self._teller.unrecorded)
        self._unacked: list[Arrival] = []
        self._opener = Opener(decoder, metrics, first_faults=settings.first_faults)
        self._marks = Marks(settings.seen)
        self._attendance = Attendance(pipeline)
        self._reception = Reception(pipeline, clock)
        self._clock, self._spool, self._reload = clock, spool, reload
        self._commander = Commander(pipeline, origin.address, self._recorder.known, clock.now, errand)
        self._carried: list[str] = []  # entries of the spool that the batch at hand brings
        self._reloading = False
        self._next_quiet = self._explain_by = 0.0
        self._tally = Tally(metrics)

    @property
    def numbers(self) -> EngineNumbers:
        """How it stands since the last commit; any thread may ask."""
        return self._tally.numbers

    # ------------------------------------------------------------------------------------------------ life

    def restore(self) -> None:
        """Rebuild windows, baselines and conditions from the journal; the readings after the snapshot are replayed."""
        replayed, marks = self._recorder.restore()
        self._marks.restore(marks, self._recorder.states())
        self._opener.restore(self._recorder.states())
        now = time.monotonic()
        self._attendance.begin(now)
        self._reception.restore(self._recorder.states(), now)
        errands = self._recorder.states().get(ERRANDS, b"")
        self._carry(self._commander.restore(errands))
        if self._recorder.commit(owed=False) is not None:  # that they are begun again, before any of them is
            self._commander.written()
        self._counted(Batch())
        logger.info("restored assets=%d readings_replayed=%d", len(self._attendance), replayed)

    def turn(self) -> None:
        """One turn: drain, decide, commit, acknowledge; explain an alarm while there is nothing else to do."""
        settings = self._settings
        self._quiet()
        self._roll()
        stretch = self._stretch()
        most = min(settings.batch_messages * stretch, max(settings.most_messages, settings.batch_messages))
        wait = settings.roll_s if self._reception.rolling else settings.batch_s * stretch
        deadline = time.monotonic() + (settings.retry_s if self._recorder.failing else wait)
        while self._recorder.failing or not (self._recorder.batch.events or len(self._unacked) >= most):
            left = deadline - time.monotonic()
            if left <= 0:
                break
            owed = 0 if self._recorder.failing else len(self._unacked)
            item = self._take(min(left, self._patience.wait_s(owed, settings.batch_s)))
            if item is not None:
                self._item(item)
                if owed and self._patience.over(owed, time.monotonic()):
                    break
            elif not self._explain():
                break
        alarms = bool(self._recorder.batch.events)
        self._commit()
        if alarms:
            self._head_start()
        self._explain_now()
        self._maintain()

    def close(self) -> None:
        """Decide on what is left in the inbox, write everything with a snapshot, close the journal."""
        while (item := self._inbox.take(0)) is not None:
            self._item(item)
        self._snapshot()
        self._recorder.end()
        self._commit(final=True)
        self._recorder.close()

    # ------------------------------------------------------------------------------------------------ deciding

    def _take(self, left: float) -> Item | None:
        """The oldest item; waits for one, so many seconds, only where nothing else is to be done."""
        if len(self._inbox) or self._explainable:
            return self._inbox.take(0)
        self._idle.set()
        try:
            return self._inbox.take(left)
        finally:
            self._idle.clear()

    def _item(self, item: Item) -> None:
        if isinstance(item, Summary):
            self._retold(item)
            return
        if isinstance(item, ErrandDone):
            self._carry(self._commander.errand_done(item))
            return
        if isinstance(item, Forgotten):
            self._recorder.batch.again = True
            self._recorder.batch.states[SESSION] = self._marks.begin_session()
            if not self._recorder.failing:
                self._commit()  # before anything of the new session: its packet ids begin anew
            return
        if isinstance(item, Delivered):
            self._recorder.sent(item.id)
            return
        self._message(item)

    def _message(self, arrival: Arrival) -> None:
        self._tally.message(arrival.qos)
        if arrival.qos:
            self._patience.came(time.monotonic())
            if self._unacked and self._unacked[-1].epoch != arrival.epoch:
                self._unacked.clear()  # their connection is gone: they come again by this one, and are recognised
            self._unacked.append(arrival)
            taken = self._marks.take(arrival)
            if taken is None:
                self._metrics.duplicates.inc()
                return
            self._recorder.batch.seen.append(taken)
        if self._teller.answered(arrival, self._recorder.batch):
            return
        if not arrival.qos and self._recorder.failing and self._commander.hears(arrival.topic):
            self._metrics.shed.labels(backlog.UNWRITABLE).inc()
            return
        carried = self._commander.over_mqtt(arrival)
        if carried is not None:
            self._carry(carried)
            return
        opened = self._opener.open(arrival)
        self._recorder.batch.outgoing += opened.requests
        self._recorder.batch.states.update(opened.states)
        for reading in opened.readings:
            self._reading(reading, arrival.topic, time.monotonic(), owed=arrival.qos > 0)
        for line in opened.logs:
            self._log(line, owed=arrival.qos > 0)
        for order in opened.orders:
            self._carry(self._commander.work_order(order))

    def _carry(self, carried: Carried) -> None:
        """Take what a command brings into the batch."""
        self._recorder.batch.commands += carried.records
        self._recorder.batch.outgoing += carried.outgoing
        self._recorder.batch.states.update(carried.states)
        for marker in carried.markers:
            self._note(marker, self._pipeline.reading(marker), owed=True)
        for asset, outcome in carried.outcomes.items():
            self._outcome(asset, outcome)
        self._reloading |= carried.reload

    def _reading(self, reading: Reading, topic: str, now: float, *, owed: bool) -> None:
        received = self._reception.take(reading, now)
        for entry in received.entries:
            outcome = self._pipeline.reading(entry)
            if not outcome.accepted:
                self._opener.refuse(
                    "unmapped", topic, f"no asset class or channel for {reading.asset}/{reading.channel}"
                )
                return
            self._note(entry, outcome, owed=owed)
        self._tally.readings += 1
        if received.way is Way.LATE or received.way is Way.FUTURE:
            detail = f"stored, not judged: {reading.asset}/{reading.channel} at {reading.time:.3f}"
            self._opener.refuse(received.way.value, topic, detail)
        else:
            self._attendance.heard(reading.asset, now)
            self._teller.met(reading.asset, self._recorder.batch)

    def _note(self, entry: Reading, outcome: Outcome, *, owed: bool) -> None:
        """Keep what the pipeline has taken, and what came of it; too much of QoS 0 that cannot be written is shed."""
        if owed or len(self._recorder.batch.readings) < backlog.MOST_READINGS or entry.channel in MARKERS:
            self._recorder.batch.readings.append(entry)
        else:
            self._metrics.shed.labels(backlog.UNWRITABLE).inc()
        if outcome is not NOTHING:
            self._outcome(entry.asset, outcome)

    def _log(self, line: LogLine, *, owed: bool) -> None:
        if self._pipeline.log(line):
            self._metrics.logs.inc()
            if owed or len(self._recorder.batch.logs) < backlog.MOST_LOGS:
                self._recorder.batch.logs.append(line)
            else:
                self._metrics.shed.labels(backlog.UNWRITABLE).inc()

    def _outcome(self, asset: str, outcome: Outcome) -> None:
        if outcome.conditions_changed:
            self._recorder.changed(asset)
        for verdict in outcome.verdicts:
            self._metrics.verdicts.labels(verdict.status).inc()
            self._recorder.batch.verdicts.append(verdict)
            self._teller.risk(verdict, self._recorder.batch)
        if outcome.windows and not outcome.windows[-1].historical:
            self._teller.unjudged(outcome.windows[-1], self._recorder.batch)
        for event in outcome.events:
            self._teller.event(event, self._recorder.batch)
        if self._report is not None:
            for event, window in outcome.tellable:
                self._report(event, window)

    def _retold(self, summary: Summary) -> None:
        """Tell an alarm in the reporter's words, unless it has moved on since."""
        outcome = self._pipeline.reworded(summary.event, summary.told)
        self._metrics.summaries.labels("stale" if outcome is None else "model").inc()
        if outcome is not None:
            self._outcome(summary.event.asset, outcome)

    @property
    def _explainable(self) -> bool:
        """Whether an alarm waits to be explained, and may be: what is told must be written before."""
        return self._pipeline.explaining and not self._recorder.failing

    def _explain(self) -> bool:
        """One score further in telling what moved the risk of the alarms just raised; False where there is nothing.

        A score at a time, because what comes meanwhile may be the next raise, and never before the commit of the raise:
        it has ended its turn.
        """
        if not self._explainable:
            return False
        for asset, outcome in self._pipeline.explain_on().items():
            self._outcome(asset, outcome)
        return True

    def _head_start(self) -> None:
        """Let alarms just written go out before they are explained: until the broker confirms one, or something comes.

        Publisher and network thread each need the interpreter, which an explanation keeps busy.
        """
        if not self._explainable or len(self._inbox):
            return
        item = self._inbox.take(self._settings.head_start_s)
        if item is None:
            return
        self._item(item)
        if self._recorder.batch.events or self._unacked:  # the next alarm does not wait for the first one's explanation
            self._commit()

    def _explain_now(self) -> None:
        """Explain while nothing waits; where the inbox never empties, a score a turn once `explain_s` is over."""
        now = time.monotonic()
        if not self._explainable:
            self._explain_by = now + self._settings.explain_s
        overdue, until = now >= self._explain_by, now + self._settings.explain_s
        while (overdue or (not len(self._inbox) and time.monotonic() < until)) and self._explain():
            overdue = False
        if self._recorder.batch.events and not self._recorder.failing:
            self._commit()

    def _quiet(self) -> None:
        """Close the steps of assets that have gone quiet, and alarm on those silent for too long."""
        now = time.monotonic()
        if now < self._next_quiet:
            return
        self._next_quiet = now + self._settings.quiet_s
        quiet = self._attendance.look(now)
        for close in quiet.closes:
            if not self._reception.holds(close.asset):
                self._note(close, self._pipeline.reading(close), owed=False)
        for asset in quiet.silent:
            self._outcome(asset, self._pipeline.silent(asset))
        for asset, outcome in self._pipeline.expire(self._clock.now()).items():
            self._outcome(asset, outcome)
        if self._spool is None or self._carried:
            return
        for entry, name, payload in self._spool.waiting():
            carried = self._commander.locally(name, payload)
            if carried.later:
                continue
            self._carry(carried)
            if carried == Carried():  # nothing is to be written: it is under way already
                self._spool.done(entry)
            else:
                self._carried.append(entry)

    def _roll(self) -> None:
        """Judge the next part of what was put aside and is due."""
        marker = self._reception.roll(time.monotonic())
        if marker is not None:
            self._note(marker, self._pipeline.reading(marker), owed=False)
            self._reception.rolled()

    # ------------------------------------------------------------------------------------------------ writing

    def _commit(self, *, final: bool = False) -> None:
        """Write the batch; then, and only then, acknowledge what brought it."""
        self._recorder.batch.states |= self._reception.states
        self._reception.states.clear()
        written = self._recorder.commit(owed=bool(self._unacked), final=final)
        if written is None:
            return
        self._teller.recorded()
        self._committed(tuple(written.sent))  # before the acknowledgements: there may be an alarm to send
        self._told(written)
        self._link.ack(self._unacked)
        self._patience.answered(time.monotonic(), len(self._unacked))
        self._marks.trim()
        self._unacked = []
        if self._spool is not None:
            for entry in self._carried:
                self._spool.done(entry)
        self._carried = []
        self._commander.written()
        if self._reloading:
            self._reloading = False
            self._reload()
        self._counted(written)

    def _snapshot(self) -> None:
        self._commit(final=True)  # what the snapshot holds must be in blocks before it
        self._recorder.add_snapshot()

    def _maintain(self) -> None:
        """Do what nobody waits for."""
        self._tally.turned(waiting=len(self._inbox))
        if self._recorder.failing:
            return
        if self._recorder.snapshot_due:
            self._snapshot()
        self._recorder.keep_up()

    def _counted(self, written: Batch) -> None:
        active = sum(1 for state in self._pipeline.alarms.values() if state.active)
        self._tally.written(written, assets=len(self._attendance), alarms_active=active, faults=self._opener.faults)
