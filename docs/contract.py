"""The MQTT contract as documents: `docs/asyncapi.yaml` and `docs/schemas/`, made from the payload models.

`python docs/contract.py` writes them (`make docs`); with `--check` it fails where they are stale (`make lint`). Which
topics there are, and which payloads go to them, is the table `CHANNELS`; all else is read off the models and `Address`.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from edge_agent import __version__
from edge_agent.core.commands import REQUESTS, CommandResult
from edge_agent.core.notice import NoticeEvent
from edge_agent.core.outputs.payloads import AlarmsPayload, FlatPayload
from edge_agent.core.topics import Address
from edge_agent.core.wire import CloudEvent, HealthPayload, RiskPayload, StatePayload

DOCS: Final = Path(__file__).resolve().parent
SAMPLES: Final = DOCS.parent / "tests" / "data" / "wire" / "v1"
DOCUMENT: Final = "asyncapi.yaml"
SCHEMAS: Final = "schemas"

PARAMETERS: Final = {
    "tenant": "whose site it is: `tenant` of [gateway]",
    "site": "where it is: `site` of [gateway]",
    "gw": "which gateway: `name` of [gateway]",
    "asset": "the machine: its name in small letters, other characters `-`",
    "id": "the alarm, the same for all revisions of one episode; 16 hexadecimal digits",
    "request_id": "that of the command; one of our own where it had none",
    "flat": "the whole topic, of one level or several: `flat` of [outputs]",
}
_AT: Final = Address("tenant--", "site--", "gw--")  # a level that ends so stands for a parameter


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A payload by its name in the documents."""

    name: str
    model: type[BaseModel]
    summary: str
    taken: bool = False  # whether it is sent to the agent

    @property
    def mode(self) -> Literal["validation", "serialization"]:
        """Which schema of the model holds: what it accepts, or what it writes."""
        return "validation" if self.taken else "serialization"


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A topic of ours and what goes to it."""

    name: str
    topic: str
    messages: tuple[Message, ...]
    retain: bool
    description: str
    qos: int = 1

    @property
    def taken(self) -> bool:
        """Whether it is others who send, and the agent that reads."""
        return all(message.taken for message in self.messages)

    @property
    def operation(self) -> str:
        """What the agent does with it, by name."""
        return f"{'receive' if self.taken else 'send'}-{self.name}"

    @property
    def address(self) -> str:
        """The topic with its parameters, such as `pdm/v1/{tenant}/{site}/{gw}/state`."""
        return re.sub(r"(\w+)--", r"{\1}", self.topic)


ALARM = Message(name="alarm", model=CloudEvent, summary="A transition of an alarm, with all it rests on.")
NOTICE = Message(name="notice", model=NoticeEvent, summary="The agent had to help itself, and goes on.")
RISK = Message(name="risk", model=RiskPayload, summary="The latest risk of a machine.")
STATE = Message(name="state", model=StatePayload, summary="Whether the agent lives.")
HEALTH = Message(name="health", model=HealthPayload, summary="How the agent itself fares.")
ALARMS = Message(name="alarms", model=AlarmsPayload, summary="All alarms of a machine that stand.")
FLAT = Message(name="flat", model=FlatPayload, summary="A revision of an alarm with nothing nested in it.")

RESULT = Message(name="cmd-result", model=CommandResult, summary="What came of a command.")
COMMANDS = tuple(
    Message(name=f"cmd-{name}", model=model, summary=(model.__doc__ or "").strip(), taken=True)
    for name, model in REQUESTS.items()
)

CHANNELS: Final = (
    Channel(
        name="state", topic=_AT.state, messages=(STATE,), retain=True,
        description="Retained: online, stopped (by us) or offline (our will, told by the broker).",
    ),
    Channel(
        name="health", topic=_AT.health, messages=(HEALTH,), retain=True,
        description="Retained, every minute: memory, queues, what was refused or dropped, the bundle, the clock.",
    ),
    Channel(
        name="risk", topic=_AT.risk("asset--"), messages=(RISK,), retain=True,
        description="Retained: the latest risk of a machine, sent when it changes or is 15 minutes old.",
    ),
    Channel(
        name="alarm", topic=_AT.alarm("asset--", "id--"), messages=(ALARM,), retain=True,
        description="Retained while the alarm is open; an empty payload takes it away.",
    ),
    Channel(
        name="alarms", topic=_AT.alarms("asset--"), messages=(ALARMS,), retain=True,
        description=(
            "Retained, with `home_assistant` of [outputs] only: the alarms of a machine that stand, the worst first. "
            "What is shelved or suppressed does not stand."
        ),
    ),
    Channel(
        name="event", topic=_AT.event, messages=(ALARM, NOTICE), retain=False,
        description=(
            "Every transition of every alarm, and notices of the agent itself: look at `type` before `data`. At least "
            "once, the events of one alarm in the order of `rev`; a repeat has the same `id`."
        ),
    ),
    Channel(
        name="history", topic=_AT.history, messages=(ALARM,), retain=False,
        description="Transitions that were over when their data came late; they page nobody.",
    ),
    Channel(
        name="flat", topic="flat--", messages=(FLAT,), retain=False,
        description="With `flat` of [outputs] only: alarms by revision; of one shelved or suppressed, that it is so.",
    ),
    *(
        Channel(
            name=one.name, topic=_AT.cmd(one.name.removeprefix("cmd-")), messages=(one,), retain=False,
            description=f"{one.summary} Not retained; a repeat of a `request_id` is answered again and not done again.",
        )
        for one in COMMANDS
    ),
    Channel(
        name="cmd-result", topic=_AT.cmd_result("request_id--"), messages=(RESULT,), retain=False,
        description="Answers to commands that name no response topic (MQTT 5), which is where the others are answered.",
    ),
)  # fmt: skip


def messages() -> tuple[Message, ...]:
    """Every message once, in the order of the channels."""
    return tuple({message.name: message for channel in CHANNELS for message in channel.messages}.values())


def models() -> tuple[type[BaseModel], ...]:
    """Every payload model, each followed by those that it holds and nobody named before."""
    return tuple(dict.fromkeys(found for message in messages() for found in _with_parts(message.model)))


def _with_parts(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield model
    for field in model.model_fields.values():
        for inner in _models_in(field.annotation):
            yield from _with_parts(inner)


def _models_in(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in getattr(annotation, "__args__", ()):
        yield from _models_in(part)


# ------------------------------------------------------------------------------------------------ schemas


def schema(message: Message) -> dict[str, object]:
    """The JSON Schema of a payload by itself; of one that we send it allows fields that a later version adds."""
    body = _plain(message.model.model_json_schema(mode=message.mode), closed=message.taken)
    assert isinstance(body, dict)  # noqa: S101 - of an object
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:edge-agent:v1:{message.name}",
        **body,
    }


def _plain(part: object, *, closed: bool) -> object:
    """A schema without titles that repeat a field's name; unless `closed` without what only its sender is held to."""
    if isinstance(part, list):
        return [_plain(one, closed=closed) for one in part]
    if not isinstance(part, dict):
        return part
    if not closed and ("properties" in part or "$defs" in part):  # of an object, not a field that is called so
        part = {key: value for key, value in part.items() if key != "additionalProperties"}
    return {
        key: {name: _plain(_untitled(inner), closed=closed) for name, inner in value.items()}
        if key == "properties"
        else _plain(value, closed=closed)
        for key, value in part.items()
    }


