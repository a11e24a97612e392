"""A topic whose messages are of a format that names its own channels: document → samples → readings.

What a format means is in its own module, as a function that reads samples off a decoded document; here they go where
the catalogue says, converted once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from edge_agent.core import senml, thingsboard
from edge_agent.core.assets import MAX_REMEMBERED, AssetRegistry, Slot
from edge_agent.core.decoded import MAX_FAULTS, Decoded, Sample, json_document
from edge_agent.core.faults import Fault, Reason, shown
from edge_agent.core.sources import Format, SourceSpec
from edge_agent.core.types import Reading
from edge_agent.core.values import finish, number
from edge_agent.core.waveform import WaveformReader

Reader = Callable[[object, float], tuple[list[Sample], list[Fault]]]  # document, arrival → samples, what was left out
Slots = dict[tuple[object, ...], Slot | Fault]  # of a source: raw names and unit → where readings go


def _senml(_spec: SourceSpec, asset: str, channel: str) -> Reader:
    return lambda document, arrival: senml.samples(document, arrival, asset, channel)


def _thingsboard(spec: SourceSpec, asset: str, _channel: str) -> Reader:
    return lambda document, arrival: thingsboard.samples(document, arrival, asset, spec.time_unit)


# Format → what makes a reader of a source and the asset and channel it gives (empty where it does not).
READERS: Final[Mapping[Format, Callable[[SourceSpec, str, str], Reader]]] = {
    Format.SENML: _senml,
    Format.THINGSBOARD: _thingsboard,
    Format.WAVEFORM: WaveformReader,
}


class SampleRoute:
    """One topic of such a source."""

    __slots__ = ("_read", "_registry", "_slots", "_spec")

    def __init__(self, spec: SourceSpec, slots: Slots, registry: AssetRegistry, names: tuple[str, str]) -> None:
        self._read = READERS[spec.format](spec, *names)
        self._spec, self._slots, self._registry = spec, slots, registry

    def decode(self, payload: bytes, arrival: float) -> Decoded:
        """What a message says."""
        document = json_document(payload)
        if isinstance(document, Fault):
            return Decoded(faults=(document,))
        samples, faults = self._read(document, arrival)
        readings = []
        for sample in samples:
            reading = self._reading(sample)
            if isinstance(reading, Reading):
                readings.append(reading)
            else:
                faults.append(reading)
        return Decoded(tuple(readings), (), tuple(faults[:MAX_FAULTS]))

    def _reading(self, sample: Sample) -> Reading | Fault:
        plain = number(sample.value)
        if isinstance(plain, Reason):
            return Fault(plain, f"value {shown(sample.value)} of channel {shown(sample.channel)}")
        slot = self._slot(sample)  # only a valid value makes an asset known
        if isinstance(slot, Fault):
            return slot
        value = finish(plain, slot.conversion, counter=slot.counter)
        if isinstance(value, Reason):
            return Fault(value, f"value {shown(sample.value)} of channel {shown(sample.channel)}")
        return Reading(slot.asset, slot.channel, sample.time, value)

    def _slot(self, sample: Sample) -> Slot | Fault:
        key = (sample.asset, sample.channel, sample.unit)
        slot = self._slots.get(key)
        if slot is None:
            slot = self._registry.slot(self._spec, sample.asset, sample.channel, sample.unit)
            if isinstance(slot, Slot):  # names that are refused may be of any length
                if len(self._slots) >= MAX_REMEMBERED:
                    self._slots.clear()
                self._slots[key] = slot
        return slot
