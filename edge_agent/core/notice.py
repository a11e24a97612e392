"""What the agent tells of itself when it had to help itself (promise G4): the payload, and its message.

Alarms are about machines and live in `core/wire.py`; a notice is about the agent's own files, and asks for nobody at
night: work goes on.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from edge_agent.core.identity import digest
from edge_agent.core.types import Outgoing
from edge_agent.core.wire import LANE_ALARM, Origin

NOTICE_TYPE: Final = "io.edge-agent.notice.v1"


class Notice(StrEnum):
    """What the agent did to go on."""

    JOURNAL_SET_ASIDE = "journal_set_aside"  # it was damaged; a new one was begun
    BUNDLE_FALLBACK = "bundle_fallback"  # the configured one failed its checks; the last good one judges


class _Payload(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NoticeData(_Payload):
    """The `data` of a notice."""

    version: Literal[1] = 1
    notice: Notice
    about: str = Field(description="the file or folder it is about, on the gateway")
    reason: str = Field(description="what was wrong with it")
    remedy: str = Field(description="what its reader can do; work goes on without it")
    time: str = Field(description="wall clock when it was noticed")
    clock: str
    boot_id: str
    agent: str = Field(description="version of the agent")


class NoticeEvent(_Payload):
    """The envelope: CloudEvents 1.0, structured JSON."""

    specversion: Literal["1.0"] = "1.0"
    id: str
    source: str
    type: Literal["io.edge-agent.notice.v1"] = NOTICE_TYPE
    subject: str
    time: str
    datacontenttype: Literal["application/json"] = "application/json"
    data: NoticeData


def notice_message(data: NoticeData, origin: Origin) -> Outgoing:
    """The message of a notice, on the topic of alarm events; told apart from them by its `type`."""
    key = digest("notice", data.notice, data.about, data.time, data.boot_id)
    envelope = NoticeEvent(
        id=key, source=f"/{origin.address.path}", subject=data.notice.value, time=data.time, data=data
    )
    body = envelope.model_dump_json().encode()
    return Outgoing(f"{key}-event", origin.address.event, body, 1, retain=False, lane=LANE_ALARM, group="notice")
