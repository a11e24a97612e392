"""The main thread: starts the others, watches that they move, tells systemd, reloads and stops.

`WATCHDOG=1` is sent only while the engine and the publisher beat and the network thread lives. A fault in any thread is
logged once, everything is stopped, and the process ends with 1 so that systemd restarts it.
"""

from __future__ import annotations

import gc
import logging
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from types import FrameType

from prometheus_client import Counter

from edge_agent.core.wire import HealthPayload, Origin, health_message, stamp
from edge_agent.errors import StoreError
from edge_agent.metrics import Metrics
from edge_agent.ports import Arrival, Beside, Link
from edge_agent.service.clerk import Clerk
from edge_agent.service.clock import ClockWatch
from edge_agent.service.engine import Engine
from edge_agent.service.flash import FlashWatch
from edge_agent.service.health import HealthServer, resident_bytes
from edge_agent.service.inbox import Forgotten, Inbox
from edge_agent.service.publisher import Publisher
from edge_agent.service.pulse import Pulse, Worker
from edge_agent.service.reporter import Reporter
from edge_agent.service.systemd import Notifier

logger = logging.getLogger(__name__)

ENGINE_LIMIT_S = 30.0  # a turn is 2 s and a commit; a slow card may take seconds
PUBLISHER_LIMIT_S = 15.0
REPORTER_LIMIT_S = 60.0  # of a pulse nobody watches: no alarm waits for prose, so the watchdog does not either
REPORTER_STOP_S = 1.0
STOP_S = 10.0  # within systemd's TimeoutStopSec
DRAIN_S = 2.0  # how long a stop waits for the last messages to be acknowledged
LOOK_S = 1.0
PAGE_S = 5.0  # age of the numbers on the health page


class End(Enum):
    """Why `Supervisor.run` came back."""

    STOPPED = "stopped"
    RELOAD = "reload"
    DAMAGED = "damaged"  # the journal; a new start sets it aside and begins a fresh one
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the supervisor runs, built by `app`."""

    engine: Engine
    publisher: Publisher
    link: Link
    inbox: Inbox
    origin: Origin
    metrics: Metrics
    clock: ClockWatch
    flash: FlashWatch
    unsent: Callable[[], tuple[int, float]]  # messages waiting, age of the oldest in seconds
    bundle: str
    health_period_s: float
    bundle_fallback: bool  # the configured bundle failed its checks, the last good one judges
    set_aside: Callable[[], int]  # damaged journals that lie beside the journal
    clerk: Clerk
    reporter: Reporter | None = None  # None: the bundle has no report model
    beside: Beside | None = None  # tells others what is committed; None: nobody


class Signals:
    """What the operator has asked for, from SIGTERM, SIGINT and SIGHUP."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.stop = False  # once asked for, whatever else is asked for as well; otherwise it is to begin anew

    def install(self) -> None:
        """Listen; only the main thread may."""
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        signal.signal(signal.SIGHUP, self._reload)

    def begin_anew(self) -> None:
        """Any thread: as SIGHUP does."""
        self.asked.set()

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.stop = True
        self.asked.set()

    def _reload(self, _number: int, _frame: FrameType | None) -> None:
        self.begin_anew()


