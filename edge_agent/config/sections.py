"""The tables of the configuration file, key by key: type, range, default and one sentence that says what it is.

Descriptions and examples are shown to people: in the remedy of a problem and in docs/config.md. What needs two keys to
be judged is in `checks`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, StringConstraints
from pydantic_core import PydanticCustomError

from edge_agent.core.features import Feature
from edge_agent.core.sources import EVERY, Format, Kind, Waveform
from edge_agent.core.timestamps import TimeUnit
from edge_agent.core.topics import TopicTemplate

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,64}$")]
ChannelName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$")]
ClientId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,64}$")]
SparkplugId = Annotated[str, StringConstraints(pattern=r"^[^+#/\x00-\x1f\x7f]{1,64}$")]
Probability = Annotated[float, Field(gt=0, lt=1)]
SLUG_RULE = "1 to 64 of a-z, 0-9, _ and -"
DAY_S = 86400


def _host(value: object) -> object:
    """Refuse what is not the mere name or address of a host."""
    if not isinstance(value, str):
        return value
    if "://" in value:
        remedy = "write only the name between :// and the port, the port as `port`"
        raise PydanticCustomError("host", "is a web address", {"remedy": remedy})
    if value.count(":") == 1:
        remedy = "write what stands before the colon, and the port as `port`"
        raise PydanticCustomError("host", "holds a port", {"remedy": remedy})
    try:
        str(ip_address(value)) if ":" in value else value.encode("idna")
    except ValueError as error:
        remedy = "write a name or an address, such as broker.plant.example or 192.0.2.10"
        raise PydanticCustomError("host", "is no host name", {"remedy": remedy}) from error
    return value


def _written(value: object) -> object:
    """Let `protocol = 5` stand for "5"."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _by_channel(value: object) -> object:
    """One unit for all channels, or a table of them."""
    return {EVERY: value} if isinstance(value, str) else value


def _rising(band: tuple[float, float]) -> tuple[float, float]:
    if not 0 <= band[0] < band[1]:
        remedy = "write two frequencies in Hz, the lower one first: [80, 120]"
        raise PydanticCustomError("band", "is no band", {"remedy": remedy})
    return band


def _output_topic(value: object) -> object:
    """Refuse what nobody can publish to, and our own branch."""
    if not isinstance(value, str):
        return value
    remedy = "write a topic without wildcards of a branch of its own, such as plant/alarms"
    try:
        plain = TopicTemplate(value).subscription() == value and not set(value) & set("+#")
    except ValueError:
        plain = False
    if not plain or value.startswith("$"):
        raise PydanticCustomError("topic", "is no topic to publish to", {"remedy": remedy})
    if value.startswith("pdm/"):
        raise PydanticCustomError("topic", "is where the agent says what it says anyway", {"remedy": remedy})
    return value


def _on_or_off(usual: str) -> Callable[[object], object]:
    """Let `true` stand for the usual topic and `false` for none; the environment knows text only."""

    def topic(value: object) -> object:
        if value is True or value == "true":
            return usual
        return None if value is False or value == "false" else value

    return topic


OutputTopic = Annotated[str, BeforeValidator(_output_topic)]


