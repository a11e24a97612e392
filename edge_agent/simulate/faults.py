"""The ways in which machines fail, by ISO 14224 failure mode: what breaks, and which channels show it.

Only tables of faults belong here; how they grow is in `degradation.py`. Effects are stated at functional failure, as a
fraction of the channel's rise at rated load; below it they follow the severity (0 sound … 1 failed).
Failure-mode codes: ISO 14224, annex B.2.6.
"""

from __future__ import annotations

from dataclasses import dataclass

from edge_agent.errors import UsageError

HEALTHY = "none"
SENSOR_FAULTS = ("stuck", "drift", "spikes", "dropout")


@dataclass(frozen=True, slots=True)
class Effect:
    """What a fault does to one channel at functional failure."""

    channel: str
    rise: float  # fraction of the rated rise; negative lowers
    power: float = 1.0  # of the severity: > 1 shows late
    rough: float = 0.0  # added white noise, fraction of the rated rise


@dataclass(frozen=True, slots=True)
class Fault:
    """A way in which machines of one class fail."""

    name: str
    mode: str  # ISO 14224 code
    component: str  # maintainable item
    topic: str  # vocabulary of the technicians' log lines
    effects: tuple[Effect, ...] = ()
    sensor: str = ""  # one of SENSOR_FAULTS where the instrument is what fails


def _bearing(end: str, other: str, temperature: str = "", item: str = "", name: str = "") -> Fault:
    part = item or ("drive-end bearing" if "_de_" in end else "non-drive-end bearing")
    effects = [Effect(end, 2.4, 1.0, 0.2), Effect(other, 0.45, 1.2)]
    if temperature:
        effects.append(Effect(temperature, 0.55 if "non" not in part else 0.12, 1.4))
    return Fault(name or f"bearing_wear_{'de' if '_de_' in end else 'nde'}", "VIB", part, "bearing", tuple(effects))


_DE, _NDE, _TEMP = "vib_de_mms", "vib_nde_mms", "bearing_temp_de_c"
_WEAR = (_bearing(_DE, _NDE, _TEMP), _bearing(_NDE, _DE, _TEMP))


def _misaligned(current: str) -> Fault:
    return Fault(
        "misalignment", "VIB", "coupling", "alignment",
        (Effect(_DE, 1.6), Effect(_NDE, 0.6), Effect(_TEMP, 0.35, 1.3), Effect(current, 0.06)),
    )  # fmt: skip


def _dry(current: str) -> Fault:
    return Fault(
        "overheating", "OHE", "bearing lubrication", "lubrication",
        (Effect(_TEMP, 1.0), Effect(_DE, 0.4, 1.5, 0.06), Effect(current, 0.04)),
    )  # fmt: skip


def _uncooled(other: Effect) -> Fault:
    return Fault("overheating", "OHE", "oil cooler", "cooling", (Effect("oil_temp_c", 0.65), other))


