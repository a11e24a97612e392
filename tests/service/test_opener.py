"""What the opener adds to decoding: what was kept by the broker, and what passes through for the batch."""

from __future__ import annotations

from edge_agent.core.decode import Decoder, Format, SourceSpec
from edge_agent.core.sparkplug.payload import DataType, Metric, Payload, encoded
from edge_agent.core.types import Reading
from edge_agent.metrics import Metrics
from edge_agent.ports import Arrival
from edge_agent.service.opener import NOTHING, Opener
from tests.service.parts import START

VIB = Metric(name="vib", alias=1, timestamp=int(START * 1000), datatype=DataType.FLOAT, value=2.0)
BIRTH = encoded(Payload(seq=0, metrics=(VIB,)))
DATA = encoded(Payload(seq=1, metrics=(Metric(alias=1, timestamp=int(START * 1000) + 1, value=3.0, datatype=9),)))


def opener() -> Opener:
    decoder = Decoder((SourceSpec(topic="spBv1.0/#", format=Format.SPARKPLUG),))
    return Opener(decoder, Metrics(), first_faults=1)


def arrival(verb: str, payload: bytes, *, retain: bool = False) -> Arrival:
    return Arrival(1, 0, 0, f"spBv1.0/g/{verb}/gate", payload, START + 5.0, dup=False, retain=retain)


def test_a_retained_birth_is_refused_and_names_nothing() -> None:
    one = opener()
    kept = one.open(arrival("NBIRTH", BIRTH, retain=True))
    data = one.open(arrival("NDATA", DATA))

    assert kept == NOTHING
    assert (data.readings, len(data.requests)) == ((), 1)
    assert dict(one.faults) == {"retained": 1, "unborn": 1}


def test_what_a_birth_said_is_known_to_the_next_opener_by_its_states() -> None:
    one, anew = opener(), opener()
    born = one.open(arrival("NBIRTH", BIRTH))
    anew.restore(dict(born.states))

    assert born.readings == (Reading("gate", "vib", START, 2.0),)
    assert [reading.value for reading in anew.open(arrival("NDATA", DATA)).readings] == [3.0]
