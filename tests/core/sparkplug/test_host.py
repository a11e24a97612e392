"""Births, data and deaths of edge nodes: what becomes of their values, what is asked of them, what a restart knows."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.assets import AssetRegistry
from edge_agent.core.decode import Decoded, Decoder, Format, SourceSpec
from edge_agent.core.faults import Reason
from edge_agent.core.sources import Catalogue, Target
from edge_agent.core.sparkplug import host
from edge_agent.core.sparkplug.edge_nodes import load
from edge_agent.core.sparkplug.payload import DataType, Metric, Payload, Value, decoded, encoded
from edge_agent.core.sparkplug.wire import bytes_field, varint_field
from edge_agent.core.types import Outgoing, Reading
from tests.core.sparkplug.recorded import recorded

NOW = 1717243200.0
MS = 1717243200000
CATALOGUE = Catalogue(
    classes={"pump-*": "pump", "gate": "gateway"},
    channels={
        "pump": {"vib": Target(unit="mm/s"), "Motor.Temp": Target(unit="degC"), "count": Target(counter=True)},
        "gateway": {"cpu": Target()},
    },
)
SPEC = SourceSpec(topic="spBv1.0/plant1/#", format=Format.SPARKPLUG, catalogue=CATALOGUE)
VIB = Metric(name="vib", alias=1, datatype=DataType.FLOAT)
TEMP = Metric(name="Motor/Temp", alias=2, datatype=DataType.INT16)
BORN = (VIB, TEMP)


class Plant:
    """What edge nodes say to one decoder, each message the next in its sequence unless told otherwise."""

    def __init__(self, *, spec: SourceSpec = SPEC) -> None:
        self.decoder = Decoder((spec,))
        self.now = NOW
        self.states: dict[str, bytes] = {}
        self._seqs: dict[str, int] = {}

    def say(self, verb: str, names: str, *metrics: Metric, seq: int | None = None, time: int | None = MS) -> Decoded:
        """What a message brings."""
        edge = names.partition("/")[0]
        if seq is None:
            seq = 0 if verb == "NBIRTH" else (self._seqs.get(edge, -1) + 1) % 256
        self._seqs[edge] = seq
        said = Payload(timestamp=time, seq=None if verb == "NDEATH" else seq, metrics=metrics)
        return self.hear(f"spBv1.0/plant1/{verb}/{names}", encoded(said))

    def hear(self, topic: str, payload: bytes) -> Decoded:
        found = self.decoder.decode(topic, payload, self.now)
        self.states.update(found.states)
        return found

    def born(self, *metrics: Metric, edge: str = "gate", device: str = "pump-1") -> None:
        """An edge node with one device."""
        self.say("NBIRTH", edge, bdseq(0))
        self.say("DBIRTH", f"{edge}/{device}", *(metrics or BORN))

    def restarted(self) -> Plant:
        """The same world after a restart of the agent."""
        anew = Plant()
        anew.decoder.sparkplug.restore(self.states)
        anew.now, anew._seqs = self.now, self._seqs
        return anew


def bdseq(number: int) -> Metric:
    return Metric(name="bdSeq", datatype=DataType.INT64, value=number)


def of(alias: int, value: Value | None, datatype: DataType, at: int | None = MS) -> Metric:
    """A value as data carry it: by alias, typed, with a time."""
    return Metric(alias=alias, timestamp=at, datatype=datatype, value=value, is_null=value is None)


def vib(value: float, at: int | None = MS) -> Metric:
    return of(1, value, DataType.FLOAT, at)


def reasons(found: Decoded) -> list[Reason]:
    return [fault.reason for fault in found.faults]


def asked(found: Decoded) -> list[str]:
    return [request.topic for request in found.requests]


REBIRTH_TOPIC = "spBv1.0/plant1/NCMD/gate"
MINUS_FIVE = varint_field(10, 0xFFFFFFFB)  # int_value in 32 bits


# ------------------------------------------------------------------------------------------------ values


def test_a_birth_names_what_data_say_by_alias() -> None:
    plant = Plant()
    plant.born()

    assert plant.say("DDATA", "gate/pump-1", vib(1.5, MS + 500)) == Decoded((Reading("pump-1", "vib", NOW + 0.5, 1.5),))


def test_the_values_of_a_birth_are_readings() -> None:
    plant = Plant()
    plant.say("NBIRTH", "gate", bdseq(0), Metric(name="cpu", timestamp=MS, datatype=DataType.DOUBLE, value=3.0))
    found = plant.say("DBIRTH", "gate/pump-1", replace(VIB, timestamp=MS, value=2.0), replace(TEMP, is_null=True))

    assert found.readings == (Reading("pump-1", "vib", NOW, 2.0),)
    assert found.faults == ()


def test_what_an_edge_node_says_of_itself_is_of_an_asset_with_its_name() -> None:
    plant = Plant()
    plant.say("NBIRTH", "gate", bdseq(0), Metric(name="cpu", alias=7, datatype=DataType.DOUBLE))

    assert plant.say("NDATA", "gate", of(7, 3.0, DataType.DOUBLE)).readings == (Reading("gate", "cpu", NOW, 3.0),)


def test_an_edge_node_without_a_class_is_passed_by_but_a_device_is_named() -> None:
    plant = Plant()
    node = plant.say("NBIRTH", "nameless", bdseq(0), replace(VIB, timestamp=MS, value=2.0))
    device = plant.say("DBIRTH", "nameless/fan-1", *(replace(one, alias=None) for one in BORN))

    assert (node.readings, node.faults) == ((), ())
    assert reasons(device) == [Reason.UNKNOWN_CLASS]


def test_a_slash_of_a_name_becomes_a_dot_and_signed_numbers_keep_their_sign() -> None:
    plant = Plant()
    plant.born()
    found = plant.say("DDATA", "gate/pump-1", Metric(alias=2, timestamp=MS, datatype=DataType.INT16, value=-5))

    assert found.readings == (Reading("pump-1", "Motor.Temp", NOW, -5.0),)


def test_a_type_left_to_the_birth_is_that_of_the_birth() -> None:
    plant = Plant()
    plant.born()
    found = plant.hear("spBv1.0/plant1/DDATA/gate/pump-1", bytes_field(2, b"\x10\x02" + MINUS_FIVE))

    assert found.readings == (Reading("pump-1", "Motor.Temp", NOW, -5.0),)


def test_what_is_no_channel_of_the_class_is_passed_by_in_silence() -> None:
    plant = Plant()
    plant.born(VIB, Metric(name="firmware", alias=3, datatype=DataType.STRING))
    found = plant.say("DDATA", "gate/pump-1", of(3, "2.1", DataType.STRING), vib(1.0))

    assert (len(found.readings), found.faults) == (1, ())


def test_two_names_of_one_channel_are_told_and_the_first_is_read() -> None:
    plant = Plant()
    plant.say("NBIRTH", "gate", bdseq(0))
    found = plant.say(
        "DBIRTH", "gate/pump-1", TEMP, Metric(name="Motor.Temp", alias=3, datatype=DataType.FLOAT), Metric(alias=9)
    )

    assert reasons(found) == [Reason.BAD_CHANNEL, Reason.UNBORN]
    assert plant.say("DDATA", "gate/pump-1", of(3, 7.0, DataType.FLOAT), of(2, 6, DataType.INT16)).readings == (
        Reading("pump-1", "Motor.Temp", NOW, 6.0),
    )


@pytest.mark.parametrize(
    ("metric", "reason"),
    [
        (of(1, None, DataType.FLOAT), Reason.NULL),
        (of(1, float("nan"), DataType.FLOAT), Reason.NOT_FINITE),
        (of(1, 1e39, DataType.DOUBLE), Reason.OUT_OF_RANGE),
        (of(1, True, DataType.BOOLEAN), Reason.BOOLEAN),
        (of(1, "1.5", DataType.STRING), Reason.NOT_A_NUMBER),
        (of(1, MS, DataType.DATETIME), Reason.NOT_A_NUMBER),
        (Metric(alias=1, timestamp=MS), Reason.NOT_A_NUMBER),
        (of(1, 1.0, DataType.FLOAT, at=5), Reason.BAD_TIME),
        (replace(of(1, 1.0, DataType.FLOAT, at=None), is_historical=True), Reason.BAD_TIME),
    ],
)
def test_what_is_no_value_at_a_time_is_refused_by_reason(metric: Metric, reason: Reason) -> None:
    plant = Plant()
    plant.born()
    found = plant.say("DDATA", "gate/pump-1", metric)

    assert (found.readings, reasons(found)) == ((), [reason])


def test_a_whole_number_without_a_type_anywhere_is_refused() -> None:
    """-5 and 4294967291 are the same bytes."""
    found = Plant().hear("spBv1.0/plant1/DDATA/gate/pump-1", bytes_field(2, bytes_field(1, b"vib") + MINUS_FIVE))

    assert reasons(found) == [Reason.NOT_A_NUMBER]


def test_the_time_is_that_of_the_metric_else_of_the_message_else_of_its_arrival() -> None:
    plant = Plant()
    plant.born()
    times = [
        plant.say("DDATA", "gate/pump-1", vib(1.0, MS - 7000)).readings[0].time,
        plant.say("DDATA", "gate/pump-1", vib(1.0, None), time=MS + 3000).readings[0].time,
        plant.say("DDATA", "gate/pump-1", vib(1.0, None), time=None).readings[0].time,
        plant.say("DDATA", "gate/pump-1", replace(vib(1.0, MS - 86_400_000), is_historical=True)).readings[0].time,
    ]

    assert times == [NOW - 7, NOW + 3, NOW, NOW - 86_400]


def test_a_birth_that_says_again_what_was_read_brings_no_second_reading() -> None:
    plant = Plant()
    plant.born()
    plant.say("DDATA", "gate/pump-1", vib(1.5, MS + 500))
    plant.say("NBIRTH", "gate", bdseq(0))
    again = plant.say("DBIRTH", "gate/pump-1", replace(VIB, timestamp=MS + 500, value=1.5), TEMP)
    newer = plant.say("DBIRTH", "gate/pump-1", replace(VIB, timestamp=MS + 501, value=1.6), TEMP)

    assert again.readings == ()
    assert [reading.value for reading in newer.readings] == [pytest.approx(1.6)]


def test_only_what_depends_on_messages_before_it_is_sessional() -> None:
    decoder = Decoder((SourceSpec(topic="plant/{asset}/{channel}"), SPEC))

    assert [decoder.sessional(topic) for topic in ("spBv1.0/plant1/NDATA/gate", "plant/p1/vib", "else")] == [
        True, False, False,
    ]  # fmt: skip


# ------------------------------------------------------------------------------------------------ lives


def test_data_before_any_birth_are_refused_and_a_birth_is_asked_for() -> None:
    found = Plant().say("DDATA", "gate/pump-1", vib(1.0))

    assert (found.readings, reasons(found), asked(found)) == ((), [Reason.UNBORN], [REBIRTH_TOPIC])
    said = decoded(found.requests[0].payload)
    assert [(metric.name, metric.value) for metric in said.metrics] == [("Node Control/Rebirth", True)]
    assert found.requests[0][3:5] == (0, False)


def test_a_value_that_says_its_name_and_type_is_read_before_any_birth_too() -> None:
    found = Plant().say("DDATA", "gate/pump-1", replace(VIB, timestamp=MS, value=2.0))

    assert (found.readings, asked(found)) == ((Reading("pump-1", "vib", NOW, 2.0),), [REBIRTH_TOPIC])


def test_a_birth_is_asked_for_less_and_less_often_until_it_comes() -> None:
    plant, sent = Plant(), []
    for second in range(101):
        plant.now = NOW + second
        sent += [second for _ in asked(plant.say("DDATA", "gate/pump-1", vib(1.0)))]
    plant.born()
    plant.now += 9
    soon = asked(plant.say("DDATA", "gate/pump-1", vib(1.0), seq=77))
    plant.now += 3000
    later = asked(plant.say("DDATA", "gate/pump-1", vib(1.0), seq=99))

    assert sent == [0, 10, 30, 70]
    assert (soon, later) == ([REBIRTH_TOPIC], [REBIRTH_TOPIC])


def test_a_lost_message_is_told_and_a_birth_asked_for_while_values_are_read_on() -> None:
    plant = Plant()
    plant.born()
    found = plant.say("DDATA", "gate/pump-1", vib(1.0), seq=3)

    assert (reasons(found), asked(found), len(found.readings)) == ([Reason.SEQUENCE], [REBIRTH_TOPIC], 1)


def test_after_255_comes_0_and_what_has_no_number_breaks_nothing() -> None:
    plant = Plant()
    plant.born()
    plant.say("NDATA", "gate", seq=255)
    plant.now += 1e4
    unnumbered = "spBv1.0/plant1/NDATA/gate", b""
    found = [plant.say("NDATA", "gate", seq=0), plant.hear(*unnumbered), plant.say("NDATA", "gate")]

    assert [(one.faults, one.requests) for one in found] == [((), ())] * 3


def test_after_a_death_no_alias_holds_until_the_next_birth() -> None:
    plant = Plant()
    plant.born()
    death = plant.say("NDEATH", "gate", bdseq(0))
    found = plant.say("DDATA", "gate/pump-1", vib(1.0))
    plant.born()

    assert (reasons(death), reasons(found), asked(found)) == ([Reason.DEATH], [Reason.UNBORN], [REBIRTH_TOPIC])
    assert len(plant.say("DDATA", "gate/pump-1", vib(1.0, MS + 1)).readings) == 1


def test_the_death_of_a_former_session_kills_nobody() -> None:
    plant = Plant()
    plant.say("NBIRTH", "gate", bdseq(4))
    plant.say("DBIRTH", "gate/pump-1", *BORN)
    late = plant.hear("spBv1.0/plant1/NDEATH/gate", encoded(Payload(metrics=(bdseq(3),))))

    assert reasons(late) == [Reason.SEQUENCE]
    assert len(plant.say("DDATA", "gate/pump-1", vib(1.0)).readings) == 1


def test_the_death_of_a_device_is_its_own() -> None:
    plant = Plant()
    plant.born()
    plant.say("DBIRTH", "gate/pump-2", replace(VIB, alias=8))
    death = plant.say("DDEATH", "gate/pump-1")

    assert (reasons(death), asked(death)) == ([Reason.DEATH], [])
    assert reasons(plant.say("DDATA", "gate/pump-1", vib(1.0))) == [Reason.UNBORN]
    assert len(plant.say("DDATA", "gate/pump-2", of(8, 1.0, DataType.FLOAT)).readings) == 1


def test_deaths_of_strangers_commands_and_states_of_hosts_are_nothing_to_us() -> None:
    plant = Plant(spec=replace(SPEC, topic="spBv1.0/#"))
    silent = [
        plant.say("NDEATH", "gate", bdseq(0)),
        plant.say("DDEATH", "gate/pump-1"),
        plant.say("NCMD", "gate", Metric(name="Node Control/Rebirth", datatype=DataType.BOOLEAN, value=True)),
        plant.say("DCMD", "gate/pump-1", VIB),
        plant.hear("spBv1.0/STATE/scada", b'{"online":true}'),
    ]

    assert silent == [Decoded()] * 5


@pytest.mark.parametrize(
    "topic",
    ["spBv1.0/plant1/NDATA", "spBv1.0/plant1/DDATA/gate", "spBv1.0/plant1/NDATA/gate/pump-1", "spBv1.0/plant1/X/gate",
     "spBv1.0/plant1/DDATA/gate/pump-1/x", "spBv1.0/plant1/NDATA/", "spBv1.0/plant1/NDATA/g\x01"],
)  # fmt: skip
def test_other_topics_are_refused(topic: str) -> None:
    assert reasons(Plant().hear(topic, b"")) == [Reason.BAD_TOPIC]


def test_bytes_that_are_no_payload_are_refused_and_change_nothing() -> None:
    plant = Plant()
    plant.born()
    found = plant.hear("spBv1.0/plant1/DDATA/gate/pump-1", b"\xff")

    assert reasons(found) == [Reason.BAD_PROTOBUF]
    assert plant.say("DDATA", "gate/pump-1", vib(1.0)).faults == ()


def test_what_no_channel_can_hold_is_counted() -> None:
    _, payload = recorded()["passed over"]
    found = Plant().hear("spBv1.0/plant1/DDATA/gate/pump-1", payload)

    assert Reason.PASSED_OVER in reasons(found)
    assert [reading.value for reading in found.readings] == [2.5]


# ------------------------------------------------------------------------------------------------ names


def test_a_device_of_one_name_under_two_edge_nodes_is_refused_at_the_second() -> None:
    plant = Plant()
    plant.born(edge="gate")
    plant.born(edge="gate-2")
    second = plant.say("DDATA", "gate-2/pump-1", vib(1.0))
    plant.say("NDEATH", "gate", bdseq(0))
    moved = plant.say("DDATA", "gate-2/pump-1", vib(2.0))

    assert (second.readings, reasons(second)) == ((), [Reason.ASSET_COLLISION])
    assert moved.readings == (Reading("pump-1", "vib", NOW, 2.0),)


def test_an_edge_node_and_a_device_of_another_of_one_name_are_told_apart() -> None:
    plant = Plant()
    plant.say("NBIRTH", "gate", bdseq(0), Metric(name="cpu", timestamp=MS, datatype=DataType.DOUBLE, value=1.0))
    plant.say("NBIRTH", "other", bdseq(0))
    found = plant.say("DBIRTH", "other/gate", Metric(name="cpu", timestamp=MS, datatype=DataType.DOUBLE, value=2.0))

    assert (found.readings, reasons(found)) == ((), [Reason.ASSET_COLLISION])


# ------------------------------------------------------------------------------------------------ restarts


def test_after_a_restart_data_are_read_by_the_births_before_it_and_a_birth_is_asked_for_once() -> None:
    plant = Plant()
    plant.born()
    plant = plant.restarted()
    first = plant.say("DDATA", "gate/pump-1", vib(1.5, MS + 500), seq=200)
    second = plant.say("DDATA", "gate/pump-1", vib(1.6, MS + 600))

    assert (len(first.readings), first.faults, asked(first)) == (1, (), [REBIRTH_TOPIC])
    assert (len(second.readings), asked(second)) == (1, [])


def test_a_birth_after_a_restart_does_not_say_again_what_the_births_before_it_said() -> None:
    plant = Plant()
    plant.born(replace(VIB, timestamp=MS, value=1.0))
    plant = plant.restarted()

    assert plant.say("DBIRTH", "gate/pump-1", replace(VIB, timestamp=MS, value=1.0)).readings == ()


def test_a_death_before_a_restart_is_known_after_it() -> None:
    plant = Plant()
    plant.born()
    plant.say("NDEATH", "gate", bdseq(0))

    assert reasons(plant.restarted().say("DDATA", "gate/pump-1", vib(1.0))) == [Reason.UNBORN]


def test_the_same_birth_is_written_down_once() -> None:
    plant = Plant()
    first = plant.say("NBIRTH", "gate", bdseq(0), TEMP)

    assert [name for name, _ in first.states] == ["sparkplug/plant1/gate"]
    assert plant.say("NBIRTH", "gate", bdseq(0), TEMP).states == ()
    assert plant.say("NBIRTH", "gate", bdseq(1), TEMP).states != ()


def test_a_damaged_state_is_as_none() -> None:
    assert load(b"{") is None
    plant = Plant()
    plant.decoder.sparkplug.restore({"sparkplug/plant1/gate": b"[]", "alarms/pump-1": b"{}"})

    assert reasons(plant.say("DDATA", "gate/pump-1", vib(1.0))) == [Reason.UNBORN]


# ------------------------------------------------------------------------------------------------ bounds


def small(plant: Plant, *, max_nodes: int = 2, max_metrics: int = 4) -> Plant:
    plant.decoder.sparkplug = host.Host(AssetRegistry(10), max_nodes=max_nodes, max_metrics=max_metrics)
    return plant


def test_more_edge_nodes_than_allowed_are_refused() -> None:
    plant = small(Plant())
    found = [plant.say("NBIRTH", f"gate-{i}", bdseq(0)) for i in range(3)]

    assert [reasons(one) for one in found] == [[], [], [Reason.TOO_MANY_ASSETS]]
    small_again = small(Plant(), max_nodes=1)
    small_again.decoder.sparkplug.restore(plant.states)
    assert reasons(small_again.say("NDATA", "gate-1")) == [Reason.TOO_MANY_ASSETS]


def test_more_metrics_than_allowed_are_refused_but_the_dead_make_room() -> None:
    plant = small(Plant(), max_metrics=8)
    plant.say("NBIRTH", "gate")  # 1
    plant.say("DBIRTH", "gate/pump-1", *BORN)  # 1 + 4
    refused = plant.say("DBIRTH", "gate/pump-2", *BORN)
    plant.say("DDEATH", "gate/pump-1")

    assert reasons(refused) == [Reason.TOO_LARGE]
    assert reasons(plant.say("DBIRTH", "gate/pump-2", *BORN)) == []
    assert plant.say("DBIRTH", "gate/pump-2", *BORN).faults == ()


def test_a_name_of_any_length_costs_no_room() -> None:
    plant = Plant()
    plant.say("NBIRTH", "gate")
    found = plant.say("DBIRTH", "gate/pump-1", Metric(name="x" * 5000, alias=4), VIB)

    assert reasons(found) == [Reason.BAD_CHANNEL]
    assert plant.say("DDATA", "gate/pump-1", of(4, 1.0, DataType.FLOAT), vib(1.0)).faults == ()
    assert reasons(Plant().say("DDATA", "gate/pump-1", Metric(name="x" * 5000))) == [Reason.UNBORN]


def test_what_is_remembered_of_names_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "MAX_REMEMBERED", 1)
    plant = Plant()
    plant.born()
    plant.say("DBIRTH", "gate/pump-2", replace(VIB, alias=11))
    for _ in range(2):
        assert len(plant.say("DDATA", "gate/pump-1", vib(1.0)).readings) == 1
        assert len(plant.say("DDATA", "gate/pump-2", of(11, 1.0, DataType.FLOAT)).readings) == 1


def test_a_message_of_a_thousand_faults_tells_a_few() -> None:
    plant = Plant(spec=replace(SPEC, catalogue=None))
    plant.say("NBIRTH", "gate")
    text = [Metric(name=f"m{i}", datatype=DataType.STRING, value=str(i)) for i in range(1000)]

    assert len(plant.say("DBIRTH", "gate/pump-1", *text).faults) == 16


VERBS = st.sampled_from(["NBIRTH", "NDATA", "NDEATH", "DBIRTH", "DDATA", "DDEATH", "NCMD"])


@given(st.lists(st.tuples(VERBS, st.integers(0, 3), st.integers(0, 4), st.binary(max_size=40)), max_size=30))
def test_any_messages_in_any_order_have_an_answer(messages: list[tuple[str, int, int, bytes]]) -> None:
    plant = Plant()
    for verb, seq, alias, junk in messages:
        names = "gate" if verb.startswith("N") else "gate/pump-1"
        metrics = (replace(VIB, alias=alias), bdseq(alias)) if "BIRTH" in verb else (vib(1.0), bdseq(alias))
        found = plant.say(verb, names, *metrics, seq=seq)
        assert all(isinstance(request, Outgoing) for request in found.requests)
        plant.hear(f"spBv1.0/plant1/{verb}/{names}", junk)
        with suppress(IndexError):
            assert found.readings[0].asset == "pump-1"
