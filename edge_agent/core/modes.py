"""Failure modes: the closed ISO 14224 set (table B.15 and annex B), in plain words, with what to check next.

Words for people come from here and from nowhere else: a model chooses a code, never a text (promise G8).
"""

from __future__ import annotations

from dataclasses import dataclass

NONE = "none"


@dataclass(frozen=True, slots=True)
class Mode:
    """One failure mode: its ISO 14224 code, its name, and the first thing to check."""

    code: str
    name: str
    check: str


MODES: dict[str, Mode] = {
    mode.code: mode
    for mode in (
        Mode(NONE, "no failure mode", "Watch the trend and compare with a sister machine."),
        Mode("VIB", "vibration", "Check bearing condition, lubrication, balance and alignment."),
        Mode("NOI", "noise", "Listen at the machine; check bearings, gears and loose parts."),
        Mode("OHE", "overheating", "Check cooling, lubrication and load."),
        Mode("ELP", "external leakage of process medium", "Check seals and flanges for leakage."),
        Mode("ELU", "external leakage of utility medium", "Check oil, coolant and air lines for leakage."),
        Mode("INL", "internal leakage", "Check valves, rings and clearances for internal leakage."),
        Mode("LOO", "low output", "Check suction, impeller, belt and valves for loss of output."),
        Mode("HIO", "high output", "Check the controller and its set point."),
        Mode("ERO", "erratic output", "Check suction conditions and control for instability."),
        Mode("PLU", "plugged or choked", "Check strainers, filters and lines for blockage."),
        Mode("AIR", "abnormal instrument reading", "Check the sensor, its cable and its mounting first."),
        Mode("PDE", "parameter deviation", "Compare performance with the reference and inspect the deviating section."),
        Mode("STD", "structural deficiency", "Inspect for cracks, corrosion and loose fixings."),
        Mode("BRD", "breakdown", "Stop safely and inspect before restart."),
        Mode("SER", "minor in-service problem", "Inspect at the next round."),
        Mode("FTS", "failure to start on demand", "Check supply, starter and interlocks."),
        Mode("STP", "failure to stop on demand", "Check the stop circuit and isolation."),
        Mode("UST", "spurious stop", "Check trips and supply."),
        Mode("OTH", "other", "Inspect the machine."),
    )
}


def mode(code: str) -> Mode:
    """The mode of a code; an unknown code is shown as `other`, never trusted as text."""
    return MODES.get(code, MODES["OTH"])
