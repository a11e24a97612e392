"""Waveform messages: what is read of them, and what is refused."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.decode import Decoded, Decoder, Format, Paths, Reason, SourceSpec
from edge_agent.core.features import Feature
from edge_agent.core.sources import Catalogue, Target, Waveform
from edge_agent.core.types import Reading
from edge_agent.core.waveform import MAX_SAMPLES, names_of

NOW = 1717243200.0
CATALOGUE = Catalogue(
    classes={"*": "pump"},
    channels={"pump": {"vib.rms": Target(unit="m/s2"), "vib.crest": Target(), "vib.kurtosis": Target(),
                       "vib.low": Target(unit="m/s2"), "vib.envelope": Target(unit="m/s2")}},
)  # fmt: skip
PATHS = Paths(value="d.s", rate="fs", time="ts", unit="u", asset="a", channel="c")
RMS = Waveform(features=(Feature.RMS,))
SINE = (np.sqrt(2.0) * np.sin(2 * np.pi * 10 * np.arange(1000) / 1000)).tolist()  # rms 1 at 10 Hz of 1,000


def decoded(wanted: Waveform = RMS, *, paths: Paths = PATHS, units: str = "", **message: object) -> Decoded:
    """What one waveform of p1's vib says."""
    body = {"fs": 1000, "a": "p1", "c": "vib", "d": {"s": SINE}, **message}
    source = SourceSpec(
        topic="w", format=Format.WAVEFORM, paths=paths, waveform=wanted, catalogue=CATALOGUE, asset="p2",
        channel="vib", units=(("vib", units),) if units else (),
    )  # fmt: skip
    return Decoder((source,)).decode("w", json.dumps(body).encode(), NOW)


def reason(found: Decoded) -> Reason:
    assert found.readings == ()
    (fault,) = found.faults
    return fault.reason


def test_what_is_wanted_of_a_waveform_are_readings_of_its_channel() -> None:
    wanted = Waveform(
        features=(Feature.CREST, Feature.RMS, Feature.KURTOSIS), bands=(("low", 5, 15),), envelope=(0.0, 20.0)
    )
    found = decoded(wanted, ts=NOW - 5)

    assert found.faults == ()
    assert [(r.asset, r.channel, r.time) for r in found.readings] == [
        ("p1", f"vib.{name}", NOW - 5) for name in ("crest", "rms", "kurtosis", "low", "envelope")
    ]
    assert [r.value for r in found.readings] == pytest.approx([math.sqrt(2), 1.0, 1.5, 1.0, 0.0], abs=1e-6)
    assert list(names_of(wanted)) == ["crest", "rms", "kurtosis", "low", "envelope"]


@pytest.mark.parametrize("units", ["", "mm/s2"])
def test_the_unit_of_the_message_counts_more_than_that_of_the_source(units: str) -> None:
    wanted = Waveform(features=(Feature.RMS, Feature.CREST))
    said, unsaid = decoded(wanted, units=units, u="g"), decoded(wanted, units=units)

    assert [r.value for r in said.readings] == pytest.approx([9.80665, math.sqrt(2)])
    assert [r.value for r in unsaid.readings] == pytest.approx([0.001 if units else 1.0, math.sqrt(2)])


def test_names_and_rate_may_come_from_the_source() -> None:
    found = decoded(Waveform(features=(Feature.RMS,), rate_hz=1000), paths=Paths(value="d.s"))

    assert found.readings == (Reading("p2", "vib.rms", NOW, 1.0),)


