"""What technicians write about healthy machines, how they abbreviate, and who they are.

Only tables belong here. None of these lines is about a fault, though some are meant to sound so.
"""

from __future__ import annotations

ROUTINE = (
    "greased", "greased both ends", "checked oil ok", "oil level ok", "cleaned guard", "cleaned floor around unit",
    "routine round, nothing to report", "all ok", "visual check ok", "tightened guard screw", "painted base frame",
    "label renewed", "readings taken", "weekly PM done", "monthly PM done", "lamp replaced above unit",
    "checked, running normal", "area cleaned", "changed over to standby and back", "insulation cladding refitted",
    "earth cable checked", "vibration route done, no change", "oil sample taken", "sample result normal",
    "took photos for planning", "safety walk done", "topped up grease gun", "checked temps by hand, normal",
    "belt guard in place", "no leaks seen", "hour meter read", "emergency stop tested ok", "shift handover, no issues",
)  # fmt: skip
MISLEADING = (
    "noise was from the neighbour machine", "vibration from forklift traffic", "loud today because hall door open",
    "water on floor from cleaning", "smell of paint from workshop", "hot in hall today",
    "leak was from roof, not from unit",
    "bearing for other unit delivered to store", "spare seal set arrived", "noise checked, only loose guard",
    "vibration checked with hand meter, normal", "operator heard noise, nothing found",
    "bearing temp normal for this weather",
    "alarm on screen was a test", "drip was condensation", "replaced broken lamp, hot surface sign renewed",
)  # fmt: skip
ODDITY_LINES: dict[str, tuple[str, ...]] = {
    "stop": ("unit stopped, no demand", "stopped for product change", "restarted after break", "stopped by production"),
    "hot_day": (
        "very hot in hall today", "hall temp high, doors opened", "ventilation of hall off", "hot day, all units warm",
    ),
    "filter_change": (
        "filter changed as planned", "routine filter change", "new filter mat, planned", "cleaned filter per PM",
    ),
    "spike": ("short blip on screen, nothing found", "someone bumped the sensor", "single peak on trend, machine ok"),
    "visit": (
        "stopped for inspection, no findings", "opened cover, all fine", "inspected, no fault found",
        "PM done, put back",
    ),
    "process_change": (
        "recipe changed", "new product since noon", "valve position changed by prod", "set point changed",
    ),
}  # fmt: skip
ABBREVIATIONS: dict[str, tuple[str, ...]] = {
    "bearing": ("brg", "bear.", "brng"), "bearings": ("brgs",), "drive-end": ("DE", "D/E", "drive end"),
    "non-drive-end": ("NDE", "N/D/E", "non drive end"), "checked": ("chkd", "chk'd", "ck"), "check": ("chk", "ck"),
    "replaced": ("repl", "repl.", "rplcd"), "changed": ("chgd", "chngd"), "vibration": ("vib", "vibs", "vibr."),
    "temperature": ("temp", "tmp"), "temp": ("tmp",), "pressure": ("press", "pres."), "machine": ("m/c", "mach"),
    "motor": ("mtr",), "coupling": ("cplg", "coupl."), "slight": ("slt", "sl."), "slightly": ("sltly", "sl."),
    "with": ("w/",), "without": ("w/out",), "normal": ("norm", "nml"), "running": ("rng", "runng"), "noise": ("nse",),
    "noisy": ("nsy",), "operator": ("oper", "op"), "and": ("&", "+"), "alignment": ("algnmt", "align."),
    "lubrication": ("lube",), "gearbox": ("gbx", "g/box"), "filter": ("fltr", "filt"), "leak": ("lk",),
    "leaking": (
        "lkg", "leakg"), "mechanical": ("mech", "mech."), "production": ("prod",), "maintenance": ("mtce", "maint",
    ),
    "removed": ("rmvd",), "cleaned": ("clnd", "cln'd"), "inspection": ("insp",), "required": ("req", "reqd"),
    "adjusted": ("adj", "adj'd"), "transmitter": ("xmtr", "tx"), "suction": ("suct", "suct."), "discharge": ("disch",),
    "working": ("wrkg",), "unit": ("unt",), "shaft": ("shft",), "standby": ("stby",), "after": ("aft",),
    "high": ("hi",), "low": ("lo",), "stopped": ("stpd",), "tightened": ("tghtd",), "please": ("pls",),
    "supervisor": ("sup", "supv"),
}  # fmt: skip
AUTHORS = ("jm", "kowalski", "a.novak", "TS", "shift B", "dieter", "mwk", "R. Singh", "op2", "hansen")
