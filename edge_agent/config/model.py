"""The whole configuration as one frozen value, and what it means to the core: specs, sources, policy."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from edge_agent.config.sections.agent import Bundle, Gateway, Health, Log, Store
from edge_agent.config.sections.alarm import Alarm, SeverityWord
from edge_agent.config.sections.asset_class import AssetClass, Channel
from edge_agent.config.sections.broker import Broker
from edge_agent.config.sections.outputs import Outputs, Sparkplug
from edge_agent.config.sections.source import Source
from edge_agent.core.identity import slug
from edge_agent.core.sources import Catalogue, Paths, SourceSpec, Target, Waveform
from edge_agent.core.topics import Address, TopicTemplate, subscriptions
from edge_agent.core.types import AlarmPolicy, ChannelSpec, ClassSpec, Limits, Severity

ENV_PREFIX = "EDGE_AGENT__"
ENV_DELIMITER = "__"
WRITTEN_AS = {"classes": "class"}  # in TOML every array of tables is named in the singular; `class` is a word of Python


class Config(BaseSettings):
    """Everything the file and the environment say; the environment counts more."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        env_nested_delimiter=ENV_DELIMITER,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    gateway: Gateway = Field(description="who this is", examples=[{}])
    broker: Broker = Field(description="the MQTT broker", examples=[{}])
    source: Annotated[list[Source], Field(min_length=1)] = Field(description="what to listen to", examples=[[]])
    classes: Annotated[list[AssetClass], Field(min_length=1)] = Field(description="kinds of machines", examples=[[]])
    assets: dict[str, str] = Field(
        default_factory=dict, description="glob on machine ids → class; the first that fits counts", examples=[{}]
    )
    alarm: Alarm = Field(default_factory=Alarm, description="how findings become alarms", examples=[{}])
    outputs: Outputs = Field(
        default_factory=Outputs, description="what is told once more in the words of other systems", examples=[{}]
    )
    sparkplug: Sparkplug | None = Field(
        None, description="alarms and risks as a Sparkplug B edge node; left out: none", examples=[{}]
    )
    store: Store = Field(default_factory=Store, description="the database", examples=[{}])
    bundle: Bundle = Field(default_factory=Bundle, description="the model", examples=[{}])
    health: Health = Field(default_factory=Health, description="how the agent tells of itself", examples=[{}])
    log: Log = Field(default_factory=Log, description="what is written to the journal", examples=[{}])

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature of the base class
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment before the file, and no other place."""
        return env_settings, init_settings

    @property
    def address(self) -> Address:
        """The topics of this gateway."""
        return Address(self.gateway.tenant, self.gateway.site, self.gateway.name)

    @property
    def client_id(self) -> str:
        """The MQTT client id."""
        return self.broker.client_id or f"edge-agent-{self.gateway.name}"

    @property
    def sparkplug_node(self) -> str:
        """The id of our own Sparkplug edge node."""
        return (self.sparkplug.edge_node if self.sparkplug is not None else None) or self.gateway.name

    @cached_property
    def catalogue(self) -> Catalogue:
        """Which asset is of which class: machines named by a source, then the globs of [assets]."""
        named = {slug(s.asset): s.asset_class for s in self.source if s.asset and s.asset_class}
        return Catalogue(
            classes={**named, **{glob: name for glob, name in self.assets.items() if glob not in named}},
            channels={
                c.name: {m.name: Target(unit=m.unit, counter=m.counter) for m in c.channel if not m.expression}
                for c in self.classes
            },
        )

    def asset_class(self, asset: str) -> str | None:
        """The class of an asset id; None where nothing gives it one."""
        return self.catalogue.asset_class(asset)

    def class_specs(self) -> dict[str, ClassSpec]:
        """The classes by name."""
        return {c.name: _class_spec(c) for c in self.classes}

    def sources(self) -> tuple[SourceSpec, ...]:
        """The sources, in the order in which they are tried."""
        return tuple(_source_spec(s, self.catalogue) for s in self.source)

    def subscriptions(self) -> tuple[str, ...]:
        """The topic filters of commands and sources, those covered by others left out."""
        return subscriptions(TopicTemplate(topic) for topic in (self.address.commands, *(s.topic for s in self.source)))

    def policy(self) -> AlarmPolicy:
        """How findings become alarms."""
        a, usual = self.alarm, AlarmPolicy()
        return AlarmPolicy(
            raise_at=a.raise_at,
            clear_at=a.clear_at,
            on_windows=a.on_windows,
            off_windows=a.off_windows,
            limit_on_s=a.limit_on_s,
            limit_off_s=a.limit_off_s,
            update_step=a.update_step,
            ack_required=a.ack_required,
            latch=tuple(sorted(set(a.latch))),
            realarm_s=a.realarm_s,
            most_raises=a.most_raises,
            raises_s=a.raises_s,
            shelve_most_s=a.shelve_most_s,
            maintenance_s=a.maintenance_s,
            severities=usual.severities
            if a.severity is None
            else tuple(Severity(risk=row.risk, word=row.word, number=row.number) for row in a.severity),
            limit_severity=_severity(a.limit_severity, usual.limit_severity),
            silence_severity=_severity(a.silence_severity, usual.silence_severity),
            unit_severity=_severity(a.unit_severity, usual.unit_severity),
        )


def _severity(written: SeverityWord | None, usual: Severity) -> Severity:
    return usual if written is None else Severity(risk=usual.risk, word=written.word, number=written.number)


def _class_spec(c: AssetClass) -> ClassSpec:
    return ClassSpec(
        name=c.name,
        channels=tuple(_channel_spec(channel) for channel in c.channel),
        step_s=c.step_s,
        lateness_s=c.lateness_s,
        settle_s=c.settle_s,
        flush_s=c.flush_s,
        complete=c.complete,
        verdict_every=c.verdict_every,
        baseline_steps=c.baseline_steps,
        silent_after_s=c.silent_after_s,
        log_lines=c.log_lines,
        log_horizon_s=c.log_horizon_s,
        running=c.running,
    )


def _channel_spec(c: Channel) -> ChannelSpec:
    limits = Limits(
        low_alarm=c.low_alarm,
        low_warning=c.low_warning,
        high_warning=c.high_warning,
        high_alarm=c.high_alarm,
        deadband=c.deadband,
    )
    return ChannelSpec(
        name=c.name,
        unit=c.unit,
        component=c.component,
        limits=limits,
        condition=c.condition,
        expression=c.expression,
    )


def _source_spec(s: Source, catalogue: Catalogue) -> SourceSpec:
    paths = Paths()
    if s.paths is not None:
        plain = s.paths.model_dump(exclude={"channels"})
        paths = Paths(**plain, channels=tuple(s.paths.channels.items()))
    return SourceSpec(
        topic=s.topic,
        kind=s.kind,
        format=s.effective_format,
        asset=s.asset or "",
        asset_class=s.asset_class or "",
        channel=s.channel or "",
        units=tuple(s.unit.items()),
        time_unit=s.time_unit,
        keep_author=s.keep_author,
        paths=paths,
        opened=tuple(word.lower() for word in s.opened),
        closed=tuple(word.lower() for word in s.closed),
        waveform=Waveform() if s.waveform is None else s.waveform.spec(),
        catalogue=catalogue,
    )
