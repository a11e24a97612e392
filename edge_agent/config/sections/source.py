"""[[source]] with [source.json] and [source.waveform]: which messages come, and where things lie in them."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from edge_agent.config.sections.section import ChannelName, Section
from edge_agent.core.features import Feature
from edge_agent.core.sources import EVERY, Format, Kind, Waveform
from edge_agent.core.timestamps import TimeUnit


def _by_channel(value: object) -> object:
    """One unit for all channels, or a table of them."""
    return {EVERY: value} if isinstance(value, str) else value


def _rising(band: tuple[float, float]) -> tuple[float, float]:
    if not 0 <= band[0] < band[1]:
        remedy = "write two frequencies in Hz, the lower one first: [80, 120]"
        raise PydanticCustomError("band", "is no band", {"remedy": remedy})
    return band


Band = Annotated[tuple[float, float], AfterValidator(_rising)]


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
