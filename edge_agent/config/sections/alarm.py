"""[alarm] and its severities: how findings become alarms, and what those are called."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from edge_agent.config.sections.section import DAY_S, Section, Slug

Probability = Annotated[float, Field(gt=0, lt=1)]


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
