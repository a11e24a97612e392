"""Waveform messages → samples of features: an array of numbers, how many a second, and what is wanted of it.

The readings of `vib` are `vib.rms`, `vib.kurtosis` and so on; a band is called as it is declared, the envelope
`vib.envelope`. What cannot be a measurement (no numbers, too few, constant, a rate that is none) is refused whole.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from edge_agent.core.baseline import Floats
from edge_agent.core.decoded import Sample
from edge_agent.core.faults import Fault, Reason, shown
from edge_agent.core.features import DIMENSIONLESS, band_rms, envelope_rms, features
from edge_agent.core.paths import MISSING, Path, parse_path, pick
from edge_agent.core.sources import SourceSpec, Waveform
from edge_agent.core.timestamps import parse_time
from edge_agent.core.values import number

MAX_SAMPLES: Final = 65_536  # of one message; more would hold up what waits behind it
MIN_SAMPLES: Final = 16  # fewer have no spectrum, and a kurtosis of nothing
MAIN_LOBE: Final = 4  # bins a tone is spread over by the Hann window; a narrower band would hold a part of it
MAX_RATE_HZ: Final = 1e9  # no sensor of a machine samples a thousandth as fast
RATE_TOLERANCE: Final = 0.01  # of the declared rate; clocks of sensors are off by less
CONSTANT_BELOW: Final = 1e-9  # of the largest sample: the digits of a float, no swing
MAX_SIZE: Final = 1e38  # of a sample: its fourth power is still a float, and it fits float32
ENVELOPE: Final = "envelope"
NUMBER: Final = "1"  # unit of what has none


class WaveformReader:
    """Reads the waveforms of one topic."""

    def __init__(self, spec: SourceSpec, asset: str, channel: str) -> None:
        self._spec, self._asset, self._channel = spec, asset, channel
        self._wanted: Waveform = spec.waveform
        self._paths = {
            name: parse_path(path)
            for name in ("value", "rate", "asset", "channel", "time", "unit")
            if (path := getattr(spec.paths, name)) is not None
        }

    def __call__(self, document: object, arrival: float) -> tuple[list[Sample], list[Fault]]:
        """The features of a decoded message, or why there are none; `arrival` is its time where it bears none."""
        found = self._measured(document, arrival)
        return ([], [found]) if isinstance(found, Fault) else (found, [])

    def _measured(self, document: object, arrival: float) -> list[Sample] | Fault:
        wave, rate_hz = _array(self._at(document, "value")), self._rate(document)
        written = self._at(document, "time")
        time = arrival if written is None else parse_time(written, self._spec.time_unit)
        names = self._names(document)
        if isinstance(wave, Fault):
            return wave
        if isinstance(rate_hz, Fault):
            return rate_hz
        if time is None:
            return Fault(Reason.BAD_TIME, f"time {shown(written)} ({self._spec.time_unit})")
        if isinstance(names, Fault):
            return names
        for name, low, high in self._wanted.bands:
            if (high - low) * len(wave) < MAIN_LOBE * rate_hz:
                needed = math.ceil(MAIN_LOBE * rate_hz / (high - low))
                return Fault(Reason.TOO_SHORT, f"{len(wave)} samples; band {name} needs {needed} at {rate_hz} a second")
        asset, channel, unit = names
        return [
            Sample(asset, f"{channel}.{name}", time, value, of_its_own or unit)
            for name, value, of_its_own in _features(self._wanted, wave, rate_hz)
        ]

    def _at(self, document: object, name: str) -> object:
        """What lies at a path of the source; None where it has none, or nothing is there."""
        path: Path | None = self._paths.get(name)
        found = MISSING if path is None else pick(document, path)
        return None if found is MISSING else found

    def _rate(self, document: object) -> float | Fault:
        """Samples a second, as the message or the source says, the same where both do."""
        declared = self._wanted.rate_hz
        sent = self._at(document, "rate")
        if sent is None and declared is not None:
            return declared
        rate_hz = Reason.NOT_A_NUMBER if isinstance(sent, str) else number(sent)
        if isinstance(rate_hz, Reason) or not 0 < rate_hz <= MAX_RATE_HZ:
            detail = f"rate {shown(sent)}: samples a second, more than 0 and {MAX_RATE_HZ:.0e} at most"
            return Fault(Reason.BAD_RATE, detail)
        if declared is not None and abs(rate_hz - declared) > RATE_TOLERANCE * declared:
            return Fault(Reason.BAD_RATE, f"rate {rate_hz}, rate_hz of the source is {declared}")
        if rate_hz / 2 < self._wanted.highest_hz:
            return Fault(Reason.BAD_RATE, f"rate {rate_hz}: a band reaches to {self._wanted.highest_hz} Hz")
        return rate_hz

    def _names(self, document: object) -> tuple[str, str, str] | Fault:
        """Asset, channel and unit of the samples; the unit empty where nothing says it."""
        said = {"asset": self._asset, "channel": self._channel}
        for name in said.keys() & self._paths.keys():
            raw = self._at(document, name)
            if not isinstance(raw, str):
                reason = Reason.BAD_ASSET if name == "asset" else Reason.BAD_CHANNEL
                return Fault(reason, f"{name} {shown(raw)}: text")
            said[name] = raw
        unit = self._at(document, "unit")
        if unit is not None and not isinstance(unit, str):
            return Fault(Reason.BAD_UNIT, f"unit {shown(unit)}: text")
        return said["asset"], said["channel"], unit or self._spec.unit(said["channel"])


def names_of(wanted: Waveform) -> dict[str, bool]:
    """What is put behind the name of a channel, and whether it has the unit of the samples."""
    named = {str(feature): feature not in DIMENSIONLESS for feature in wanted.features}
    named |= dict.fromkeys((name for name, _, _ in wanted.bands), True)
    return named | ({ENVELOPE: True} if wanted.envelope is not None else {})


def _features(wanted: Waveform, wave: Floats, rate_hz: float) -> list[tuple[str, float, str]]:
    """Name, value, and a unit where it is not that of the samples."""
    known = features(wave)
    found = [(str(f), known[f], NUMBER if f in DIMENSIONLESS else "") for f in wanted.features]
    found += [(name, band_rms(wave, rate_hz, low, high), "") for name, low, high in wanted.bands]
    if wanted.envelope is not None:
        found.append((ENVELOPE, envelope_rms(wave, rate_hz, *wanted.envelope), ""))
    return found


def _array(raw: object) -> Floats | Fault:
    """The samples (n,), or why they are none."""
    unfit = _unfit(raw)
    if unfit is not None:
        return unfit
    try:
        wave = np.array(raw, dtype=np.float64)
    except OverflowError:
        return Fault(Reason.NOT_FINITE, "a sample beyond all floats")
    if not np.isfinite(wave).all():
        return Fault(Reason.NOT_FINITE, f"sample {wave[~np.isfinite(wave)][0]}")
    largest = float(np.max(np.abs(wave)))
    if largest > MAX_SIZE:
        return Fault(Reason.OUT_OF_RANGE, f"sample of size {largest}")
    if np.ptp(wave) <= CONSTANT_BELOW * largest:
        return Fault(Reason.CONSTANT, f"all {len(wave)} samples are {wave[0]}")
    return wave


def _unfit(raw: object) -> Fault | None:
    if not isinstance(raw, list):
        return Fault(Reason.BAD_SHAPE, f"no array of samples where the path leads: {shown(raw)}")
    if len(raw) > MAX_SAMPLES:
        return Fault(Reason.TOO_LARGE, f"{len(raw)} samples; {MAX_SAMPLES} are allowed")
    if len(raw) < MIN_SAMPLES:
        return Fault(Reason.TOO_SHORT, f"{len(raw)} samples; {MIN_SAMPLES} are needed")
    odd = set(map(type, raw)) - {int, float}
    if odd:
        return Fault(Reason.NOT_A_NUMBER, f"sample {shown(next(value for value in raw if type(value) in odd))}")
    return None
