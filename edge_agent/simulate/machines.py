"""Asset classes and their single machines: what is measured, and how it answers load and ambient temperature.

Only healthy physics belongs here; what goes wrong is in `faults.py`, what merely looks odd in `harmless.py`. Rated
values are those of common plant equipment; vibration is velocity RMS, where a newly commissioned machine lies near
2 mm/s and 7.1 mm/s is the border of zone D (Source: ISO 20816-3, rigid foundation, group 2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_agent.core.types import ChannelSpec, ClassSpec
from edge_agent.errors import UsageError

Floats = NDArray[np.float64]

STEP_S = 60.0
BASELINE_STEPS = 60
AMBIENT_C = 20.0  # at which `idle` is stated


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One measured channel: `idle + ambient * K above 20 °C + rated * load ** power`, through a first-order lag."""

    name: str
    unit: str
    component: str
    rated: float  # rise over `idle` at rated load, in `unit`
    idle: float = 0.0  # reading at standstill
    power: float = 1.0  # exponent of the per-unit load
    ambient: float = 0.0  # `unit` per kelvin of ambient temperature
    lag: float = 0.0  # time constant, steps
    noise: float = 0.01  # white noise, fraction of `rated`
    wander: float = 0.015  # slow disturbance of this channel alone, fraction of `rated`
    process: float = 0.0  # answer to the disturbance all channels share, fraction of `rated`
    variation: float = 0.06  # log deviation of `rated` between machines of the class
    resolution: float = 0.01  # of the instrument, in `unit`


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineClass:
    """A kind of machine: its signals, and the condition channel that says how hard it runs."""

    name: str
    signals: tuple[Signal, ...]  # n
    condition: str
    condition_unit: str
    rated: float  # condition value at per-unit load 1
    set_points: tuple[float, ...]  # per-unit loads the process asks for


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine of a class with its manufacturing variation."""

    kind: MachineClass
    rated: Floats  # (n,) rises at rated load, of this machine
    idle: Floats  # (n,) standstill readings, with the offsets of its instruments


def vibration(name: str, component: str, rated: float, power: float = 1.5) -> Signal:
    """A velocity transducer on a bearing housing."""
    return Signal(
        name=name, unit="mm/s", component=component, rated=rated, power=power,
        noise=0.04, wander=0.04, process=0.01, variation=0.18, resolution=0.01,
    )  # fmt: skip


def temperature(name: str, component: str, rise: float, lag: float, power: float = 1.5) -> Signal:
    """A resistance thermometer on a part that is `rise` kelvin above ambient at rated load."""
    return Signal(
        name=name, unit="°C", component=component, rated=rise, idle=AMBIENT_C, power=power, ambient=0.9, lag=lag,
        noise=0.008, wander=0.012, process=0.008, variation=0.1, resolution=0.1,
    )  # fmt: skip


PUMP = MachineClass(
    name="pump",
    signals=(
        vibration("vib_de_mms", "drive-end bearing", 2.0),
        vibration("vib_nde_mms", "non-drive-end bearing", 1.6),
        temperature("bearing_temp_de_c", "drive-end bearing", 30.0, 12.0),
        Signal(name="motor_current_a", unit="A", component="motor", rated=42.0, power=2.2, process=0.012),
        Signal(
            name="suction_pressure_bar", unit="bar", component="suction strainer",
            rated=-0.6, idle=1.8, power=1.8, noise=0.02, wander=0.03, process=0.03,
        ),
        Signal(
            name="discharge_pressure_bar", unit="bar", component="impeller",
            rated=5.2, idle=1.2, power=2.0, noise=0.006, process=-0.012,
        ),
        Signal(
            name="flow_m3h", unit="m³/h", component="impeller", rated=85.0, noise=0.012, process=0.02, resolution=0.1
        ),
        Signal(
            name="seal_leak_mlh", unit="ml/h", component="mechanical seal",
            rated=6.0, power=0.8, noise=0.06, wander=0.08, variation=0.25, resolution=0.1,
        ),
    ),
    condition="speed_rpm", condition_unit="rpm", rated=2950.0, set_points=(0.75, 0.85, 0.95, 1.0),
)  # fmt: skip

MOTOR = MachineClass(
    name="motor",
    signals=(
        vibration("vib_de_mms", "drive-end bearing", 1.7, 0.6),
        vibration("vib_nde_mms", "non-drive-end bearing", 1.4, 0.6),
        temperature("bearing_temp_de_c", "drive-end bearing", 26.0, 14.0, 0.9),
        temperature("winding_temp_c", "stator winding", 62.0, 18.0, 1.8),
        Signal(name="current_a", unit="A", component="stator winding", rated=118.0, process=0.015, resolution=0.1),
        Signal(
            name="current_unbalance_pct", unit="%", component="stator winding",
            rated=1.2, power=0.3, noise=0.06, wander=0.08, variation=0.25,
        ),
        Signal(
            name="ambient_temp_c", unit="°C", component="enclosure",
            rated=2.0, idle=AMBIENT_C, ambient=1.0, lag=8.0, noise=0.08, wander=0.1, resolution=0.1,
        ),
    ),
    condition="load_pct", condition_unit="%", rated=100.0, set_points=(0.6, 0.75, 0.9),
)  # fmt: skip

FAN = MachineClass(
    name="fan",
    signals=(
        vibration("vib_de_mms", "drive-end bearing", 2.2),
        vibration("vib_nde_mms", "non-drive-end bearing", 2.4),
        temperature("bearing_temp_de_c", "drive-end bearing", 24.0, 10.0),
        Signal(name="motor_current_a", unit="A", component="motor", rated=31.0, power=2.4, process=0.012),
        Signal(
            name="fan_speed_rpm", unit="rpm", component="drive belt",
            rated=1180.0, noise=0.002, wander=0.002, variation=0.03, resolution=1.0,
        ),
        Signal(
            name="airflow_m3h", unit="m³/h", component="impeller",
            rated=24000.0, noise=0.012, process=0.015, resolution=10.0,
        ),
        Signal(
            name="static_pressure_pa", unit="Pa", component="impeller",
            rated=1450.0, power=2.0, noise=0.012, process=-0.015, resolution=1.0,
        ),
        Signal(
            name="filter_dp_pa", unit="Pa", component="inlet filter",
            rated=140.0, power=1.8, noise=0.02, wander=0.02, process=0.02, variation=0.2, resolution=1.0,
        ),
    ),
    condition="speed_rpm", condition_unit="rpm", rated=1480.0, set_points=(0.7, 0.85, 1.0),
)  # fmt: skip

GEARBOX = MachineClass(
    name="gearbox",
    signals=(
        vibration("vib_in_mms", "input shaft bearing", 1.9, 0.7),
        vibration("vib_out_mms", "output shaft bearing", 1.5, 0.7),
        Signal(
            name="gear_mesh_g", unit="g", component="gear teeth",
            rated=0.9, power=0.9, noise=0.05, wander=0.05, process=0.015, variation=0.2, resolution=0.001,
        ),
        Signal(
            name="sound_db", unit="dB", component="gear teeth",
            rated=36.0, idle=47.0, power=0.15, noise=0.015, wander=0.015, variation=0.03, resolution=0.1,
        ),
        temperature("oil_temp_c", "oil cooler", 36.0, 20.0, 1.2),
        Signal(
            name="oil_pressure_bar", unit="bar", component="oil filter",
            rated=2.6, power=0.2, ambient=-0.006, noise=0.01, wander=0.015, process=-0.005,
        ),
        Signal(
            name="oil_particles_ppm", unit="ppm", component="oil filter",
            rated=18.0, power=0.3, lag=6.0, noise=0.05, wander=0.06, variation=0.25, resolution=0.1,
        ),
    ),
    condition="load_pct", condition_unit="%", rated=100.0, set_points=(0.5, 0.7, 0.9),
)  # fmt: skip

COMPRESSOR = MachineClass(
    name="compressor",
    signals=(
        vibration("vib_de_mms", "drive-end bearing", 2.4, 0.6),
        vibration("vib_nde_mms", "non-drive-end bearing", 2.1, 0.6),
        temperature("discharge_temp_c", "rotors", 60.0, 8.0, 0.6),
        temperature("oil_temp_c", "oil cooler", 42.0, 15.0, 0.8),
        Signal(
            name="discharge_pressure_bar", unit="bar", component="inlet valve",
            rated=6.5, idle=1.0, power=0.25, noise=0.006, process=0.012,
        ),
        Signal(name="motor_current_a", unit="A", component="motor", rated=136.0, power=0.9, process=0.012),
        Signal(
            name="delivery_m3min", unit="m³/min", component="inlet valve",
            rated=12.5, noise=0.012, process=-0.015,
        ),
        Signal(
            name="separator_dp_bar", unit="bar", component="oil separator",
            rated=0.25, power=1.6, noise=0.02, wander=0.025, process=0.015, variation=0.15, resolution=0.001,
        ),
    ),
    condition="load_pct", condition_unit="%", rated=100.0, set_points=(0.55, 0.75, 1.0),
)  # fmt: skip

CLASSES: dict[str, MachineClass] = {kind.name: kind for kind in (PUMP, MOTOR, FAN, GEARBOX, COMPRESSOR)}


def machine_class(name: str) -> MachineClass:
    """The asset class of that name.

    Raises:
        UsageError: there is none.
    """
    kind = CLASSES.get(name)
    if kind is None:
        message = f"asset class {name!r} cannot be simulated"
        raise UsageError(message, hint=f"use one of {', '.join(CLASSES)}")
    return kind


def class_spec(name: str) -> ClassSpec:
    """What the agent has to know of an asset class: its measured channels, the condition channel last; no limits.

    Raises:
        UsageError: there is no such class.
    """
    kind = machine_class(name)
    return ClassSpec(
        name=kind.name,
        channels=(
            *(ChannelSpec(name=s.name, unit=s.unit, component=s.component) for s in kind.signals),
            ChannelSpec(name=kind.condition, unit=kind.condition_unit, condition=True),
        ),
        step_s=STEP_S,
        baseline_steps=BASELINE_STEPS,
    )


def build(rng: np.random.Generator, kind: MachineClass) -> Machine:
    """A machine of a class as it left the factory: rated rises and instrument offsets of its own."""
    rated = np.array([s.rated for s in kind.signals])
    spread = np.array([s.variation for s in kind.signals])
    offset = 0.3 * spread * np.abs(rated) * rng.standard_normal(len(rated))
    idle = np.array([s.idle for s in kind.signals])
    own = rated * np.exp(spread * rng.standard_normal(len(rated)))
    return Machine(kind, own, np.where(idle == 0.0, 0.0, idle + offset))
