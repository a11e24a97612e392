"""Commands to the agent: what may be asked, checked field by field, and what is answered (DESIGN §6, `cmd/{name}`).

A command is as hostile as any input: what is not known is refused with a reason, and nothing in it decides to whom or
where an alarm goes. Its answer goes where MQTT 5 says, but never onto our own topics or the broker's.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, ClassVar, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from edge_agent.core.identity import digest
from edge_agent.core.properties import Reply
from edge_agent.core.shelving import ALL, MAX_AHEAD_S
from edge_agent.core.timestamps import parse_time
from edge_agent.core.topics import Address, TopicTemplate
from edge_agent.core.types import CommandRecord

MAX_PAYLOAD: Final = 16 * 1024
_Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]
_Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")]
_Level = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,64}$")]
_Kind = Annotated[str, StringConstraints(pattern=r"^(\*|risk|silence|(limit|unit):[A-Za-z0-9_][A-Za-z0-9_.-]{0,63})$")]


class Label(StrEnum):
    """What an acknowledgement says of the alarm: kept, exported, and learned from."""

    REAL = "real"
    FALSE = "false"
    KNOWN = "known"
    PLANNED = "planned"


class Request(BaseModel):
    """What every command may say of itself."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    command: ClassVar[str]
    version: Literal[1] = 1
    request_id: _Level | None = Field(
        None, description="makes a repeat harmless; left out: each message is a new request"
    )
    time: str | float | None = Field(None, description="when it was ordered: ISO 8601 or Unix seconds")
    actor: Annotated[str, StringConstraints(strip_whitespace=True, max_length=64)] = Field(
        "", description="who orders it"
    )
    comment: _Line = Field("", description="why")


class AckRequest(Request):
    """Acknowledge an alarm."""

    command: ClassVar[str] = "ack"
    alarm: _Id = Field(description="id of the alarm")
    label: Label | None = Field(None, description="what it was: real, false, known or planned")


class Targeted(Request):
    """About one alarm, or about a kind of alarm of an asset."""

    alarm: _Id | None = Field(None, description="id of an alarm: its asset and kind")
    asset: _Level | None = Field(None, description="or an asset")
    kind: _Kind = Field(ALL, description="and a kind: risk, silence, limit:<channel>; `*` is all but hard limits")

    @model_validator(mode="after")
    def _one_target(self) -> Targeted:
        if (self.alarm is None) == (self.asset is None):
            message = "name an alarm, or an asset"
            raise ValueError(message)
        return self


class ShelveRequest(Targeted):
    """Let it page nobody for a while."""

    command: ClassVar[str] = "shelve"
    duration_s: float = Field(gt=0, le=366 * 86400, description="seconds, from when it was ordered")


class UnshelveRequest(Targeted):
    """End a shelving."""

    command: ClassVar[str] = "unshelve"


class SuppressRequest(Targeted):
    """Let it page nobody until that is taken back."""

    command: ClassVar[str] = "suppress"


class UnsuppressRequest(Targeted):
    """Take a suppression back."""

    command: ClassVar[str] = "unsuppress"


class BaselineResetRequest(Request):
    """Learn an asset's normal anew."""

    command: ClassVar[str] = "baseline-reset"
    asset: _Level = Field(description="the asset")


class ReloadRequest(Request):
    """Read the configuration file again."""

    command: ClassVar[str] = "reload"


class ModelActivateRequest(Request):
    """Judge with another bundle that lies on the gateway."""

    command: ClassVar[str] = "model-activate"
    bundle: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}$")] = Field(
        description="name of its folder below [bundle] library"
    )


class AskRequest(Request):
    """Say in plain words how a machine is."""

    command: ClassVar[str] = "ask"
    asset: _Level = Field(description="the asset")


REQUESTS: Final[dict[str, type[Request]]] = {
    model.command: model
    for model in (
        AckRequest, ShelveRequest, UnshelveRequest, SuppressRequest, UnsuppressRequest, BaselineResetRequest,
        ReloadRequest, ModelActivateRequest, AskRequest,
    )
}  # fmt: skip


class CommandResult(BaseModel):
    """What came of a command, published where it asks for it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    version: Literal[1] = 1
    request_id: str
    command: str
    accepted: bool
    answer: str = Field(description="one word: done, already, or why not")
    detail: str = Field(description="the same in a sentence")
    time: str = Field(description="wall clock")
    alarm: str = ""
    asset: str = ""
    text: str = Field("", description="answer to `ask`")


@dataclass(frozen=True, slots=True)
class Command:
    """A command that may be carried out."""

    name: str
    request: Request
    request_id: str
    issued: float  # wall clock; never far ahead of ours
    received: float
    via: str  # `mqtt` or `local`
    reply: Reply
    payload: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A command that cannot even be read, and what to answer."""

    name: str
    request_id: str
    answer: str
    detail: str
    reply: Reply


def command(name: str, payload: bytes, reply: Reply, *, received: float, via: str) -> Command | Refusal:
    """The command in a payload, or why there is none; `received` is the wall clock now.

    A command without a `request_id` gets one of its own, which a repeat does not share.
    """
    anonymous = digest(via, name, payload.hex(), f"{received:.6f}")
    model = REQUESTS.get(name)
    if model is None:
        known = ", ".join(sorted(REQUESTS))
        return Refusal(name, anonymous, "unknown_command", f"there is no command {name!r}; there are {known}", reply)
    if len(payload) > MAX_PAYLOAD:
        detail = f"{len(payload)} bytes; a command may have {MAX_PAYLOAD}"
        return Refusal(name, anonymous, "too_large", detail, reply)
    try:
        request = model.model_validate_json(payload if payload.strip() else b"{}")
    except ValidationError as error:
        return Refusal(name, anonymous, "invalid", _said(error), reply)
    issued: float | None = received
    if request.time is not None:
        issued = parse_time(request.time)
    if issued is None:
        detail = f"time {request.time!r} is neither ISO 8601 nor Unix seconds"
        return Refusal(name, request.request_id or anonymous, "invalid", detail, reply)
    return Command(
        name,
        request,
        request.request_id or anonymous,
        min(issued, received + MAX_AHEAD_S),
        received,
        via,
        reply,
        payload.decode(errors="replace"),
    )


def answer_topic(reply: Reply, request_id: str, address: Address) -> str:
    """Where the answer to a command goes: its response topic if that is a topic for others, else our own."""
    theirs = reply.topic
    if theirs.startswith(address.results) or not theirs.startswith(("$", "pdm/")):
        try:
            TopicTemplate(theirs)
        except ValueError:
            theirs = ""
        if theirs and not set(theirs) & set("+#{}"):
            return theirs
    return address.cmd_result(request_id)


def record_of(asked: Command, result: CommandResult, *, kind: str = "") -> CommandRecord:
    """What is written down of a command."""
    label = asked.request.label if isinstance(asked.request, AckRequest) else None
    return CommandRecord(
        request_id=asked.request_id,
        received=asked.received,
        issued=asked.issued,
        name=asked.name,
        asset=result.asset,
        kind=kind,
        alarm=result.alarm,
        actor=asked.request.actor,
        via=asked.via,
        accepted=result.accepted,
        answer=result.answer,
        label="" if label is None else label.value,
        comment=asked.request.comment,
        request=asked.payload,
    )


def _said(error: ValidationError) -> str:
    faults = [f"{'.'.join(map(str, fault['loc'])) or 'payload'}: {fault['msg']}" for fault in error.errors()[:4]]
    return "; ".join(faults)[:500]
