"""The composition root: configuration → objects → supervisor. Wiring only, no decisions."""

from __future__ import annotations

import logging
import time
import uuid
from contextlib import closing
from pathlib import Path

from edge_agent import __version__
from edge_agent.bundle.decisions import judge_of, voice_of
from edge_agent.bundle.load import Bundle, default_bundle, load_bundle
from edge_agent.config import Config, check, load
from edge_agent.core.decode import Decoder
from edge_agent.core.identity import digest
from edge_agent.core.pipeline import Pipeline
from edge_agent.core.voice import Voice
from edge_agent.core.wire import ModelPayload, Origin, state_message
from edge_agent.errors import StoreError
from edge_agent.metrics import Metrics
from edge_agent.mqtt.link import PahoLink
from edge_agent.ports import Batch, Journal
from edge_agent.service.clock import ClockWatch
from edge_agent.service.engine import Engine, EngineSettings
from edge_agent.service.health import HealthServer
from edge_agent.service.inbox import Inbox
from edge_agent.service.logs import configure
from edge_agent.service.publisher import Publisher
from edge_agent.service.reporter import Reporter
from edge_agent.service.supervisor import End, Parts, Signals, Supervisor
from edge_agent.service.systemd import Notifier
from edge_agent.store.database import StoreSettings
from edge_agent.store.journal import open_journal
from edge_agent.store.outbox import open_outbox
from edge_agent.store.queries import open_readonly, unsent

logger = logging.getLogger(__name__)

INBOX = 10_000  # QoS 0 messages; about 3 MB
OLD_BROKER_WINDOW = 20  # messages a 3.1.1 broker lets through unacknowledged (mosquitto's default)
SEEN_MARGIN = 64  # the link stops reading at the receive maximum; mosquitto 2.0.11 alone does not keep to it (measured)
DAY_S = 86400.0


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


def store_settings(config: Config) -> StoreSettings:
    """The journal's bounds."""
    store = config.store
    return StoreSettings(
        path=store.path,
        max_bytes=store.max_mb * 1_000_000,
        retention_readings_s=store.readings_days * DAY_S,
        retention_verdicts_s=store.verdicts_days * DAY_S,
        retention_events_s=store.events_days * DAY_S,
    )


def engine_settings(config: Config) -> EngineSettings:
    """Batches of half the receive window: the broker is never left waiting for acknowledgements."""
    window = config.broker.receive_maximum if config.broker.protocol == "5" else OLD_BROKER_WINDOW
    return EngineSettings(batch_messages=max(window // 2, 1), seen=2 * config.broker.receive_maximum + SEEN_MARGIN)


def run(path: Path) -> int:
    """Run the agent until it is told to stop; the exit code.

    Raises:
        ConfigError: the configuration is wrong at start; on a reload the running one stays in force.
        BundleError: the bundle is damaged or does not fit.
        StoreError: the journal cannot be used.
    """
    notifier, signals = Notifier(), Signals()
    signals.install()
    while True:
        config = load(path)
        configure(config.log.level, as_json=config.log.as_json)
        end = _run_once(config, path, signals, notifier)
        if end is not End.RELOAD:
            return 1 if end is End.FAILED else 0


def _reload_ok(path: Path) -> bool:
    problems = check(path)
    for problem in problems:
        logger.error("reload_refused %s", " ".join(str(problem).split()))
    return not problems


def _introduce(voice: Voice, journal: Journal) -> None:
    """Write down who judges from now on; without it an alarm can be explained, but not said to be altered or not."""
    try:
        journal.commit(Batch(states={voice.state: voice.dump()}))
    except StoreError as error:  # alarms come first: the engine starts all the same, and says what it cannot write
        logger.error("voice_unrecorded error=%s hint=%s", error, error.hint)  # noqa: TRY400 - said in one line


def _run_once(config: Config, path: Path, signals: Signals, notifier: Notifier) -> End:
    metrics, clock = Metrics(), ClockWatch()
    bundle = load_bundle(config.bundle.path or default_bundle())
    origin = origin_of(config, bundle)
    journal = open_journal(store_settings(config))
    _introduce(voice_of(config, bundle), journal)
    link = PahoLink(
        config.broker,
        config.client_id,
        subscriptions=config.subscriptions(),
        will=state_message(origin, "offline"),
        birth=lambda: state_message(origin, "online"),
        farewell=lambda: state_message(origin, "stopped"),
    )
    inbox = Inbox(INBOX)
    publisher = Publisher(open_outbox(config.store.path), link, inbox, metrics)
    reporter = None if bundle.report is None else Reporter(bundle.report, inbox, metrics)
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
        report=None if reporter is None else reporter.ask,
    )
    with closing(open_readonly(config.store.path)) as watcher:  # the main thread's own
        parts = Parts(
            engine=engine,
            publisher=publisher,
            link=link,
            inbox=inbox,
            origin=origin,
            metrics=metrics,
            clock=clock,
            unsent=lambda: unsent(watcher, time.time()),
            bundle=f"{origin.model.name}@{origin.model.version}",
            health_period_s=config.health.period_s,
            reporter=reporter,
        )
        supervisor = Supervisor(parts, signals, notifier, reload_ok=lambda: _reload_ok(path))
        server = None
        if config.health.port:
            server = HealthServer(config.health.host, config.health.port, metrics.registry, lambda: supervisor.page)
        return supervisor.run(server)
