"""Errands with the agent's own files."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from edge_agent.config import load
from edge_agent.errands import CONFIGURED, AgentErrands
from edge_agent.errors import BundleError, ConfigError, StoreError
from tests.bundle.tiny import TINY
from tests.small_agent import CONFIG, LIMIT


def errands(folder: Path, *, library: bool = True) -> AgentErrands:
    """Those of an agent whose configuration names the tiny bundle."""
    path = folder / "edge-agent.toml"
    text = CONFIG.format(port=1883, protocol="5", database=f'"{folder}/agent.db"', bundle=f'"{TINY}"', limit=LIMIT)
    more = f'library = "{folder}/models"\n' if library else ""
    path.write_text(text.replace("[bundle]\n", f"[bundle]\n{more}"), encoding="utf-8")
    return AgentErrands(load(path), path)


def test_without_a_choice_the_configured_bundle_judges(tmp_path: Path) -> None:
    assert errands(tmp_path).active_bundle() == TINY


def test_a_bundle_that_passes_its_checks_is_chosen_and_stays_so(tmp_path: Path) -> None:
    shutil.copytree(TINY, tmp_path / "models" / "pump@2")
    errands(tmp_path).activate("pump@2")

    assert errands(tmp_path).active_bundle() == tmp_path / "models" / "pump@2"
    errands(tmp_path).activate(CONFIGURED)
    assert errands(tmp_path).active_bundle() == TINY


def test_a_bundle_that_was_altered_is_never_chosen(tmp_path: Path) -> None:
    shutil.copytree(TINY, tmp_path / "models" / "pump@2")
    with (tmp_path / "models" / "pump@2" / "risk.onnx").open("ab") as file:
        file.write(b"x")
    with pytest.raises(BundleError):
        errands(tmp_path).activate("pump@2")

    assert errands(tmp_path).active_bundle() == TINY


def test_a_bundle_that_is_not_there_and_a_library_that_is_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError):
        errands(tmp_path).activate("nowhere")
    with pytest.raises(ConfigError, match="library"):
        errands(tmp_path, library=False).activate("pump@2")


@pytest.mark.parametrize("written", [b"", b"{}", b"[1]", b'{"bundle": 5}', b'{"bundle": "../models"}', b"\xff"])
def test_a_choice_that_cannot_be_read_is_none(tmp_path: Path, written: bytes) -> None:
    (tmp_path / "agent.db.active-bundle").write_bytes(written)

    assert errands(tmp_path).active_bundle() == TINY


def test_a_choice_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    shutil.copytree(TINY, tmp_path / "models" / "pump@2")
    (tmp_path / "agent.db.active-bundle").mkdir()
    with pytest.raises(BundleError, match="cannot be written"):
        errands(tmp_path).activate("pump@2")


def test_a_configuration_with_a_fault_is_not_taken_up(tmp_path: Path) -> None:
    found = errands(tmp_path)
    found.check()
    path = tmp_path / "edge-agent.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("port = 1883", "port = 0"), encoding="utf-8")

    with pytest.raises(ConfigError, match="port"):
        found.check()


def test_nothing_can_be_said_where_there_is_no_journal(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        errands(tmp_path).ask("p1")