class Section(BaseModel):
    """A table: nothing in it that is not known, nothing that changes later."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True)


class Gateway(Section):
    """[gateway]: who this is, and how much it may take in."""

    tenant: Slug = Field(description=f"whose gateway it is, {SLUG_RULE}", examples=["acme"])
    site: Slug = Field(description=f"where it stands, {SLUG_RULE}", examples=["plant-1"])
    name: Slug = Field(description=f"its own name, unique in the site, {SLUG_RULE}", examples=["gw-hall-3"])
    max_assets: int = Field(
        10_000, ge=1, le=1_000_000, description="machines known at most; more are refused and counted", examples=[10000]
    )


class Tls(Section):
    """[broker.tls]: encryption, and a certificate of our own where the broker asks for one."""

    enabled: bool = Field(default=True, description="false switches encryption off", examples=[True])
    ca: Path | None = Field(
        None,
        description="file of the authority that signed the broker's certificate",
        examples=["/etc/edge-agent/ca.pem"],
    )
    certificate: Path | None = Field(
        None, description="file of our own certificate", examples=["/etc/edge-agent/gateway.pem"]
    )
    key: Path | None = Field(None, description="file of its private key", examples=["/etc/edge-agent/gateway.key"])


class Broker(Section):
    """[broker]: the MQTT broker."""

    host: Annotated[str, Field(min_length=1), BeforeValidator(_host)] = Field(
        description="name or address of the broker", examples=["broker.plant.example"]
    )
    port: int | None = Field(
        None, ge=1, le=65535, description="its port, 1 to 65535; left out: 1883, or 8883 with TLS", examples=[1883]
    )
    protocol: Annotated[Literal["5", "3.1.1"], BeforeValidator(_written)] = Field(
        "5", description="MQTT version; 3.1.1 hides refused messages and is for old brokers", examples=["5"]
    )
    client_id: ClientId | None = Field(
        None, description="unique at the broker; left out: edge-agent-<name of the gateway>", examples=["edge-agent-1"]
    )
    username: str | None = Field(None, min_length=1, description="who we are to the broker", examples=["gw-hall-3"])
    password: SecretStr | None = Field(
        None, description="never in the file: from the environment, a credential or `password_file`", examples=["..."]
    )
    password_file: Path | None = Field(
        None, description="file whose first line is the password", examples=["/etc/edge-agent/mqtt-password"]
    )
    keepalive_s: int = Field(30, ge=5, le=3600, description="seconds between signs of life, 5 to 3600", examples=[30])
    session_expiry_s: int = Field(
        7 * DAY_S, ge=60, le=4_294_967_295, description="how long the broker keeps our messages while we are away",
        examples=[604800],
    )  # fmt: skip
    receive_maximum: int = Field(
        400,
        ge=1,
        le=65535,
        description="messages on their way to us that are not written yet, half of them is a commit",
        examples=[400],
    )
    publish_per_s: float = Field(
        200.0, gt=0, le=100_000, description="messages sent a second at most: the pace of a backlog",
        examples=[200],
    )  # fmt: skip
    tls: Tls | None = Field(None, description="encryption; left out: none", examples=[{}])

    @property
    def encrypted(self) -> bool:
        """Whether TLS is on."""
        return self.tls is not None and self.tls.enabled

    @property
    def effective_port(self) -> int:
        """The port to connect to."""
        return self.port if self.port is not None else (8883 if self.encrypted else 1883)


class Json(Section):
    """[source.json]: where things lie in a JSON payload. Paths are dotted, such as data.sensors[0].value."""

    items: str | None = Field(
        None, description="path of an array of readings or lines; empty: the payload is it", examples=[""]
    )
    value: str | None = Field(None, description="path of the value of a reading", examples=["value"])
    channels: dict[str, str] = Field(
        default_factory=dict, description='channel → path; "*" = path of an object whose numbers are all channels',
        examples=[{"temp": "data.temp"}],
    )  # fmt: skip
    channel: str | None = Field(None, description="path of the name of the channel", examples=["name"])
    asset: str | None = Field(None, description="path of the name of the machine", examples=["device"])
    time: str | None = Field(None, description="path of the time; left out: when it arrived", examples=["ts"])
    unit: str | None = Field(
        None, description="path of the unit of `value`; where it says none, `unit` of the source", examples=["uom"]
    )
    rate: str | None = Field(None, description="path of the samples a second of a waveform", examples=["fs"])
    text: str | None = Field(None, description="path of the text of a log line", examples=["message"])
    author: str | None = Field(
        None, description="path of who wrote the line; kept with keep_author only", examples=["by"]
    )
    order: str | None = Field(None, description="path of the number of the work order", examples=["order"])
    status: str | None = Field(None, description="path of what became of a work order", examples=["status"])
    repaired: str | None = Field(
        None, description="path of true where a closed work order was a repair: normal is learned anew",
        examples=["repaired"],
    )  # fmt: skip


Band = Annotated[tuple[float, float], AfterValidator(_rising)]


class WaveformTable(Section):
    """[source.waveform]: what is taken of an array of samples; `value` of [source.json] is its path."""

    rate_hz: float | None = Field(
        None, gt=0, le=1e9, description="samples a second, if the payload does not say", examples=[25600]
    )
    features: list[Feature] = Field(
        default_factory=lambda: [Feature.RMS, Feature.PEAK, Feature.KURTOSIS],
        description="of the whole: rms, peak, peak_to_peak, crest, kurtosis; readings of <channel>.rms and so on",
        examples=[["rms", "kurtosis"]],
    )
    bands: dict[ChannelName, Band] = Field(
        default_factory=dict, description="name → from and to in Hz: the rms in a band, reading of <channel>.<name>",
        examples=[{"bpfo": [80, 120]}],
    )  # fmt: skip
    envelope_hz: Band | None = Field(
        None,
        description="from and to in Hz: how the amplitude in it swings, <channel>.envelope",
        examples=[[2000, 8000]],
    )

    def spec(self) -> Waveform:
        """The same as the core sees it."""
        return Waveform(
            rate_hz=self.rate_hz,
            features=tuple(dict.fromkeys(self.features)),
            bands=tuple((name, low, high) for name, (low, high) in self.bands.items()),
            envelope=self.envelope_hz,
        )


class Source(Section):
    """[[source]]: messages of one kind."""

    topic: str = Field(
        description="topic with {asset}, {channel} or any other {name} for one level, + for any, # for the rest",
        examples=["plant/{asset}/{channel}"],
    )
    kind: Kind = Field(
        Kind.READING, description="what it brings: reading, log or order (work orders)", examples=["reading"]
    )
    format: Format | None = Field(
        None,
        description="scalar, json, text, senml, thingsboard, waveform or sparkplug; left out: what the tables of the "
        "source say",
        examples=["json"],
    )
    asset: str | None = Field(
        None, min_length=1, description="the machine, if the topic does not say", examples=["press-4"]
    )
    asset_class: str | None = Field(None, alias="class", description="class of that one machine", examples=["press"])
    channel: str | None = Field(
        None, min_length=1, description="the channel, if the topic does not say", examples=["vib"]
    )
    unit: Annotated[dict[str, str], BeforeValidator(_by_channel)] = Field(
        default_factory=dict,
        description="unit sent, if not that of the class; or a table channel → unit",
        examples=["degF"],
    )
    time_unit: TimeUnit = Field(
        TimeUnit.AUTO, description="how time is written: auto, s, ms, us or iso", examples=["ms"]
    )
    keep_author: bool = Field(default=False, description="keep who wrote a log line", examples=[False])
    opened: list[str] = Field(
        default_factory=lambda: ["opened", "open"],
        min_length=1,
        description="words of `status` that open a work order",
        examples=[["released"]],
    )
    closed: list[str] = Field(
        default_factory=lambda: ["closed", "completed", "done"],
        min_length=1,
        description="words of `status` that close one",
        examples=[["completed"]],
    )
    paths: Json | None = Field(None, alias="json", description="where things lie in JSON", examples=[{}])
    waveform: WaveformTable | None = Field(None, description="what is taken of a waveform", examples=[{}])

    @property
    def effective_format(self) -> Format:
        """The format, said or understood."""
        if self.format is not None:
            return self.format
        if self.waveform is not None:
            return Format.WAVEFORM
        if self.paths is not None or self.kind is Kind.ORDER:
            return Format.JSON
        return Format.SCALAR if self.kind is Kind.READING else Format.TEXT


class Channel(Section):
    """[[class.channel]]: one thing measured on every machine of a class, or derived from others."""

    name: ChannelName = Field(
        description="1 to 64 of A-Z, a-z, 0-9, _, . and -, as in the topic or payload", examples=["vib"]
    )
    unit: str = Field("", max_length=32, description="unit of its limits and of what is shown", examples=["mm/s"])
    component: str = Field("", max_length=64, description="part it watches, in words", examples=["drive-end bearing"])
    condition: bool = Field(default=False, description="an operating condition, not a sign of wear", examples=[True])
    expression: str = Field("", max_length=500, description="how it is derived from others", examples=["flow * head"])
    low_alarm: float | None = Field(None, description="alarm at and below", examples=[0.5])
    low_warning: float | None = Field(None, description="warning at and below", examples=[1.0])
    high_warning: float | None = Field(None, description="warning at and above", examples=[4.5])
    high_alarm: float | None = Field(None, description="alarm at and above", examples=[7.1])
    deadband: float = Field(
        0.0, ge=0, description="an alarm limit is left only so far inside of it, in its unit", examples=[0.2]
    )
    counter: bool = Field(default=False, description="counts up, needs all its digits", examples=[True])


class AssetClass(Section):
    """[[class]]: what is common to all machines of a kind."""

    name: Slug = Field(description=f"name of the class, {SLUG_RULE}", examples=["pump"])
    step_s: float = Field(60.0, gt=0, le=DAY_S, description="seconds per step; one point per channel", examples=[60])
    lateness_s: float = Field(0.0, ge=0, le=DAY_S, description="seconds a reading may come late", examples=[5])
    settle_s: float = Field(
        10.0, ge=0, le=DAY_S, description="seconds without old readings until a buffer is taken to be in", examples=[10]
    )
    flush_s: float = Field(
        600.0, ge=0, le=DAY_S, description="longest wait for the buffer of an outage, in seconds", examples=[600]
    )
    complete: bool = Field(default=False, description="close a step once every channel is in", examples=[True])
    verdict_every: int = Field(1, ge=1, le=10_000, description="steps per verdict", examples=[1])
    baseline_steps: int = Field(
        60, ge=5, le=100_000, description="steps of healthy operation learned first", examples=[60]
    )
    silent_after_s: float = Field(
        600.0, gt=0, description="seconds without a reading until it is silent", examples=[600]
    )
    log_lines: int = Field(3, ge=0, le=10, description="newest log lines the model reads, 0 to 10", examples=[3])
    log_horizon_s: float = Field(7.0 * DAY_S, gt=0, description="seconds after which a line is old", examples=[604800])
    running: str = Field(
        "",
        max_length=500,
        description="condition on its channels that holds while it runs; not judged while it stands",
        examples=["speed > 10"],
    )
    channel: list[Channel] = Field(min_length=1, description="what is measured", examples=[[]])


class SeverityRow(Section):
    """[[alarm.severity]]: what an alarm is called from a risk upwards."""

    risk: float = Field(ge=0, lt=1, description="lowest risk of the row, from 0 up to below 1", examples=[0.8])
    word: Slug = Field(description="what people read", examples=["high"])
    number: int = Field(ge=1, le=1000, description="OPC UA severity, 1 to 1000", examples=[700])


class SeverityWord(Section):
    """[alarm.limit_severity], [alarm.silence_severity] and [alarm.unit_severity]."""

    word: Slug = Field(description="what people read", examples=["critical"])
    number: int = Field(ge=1, le=1000, description="OPC UA severity, 1 to 1000", examples=[900])


class Alarm(Section):
    """[alarm]: how findings become alarms."""

    raise_at: Probability | None = Field(
        None,
        description="risk from which an alarm is raised; left out: what the model was calibrated to",
        examples=[0.6],
    )
    clear_at: Probability | None = Field(
        None, description="risk below which it clears; left out: 0.6 of raise_at", examples=[0.35]
    )
    on_windows: int = Field(2, ge=1, le=1000, description="windows in a row that raise", examples=[2])
    off_windows: int = Field(3, ge=1, le=1000, description="windows in a row that clear", examples=[3])
    limit_on_s: float = Field(0.0, ge=0, description="seconds beyond a hard limit that raise", examples=[0])
    limit_off_s: float = Field(60.0, ge=0, description="seconds within it that clear", examples=[60])
    update_step: float = Field(0.1, gt=0, le=1, description="change of risk worth an update", examples=[0.1])
    ack_required: bool = Field(
        default=True, description="an alarm that has cleared stays open until it is acknowledged", examples=[True]
    )
    latch: list[Literal["risk", "limit", "silence"]] = Field(
        default_factory=list,
        description="kinds that stay active until acknowledged, even when over",
        examples=[["limit"]],
    )
    realarm_s: float = Field(
        28_800.0, ge=0, description="seconds after which an alarm nobody acknowledged is told again; 0: never",
        examples=[28800],
    )  # fmt: skip
    most_raises: int = Field(
        6, ge=1, description="raises of one machine within raises_s; more page nobody, hard limits always do",
        examples=[6],
    )  # fmt: skip
    raises_s: float = Field(3600.0, gt=0, description="seconds most_raises is about", examples=[3600])
    shelve_most_s: float = Field(
        7.0 * DAY_S, gt=0, le=366 * DAY_S, description="longest shelving, in seconds", examples=[604800]
    )
    maintenance_s: float = Field(
        3.0 * DAY_S, gt=0, le=366 * DAY_S, description="seconds an open work order shelves at most", examples=[259200]
    )
    severity: list[SeverityRow] | None = Field(None, min_length=1, description="words by risk", examples=[[]])
    limit_severity: SeverityWord | None = Field(None, description="word for hard limits", examples=[{}])
    silence_severity: SeverityWord | None = Field(None, description="word for silence", examples=[{}])
    unit_severity: SeverityWord | None = Field(
        None, description="word for a channel that comes in another unit", examples=[{}]
    )


class Outputs(Section):
    """[outputs]: what is told once more in the words of a system the plant already watches."""

    home_assistant: Annotated[OutputTopic | None, BeforeValidator(_on_or_off("homeassistant"))] = Field(
        None, description="true, or the discovery prefix where it is not homeassistant; left out: none", examples=[True]
    )
    thingsboard: Annotated[OutputTopic | None, BeforeValidator(_on_or_off("v1/gateway"))] = Field(
        None, description="true, or the topic that stands for v1/gateway, as at a bridge; left out: none",
        examples=[True],
    )  # fmt: skip
    flat: OutputTopic | None = Field(
        None, description="topic of one flat JSON object per alarm revision, as for Node-RED; left out: none",
        examples=["plant/alarms"],
    )  # fmt: skip

    def topics(self) -> Iterator[tuple[str, str]]:
        """Keys, with topics that what they switch on writes to."""
        if self.home_assistant is not None:
            yield "home_assistant", f"{self.home_assistant}/device/x/config"
        if self.thingsboard is not None:
            yield "thingsboard", f"{self.thingsboard}/telemetry"
        if self.flat is not None:
            yield "flat", self.flat


class Sparkplug(Section):
    """[sparkplug]: alarms and risks told as a Sparkplug B edge node, over a connection of its own."""

    group: SparkplugId = Field(description="group of the edge node, one that no [[source]] reads", examples=["pdm"])
    edge_node: SparkplugId | None = Field(
        None, description="its id in the group; left out: the name of the gateway", examples=["gw-hall-3"]
    )


class Store(Section):
    """[store]: the database."""

    path: Path = Field(
        Path("/var/lib/edge-agent/edge-agent.db"),
        description="the SQLite file",
        examples=["/var/lib/edge-agent/edge-agent.db"],
    )
    max_mb: int = Field(1024, ge=16, le=1_000_000, description="how large it may grow, 16 MB at least", examples=[1024])
    readings_days: float = Field(14, gt=0, le=36500, description="days readings are kept", examples=[14])
    verdicts_days: float = Field(30, gt=0, le=36500, description="days verdicts are kept", examples=[30])
    events_days: float = Field(365, gt=0, le=36500, description="days alarms and log lines are kept", examples=[365])
    outbox_messages: int = Field(
        100_000, ge=100, le=10_000_000, description="messages that may wait for the broker; alarms beyond it stay",
        examples=[100000],
    )  # fmt: skip
    outbox_mb: int = Field(128, ge=1, le=100_000, description="the same in MB", examples=[128])
    flash_mb_per_day: float = Field(
        1000.0, gt=0, le=1_000_000, description="MB written to the disk a day; near it commits are grouped longer",
        examples=[1000],
    )  # fmt: skip


class Bundle(Section):
    """[bundle]: the model."""

    path: Path | None = Field(
        None, description="folder of a model bundle; left out: the one that came along", examples=["/opt/models/pump"]
    )
    library: Path | None = Field(
        None,
        description="folder of bundles that the command model-activate may choose from; left out: none",
        examples=["/var/lib/edge-agent/models"],
    )
    cache_texts: int = Field(
        1024, ge=0, le=100_000, description="texts whose verdict is remembered, 1 kB each; 0 is off", examples=[1024]
    )


class Health(Section):
    """[health]: how the agent tells of itself."""

    host: Annotated[str, Field(min_length=1), BeforeValidator(_host)] = Field(
        "127.0.0.1", description="address of /health and /metrics", examples=["127.0.0.1"]
    )
    port: int = Field(0, ge=0, le=65535, description="their port; 0 is off", examples=[9108])
    period_s: float = Field(
        60.0, ge=5, le=3600, description="seconds between health messages, 5 to 3600", examples=[60]
    )


class Log(Section):
    """[log]: what is written to the journal."""

    level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_upper)] = Field(
        "INFO", description="debug, info, warning or error", examples=["info"]
    )
    as_json: bool = Field(default=False, alias="json", description="one JSON object a line", examples=[True])
