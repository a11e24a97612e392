"""[outputs] and [sparkplug]: alarms and risks in the words of systems that the plant already watches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated

from pydantic import BeforeValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from edge_agent.config.sections.section import Section
from edge_agent.core.topics import TopicTemplate

SparkplugId = Annotated[str, StringConstraints(pattern=r"^[^+#/\x00-\x1f\x7f]{1,64}$")]


def _output_topic(value: object) -> object:
    """Refuse what nobody can publish to, and our own branch."""
    if not isinstance(value, str):
        return value
    remedy = "write a topic without wildcards of a branch of its own, such as plant/alarms"
    try:
        plain = TopicTemplate(value).subscription() == value and not set(value) & set("+#")
    except ValueError:
        plain = False
    if not plain or value.startswith("$"):
        raise PydanticCustomError("topic", "is no topic to publish to", {"remedy": remedy})
    if value.startswith("pdm/"):
        raise PydanticCustomError("topic", "is where the agent says what it says anyway", {"remedy": remedy})
    return value


def _on_or_off(usual: str) -> Callable[[object], object]:
    """Let `true` stand for the usual topic and `false` for none; the environment knows text only."""

    def topic(value: object) -> object:
        if value is True or value == "true":
            return usual
        return None if value is False or value == "false" else value

    return topic


OutputTopic = Annotated[str, BeforeValidator(_output_topic)]


class Outputs(Section):
    """[outputs]: what is told once more in the words of a system the plant already watches."""

    home_assistant: Annotated[OutputTopic | None, BeforeValidator(_on_or_off("homeassistant"))] = Field(
        None, description="true, or the discovery prefix where it is not homeassistant; left out: none", examples=[True]
    )
    thingsboard: Annotated[OutputTopic | None, BeforeValidator(_on_or_off("v1/gateway"))] = Field(
        None, description="true, or the topic that stands for v1/gateway, as at a bridge; left out: none",
        examples=[True],
    )  # fmt: skip
    flat: OutputTopic | None = Field(
        None, description="topic of one flat JSON object per alarm revision, as for Node-RED; left out: none",
        examples=["plant/alarms"],
    )  # fmt: skip

    def topics(self) -> Iterator[tuple[str, str]]:
        """Keys, with topics that what they switch on writes to."""
        if self.home_assistant is not None:
            yield "home_assistant", f"{self.home_assistant}/device/x/config"
        if self.thingsboard is not None:
            yield "thingsboard", f"{self.thingsboard}/telemetry"
        if self.flat is not None:
            yield "flat", self.flat


class Sparkplug(Section):
    """[sparkplug]: alarms and risks told as a Sparkplug B edge node, over a connection of its own."""

    group: SparkplugId = Field(description="group of the edge node, one that no [[source]] reads", examples=["pdm"])
    edge_node: SparkplugId | None = Field(
        None, description="its id in the group; left out: the name of the gateway", examples=["gw-hall-3"]
    )
