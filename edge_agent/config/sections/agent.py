"""The agent itself: who it is, what it keeps, which model judges, how it tells of itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from edge_agent.config.sections.section import SLUG_RULE, Host, Section, Slug


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


class Gateway(Section):
    """[gateway]: who this is, and how much it may take in."""

    tenant: Slug = Field(description=f"whose gateway it is, {SLUG_RULE}", examples=["acme"])
    site: Slug = Field(description=f"where it stands, {SLUG_RULE}", examples=["plant-1"])
    name: Slug = Field(description=f"its own name, unique in the site, {SLUG_RULE}", examples=["gw-hall-3"])
    max_assets: int = Field(
        10_000, ge=1, le=1_000_000, description="machines known at most; more are refused and counted", examples=[10000]
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

    host: Host = Field("127.0.0.1", description="address of /health and /metrics", examples=["127.0.0.1"])
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
