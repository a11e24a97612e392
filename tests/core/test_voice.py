"""Who judged."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from edge_agent.core.voice import STATE, Voice, load_voice

VOICE = Voice(
    model="pump", version="3", sha256="ab", bundle="cd", rules="ef", runtime="r 1", processor="p 1", agent="0.1.0"
)


def test_a_voice_written_down_is_the_same_voice() -> None:
    assert load_voice(VOICE.dump()) == VOICE
    assert load_voice(VOICE.dump()).key == VOICE.key
    assert VOICE.state == STATE + VOICE.key


@pytest.mark.parametrize("name", [field.name for field in fields(Voice)])
def test_whatever_differs_gives_another_voice(name: str) -> None:
    other = Voice(**{field.name: getattr(VOICE, field.name) + "x" * (field.name == name) for field in fields(Voice)})

    assert other.key != VOICE.key


def test_only_runtime_and_processor_decide_on_the_last_bit() -> None:
    assert VOICE.same_bits(replace(VOICE, model="other", rules="other"))
    assert not VOICE.same_bits(replace(VOICE, runtime="r 2"))
    assert not VOICE.same_bits(replace(VOICE, processor="p 2"))


@pytest.mark.parametrize("blob", [b"", b"\xff", b"{}", b"[]", b"7", b'{"model": "pump"}'])
def test_a_damaged_voice_is_no_voice(blob: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        load_voice(blob)
