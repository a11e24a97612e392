"""ThingsBoard telemetry → samples: of one device, or of the devices behind a gateway.

A device sends `{key: value}`, `{"ts": ms, "values": {key: value}}` or an array of these; a gateway an object of such
arrays by the name of the device. Keys are channels. Where the source gives the asset a message is one device's.
Source: ThingsBoard, MQTT device API and MQTT gateway API, telemetry upload.
"""

from __future__ import annotations

from edge_agent.core.decoded import Sample
from edge_agent.core.faults import Fault, Reason, shown
from edge_agent.core.timestamps import TimeUnit, parse_time


def samples(document: object, arrival: float, asset: str, time_unit: TimeUnit) -> tuple[list[Sample], list[Fault]]:
    """The samples of a decoded message, and what was left out of it; `arrival` is the time of what bears none.

    `asset` is what the source gives, empty where the payload names the devices.
    """
    found: list[Sample] = []
    faults: list[Fault] = []
    if not asset and not isinstance(document, dict):
        return [], [Fault(Reason.BAD_SHAPE, f"a gateway sends an object of its devices: {shown(document)}")]
    devices = {asset: document} if asset else document
    for device, entries in devices.items():  # type: ignore[attr-defined]  # a dict either way
        for entry in entries if isinstance(entries, list) else [entries]:
            _entry(device, entry, arrival, time_unit, found, faults)
    return found, faults


def _entry(  # noqa: PLR0913 - one entry, and where its parts go
    device: str, entry: object, arrival: float, time_unit: TimeUnit, found: list[Sample], faults: list[Fault]
) -> None:
    values = entry.get("values", entry) if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or not isinstance(values, dict):
        faults.append(Fault(Reason.BAD_SHAPE, f"no object of values of {shown(device)}: {shown(entry)}"))
        return
    written = None if values is entry else entry.get("ts")
    time = arrival if written is None else parse_time(written, time_unit)
    if time is None:
        faults.append(Fault(Reason.BAD_TIME, f"time {shown(written)} ({time_unit})"))
        return
    found += (Sample(device, key, time, value) for key, value in values.items())
