"""The composition root: configuration → objects → supervisor. Wiring only, no decisions."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path

from edge_agent import __version__
from edge_agent.bundle.decisions import judge_of, voice_of
from edge_agent.bundle.lastgood import Chosen, choose_bundle, keep_last_good
from edge_agent.bundle.load import Bundle
from edge_agent.config import Config, check, load
from edge_agent.core.decode import Decoder
from edge_agent.core.identity import digest
from edge_agent.core.notice import Notice, NoticeData, notice_message
from edge_agent.core.outputs.dialect import KEYS, Dialect
from edge_agent.core.outputs.flat import Flat
from edge_agent.core.outputs.home_assistant import HomeAssistant
from edge_agent.core.outputs.interpreter import Interpreter, withdrawn
from edge_agent.core.outputs.thingsboard import ThingsBoard
from edge_agent.core.pipeline import Pipeline
from edge_agent.core.sparkplug.own_node import OwnEdgeNode
from edge_agent.core.types import AlarmEvent, Outgoing
from edge_agent.core.voice import Voice
from edge_agent.core.wire import ModelPayload, Origin, stamp, state_message
from edge_agent.errands import AgentErrands
from edge_agent.errors import StoreError
from edge_agent.metrics import Metrics
from edge_agent.mqtt.link import PahoLink
from edge_agent.mqtt.sparkplug import SparkplugNode
from edge_agent.ports import Batch, Journal
from edge_agent.service.clerk import Clerk
from edge_agent.service.clock import ClockWatch
from edge_agent.service.engine import Engine, EngineSettings
from edge_agent.service.flash import FlashWatch
from edge_agent.service.health import HealthServer
from edge_agent.service.inbox import Inbox
from edge_agent.service.logs import configure
from edge_agent.service.publisher import Publisher
from edge_agent.service.reporter import Reporter
from edge_agent.service.supervisor import End, Parts, Signals, Supervisor
from edge_agent.service.systemd import Notifier
from edge_agent.store import quarantine
from edge_agent.store.database import StoreSettings
from edge_agent.store.journal import SqliteJournal, open_journal
from edge_agent.store.outbox import open_outbox
from edge_agent.store.queries import open_readonly, retained, standing, unsent
from edge_agent.store.spool import FileSpool

logger = logging.getLogger(__name__)

INBOX = 10_000  # QoS 0 messages; about 3 MB
OLD_BROKER_WINDOW = 20  # messages a 3.1.1 broker lets through unacknowledged (mosquitto's default)
SEEN_MARGIN = 20_000  # mosquitto 2.0.11 sends more than the receive maximum: what lies in `mqtt.client.BUFFER` is
# read and acknowledged even when the broker has long closed, and then comes again (158 messages, measured)
DAY_S = 86400.0
RENEW_S = 600.0  # a journal damaged again so soon is its disk's doing: then systemd waits between the starts
SET_ASIDE_REMEDY = "look at the disk or card it lay on; what it holds can be read with sqlite3's .recover"


def pipeline_of(config: Config, bundle: Bundle, metrics: Metrics) -> Pipeline:
    """The decisions a configuration and a bundle make together."""
    remembered, scored = metrics.texts.labels("memory"), metrics.texts.labels("model")
    judge = judge_of(config, bundle, lambda known: (remembered if known else scored).inc())
    return Pipeline(config.class_specs(), config.asset_class, bundle.references, config.policy(), judge)


def origin_of(config: Config, bundle: Bundle) -> Origin:
    """Who this process is to the readers of its messages."""
    info = bundle.risk.info
    return Origin(
        address=config.address,
        model=ModelPayload(name=info.name, version=info.version, sha256=info.sha256),
        horizon=info.horizon,
        config=digest(config.model_dump_json()),
        boot_id=uuid.uuid4().hex[:12],
        agent=__version__,
    )


def dialects_of(config: Config, origin: Origin) -> tuple[Dialect, ...]:
    """The words of the systems that are told as well."""
    outputs, dialects = config.outputs, list[Dialect]()
    if outputs.home_assistant is not None:
        dialects.append(HomeAssistant(outputs.home_assistant, origin))
    if outputs.thingsboard is not None:
        dialects.append(ThingsBoard(outputs.thingsboard))
    if outputs.flat is not None:
        dialects.append(Flat(outputs.flat, origin.address))
    return tuple(dialects)


def sparkplug_of(config: Config, alarms: Sequence[AlarmEvent], metrics: Metrics) -> SparkplugNode | None:
    """Our own Sparkplug edge node, where one is wanted.

    Raises:
        LinkError: a TLS file cannot be used.
    """
    if config.sparkplug is None:
        return None
    return SparkplugNode(
        config.broker,
        f"{config.client_id}-sparkplug",
        OwnEdgeNode(config.sparkplug.group, config.sparkplug_node, alarms),
        on_shed=lambda cause, lost: metrics.shed.labels(cause).inc(lost),
    )


def store_settings(config: Config) -> StoreSettings:
    """The journal's bounds."""
    store = config.store
    return StoreSettings(
        path=store.path,
        max_bytes=store.max_mb * 1_000_000,
        retention_readings_s=store.readings_days * DAY_S,
        retention_verdicts_s=store.verdicts_days * DAY_S,
        retention_events_s=store.events_days * DAY_S,
        outbox_rows=store.outbox_messages,
        outbox_bytes=store.outbox_mb * 1_000_000,
    )