def test_a_rate_near_the_declared_one_is_the_one_that_counts() -> None:
    wanted = Waveform(bands=(("low", 10, 15),), rate_hz=1000)
    same, slower = decoded(wanted, fs=1000), decoded(wanted, fs=995)  # then the sine is at 9.95 Hz

    assert [same.readings[0].value, slower.readings[0].value] == pytest.approx([math.sqrt(5 / 6), math.sqrt(1 / 6)])
    assert reason(decoded(wanted, fs=980)) is Reason.BAD_RATE


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"fs": 0}, Reason.BAD_RATE),
        ({"fs": -5}, Reason.BAD_RATE),
        ({"fs": "1000"}, Reason.BAD_RATE),
        ({"fs": True}, Reason.BAD_RATE),
        ({"fs": None}, Reason.BAD_RATE),
        ({"fs": math.inf}, Reason.BAD_RATE),
        ({"fs": 10**400}, Reason.BAD_RATE),
        ({"fs": math.nan}, Reason.BAD_RATE),
        ({"fs": 29.9}, Reason.BAD_RATE),
        ({"d": {}}, Reason.BAD_SHAPE),
        ({"d": {"s": 5}}, Reason.BAD_SHAPE),
        ({"d": {"s": []}}, Reason.TOO_SHORT),
        ({"d": {"s": SINE[:15]}}, Reason.TOO_SHORT),
        ({"d": {"s": [0] * MAX_SAMPLES + [1]}}, Reason.TOO_LARGE),
        ({"d": {"s": [1.5] * 100}}, Reason.CONSTANT),
        ({"d": {"s": [0] * 100}}, Reason.CONSTANT),
        ({"d": {"s": [*SINE, None]}}, Reason.NOT_A_NUMBER),
        ({"d": {"s": [*SINE, "1"]}}, Reason.NOT_A_NUMBER),
        ({"d": {"s": [*SINE, True]}}, Reason.NOT_A_NUMBER),
        ({"d": {"s": [*SINE, math.nan]}}, Reason.NOT_FINITE),
        ({"d": {"s": [*SINE, 10**400]}}, Reason.NOT_FINITE),
        ({"d": {"s": [*SINE, 1e200]}}, Reason.OUT_OF_RANGE),
        ({"ts": "yesterday"}, Reason.BAD_TIME),
        ({"a": 5}, Reason.BAD_ASSET),
        ({"c": None}, Reason.BAD_CHANNEL),
        ({"c": "temp"}, Reason.UNKNOWN_CHANNEL),
        ({"u": 5}, Reason.BAD_UNIT),
        ({"u": "bar"}, Reason.BAD_UNIT),
    ],
)
def test_what_is_no_waveform_is_refused_by_reason(message: dict[str, object], expected: Reason) -> None:
    wanted = Waveform(bands=(("low", 5, 15),))

    assert reason(decoded(wanted, **message)) is expected  # type: ignore[arg-type]


def test_a_band_that_is_too_narrow_for_so_few_samples_is_refused() -> None:
    """It would hold a part of a tone only."""
    found = decoded(Waveform(bands=(("low", 5, 8.5),)))

    assert reason(found) is Reason.TOO_SHORT
    assert "needs 1143 at 1000.0" in found.faults[0].detail


def test_a_waveform_of_the_greatest_length_is_read() -> None:
    assert len(decoded(d={"s": [0, 1] * (MAX_SAMPLES // 2)}).readings) == 1


@given(st.lists(st.floats(allow_nan=True) | st.integers(), min_size=14, max_size=40), st.floats() | st.integers())
def test_whatever_is_sent_has_an_answer_and_every_reading_is_finite(samples: list[float], rate: float) -> None:
    wanted = Waveform(features=tuple(Feature), bands=(("low", 0, 1000),), envelope=(0.0, 10.0))
    source = SourceSpec(topic="w", format=Format.WAVEFORM, asset="p", channel="c", waveform=wanted,
                        paths=Paths(value="s", rate="r"))  # fmt: skip
    found = Decoder((source,)).decode("w", json.dumps({"s": samples, "r": rate}).encode(), NOW)

    assert len(found.readings) + len(found.faults) in {1, len(Feature) + 2}
    assert all(math.isfinite(reading.value) for reading in found.readings)


@pytest.mark.parametrize("rate", [1e10, 1e300, 1.7e308])
def test_a_rate_beyond_all_instruments_is_a_reason_and_not_the_end(rate: float) -> None:
    found = decoded(Waveform(bands=(("low", 5.0, 15.0),)), fs=rate)

    assert reason(found) is Reason.BAD_RATE


def test_a_unit_of_a_sender_is_cut_in_the_detail_of_its_fault() -> None:
    found = decoded(u="x" * 100_000)

    assert reason(found) is Reason.BAD_UNIT
    assert len(found.faults[0].detail) < 200