def _untitled(field: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in field.items() if key != "title"}


def _schemas() -> dict[str, object]:
    """The schemas of all payloads by the names of their models."""
    found: dict[str, object] = {}
    for taken in (False, True):
        group = [(message.model, message.mode) for message in messages() if message.taken is taken]
        _, together = models_json_schema(group, ref_template="#/components/schemas/{model}")
        plain = _plain(together["$defs"], closed=taken)
        assert isinstance(plain, dict)  # noqa: S101 - names of schemas
        found |= plain
    return found


# ------------------------------------------------------------------------------------------------ the document


def document() -> dict[str, object]:
    """The AsyncAPI 3.0 document. Source: asyncapi.com specification 3.0.0, MQTT bindings 0.2.0."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "edge-agent",
            "version": __version__,
            "description": (
                "What the agent publishes over MQTT 5 or 3.1.1, and the commands it takes. Payloads are JSON; fields "
                "may be added, none is removed or changes its type while the topics begin with pdm/v1, so ignore what "
                "you do not know. Readings and log lines come in free form: their topics and fields are mapped in its "
                "configuration. What it says in formats of others is described by them, and by docs/outputs.md (Home "
                "Assistant's discovery, ThingsBoard's gateway API) and docs/sparkplug.md (Sparkplug B)."
            ),
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "broker": {
                "host": "{host}:{port}",
                "protocol": "mqtt",
                "protocolVersion": "5.0",
                "description": "The operator's broker; 3.1.1 works as well, TLS where it is configured.",
                "variables": {"host": {"default": "localhost"}, "port": {"default": "1883"}},
            }
        },
        "channels": {channel.name: _channel(channel) for channel in CHANNELS},
        "operations": {channel.operation: _operation(channel) for channel in CHANNELS},
        "components": {
            "messages": {message.name: _message(message) for message in messages()},
            "schemas": _schemas(),
            "parameters": {name: {"description": meaning} for name, meaning in PARAMETERS.items()},
        },
    }


def _channel(channel: Channel) -> dict[str, object]:
    names = re.findall(r"\{(\w+)\}", channel.address)
    return {
        "address": channel.address,
        "description": channel.description,
        "messages": {one.name: {"$ref": f"#/components/messages/{one.name}"} for one in channel.messages},
        "parameters": {name: {"$ref": f"#/components/parameters/{name}"} for name in names},
    }


def _operation(channel: Channel) -> dict[str, object]:
    here = f"#/channels/{channel.name}"
    answer = f"#/channels/{RESULT.name}"
    replied = {"channel": {"$ref": answer}, "messages": [{"$ref": f"{answer}/messages/{RESULT.name}"}]}
    return {
        "action": "receive" if channel.taken else "send",
        "channel": {"$ref": here},
        "summary": channel.description,
        "messages": [{"$ref": f"{here}/messages/{one.name}"} for one in channel.messages],
        "bindings": {"mqtt": {"qos": channel.qos, "retain": channel.retain, "bindingVersion": "0.2.0"}},
        **({"reply": replied} if channel.taken else {}),
    }


def _message(message: Message) -> dict[str, object]:
    sample = json.loads((SAMPLES / f"{message.name}.json").read_text(encoding="utf-8"))
    return {
        "name": message.name,
        "title": message.model.__name__,
        "summary": message.summary,
        "contentType": "application/json",
        "payload": {"$ref": f"#/components/schemas/{message.model.__name__}"},
        "examples": [{"name": f"{message.name}-sample", "payload": sample}],
    }


# ------------------------------------------------------------------------------------------------ YAML

_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./-]+)*")
_TAKEN: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})  # YAML 1.1 and 1.2


def yaml(value: object, indent: str = "") -> str:
    """A JSON value as YAML in block style; strings that could be read as something else are quoted as JSON."""
    if isinstance(value, dict) and value:
        return "".join(f"\n{indent}{_scalar(key)}:{yaml(inner, indent + '  ')}" for key, inner in value.items())
    if isinstance(value, list) and value:
        return "".join(f"\n{indent}-{_item(inner, indent + '  ')}" for inner in value)
    return f" {_scalar(value)}"


def _item(value: object, indent: str) -> str:
    text = yaml(value, indent)
    return " " + text.lstrip() if isinstance(value, dict | list) else text


def _scalar(value: object) -> str:
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _TAKEN:
        return value
    return json.dumps(value, ensure_ascii=False)


# ------------------------------------------------------------------------------------------------ files


def files() -> dict[Path, str]:
    """Every document by its path under `docs/`."""
    head = "# Made by docs/contract.py from the payload models: change those, then `make docs`.\n"
    found = {Path(DOCUMENT): head + yaml(document()).lstrip("\n") + "\n"}
    for message in messages():
        text = json.dumps(schema(message), indent=2, ensure_ascii=False)
        found[Path(SCHEMAS) / f"{message.name}.schema.json"] = text + "\n"
    return found


def stale(folder: Path = DOCS) -> list[Path]:
    """Documents that are not what the models say now: to be written, or to be taken away."""
    wanted = files()
    there = {path.relative_to(folder): path.read_text(encoding="utf-8") for path in _there(folder)}
    return sorted(path for path in {*wanted, *there} if wanted.get(path) != there.get(path))


def write(folder: Path = DOCS) -> None:
    """Write them all; one that nothing makes any more is removed."""
    for path in _there(folder):
        path.unlink()
    for path, text in files().items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")


def _there(folder: Path) -> list[Path]:
    return [path for path in (folder / DOCUMENT, *sorted((folder / SCHEMAS).glob("*.json"))) if path.exists()]


def main() -> int:
    """Write or check; the exit code."""
    if sys.argv[1:] != ["--check"]:
        write()
        return 0
    found = stale()
    for path in found:
        sys.stderr.write(f"Error: docs/{path} is not what the payload models say\nTry: make docs\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
