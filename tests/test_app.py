"""The composition root: what it writes before anything else."""

from __future__ import annotations

import logging

import pytest

from edge_agent.app import _introduce
from edge_agent.core.voice import load_voice
from tests.core.test_voice import VOICE
from tests.fakes import MemoryJournal


def test_who_judges_is_written_down_at_the_start() -> None:
    journal = MemoryJournal()
    _introduce(VOICE, journal)

    assert {name: load_voice(blob) for name, blob in journal.states().items()} == {VOICE.state: VOICE}


def test_an_agent_that_cannot_write_who_judges_starts_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    journal = MemoryJournal()
    journal.failing = True
    with caplog.at_level(logging.ERROR):
        _introduce(VOICE, journal)

    assert "voice_unrecorded" in caplog.text
