"""Every metric of the agent, in one vocabulary with topics and log events. Names and meanings live here only."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Metrics:
    """The collectors of one agent; a registry of its own, so that two agents in one process do not mix."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        r = self.registry
        self.messages = Counter("edge_agent_messages", "MQTT messages taken in", ["qos"], registry=r)
        self.duplicates = Counter("edge_agent_duplicates", "redeliveries recognised and dropped", registry=r)
        self.faults = Counter("edge_agent_faults", "inputs refused, by reason", ["reason"], registry=r)
        self.shed = Counter("edge_agent_shed", "what was dropped for want of room, by cause", ["cause"], registry=r)
        self.readings = Counter("edge_agent_readings", "readings accepted", registry=r)
        self.logs = Counter("edge_agent_log_lines", "maintenance-log lines accepted", registry=r)
        self.verdicts = Counter("edge_agent_verdicts", "verdicts, by status", ["status"], registry=r)
        self.texts = Counter("edge_agent_texts", "texts scored: remembered or by the model", ["by"], registry=r)
        self.events = Counter("edge_agent_alarm_events", "alarm transitions, by transition", ["transition"], registry=r)
        self.summaries = Counter(
            "edge_agent_summaries",
            "alarms put into words: by the model, left to the template, stale, dropped or failed",
            ["outcome"],
            registry=r,
        )
        self.unrecorded = Counter("edge_agent_unrecorded", "alarm messages sent without a record", registry=r)
        self.commits = Counter("edge_agent_commits", "transactions committed", registry=r)
        self.commit_faults = Counter("edge_agent_commit_faults", "transactions that failed", registry=r)
        self.commit_seconds = Histogram("edge_agent_commit_seconds", "time of a commit", buckets=_SECONDS, registry=r)
        self.published = Counter("edge_agent_published", "messages the broker acknowledged", registry=r)
        self.publish_faults = Counter("edge_agent_publish_faults", "publishes refused", ["reason"], registry=r)
        self.connected = Gauge("edge_agent_connected", "1 while connected to the broker", registry=r)
        self.inbox = Gauge("edge_agent_inbox", "messages waiting to be decided on", registry=r)
        self.outbox = Gauge("edge_agent_outbox", "messages waiting to be sent", registry=r)
        self.flash_bytes = Gauge("edge_agent_flash_bytes", "bytes written to the disk since the start", registry=r)
        self.flash_bytes_per_day = Gauge(
            "edge_agent_flash_bytes_per_day", "the same at the rate of the last day", registry=r
        )
        self.commit_stretch = Gauge(
            "edge_agent_commit_stretch", "times longer that commits are grouped to spare the flash, 1 to 10", registry=r
        )
        self.commit_stretch.set(1.0)
        self.nuisances = Counter(
            "edge_agent_nuisances", "alarms that chatter, come and go, stand for a day, or come in a flood", ["kind"],
            registry=r,
        )  # fmt: skip
        self.alarms_active = Gauge("edge_agent_alarms_active", "alarms standing", registry=r)
        self.set_aside = Gauge("edge_agent_set_aside", "damaged journals that lie beside the journal", registry=r)
        self.fallback = Gauge("edge_agent_bundle_fallback", "1 while the last good bundle judges", registry=r)
