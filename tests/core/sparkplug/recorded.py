"""The bytes of tests/data/sparkplug/payloads.json: what sparkplug-payload 1.0.3 made of what stands beside them."""

from __future__ import annotations

import json
from pathlib import Path

from edge_agent.core.sparkplug.payload import DataType, Metric

RECORDED = Path(__file__).parents[2] / "data" / "sparkplug" / "payloads.json"
NAMES = {name.replace("_", ""): kind for name, kind in DataType.__members__.items()}


def recorded() -> dict[str, tuple[dict[str, object], bytes]]:
    """Name → the payload as it was said to sparkplug-payload, and its bytes."""
    found = json.loads(RECORDED.read_text(encoding="utf-8"))
    return {name: (one["payload"], bytes.fromhex(one["bytes"])) for name, one in found.items()}


def as_metric(said: dict[str, object]) -> Metric:
    """A metric as it was said to sparkplug-payload, in our words."""
    value = said.get("value")
    kind = NAMES[str(said["type"]).upper()]
    if kind in {DataType.INT64, DataType.UINT64} and isinstance(value, str):
        value = int(value)
    unread = isinstance(value, dict | list)
    return Metric(
        name=said.get("name"),  # type: ignore[arg-type]  # of JSON that was written for it
        alias=said.get("alias"),  # type: ignore[arg-type]
        timestamp=said.get("timestamp"),  # type: ignore[arg-type]
        datatype=kind,
        is_historical=bool(said.get("isHistorical")),
        is_transient=bool(said.get("isTransient")),
        is_null=value is None,
        value=None if unread else value,  # type: ignore[arg-type]
    )
