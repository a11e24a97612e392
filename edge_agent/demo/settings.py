"""The configuration of the demo's agent, written as a user would write it: TOML, and nothing made for demos."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from edge_agent.core.topics import Address
from edge_agent.core.types import ClassSpec
from edge_agent.demo.script import LOG_LEVEL, ROW_LEVEL, Script

ADDRESS: Final = Address("demo", "plant", "gateway")
CONFIG_NAME: Final = "edge-agent.toml"
DATABASE_NAME: Final = "edge-agent.db"
HEALTH_S: Final = 5  # the shortest period there is
HIGH_ALARMS: Final = {("compressor", "discharge_temp_c"): 110.0}  # a usual trip limit; not of the failing machine

_HEAD: Final = """\
# Written by `edge-agent demo`; try: edge-agent check-config {config}

[gateway]
tenant = {tenant}
site = {site}
name = {gateway}

[broker]
host = {host}
port = {port}

[store]
path = {database}

[health]
period_s = {health_s}

# Maintenance-log lines: {{"text": "bearing greased", "ts": 1717243200.0, "author": "jm", "order": "WO-1"}}
[[source]]
topic = {log_topic}
kind = "log"
keep_author = false
[source.json]
text = "text"
time = "ts"
author = "author"
order = "order"
"""
_ROWS: Final = """
# All channels of a machine in one message: {{"ts": 1717243200.0, "T2": 518.67, "T24": 641.82}}
[[source]]
topic = {row_topic}
[source.json]
time = "ts"
channels = {{ "*" = "" }}
"""
_READINGS: Final = """
# One reading a message, machine and channel in the topic: {{"v": 2.1, "ts": 1717243200.0}}
[[source]]
topic = {reading_topic}
[source.json]
value = "v"
time = "ts"
"""


def write_settings(config: Path, database: Path, script: Script, host: str, port: int) -> None:
    """Write the configuration file of a script."""
    config.write_text(settings(config, database, script, host, port), encoding="utf-8")


def settings(config: Path, database: Path, script: Script, host: str, port: int) -> str:
    """The text of the configuration file."""
    head = _HEAD.format(
        config=config, tenant=_text(ADDRESS.tenant), site=_text(ADDRESS.site), gateway=_text(ADDRESS.gateway),
        host=_text(host), port=port, database=_text(str(database)), health_s=HEALTH_S,
        log_topic=_text(f"plant/{{asset}}/{LOG_LEVEL}"),
    )  # fmt: skip
    source = (
        _ROWS.format(row_topic=_text(f"plant/{{asset}}/{ROW_LEVEL}"))
        if script.rows
        else _READINGS.format(reading_topic=_text("plant/{asset}/{channel}"))
    )
    classes = {machine.spec.name: machine.spec for machine in script.machines}
    lines = [line for spec in classes.values() for line in _class(spec)]
    assets = [f"{_text(machine.asset)} = {_text(machine.spec.name)}" for machine in script.machines]
    return "\n".join([head + source, *lines, "[assets]", *assets, ""])


def _class(spec: ClassSpec) -> Iterator[str]:
    yield "[[class]]"
    yield f"name = {_text(spec.name)}"
    yield f"step_s = {spec.step_s}"
    if spec.complete:
        yield "complete = true"
    yield f"baseline_steps = {spec.baseline_steps}"
    yield f"silent_after_s = {spec.silent_after_s}"
    if spec.running:
        yield f"running = {_text(spec.running)}"
    for channel in spec.channels:
        yield "[[class.channel]]"
        yield f"name = {_text(channel.name)}"
        if channel.unit:
            yield f"unit = {_text(channel.unit)}"
        if channel.component:
            yield f"component = {_text(channel.component)}"
        if channel.condition:
            yield "condition = true"
        limit = HIGH_ALARMS.get((spec.name, channel.name))
        if limit is not None:
            yield f"high_alarm = {limit}"
    yield ""


def _text(value: str) -> str:
    """A TOML basic string; JSON's escapes are TOML's too (Source: TOML 1.0, strings)."""
    return json.dumps(value, ensure_ascii=False)
