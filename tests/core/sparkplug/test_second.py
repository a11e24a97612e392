"""Our payloads and those of a second implementation, sparkplug-payload from npm, both ways; and the recorded bytes.

`pytest --regenerate-golden tests/core/sparkplug/test_second.py` records them anew.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from edge_agent.core.sparkplug.payload import DataType, Metric, Payload, decoded, encoded
from tests.core.sparkplug.recorded import NAMES, RECORDED, as_metric, recorded
from tests.node import run_node

SECOND = Path(__file__).parent / "second.js"
TIME = 1717243200123
SCALARS: list[tuple[str, object]] = [
    *(("Int8", value) for value in (-128, -1, 127)),
    *(("Int16", value) for value in (-32768, -1, 32767)),
    *(("Int32", value) for value in (-(2**31), -1, 2**31 - 1)),
    *(("Int64", value) for value in (-1, "-9223372036854775808", "9223372036854775807")),
    *(("UInt8", value) for value in (0, 255)),
    *(("UInt16", value) for value in (0, 65535)),
    *(("UInt32", value) for value in (0, 4294967295)),
    *(("UInt64", value) for value in (0, "18446744073709551615")),
    *(("Float", value) for value in (0.0, -1.5, 3.4028234663852886e38)),
    *(("Double", value) for value in (0.0, 0.1, -1.7976931348623157e308)),
    *(("Boolean", value) for value in (True, False)),
    *(("String", value) for value in ("", "läuft ✓")),
    ("Text", "two\nlines"),
    ("UUID", "0e1f8a4c-7d6e-4a4b-9f0f-6d7a3d0c2b11"),
    ("DateTime", TIME),
]
DATA_SET = {"numOfColumns": 1, "columns": ["a"], "types": ["Double"], "rows": [[1.5]]}
TEMPLATE = {"isDefinition": True, "metrics": [{"name": "a", "type": "Int8", "value": 1}]}
SAID: dict[str, dict[str, object]] = {
    "scalars": {
        "timestamp": TIME,
        "seq": 3,
        "metrics": [
            {"name": f"m/{i} {name}", "alias": i, "timestamp": TIME + i, "type": name, "value": value}
            for i, (name, value) in enumerate(SCALARS)
        ],
    },
    "node birth": {
        "timestamp": TIME,
        "seq": 0,
        "metrics": [
            {"name": "bdSeq", "timestamp": TIME, "type": "Int64", "value": 7},
            {"name": "Node Control/Rebirth", "timestamp": TIME, "type": "Boolean", "value": False},
        ],
    },
    "flags": {
        "timestamp": TIME,
        "seq": 255,
        "metrics": [
            {"alias": 9, "timestamp": TIME, "type": "Float", "value": 4.5, "isHistorical": True},
            {"alias": 10, "timestamp": TIME, "type": "Int16", "value": None, "isTransient": True},
        ],
    },
    "passed over": {
        "timestamp": TIME,
        "seq": 1,
        "metrics": [
            {"name": "set", "timestamp": TIME, "type": "DataSet", "value": DATA_SET},
            {"name": "template", "timestamp": TIME, "type": "Template", "value": TEMPLATE},
            {
                "name": "vib",
                "timestamp": TIME,
                "type": "Double",
                "value": 2.5,
                "properties": {"engUnit": {"type": "String", "value": "mm/s"}},
                "metadata": {"description": "drive end"},
            },
        ],
    },
    "death": {"timestamp": TIME, "metrics": [{"name": "bdSeq", "timestamp": TIME, "type": "UInt64", "value": 7}]},
    "nothing": {},
}


def asked(*requests: Mapping[str, object]) -> list[object]:
    answers: list[object] = json.loads(run_node(SECOND, "sparkplug-payload", json.dumps(requests)))
    return answers


def test_the_recorded_bytes_are_what_the_second_implementation_writes(pytestconfig: pytest.Config) -> None:
    written = asked(*({"encode": payload} for payload in SAID.values()))
    fresh = {name: {"payload": SAID[name], "bytes": said} for name, said in zip(SAID, written, strict=True)}
    if pytestconfig.getoption("--regenerate-golden"):
        RECORDED.write_text(json.dumps(fresh, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    assert recorded() == {name: (SAID[name], bytes.fromhex(str(one["bytes"]))) for name, one in fresh.items()}


@pytest.mark.parametrize("name", SAID)
def test_recorded_bytes_say_what_was_said(name: str) -> None:
    said, data = recorded()[name]
    found = decoded(data)
    metrics: list[dict[str, object]] = said.get("metrics", [])  # type: ignore[assignment]  # of JSON

    assert (found.timestamp, found.seq) == (said.get("timestamp"), said.get("seq"))
    assert found.metrics == tuple(as_metric(metric) for metric in metrics)
    assert found.skipped == (4 if name == "passed over" else 0)


def test_the_second_implementation_reads_what_we_write() -> None:
    metrics = [
        Metric(name=f"m/{i}", alias=i, timestamp=TIME + i, datatype=NAMES[name.upper()], value=as_value(name, value))
        for i, (name, value) in enumerate(SCALARS)
    ]
    flags = [
        Metric(name="old", timestamp=TIME, datatype=DataType.DOUBLE, value=1.5, is_historical=True),
        Metric(alias=99, timestamp=TIME, datatype=DataType.DOUBLE, is_null=True, is_transient=True),
    ]
    answer = asked({"decode": encoded(Payload(timestamp=TIME, seq=200, metrics=(*metrics, *flags))).hex()})[0]
    assert isinstance(answer, dict)
    *plain, old, null = answer["metrics"]

    assert (answer["timestamp"], answer["seq"]) == (str(TIME), "200")
    assert [(one["name"], one["alias"], one["timestamp"], one["type"]) for one in plain] == [
        (metric.name, str(metric.alias), str(metric.timestamp), name)
        for metric, (name, _) in zip(metrics, SCALARS, strict=True)
    ]
    for one, metric in zip(plain, metrics, strict=True):
        if isinstance(metric.value, int) and not isinstance(metric.value, bool):
            assert int(one["value"]) == metric.value
        else:
            assert one["value"] == metric.value
    assert (old["value"], old["isHistorical"]) == (1.5, True)
    assert (null["value"], null["isTransient"], null["alias"]) == (None, True, "99")


def as_value(name: str, value: object) -> int | float | bool | str:
    """A value as Python has it: what JSON cannot hold exactly is written as text."""
    assert isinstance(value, int | float | bool | str)
    return int(value) if name in {"Int64", "UInt64"} else value
