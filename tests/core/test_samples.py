"""Samples of a document → readings where the catalogue says."""

from __future__ import annotations

import json

import pytest

from edge_agent.core import samples
from edge_agent.core.decode import Decoder, Format, Reason, SourceSpec
from edge_agent.core.sources import Catalogue, Target

NOW = 1717243200.0
SOURCE = SourceSpec(
    topic="t",
    format=Format.SENML,
    catalogue=Catalogue(classes={"*": "c"}, channels={"c": {"x": Target(), "mm": Target(unit="mm")}}),
)


def pack(*names: str, **fields: object) -> bytes:
    return json.dumps([{"n": name, "v": 1, **fields} for name in names]).encode()


def test_a_payload_that_is_no_json_is_refused() -> None:
    assert [f.reason for f in Decoder((SOURCE,)).decode("t", b"{", NOW).faults] == [Reason.BAD_JSON]


def test_a_value_that_does_not_fit_float32_is_refused() -> None:
    found = Decoder((SOURCE,)).decode("t", pack("a/mm", u="m", v=3e38), NOW)

    assert [f.reason for f in found.faults] == [Reason.OUT_OF_RANGE]


def test_remembered_names_are_bounded_and_refused_ones_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "MAX_REMEMBERED", 2)
    decoder = Decoder((SOURCE,))
    first = decoder.decode("t", pack("a/x", "a/x", "b/x", "c/x"), NOW)
    decoder.decode("t", pack("d/" + "y" * 500), NOW)

    assert [reading.asset for reading in first.readings] == ["a", "a", "b", "c"]
    assert list(decoder._sources[0].slots) == [("c", "x", "")]


def test_faults_of_one_message_are_bounded() -> None:
    assert len(Decoder((SOURCE,)).decode("t", pack(*["a/z"] * 100), NOW).faults) == 16


def test_only_a_valid_value_makes_an_asset_known() -> None:
    decoder = Decoder((SourceSpec(topic="t", format=Format.THINGSBOARD, catalogue=SOURCE.catalogue),))
    found = decoder.decode("t", b'{"a": [{"x": "broken"}], "b": [{"x": 2}]}', NOW)

    assert [(reading.asset, reading.value) for reading in found.readings] == [("b", 2.0)]
    assert [fault.reason for fault in found.faults] == [Reason.NOT_A_NUMBER]
    assert len(decoder.registry) == 1
