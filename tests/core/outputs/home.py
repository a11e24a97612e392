"""What Home Assistant makes of our messages: the recorded schema of its discovery, and its templates by Jinja."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import fastjsonschema
from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

SCHEMA = Path(__file__).parents[2] / "data" / "home-assistant" / "device-discovery.schema.json"
_accept = fastjsonschema.compile(json.loads(SCHEMA.read_text(encoding="utf-8")))
_templates = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)


def discovered(payload: bytes) -> dict[str, Any]:
    """The entities of a device by key, each with what is common to all.

    Raises:
        JsonSchemaValueException: Home Assistant would not take the message as it is meant.
    """
    device = json.loads(payload)
    _accept(device)
    common = {"availability": device["availability"], "device": device["dev"]}
    return {key: {**common, **entity} for key, entity in device["cmps"].items()}


def rendered(template: str, payload: bytes) -> str:
    """A value template over the payload of a state topic."""
    return _templates.from_string(template).render(value_json=json.loads(payload))


def state(entity: Mapping[str, Any], retained: Mapping[str, bytes]) -> str | None:
    """What an entity shows, given what is retained; None where its topic holds nothing yet."""
    for way in entity["availability"]:
        alive = retained.get(way["topic"])
        if alive is None or rendered(way["value_template"], alive) != way["payload_available"]:
            return "unavailable"
    payload = retained.get(entity["state_topic"])
    return rendered(entity["value_template"], payload) if payload else None
