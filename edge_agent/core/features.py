"""Waveform → numbers: what is taken of the samples of one measurement. Arrays in, numbers out; numpy only.

All of the samples about their mean: an accelerometer's offset, gravity among it, says nothing of a machine. Which of
these a source wants, and what they are called, is core/waveform.py's business.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import numpy as np

from edge_agent.core.baseline import Floats


class Feature(StrEnum):
    """What can be taken of a waveform without knowing its rate."""

    RMS = "rms"
    PEAK = "peak"
    PEAK_TO_PEAK = "peak_to_peak"
    CREST = "crest"
    KURTOSIS = "kurtosis"


DIMENSIONLESS: Final = frozenset({Feature.CREST, Feature.KURTOSIS})  # the others have the unit of the samples


def features(samples: Floats) -> dict[Feature, float]:
    """All of them, of samples (n,) that are not constant.

    Kurtosis is Pearson's: 3 for noise, 1.5 for a sine, more where there are impacts.
    Source: Randall 2011, Vibration-based Condition Monitoring (statistics of the time signal).
    """
    swing = samples - samples.mean()  # (n,)
    rms = float(np.sqrt(np.mean(swing**2)))
    peak = float(np.max(np.abs(swing)))
    return {
        Feature.RMS: rms,
        Feature.PEAK: peak,
        Feature.PEAK_TO_PEAK: float(np.ptp(swing)),
        Feature.CREST: peak / rms,
        Feature.KURTOSIS: float(np.mean((swing / rms) ** 4)),
    }


def band_rms(samples: Floats, rate_hz: float, low_hz: float, high_hz: float) -> float:
    """Root mean square of what lies from `low_hz` up to below `high_hz`, in the unit of the samples (n,).

    By a periodogram under a Hann window, corrected for its power, so that bands without gaps add up (in squares) to
    the whole. Source: Heinzel, Ruediger and Schilling 2002, Spectrum and spectral density estimation by the DFT.
    """
    n = len(samples)
    window = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(n) / n)  # (n,)
    power = np.abs(np.fft.rfft((samples - samples.mean()) * window)) ** 2  # (n // 2 + 1,)
    power[1 : (n + 1) // 2] *= 2.0  # all but zero and, where there is one, the middle stand for two
    frequency = np.fft.rfftfreq(n, 1.0 / rate_hz)
    inside = (frequency >= low_hz) & (frequency < high_hz)
    return float(np.sqrt(power[inside].sum() / (n * np.sum(window**2))))


def envelope_rms(samples: Floats, rate_hz: float, low_hz: float, high_hz: float) -> float:
    """Root mean square of how the amplitude within a band swings about its mean, in the unit of the samples (n,).

    The amplitude is that of the analytic signal (Hilbert transform) of the band: impacts of a rolling bearing make a
    resonance ring again and again, and so move it.
    Source: Randall and Antoni 2011, Rolling element bearing diagnostics (Mechanical Systems and Signal Processing 25).
    """
    spectrum = np.fft.fft(samples - samples.mean())
    frequency = np.fft.fftfreq(len(samples), 1.0 / rate_hz)
    spectrum[(frequency < low_hz) | (frequency >= high_hz)] = 0.0
    amplitude = np.abs(2.0 * np.fft.ifft(spectrum))
    return float(np.std(amplitude))
