"""The agent as a Sparkplug edge node: what is decided → births, data and deaths. Holds what a rebirth must say again.

Each asset that was told of is a device; the metrics of each are `METRICS`. Of several alarms that stand on one asset
the worst is told, one that pages nobody (shelved, suppressed) only where no other stands. Data go by exception, and by
alias; what comes late bears `is_historical` and its own time.

One thread owns it. Source: Eclipse Sparkplug Specification 3.0.0, sections 4.2, 5 and 6.4.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from edge_agent.core.sparkplug.address import BDSEQ, REBIRTH, SparkplugAddress, Verb
from edge_agent.core.sparkplug.payload import DataType, Metric, Payload, Value, decoded, encoded
from edge_agent.core.sparkplug.wire import WireError
from edge_agent.core.types import AlarmEvent, Verdict

RISK_STEP: Final = 0.01  # a change of risk worth telling
SEQS: Final = 256  # numbers of messages, and of sessions
METRICS: Final[Mapping[str, DataType]] = {
    "risk": DataType.DOUBLE,
    "status": DataType.STRING,
    "mode": DataType.STRING,
    "alarm/active": DataType.BOOLEAN,
    "alarm/acked": DataType.BOOLEAN,
    "alarm/shelved": DataType.BOOLEAN,
    "alarm/suppressed": DataType.BOOLEAN,
    "alarm/severity": DataType.STRING,
    "alarm/severity_number": DataType.INT32,
    "alarm/kind": DataType.STRING,
    "alarm/id": DataType.STRING,
    "alarm/summary": DataType.STRING,
}
_ALIASES: Final = {name: i for i, name in enumerate(METRICS)}
_NO_ALARM: Final[Mapping[str, Value]] = {
    "alarm/active": False,
    "alarm/acked": True,
    "alarm/shelved": False,
    "alarm/suppressed": False,
    "alarm/severity": "",
    "alarm/severity_number": 0,
    "alarm/kind": "",
    "alarm/id": "",
    "alarm/summary": "",
}


class Said(NamedTuple):
    """One message."""

    topic: str
    payload: bytes


class Change(NamedTuple):
    """What is new of one asset."""

    asset: str
    time: float  # of the event, Unix seconds
    values: Mapping[str, Value]
    historical: bool = False


class _Device:
    """What was last told of one asset."""

    def __init__(self, first_alias: int) -> None:
        self.first_alias = first_alias
        self.values: dict[str, Value | None] = {**dict.fromkeys(METRICS), **_NO_ALARM}
        self.times = dict.fromkeys(METRICS, 0.0)
        self.standing: dict[str, AlarmEvent] = {}  # by kind

    def keep(self, change: Change) -> None:
        """Note what a rebirth says."""
        self.values.update(change.values)
        self.times.update(dict.fromkeys(change.values, change.time))


class OwnEdgeNode:
    """This agent among the edge nodes of a group."""

    def __init__(self, group: str, edge: str, standing: Iterable[AlarmEvent] = ()) -> None:
        """Nobody is born yet; `standing` are the alarms of former runs that still stand."""
        self._group, self._edge = group, edge
        self._devices: dict[str, _Device] = {}
        self._born: set[str] = set()  # devices of this session
        self._seq = 0
        for event in standing:
            self.alarm(event)

    @property
    def commands(self) -> str:
        """The topic on which it is asked to be born again."""
        return SparkplugAddress(self._group, Verb.NCMD, self._edge).topic

    # ------------------------------------------------------------------------------------------------ what is decided

    def risk(self, verdict: Verdict) -> Change | None:
        """What a verdict changes, by exception; nothing where it is of the past."""
        if verdict.historical:
            return None
        device = self._device(verdict.asset)
        before, risk = device.values["risk"], round(verdict.risk, 4)
        near = isinstance(before, float) and abs(risk - before) < RISK_STEP
        if near and (device.values["status"], device.values["mode"]) == (verdict.status, verdict.mode):
            return None
        values: dict[str, Value] = {"risk": risk, "status": str(verdict.status), "mode": verdict.mode}
        change = Change(verdict.asset, verdict.time, values)
        device.keep(change)
        return change

    def alarm(self, event: AlarmEvent) -> Change | None:
        """What a revision of an alarm changes; nothing where a worse one stands and stays as it is."""
        if event.historical:
            return Change(event.asset, event.time, _alarm_values(event), historical=True)
        device = self._device(event.asset)
        device.standing.pop(event.kind, None)
        if event.active:
            device.standing[event.kind] = event
        worst = max(device.standing.values(), key=_rank, default=None)
        values = {**_NO_ALARM, "alarm/acked": event.acked} if worst is None else _alarm_values(worst)
        if all(device.values[name] == value for name, value in values.items()):
            return None
        change = Change(event.asset, event.time, values)
        device.keep(change)
        return change

    # ------------------------------------------------------------------------------------------------ what is said

    def death(self, session: int, now: float) -> Said:
        """The will of a session, said before its birth and said at its end."""
        payload = Payload(timestamp=_ms(now), metrics=(_bdseq(session, now),))
        return Said(SparkplugAddress(self._group, Verb.NDEATH, self._edge).topic, encoded(payload))

    def births(self, session: int, now: float) -> list[Said]:
        """Who is there and all that holds now."""
        self._seq = SEQS - 1
        self._born = set(self._devices)
        rebirth = Metric(name=REBIRTH, timestamp=_ms(now), datatype=DataType.BOOLEAN, value=False)
        node = self._said(Verb.NBIRTH, "", now, (_bdseq(session, now), rebirth))
        return [node, *(self._birth(asset, now) for asset in self._devices)]

    def data(self, change: Change, now: float, *, late: bool = False) -> list[Said]:
        """A change, after the birth of its device where that was not born in this session; `late`: not when it came."""
        said: list[Said] = []
        device = self._device(change.asset)
        if change.asset not in self._born:
            self._born.add(change.asset)
            said.append(self._birth(change.asset, now))
            if not (late or change.historical):
                return said  # which holds it
        metrics = (
            Metric(
                alias=device.first_alias + _ALIASES[name],
                timestamp=_ms(change.time),
                datatype=METRICS[name],
                is_historical=late or change.historical,
                value=value,
            )
            for name, value in change.values.items()
        )
        return [*said, self._said(Verb.DDATA, change.asset, now, tuple(metrics))]

    def _birth(self, asset: str, now: float) -> Said:
        device = self._devices[asset]
        metrics = (
            Metric(
                name=name,
                alias=device.first_alias + _ALIASES[name],
                timestamp=_ms(device.times[name] or now),
                datatype=datatype,
                is_null=device.values[name] is None,
                value=device.values[name],
            )
            for name, datatype in METRICS.items()
        )
        return self._said(Verb.DBIRTH, asset, now, tuple(metrics))

    def _said(self, verb: Verb, asset: str, now: float, metrics: tuple[Metric, ...]) -> Said:
        self._seq = (self._seq + 1) % SEQS
        topic = SparkplugAddress(self._group, verb, self._edge, asset).topic
        return Said(topic, encoded(Payload(timestamp=_ms(now), seq=self._seq, metrics=metrics)))

    def _device(self, asset: str) -> _Device:
        device = self._devices.get(asset)
        if device is None:
            device = self._devices[asset] = _Device(len(self._devices) * len(METRICS) + 1)
        return device


def asks_for_birth(payload: bytes) -> bool:
    """Whether a command to the edge node asks it to be born again."""
    try:
        said = decoded(payload)
    except WireError:
        return False
    return any(metric.name == REBIRTH and metric.value is True for metric in said.metrics)


def _rank(event: AlarmEvent) -> tuple[bool, int, float, str]:
    """The worse, the greater."""
    return not event.quiet, event.severity_number, -event.first, event.kind


def _alarm_values(event: AlarmEvent) -> dict[str, Value]:
    return {
        "alarm/active": event.active,
        "alarm/acked": event.acked,
        "alarm/shelved": event.shelved_until is not None,
        "alarm/suppressed": bool(event.suppressed),
        "alarm/severity": event.severity,
        "alarm/severity_number": event.severity_number,
        "alarm/kind": event.kind,
        "alarm/id": event.id,
        "alarm/summary": event.summary,
    }


def _bdseq(session: int, now: float) -> Metric:
    return Metric(name=BDSEQ, timestamp=_ms(now), datatype=DataType.INT64, value=session % SEQS)


def _ms(time: float) -> int:
    return int(time * 1000)
