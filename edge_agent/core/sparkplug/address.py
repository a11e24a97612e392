"""Sparkplug topics: `spBv1.0/{group}/{verb}/{edge node}[/{device}]`, read and written.

Source: Eclipse Sparkplug Specification 3.0.0, section 4.1.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

from edge_agent.core.faults import Fault, Reason, shown
from edge_agent.core.topics import Refusal, TopicTemplate

NAMESPACE: Final = "spBv1.0"
REBIRTH: Final = "Node Control/Rebirth"  # the metric by which a host asks an edge node to be born again
BDSEQ: Final = "bdSeq"  # the metric that says which death belongs to which birth
_NODE: Final = TopicTemplate(f"{NAMESPACE}/{{group}}/{{verb}}/{{edge}}")
_HOST: Final = TopicTemplate(f"{NAMESPACE}/STATE/{{host}}")
_DEVICE: Final = TopicTemplate(f"{NAMESPACE}/{{group}}/{{verb}}/{{edge}}/{{device}}")


class Verb(StrEnum):
    """What a message is, by the third level of its topic."""

    NBIRTH = "NBIRTH"
    NDATA = "NDATA"
    NDEATH = "NDEATH"
    NCMD = "NCMD"
    DBIRTH = "DBIRTH"
    DDATA = "DDATA"
    DDEATH = "DDEATH"
    DCMD = "DCMD"
    STATE = "STATE"  # of a host application, named instead of the edge node


class SparkplugAddress(NamedTuple):
    """Whom a message is about, and what it is."""

    group: str
    verb: Verb
    edge: str
    device: str = ""  # empty: the edge node itself

    @property
    def topic(self) -> str:
        """The topic of an edge node or a device."""
        return "/".join((NAMESPACE, self.group, self.verb, self.edge, *((self.device,) if self.device else ())))


def address_of(topic: str) -> SparkplugAddress | Fault:
    """What a topic says; a fault where it is none of Sparkplug's."""
    host = _HOST.match(topic)
    if isinstance(host, dict):
        return SparkplugAddress("", Verb.STATE, host["host"])
    found = _DEVICE.match(topic)
    of_device = found is not None
    if found is None:
        found = _NODE.match(topic)
    if isinstance(found, Refusal):
        return Fault(Reason.BAD_TOPIC, f"{found}: topic {shown(topic)}")
    verb = "" if found is None else found["verb"]
    if found is None or verb not in Verb.__members__ or verb.startswith("D") is not of_device:
        form = f"{NAMESPACE}/group/NDATA/edge or {NAMESPACE}/group/DDATA/edge/device"
        return Fault(Reason.BAD_TOPIC, f"topic {shown(topic)} is not of the form {form}")
    return SparkplugAddress(found["group"], Verb(verb), found["edge"], found.get("device", ""))
