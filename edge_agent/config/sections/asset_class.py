"""[[class]] and [[class.channel]]: what is common to all machines of a kind, and what is measured on them."""

from __future__ import annotations

from pydantic import Field

from edge_agent.config.sections.section import DAY_S, SLUG_RULE, ChannelName, Section, Slug


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
