"""Features of a waveform: against what is known of sines, and against scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.baseline import Floats
from edge_agent.core.features import Feature, band_rms, envelope_rms, features

RATE = 25_600.0
LENGTHS = (4096, 4095, 5000)
BANDS = ((0.0, 90.0), (90.0, 110.0), (2000.0, 6000.0), (0.0, 13_000.0))
ENVELOPE = (2000.0, 6000.0)

# What `python -m tests.core.test_features` prints, by scipy 1.17.1 and numpy 2.4.6 on x86-64.
SCIPY = {
    "4096 rms": 0.8762343896909763,
    "4096 peak": 3.7924642960360995,
    "4096 peak_to_peak": 7.330679421051212,
    "4096 crest": 4.328139069471579,
    "4096 kurtosis": 3.4226307571844665,
    "4096 0-90 Hz": 0.02512700475910178,
    "4096 90-110 Hz": 0.7130576242571117,
    "4096 2000-6000 Hz": 0.4587248904845084,
    "4096 0-13000 Hz": 0.8693717612466997,
    "4096 envelope": 0.5449637557690177,
    "4095 rms": 0.8763368416618568,
    "4095 peak": 3.7925083222962943,
    "4095 peak_to_peak": 7.330679421051212,
    "4095 crest": 4.327683308514457,
    "4095 kurtosis": 3.4218913221367764,
    "4095 0-90 Hz": 0.02527592258954788,
    "4095 90-110 Hz": 0.7130483486255301,
    "4095 2000-6000 Hz": 0.4587241261339398,
    "4095 0-13000 Hz": 0.8693681714756243,
    "4095 envelope": 0.5449352934857695,
    "5000 rms": 0.8748020437856014,
    "5000 peak": 3.777279675624248,
    "5000 peak_to_peak": 7.330679421051212,
    "5000 crest": 4.317867913612228,
    "5000 kurtosis": 3.4046161208524985,
    "5000 0-90 Hz": 0.029920827862551045,
    "5000 90-110 Hz": 0.7157377290030734,
    "5000 2000-6000 Hz": 0.46096465652697033,
    "5000 0-13000 Hz": 0.8725365812335945,
    "5000 envelope": 0.5436216143190264,
}


def sine(frequency: float, amplitude: float, n: int = 25_600, offset: float = 0.0) -> Floats:
    wave: Floats = amplitude * np.sin(2 * np.pi * frequency * np.arange(n) / RATE) + offset
    return wave


def bearing(n: int) -> Floats:
    """A shaft at 100 Hz, impacts at 83 Hz that ring at 4 kHz, noise, and a gravity that is no vibration."""
    t = np.arange(n) / RATE
    since = np.mod(t, 1 / 83.0)
    noise = np.random.default_rng(7).normal(0.0, 0.2, n)
    impacts = 3 * np.exp(-since * 900) * np.sin(2 * np.pi * 4000 * since)
    wave: Floats = 9.81 + np.sin(2 * np.pi * 100 * t) + impacts + noise
    return wave


def own(n: int) -> dict[str, float]:
    """The features of the bearing as they are computed here."""
    wave = bearing(n)
    found = {f"{n} {name}": value for name, value in features(wave).items()}
    found |= {f"{n} {low:g}-{high:g} Hz": band_rms(wave, RATE, low, high) for low, high in BANDS}
    return found | {f"{n} envelope": envelope_rms(wave, RATE, *ENVELOPE)}


def by_scipy(n: int) -> dict[str, float]:
    """The same by scipy."""
    from scipy import signal, stats  # noqa: PLC0415 - the training extra brings it

    wave = bearing(n)
    swing = signal.detrend(wave, type="constant")
    rms, peak = float(np.std(wave)), float(np.max(np.abs(swing)))
    frequency, density = signal.periodogram(wave, RATE, window="hann", detrend="constant")
    spectrum, at = np.fft.rfft(swing), np.fft.rfftfreq(n, 1 / RATE)
    band = np.fft.irfft(np.where((at >= ENVELOPE[0]) & (at < ENVELOPE[1]), spectrum, 0), n)
    found = {
        f"{n} rms": rms,
        f"{n} peak": peak,
        f"{n} peak_to_peak": float(np.ptp(wave)),
        f"{n} crest": peak / rms,
        f"{n} kurtosis": float(stats.kurtosis(wave, fisher=False)),
    }
    for low, high in BANDS:
        inside = (frequency >= low) & (frequency < high)
        found[f"{n} {low:g}-{high:g} Hz"] = float(np.sqrt(density[inside].sum() * RATE / n))
    return found | {f"{n} envelope": float(np.std(np.abs(signal.hilbert(band))))}


def test_a_sine_has_the_features_of_the_textbook_whatever_its_offset() -> None:
    found = features(sine(100, 2.0, offset=9.81))

    assert found == pytest.approx(
        {
            Feature.RMS: math.sqrt(2),
            Feature.PEAK: 2.0,
            Feature.PEAK_TO_PEAK: 4.0,
            Feature.CREST: math.sqrt(2),
            Feature.KURTOSIS: 1.5,
        },
        rel=1e-9,
    )


def test_a_band_holds_what_swings_in_it_and_nothing_else() -> None:
    wave = sine(100, 2.0) + sine(1000, 1.0) + 9.81

    assert band_rms(wave, RATE, 90, 110) == pytest.approx(math.sqrt(2))
    assert band_rms(wave, RATE, 900, 1100) == pytest.approx(math.sqrt(0.5))
    assert band_rms(wave, RATE, 200, 800) == pytest.approx(0.0, abs=1e-9)
    assert band_rms(wave, RATE, 0, 50) == pytest.approx(0.0, abs=1e-9)
    assert band_rms(wave, RATE, 100.25, 100.5) == 0.0


@given(st.integers(16, 400))
def test_bands_without_gaps_add_up_to_the_whole_under_the_window(n: int) -> None:
    wave = np.random.default_rng(n).normal(size=n)
    bands = [(0, 1000), (1000, 5000), (5000, RATE)]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)
    whole = np.sum(((wave - wave.mean()) * window) ** 2) / np.sum(window**2)

    assert sum(band_rms(wave, RATE, *band) ** 2 for band in bands) == pytest.approx(whole)


def test_the_envelope_of_a_steady_tone_is_still_and_of_a_modulated_one_swings() -> None:
    """An amplitude of 1 + 0.5 sin has the rms 0.5 / sqrt 2 about its mean; a tone outside the band changes nothing."""
    modulated = (1.0 + sine(50, 0.5)) * sine(4000, 1.0) + sine(100, 3.0)

    assert envelope_rms(sine(4000, 1.0), RATE, *ENVELOPE) == pytest.approx(0.0, abs=1e-9)
    assert envelope_rms(modulated, RATE, *ENVELOPE) == pytest.approx(0.5 / math.sqrt(2))


@pytest.mark.parametrize("n", LENGTHS)
def test_features_are_those_that_scipy_gave(n: int) -> None:
    assert own(n) == pytest.approx({name: value for name, value in SCIPY.items() if name.startswith(f"{n} ")})


@pytest.mark.train
@pytest.mark.parametrize("n", LENGTHS)
def test_features_are_those_that_scipy_gives(n: int) -> None:
    assert own(n) == pytest.approx(by_scipy(n), rel=1e-9)


if __name__ == "__main__":
    for length in LENGTHS:
        for name, value in by_scipy(length).items():
            print(f'    "{name}": {value!r},')  # noqa: T201 - what is recorded above
