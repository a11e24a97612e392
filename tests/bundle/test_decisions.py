"""A configuration and a bundle → who judges, and how that is named."""

from __future__ import annotations

import platform
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from edge_agent.bundle.decisions import judge_of, voice_of
from edge_agent.bundle.load import Bundle, load_bundle
from edge_agent.bundle.runtime import processor, runtime
from edge_agent.config import load
from tests.bundle.tiny import TINY
from tests.offline.alarm_site import write_config

TEXT = "pump\nvib q? q? q? z+30 z+20 z+10 z+05"


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return load_bundle(TINY)


@pytest.mark.parametrize(("texts", "counted"), [(1024, {False: 1, True: 2}), (0, {})])
def test_a_text_is_scored_once_unless_the_memory_is_off(
    tmp_path: Path, bundle: Bundle, texts: int, counted: dict[bool, int]
) -> None:
    told: Counter[bool] = Counter()

    def count(known: bool) -> None:  # noqa: FBT001 - the signature of the counter
        told[known] += 1

    judge = judge_of(load(write_config(tmp_path, texts=texts)), bundle, count)

    assert {judge.score(TEXT) for _ in range(3)} == {bundle.risk.score(TEXT)}
    assert told == counted


def test_the_same_settings_and_bundle_are_the_same_voice(tmp_path: Path, bundle: Bundle) -> None:
    config = load(write_config(tmp_path))

    assert voice_of(config, bundle) == voice_of(config, load_bundle(TINY))
    assert judge_of(config, bundle, lambda _known: None).voice == voice_of(config, bundle).key


def test_what_decides_makes_another_voice_and_what_does_not_the_same(tmp_path: Path, bundle: Bundle) -> None:
    voice = voice_of(load(write_config(tmp_path)), bundle)
    other = replace(bundle, manifest=bundle.manifest.model_copy(update={"threshold": 0.123}))

    assert voice_of(load(write_config(tmp_path, raise_at=0.2)), bundle).rules != voice.rules
    assert voice_of(load(write_config(tmp_path)), other).bundle != voice.bundle
    assert voice_of(load(write_config(tmp_path, texts=7)), bundle) == voice


def test_the_runtime_names_all_that_computes() -> None:
    assert [word.split()[0] for word in runtime().split(", ")] == ["onnxruntime", "numpy", "tokenizers"]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\nflags : a b\n", "Some CPU @ 2 GHz"),
        ("CPU part\t: 0xd0b\nModel\t\t: Raspberry Pi 5 Model B\n", "Raspberry Pi 5 Model B"),
        ("CPU part\t: 0xd0b\n", "0xd0b"),
        ("nothing of the kind", ""),
    ],
)
def test_the_processor_is_named_as_the_system_names_it(tmp_path: Path, said: str, expected: str) -> None:
    path = tmp_path / "cpuinfo"
    path.write_text(said, encoding="utf-8")

    assert processor(path) == f"{platform.machine()} {expected}".strip()


def test_a_system_that_says_nothing_has_a_processor_all_the_same(tmp_path: Path) -> None:
    assert processor(tmp_path / "nowhere") == platform.machine()
