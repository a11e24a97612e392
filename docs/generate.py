"""The generated parts of the documentation, printed by cog (`make docs`); `make lint` fails when they are stale."""

from __future__ import annotations

from typing import get_args

import click
import contract
from pydantic import BaseModel

from edge_agent.cli import cli
from edge_agent.config.model import Config
from edge_agent.core.alarm import TRANSITIONS
from edge_agent.metrics import Metrics


def alarm_diagram() -> str:
    """The transition table of an alarm condition as a Mermaid diagram."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for (phase, signal), target in TRANSITIONS.items():
        arrows.setdefault((phase, target), []).append(signal)
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> normal"]
    lines += [f"    {phase} --> {target}: {' / '.join(signals)}" for (phase, target), signals in arrows.items()]
    lines += [
        "    rising --> active: on-delay over, raised",
        "    falling --> normal: off-delay over, cleared",
        "    falling --> latched: off-delay over, latching and not acknowledged",
        "    latched --> normal: acknowledged, cleared",
        "```",
    ]
    return "\n".join(lines)


def cli_reference() -> str:
    """`--help` of every command, those of a group behind it."""
    return "\n".join(_help(cli, "edge-agent"))


def _help(command: click.Command, name: str) -> list[str]:
    with click.Context(command, info_name=name, max_content_width=100, terminal_width=100) as own:
        text = "\n".join(line.rstrip() for line in command.get_help(own).splitlines())
        parts = [f"## {name}\n\n```\n{text}\n```\n"]
        if isinstance(command, click.Group):
            for inner in command.list_commands(own):
                found = command.get_command(own, inner)
                assert found is not None  # noqa: S101 - a command of the list
                parts += _help(found, f"{name} {inner}")
    return parts


def config_reference() -> str:
    """Every table and key of the configuration with its default and meaning."""
    parts: list[str] = []
    _table(Config, "", parts)
    return "\n".join(parts)


def _table(model: type[BaseModel], name: str, parts: list[str]) -> None:
    nested: list[tuple[str, type[BaseModel]]] = []
    rows = []
    for key, field in model.model_fields.items():
        written = field.alias or {"classes": "class"}.get(key, key)
        inner = _model_in(field.annotation)
        if inner is not None:
            nested.append((f"{name}.{written}".lstrip("."), inner))
            continue
        default = "required" if field.is_required() else f"`{field.get_default(call_default_factory=True)}`"
        rows.append(f"| `{written}` | {default} | {field.description or ''} |")
    if rows:
        parts.append(
            f"## [{name}]\n\n| key | default | meaning |\n|---|---|---|"
            if name
            else "## top level\n\n| key | default | meaning |\n|---|---|---|"
        )
        parts += [*rows, ""]
    for inner_name, inner_model in nested:
        _table(inner_model, inner_name, parts)


def _model_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for part in get_args(annotation) if (model := _model_in(part)) is not None), None)


def metrics_reference() -> str:
    """Every metric."""
    rows = ["| metric | meaning |", "|---|---|"]
    rows += [f"| `{family.name}` | {family.documentation} |" for family in Metrics().registry.collect()]
    return "\n".join(rows)


def channel_reference() -> str:
    """Every topic, who sends to it, how, and the schemas of its payloads."""
    rows = ["| topic | the agent | QoS | payload |", "|---|---|---|---|"]
    for channel in contract.CHANNELS:
        does = "takes" if channel.taken else "sends, retained" if channel.retain else "sends"
        links = ", ".join(f"[{one.name}](schemas/{one.name}.schema.json)" for one in channel.messages)
        rows.append(f"| `{channel.address}` | {does} | {channel.qos} | {links} |")
    return "\n".join(rows)


def payload_reference() -> str:
    """Every payload model with its fields."""
    parts = []
    for model in contract.models():
        doc = (model.__doc__ or "").strip().splitlines()[0]
        parts.append(f"### {model.__name__}\n\n{doc}\n\n| field | type | meaning |\n|---|---|---|")
        schema = model.model_json_schema(mode="serialization")
        parts += [
            f"| `{name}` | {_type_of(part)} | {part.get('description', '')} |"
            for name, part in schema["properties"].items()
        ]
        parts.append("")
    return "\n".join(parts)


def _type_of(part: dict[str, object]) -> str:
    options = part.get("anyOf")
    if isinstance(options, list):
        return " or ".join(_type_of(option) for option in options)
    if "$ref" in part:
        return str(part["$ref"]).rsplit("/", 1)[-1]
    if "const" in part:
        return f"`{part['const']}`"
    if "enum" in part:
        return ", ".join(f"`{value}`" for value in part["enum"]) if isinstance(part["enum"], list) else "enum"
    return str(part.get("type", "any"))