_PHYSICAL: dict[str, tuple[Fault, ...]] = {
    "pump": (
        *_WEAR,
        _misaligned("motor_current_a"),
        _dry("motor_current_a"),
        Fault("imbalance", "VIB", "impeller", "imbalance", (Effect(_DE, 1.8), Effect(_NDE, 1.7), Effect(_TEMP, 0.1))),
        Fault(
            "seal_leakage", "ELP", "mechanical seal", "seal",
            (
                Effect("seal_leak_mlh", 9.0, 1.2, 0.4), Effect("discharge_pressure_bar", -0.05),
                Effect("flow_m3h", -0.06), Effect(_DE, 0.15),
            ),
        ),
        Fault(
            "cavitation", "ERO", "suction line", "cavitation",
            (
                Effect("flow_m3h", -0.22, 1.0, 0.07), Effect("discharge_pressure_bar", -0.15, 1.0, 0.05),
                Effect("suction_pressure_bar", -0.7, 1.0, 0.12), Effect(_DE, 0.7, 1.0, 0.18),
                Effect(_NDE, 0.5, 1.0, 0.15), Effect("motor_current_a", -0.06, 1.0, 0.03),
            ),
        ),
        Fault(
            "impeller_wear", "LOO", "impeller", "low_output",
            (
                Effect("flow_m3h", -0.22), Effect("discharge_pressure_bar", -0.2),
                Effect("motor_current_a", -0.1), Effect(_DE, 0.25),
            ),
        ),
        Fault(
            "clogging", "PLU", "suction strainer", "clogging",
            (
                Effect("suction_pressure_bar", -1.2), Effect("flow_m3h", -0.28), Effect("motor_current_a", -0.14),
                Effect("discharge_pressure_bar", -0.1), Effect(_DE, 0.2, 1.5, 0.05),
            ),
        ),
        Fault(
            "internal_leakage", "INL", "wear ring", "internal_leak",
            (
                Effect("flow_m3h", -0.2), Effect("discharge_pressure_bar", -0.1), Effect("motor_current_a", 0.09),
                Effect("suction_pressure_bar", 0.25), Effect(_NDE, 0.2),
            ),
        ),
    ),
    "motor": (
        *_WEAR,
        _misaligned("current_a"),
        _dry("current_a"),
        Fault("imbalance", "VIB", "rotor", "imbalance", (Effect(_DE, 1.7), Effect(_NDE, 1.8), Effect(_TEMP, 0.1))),
        Fault(
            "winding", "OHE", "stator winding", "winding",
            (
                Effect("winding_temp_c", 0.55, 1.2), Effect("current_unbalance_pct", 4.0, 1.0, 0.2),
                Effect("current_a", 0.08), Effect(_DE, 0.25),
            ),
        ),
        Fault(
            "cooling", "OHE", "cooling fan", "cooling",
            (Effect("winding_temp_c", 0.6), Effect(_TEMP, 0.45), Effect("current_a", 0.02)),
        ),
    ),
    "fan": (
        *_WEAR,
        _dry("motor_current_a"),
        Fault("imbalance", "VIB", "impeller", "imbalance", (Effect(_DE, 1.7), Effect(_NDE, 2.0), Effect(_TEMP, 0.1))),
        Fault(
            "misalignment", "VIB", "sheave", "alignment",
            (Effect(_DE, 1.5), Effect(_NDE, 0.5), Effect(_TEMP, 0.25), Effect("fan_speed_rpm", -0.01)),
        ),
        Fault(
            "belt_slip", "LOO", "drive belt", "belt",
            (
                Effect("fan_speed_rpm", -0.14, 1.0, 0.006), Effect("airflow_m3h", -0.16), Effect(_DE, 0.5, 1.0, 0.15),
                Effect("static_pressure_pa", -0.24), Effect("motor_current_a", -0.12),
            ),
        ),
        Fault(
            "clogging", "PLU", "inlet filter", "filter",
            (
                Effect("filter_dp_pa", 1.6), Effect("airflow_m3h", -0.22), Effect("static_pressure_pa", -0.12),
                Effect("motor_current_a", -0.1),
            ),
        ),
    ),
    "gearbox": (
        _bearing("vib_in_mms", "vib_out_mms", item="input shaft bearing", name="bearing_wear_in"),
        _bearing("vib_out_mms", "vib_in_mms", item="output shaft bearing", name="bearing_wear_out"),
        Fault(
            "misalignment", "VIB", "coupling", "alignment",
            (Effect("vib_in_mms", 1.7), Effect("vib_out_mms", 0.5), Effect("oil_temp_c", 0.1)),
        ),
        Fault(
            "gear_wear", "VIB", "gear teeth", "gear",
            (
                Effect("gear_mesh_g", 2.6, 1.0, 0.2), Effect("vib_out_mms", 1.0), Effect("vib_in_mms", 0.7),
                Effect("sound_db", 0.14), Effect("oil_particles_ppm", 3.0, 1.0, 0.15), Effect("oil_temp_c", 0.12),
            ),
        ),
        Fault(
            "gear_noise", "NOI", "gear teeth", "noise",
            (
                Effect("sound_db", 0.36, 1.0, 0.02), Effect("gear_mesh_g", 1.1), Effect("vib_in_mms", 0.25),
                Effect("oil_particles_ppm", 0.6),
            ),
        ),
        _uncooled(Effect("oil_pressure_bar", -0.12)),
        Fault(
            "oil_leakage", "ELU", "shaft seal", "oil_leak",
            (
                Effect("oil_pressure_bar", -0.4, 1.2, 0.03), Effect("oil_temp_c", 0.25, 1.5),
                Effect("gear_mesh_g", 0.3, 2.0),
            ),
        ),
        Fault(
            "clogging", "PLU", "oil filter", "filter",
            (Effect("oil_pressure_bar", -0.32), Effect("oil_particles_ppm", 2.2), Effect("oil_temp_c", 0.15)),
        ),
    ),
    "compressor": (
        Fault(
            "bearing_wear_de", "VIB", "drive-end bearing", "bearing",
            (Effect(_DE, 2.2, 1.0, 0.2), Effect(_NDE, 0.5), Effect("oil_temp_c", 0.12)),
        ),
        Fault(
            "bearing_wear_nde", "VIB", "non-drive-end bearing", "bearing",
            (Effect(_NDE, 2.2, 1.0, 0.2), Effect(_DE, 0.5), Effect("oil_temp_c", 0.1)),
        ),
        Fault(
            "misalignment", "VIB", "coupling", "alignment",
            (Effect(_DE, 1.5), Effect(_NDE, 0.5), Effect("motor_current_a", 0.06)),
        ),
        _uncooled(Effect("discharge_temp_c", 0.4)),
        Fault(
            "internal_leakage", "INL", "rotors", "internal_leak",
            (
                Effect("delivery_m3min", -0.24), Effect("discharge_temp_c", 0.3), Effect("oil_temp_c", 0.12),
                Effect("motor_current_a", 0.05), Effect("discharge_pressure_bar", -0.05),
            ),
        ),
        Fault(
            "clogging", "PLU", "oil separator", "filter",
            (
                Effect("separator_dp_bar", 2.6), Effect("motor_current_a", 0.1),
                Effect("discharge_pressure_bar", -0.06),
                Effect("delivery_m3min", -0.06),
            ),
        ),
        Fault(
            "low_delivery", "LOO", "inlet valve", "low_output",
            (
                Effect("delivery_m3min", -0.3), Effect("discharge_pressure_bar", -0.16, 1.2),
                Effect("motor_current_a", -0.18), Effect("discharge_temp_c", -0.1),
            ),
        ),
        Fault(
            "oil_leakage", "ELU", "shaft seal", "oil_leak",
            (Effect("oil_temp_c", 0.4), Effect("discharge_temp_c", 0.35), Effect("separator_dp_bar", -0.3)),
        ),
    ),
}  # fmt: skip

FAULTS: dict[str, tuple[Fault, ...]] = {
    name: (*faults, *(Fault(f"sensor_{kind}", "AIR", "instrument", "sensor", sensor=kind) for kind in SENSOR_FAULTS))
    for name, faults in _PHYSICAL.items()
}
MODES: tuple[str, ...] = (HEALTHY, *sorted({fault.mode for faults in FAULTS.values() for fault in faults}))


def find_fault(asset_class: str, name: str) -> Fault:
    """The fault of that name of an asset class.

    Raises:
        UsageError: machines of the class cannot fail so.
    """
    known = FAULTS.get(asset_class, ())
    for fault in known:
        if fault.name == name:
            return fault
    message = f"fault {name!r} is not known of asset class {asset_class!r}"
    raise UsageError(message, hint=f"use one of {', '.join(fault.name for fault in known) or 'no class of that name'}")
