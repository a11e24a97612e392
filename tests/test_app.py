"""The composition root: what it writes before anything else."""

from __future__ import annotations

import logging

import pytest

from edge_agent.app import _introduce
from edge_agent.core.voice import load_voice
from tests.core.test_voice import VOICE
from tests.fakes import MemoryJournal
from tests.store.journal_values import some_message

NOTICE = some_message("notice")


def test_who_judges_and_what_is_to_be_told_is_written_down_at_the_start() -> None:
    journal = MemoryJournal()

    assert _introduce(VOICE, [NOTICE], journal)
    assert [queued.message for queued in journal.pending(after=frozenset(), limit=2)] == [NOTICE]
    assert {name: load_voice(blob) for name, blob in journal.states().items()} == {VOICE.state: VOICE}


def test_an_agent_that_cannot_write_who_judges_starts_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    journal = MemoryJournal()
    journal.failing = True
    with caplog.at_level(logging.ERROR):
        assert not _introduce(VOICE, [NOTICE], journal)

    assert "voice_unrecorded" in caplog.text
