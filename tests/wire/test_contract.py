"""The documents of the contract say what the code sends; the AsyncAPI parser reads them."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

import edge_agent.core
from docs import contract
from edge_agent.core.commands import REQUESTS, Command, command
from edge_agent.core.properties import Reply
from tests.node import run_node
from tests.wire import samples

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / contract.DOCUMENT
SENT = samples.by_channel()
MESSAGES = contract.messages()
SENDING = [channel for channel in contract.CHANNELS if not channel.taken]


def parser_says(document: str) -> str:
    """What the AsyncAPI parser prints of a document; skips the test without it, but fails it in CI."""
    return run_node(Path(__file__).with_name("asyncapi.cjs"), "@asyncapi/parser", document)


def test_the_asyncapi_parser_reads_the_document_without_a_word() -> None:
    assert parser_says(DOCUMENT.read_text(encoding="utf-8")) == (
        f"read: {len(contract.CHANNELS)} channels, {len(MESSAGES)} messages, {len(MESSAGES)} examples\n"
    )


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("action: send", "action: shout", "asyncapi"),
        ("severity_number: 700", 'severity_number: "700"', "severity_number"),
        ("#/components/messages/health", "#/components/messages/wealth", "wealth"),
    ],
)
def test_a_document_that_is_wrong_is_found(right: str, wrong: str, said: str) -> None:
    """An action that there is not, an example that its schema refuses, a reference to nothing."""
    text = DOCUMENT.read_text(encoding="utf-8")

    assert right in text
    assert said in parser_says(text.replace(right, wrong, 1))


def test_the_documents_are_fresh_and_a_stale_one_is_noticed(tmp_path: Path) -> None:
    assert contract.stale() == []
    contract.write(tmp_path)
    assert contract.stale(tmp_path) == []
    changed = tmp_path / "schemas" / "risk.schema.json"
    changed.write_text(changed.read_text(encoding="utf-8").replace("number", "string"), encoding="utf-8")
    (tmp_path / "schemas" / "gone.schema.json").write_text("{}", encoding="utf-8")

    assert list(map(str, contract.stale(tmp_path))) == ["schemas/gone.schema.json", "schemas/risk.schema.json"]


# ------------------------------------------------------------------------------------------------ what is sent


@pytest.mark.parametrize("channel", SENDING, ids=lambda channel: channel.name)
def test_a_channel_has_the_topic_the_qos_and_the_retention_that_are_sent(channel: contract.Channel) -> None:
    pattern = re.sub(r"\\\{\w+\\\}", "[a-z0-9_-]+", re.escape(channel.address))

    for message in SENT[channel.name]:
        assert re.fullmatch(pattern, message.topic)
        assert (message.qos, message.retain) == (channel.qos, channel.retain)


@pytest.mark.parametrize("channel", SENDING, ids=lambda channel: channel.name)
def test_what_is_sent_to_a_channel_is_one_of_its_messages_and_each_is_sent(channel: contract.Channel) -> None:
    found = {one.name for sent in SENT[channel.name] for one in channel.messages if accepts(one.model, sent.payload)}

    assert found == {one.name for one in channel.messages}
    assert all(any(accepts(one.model, sent.payload) for one in channel.messages) for sent in SENT[channel.name])


@pytest.mark.parametrize("name", REQUESTS)
def test_a_command_of_the_contract_is_taken(name: str) -> None:
    """Its channel is a topic that is read as this command, and its sample one that can be carried out."""
    [channel] = [one for one in contract.CHANNELS if one.name == f"cmd-{name}"]
    address = samples.ORIGIN.address
    topic = channel.address.format(tenant=address.tenant, site=address.site, gw=address.gateway)

    assert address.command_in(topic) == name
    assert isinstance(
        command(name, samples.payloads()[channel.name], Reply(), received=samples.AT, via="mqtt"), Command
    )


def accepts(model: type[BaseModel], payload: bytes) -> bool:
    """Whether a payload is one of a model."""
    try:
        model.model_validate_json(payload)
    except ValidationError:
        return False
    return True


def test_every_payload_model_of_the_core_is_in_the_contract() -> None:
    """A model that is in no channel of `docs/contract.py` would be sent or taken and stand in no document."""
    modules = [
        importlib.import_module(one.name)
        for one in pkgutil.walk_packages(edge_agent.core.__path__, f"{edge_agent.core.__name__}.")
    ]
    defined = {
        value
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, BaseModel) and value.__module__ == module.__name__
        and not name.startswith("_")
    }  # fmt: skip

    bases = {base for model in defined for base in model.__mro__[1:]}

    assert defined - bases == set(contract.models())


def test_the_page_names_every_topic_and_links_the_documents() -> None:
    page = (ROOT / "docs" / "wire.md").read_text(encoding="utf-8")

    assert [channel.address for channel in contract.CHANNELS if channel.address not in page] == []
    assert "(asyncapi.yaml)" in page
    assert [m.name for m in MESSAGES if f"(schemas/{m.name}.schema.json)" not in page] == []


def test_a_schema_lets_a_reader_take_fields_that_a_later_version_adds() -> None:
    """But says to whoever sends commands that fields we do not know are refused."""
    for message in MESSAGES:
        text = json.dumps(contract.schema(message))
        assert ('"additionalProperties": false' in text) is message.taken
        assert message.model.model_json_schema()["title"] == message.model.__name__


# ------------------------------------------------------------------------------------------------ YAML


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain words", " plain words"),
        ("yes", ' "yes"'),
        ("null", ' "null"'),
        ("1.0", ' "1.0"'),
        ("a: b #c", ' "a: b #c"'),
        ("", ' ""'),
        (None, " null"),
        (True, " true"),
        ([], " []"),
        ({}, " {}"),
        ([1, "a"], "\n- 1\n- a"),
        ([{"a": 1, "b": [2]}], "\n- a: 1\n  b:\n    - 2"),
        ({"a": {"b": "c"}}, "\na:\n  b: c"),
    ],
)
def test_yaml_says_what_json_says(value: object, text: str) -> None:
    assert contract.yaml(value) == text