def bundle_copies(config: Config) -> Path:
    """Where the last good bundle is kept: beside the journal."""
    return config.store.path.with_name(f"{config.store.path.name}.bundle")


def engine_settings(config: Config) -> EngineSettings:
    """Batches of half the receive window: the broker is never left waiting for acknowledgements."""
    window = config.broker.receive_maximum if config.broker.protocol == "5" else OLD_BROKER_WINDOW
    return EngineSettings(
        batch_messages=max(window // 2, 1),
        most_messages=window * 9 // 10,
        seen=2 * config.broker.receive_maximum + SEEN_MARGIN,
    )


def run(path: Path) -> int:
    """Run the agent until it is told to stop; the exit code.

    Raises:
        ConfigError: the configuration is wrong at start; on a reload the running one stays in force.
        BundleError: the bundle is damaged or does not fit, and there is no last good one.
        StoreError: the journal cannot be used.
    """
    notifier, signals = Notifier(), Signals()
    signals.install()
    renewed = -RENEW_S
    while True:
        config = load(path)
        configure(config.log.level, as_json=config.log.as_json)
        try:
            end = _run_once(config, path, signals, notifier)
        except StoreError as error:
            if not error.damaged:
                raise
            logger.error("store_damaged error=%s hint=%s", error, error.hint)  # noqa: TRY400 - said in one line
            end = End.DAMAGED
        if end is End.DAMAGED:
            quarantine.mark_damaged(config.store.path)
            if time.monotonic() - renewed < RENEW_S:
                return 1
            renewed = time.monotonic()
        elif end is not End.RELOAD:
            return 1 if end is End.FAILED else 0


def _reload_ok(path: Path) -> bool:
    problems = check(path)
    for problem in problems:
        logger.error("reload_refused %s", " ".join(str(problem).split()))
    return not problems


def _introduce(voice: Voice, notices: Sequence[Outgoing], journal: Journal) -> bool:
    """Write down who judges from now on, and what is to be told of ourselves; whether that could be written.

    Without the voice an alarm can be explained, but not said to be altered or not.
    """
    try:
        journal.commit(Batch(states={voice.state: voice.dump()}, outgoing=[*notices]))
    except StoreError as error:  # alarms come first: the engine starts all the same, and says what it cannot write
        logger.error("voice_unrecorded error=%s hint=%s", error, error.hint)  # noqa: TRY400 - said in one line
        return False
    return True


def _notices(chosen: Chosen, folder: Path, journal: SqliteJournal, origin: Origin, clock: ClockWatch) -> list[Outgoing]:
    """What the agent had to do to start: told once a start."""
    happened: list[tuple[Notice, Path, str, str]] = []
    if chosen.fault is not None:
        happened.append((Notice.BUNDLE_FALLBACK, folder, str(chosen.fault), chosen.fault.hint))
    if journal.set_aside is not None:
        happened.append((Notice.JOURNAL_SET_ASIDE, journal.set_aside.path, journal.set_aside.reason, SET_ASIDE_REMEDY))
    return [
        notice_message(
            NoticeData(
                notice=notice,
                about=str(about),
                reason=reason,
                remedy=remedy,
                time=stamp(clock.now()),
                clock=clock.quality(),
                boot_id=origin.boot_id,
                agent=__version__,
            ),
            origin,
        )
        for notice, about, reason, remedy in happened
    ]


def _run_once(config: Config, path: Path, signals: Signals, notifier: Notifier) -> End:
    """Run with one configuration and one journal; how it ended.

    Connections are closed in any case: one that outlived its journal would, when it goes, delete the log of the next
    (SQLite finds it by the path).
    """
    with ExitStack() as owned:
        return _serve(config, path, signals, notifier, owned)


def _serve(config: Config, path: Path, signals: Signals, notifier: Notifier, owned: ExitStack) -> End:
    metrics, clock = Metrics(), ClockWatch()
    errands = AgentErrands(config, path)
    folder, copies = errands.active_bundle(), bundle_copies(config)
    chosen = choose_bundle(folder, copies)
    bundle = chosen.bundle
    origin = origin_of(config, bundle)
    journal = open_journal(store_settings(config), on_shed=lambda cause, lost: metrics.shed.labels(cause).inc(lost))
    owned.callback(journal.close)
    watcher = owned.enter_context(closing(open_readonly(config.store.path)))  # the main thread's own
    dialects = dialects_of(config, origin)
    stale = withdrawn(retained(watcher, KEYS), dialects, config.asset_class, origin.boot_id)
    interpreter = Interpreter(
        dialects,
        config.asset_class,
        standing=standing(watcher) if dialects else (),
        run=origin.boot_id,
    )
    notices = [*_notices(chosen, folder, journal, origin, clock), *stale]
    written = _introduce(voice_of(config, bundle), notices, journal)
    if chosen.fault is None:
        keep_last_good(folder, copies)
    inbox = Inbox(INBOX, on_shed=lambda cause, lost: metrics.shed.labels(cause).inc(lost))
    link = PahoLink(
        config.broker,
        config.client_id,
        subscriptions=(*config.subscriptions(), *interpreter.listens),
        will=state_message(origin, "offline"),
        birth=lambda: state_message(origin, "online"),
        farewell=lambda: state_message(origin, "stopped"),
        relief=inbox,
    )
    outbox = open_outbox(config.store.path)
    owned.callback(outbox.close)
    publisher = Publisher(outbox, link, inbox, metrics, per_s=config.broker.publish_per_s)
    flash = FlashWatch(config.store.flash_mb_per_day * 1e6, metrics)
    idle = threading.Event()
    reporter = None if bundle.report is None else Reporter(bundle.report, inbox, metrics, idle)
    sparkplug = sparkplug_of(config, standing(watcher) if config.sparkplug is not None else (), metrics)
    for notice in () if written else notices:
        publisher.direct(notice)
    clerk = Clerk(errands, inbox)
    engine = Engine(
        decoder=Decoder(config.sources(), config.gateway.max_assets),
        pipeline=pipeline_of(config, bundle, metrics),
        journal=journal,
        link=link,
        inbox=inbox,
        origin=origin,
        metrics=metrics,
        clock=clock,
        settings=engine_settings(config),
        committed=publisher.committed,
        urgent=publisher.direct,
        errand=clerk.run,
        reload=signals.begin_anew,
        spool=FileSpool(config.store.path),
        report=None if reporter is None else reporter.ask,
        told=lambda written: None if sparkplug is None else sparkplug.told(written.events, written.verdicts),
        idle=idle,
        stretch=lambda: flash.stretch,
        interpreter=interpreter,
    )
    parts = Parts(
        engine=engine,
        publisher=publisher,
        link=link,
        inbox=inbox,
        origin=origin,
        metrics=metrics,
        clock=clock,
        flash=flash,
        unsent=lambda: unsent(watcher, time.time()),
        bundle=f"{origin.model.name}@{origin.model.version}",
        health_period_s=config.health.period_s,
        bundle_fallback=chosen.fault is not None,
        set_aside=lambda: len(quarantine.files_set_aside(config.store.path)),
        clerk=clerk,
        reporter=reporter,
        beside=sparkplug,
    )
    supervisor = Supervisor(parts, signals, notifier, reload_ok=lambda: _reload_ok(path))
    server = None
    if config.health.port:
        server = HealthServer(config.health.host, config.health.port, metrics.registry, lambda: supervisor.page)
    return supervisor.run(server)