class Supervisor:
    """Runs the parts until somebody asks for an end or something fails."""

    def __init__(self, parts: Parts, signals: Signals, notifier: Notifier, *, reload_ok: Callable[[], bool]) -> None:
        self._parts, self._signals, self._notifier = parts, signals, notifier
        self._reload_ok = reload_ok
        self._failed = threading.Event()
        self._began = time.monotonic()
        self.page = b"{}"  # newest health as JSON; replaced as a whole, read by the HTTP thread
        self._page_at = 0.0
        self._health_at = 0.0
        self._watchdog_at = 0.0
        engine, publisher = parts.engine, parts.publisher
        self._engine = Worker("engine", engine.turn, Pulse("engine", ENGINE_LIMIT_S), self._failed)
        self._publisher = Worker("publisher", publisher.turn, Pulse("publisher", PUBLISHER_LIMIT_S), self._failed)
        self._clerk = Worker("clerk", parts.clerk.turn, Pulse("clerk", REPORTER_LIMIT_S), self._failed)
        self._reporter: Worker | None = None
        if parts.reporter is not None:
            self._reporter = Worker("reporter", parts.reporter.turn, Pulse("reporter", REPORTER_LIMIT_S), self._failed)

    def run(self, server: HealthServer | None) -> End:
        """Start, watch, stop in order; the way it ended."""
        parts = self._parts
        parts.engine.restore()
        gc.unfreeze()  # what a run before a reload has left
        gc.collect()
        gc.freeze()  # the rest stays: the collector must not look through it while an alarm waits
        self._engine.start()
        self._publisher.start()
        self._clerk.start()
        if self._reporter is not None:
            self._reporter.start()
        parts.link.open(self._arrived, self._changed)
        if parts.beside is not None:
            parts.beside.open()
        if server is not None:
            server.open()
        self._notifier.ready(f"bundle {parts.bundle}")
        logger.info("ready bundle=%s boot_id=%s", parts.bundle, parts.origin.boot_id)
        try:
            end = self._watch()
        except StoreError as error:
            if not error.damaged:
                raise
            logger.error("store_damaged error=%s hint=%s", error, error.hint)  # noqa: TRY400 - said in one line
            end = End.DAMAGED
        self._stop(end)
        if server is not None:
            server.close()
        return end

    def health(self) -> HealthPayload:
        """How the agent is now."""
        parts = self._parts
        numbers = parts.engine.numbers
        waiting, oldest = parts.unsent()
        set_aside = parts.set_aside()
        parts.metrics.outbox.set(waiting)
        parts.metrics.set_aside.set(set_aside)
        parts.metrics.fallback.set(parts.bundle_fallback)
        shed, nuisances = _by_label(parts.metrics.shed), _by_label(parts.metrics.nuisances)
        return HealthPayload(
            time=stamp(parts.clock.now()),
            boot_id=parts.origin.boot_id,
            uptime_s=round(time.monotonic() - self._began, 1),
            rss_bytes=resident_bytes(),
            inbox=len(parts.inbox),
            outbox=waiting,
            oldest_unsent_s=round(oldest, 1),
            assets=numbers.assets,
            readings=numbers.readings,
            verdicts=numbers.verdicts,
            alarms_active=numbers.alarms_active,
            faults=dict(numbers.faults),
            shed=sum(shed.values()),
            shed_by_cause=shed,
            flash_mb_per_day=round(parts.flash.per_day / 1e6, 1),
            commit_stretch=round(parts.flash.stretch, 2),
            nuisances=nuisances,
            bundle=parts.bundle,
            bundle_fallback=parts.bundle_fallback,
            set_aside=set_aside,
            clock=parts.clock.quality(),
        )

    # ------------------------------------------------------------------------------------------------ watching

    def _watch(self) -> End:
        while True:
            if self._signals.asked.wait(self._look_s()):
                self._signals.asked.clear()
                if self._signals.stop:
                    return End.STOPPED
                if self._reload_ok():
                    return End.RELOAD
            if self._failed.is_set():
                return self._fault()
            now = time.monotonic()
            if not self._parts.link.alive(now):
                logger.critical("thread_failed thread=network")
                return End.FAILED
            if self._parts.beside is not None and self._parts.beside.fault() is not None:
                logger.critical("thread_failed thread=beside")
                return End.FAILED
            self._beat(now)

    def _fault(self) -> End:
        """Say what failed: the journal, which a new start mends, or something nobody has foreseen."""
        end = End.DAMAGED
        for worker in (self._engine, self._publisher, self._clerk, self._reporter):
            if worker is None or worker.fault is None:
                continue
            if isinstance(worker.fault, StoreError) and worker.fault.damaged:
                logger.error("store_damaged error=%s hint=%s", worker.fault, worker.fault.hint)
            else:
                logger.critical("thread_failed thread=%s", worker.pulse.name, exc_info=worker.fault)
                end = End.FAILED
        return end

    def _look_s(self) -> float:
        return min(LOOK_S, self._notifier.watchdog_s / 4) if self._notifier.watchdog_s else LOOK_S

    def _beat(self, now: float) -> None:
        self._parts.flash.look()
        moving = self._engine.pulse.alive and self._publisher.pulse.alive
        if moving and self._notifier.watchdog_s and now >= self._watchdog_at:
            self._watchdog_at = now + self._notifier.watchdog_s / 3
            self._notifier.watchdog()
        due = now >= self._health_at and self._parts.link.connected
        if not due and now < self._page_at:
            return
        health = self.health()
        self.page = health.model_dump_json().encode()
        self._page_at = now + PAGE_S
        if due:
            self._health_at = now + self._parts.health_period_s
            self._parts.publisher.direct(health_message(health, self._parts.origin))

    def _stop(self, end: End) -> None:
        if end in {End.RELOAD, End.DAMAGED}:
            self._notifier.reloading()
        else:
            self._notifier.stopping()
        parts = self._parts
        if self._reporter is not None and parts.reporter is not None:
            parts.reporter.wake()
            self._reporter.stop(REPORTER_STOP_S)
        parts.clerk.wake()
        self._clerk.stop(REPORTER_STOP_S)
        parts.inbox.wake()
        engine_done = self._engine.stop(STOP_S)
        if engine_done and self._engine.fault is None:
            parts.engine.close()
        deadline = time.monotonic() + DRAIN_S
        parts.publisher.wake()
        while end in {End.STOPPED, End.RELOAD} and parts.link.connected and time.monotonic() < deadline:
            if parts.unsent()[0] == 0 and parts.publisher.idle:
                break
            time.sleep(0.02)
        self._publisher.stop(STOP_S)
        parts.publisher.close()
        if parts.beside is not None:
            parts.beside.close()
        parts.link.close()
        logger.info("stopped reason=%s", end.value)

    # ------------------------------------------------------------------------------------------------ network thread

    def _arrived(self, arrival: Arrival) -> None:
        self._parts.inbox.offer(arrival)

    def _changed(self, connected: bool) -> None:  # noqa: FBT001 - the port's callback
        link = self._parts.link
        self._parts.metrics.connected.set(1 if connected else 0)
        if connected and not link.session_present:
            self._parts.inbox.note(Forgotten(link.epoch))
        self._parts.publisher.wake()


def _by_label(counter: Counter) -> dict[str, int]:
    """The counts of a metric with one label."""
    samples = (sample for metric in counter.collect() for sample in metric.samples)
    return {
        next(iter(sample.labels.values())): int(sample.value) for sample in samples if sample.name.endswith("_total")
    }
