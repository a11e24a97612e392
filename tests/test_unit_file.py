"""The systemd unit, judged by systemd itself and held to what the rest of the repository relies on."""

from __future__ import annotations

import configparser
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edge_agent.errors import EX_CONFIG

UNIT = Path(__file__).parents[1] / "systemd" / "edge-agent.service"
EXPOSURE_LIMIT = 20  # of 100; systemd calls a unit without any hardening 96

ANALYZE = shutil.which("systemd-analyze")
needs_analyze = pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed")


def directives() -> list[tuple[str, str]]:
    lines = UNIT.read_text(encoding="utf-8").splitlines()
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return [(key, value) for key, value in pairs]


@pytest.fixture
def startable(tmp_path: Path) -> Path:
    """The unit with a command that exists here, for systemd wants to find it."""
    copy = tmp_path / UNIT.name
    text = UNIT.read_text(encoding="utf-8")
    command = dict(directives())["ExecStart"].split()[0]
    copy.write_text(text.replace(f"ExecStart={command} ", f"ExecStart={sys.executable} "), encoding="utf-8")
    return copy


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    assert ANALYZE is not None
    return subprocess.run([ANALYZE, *arguments], capture_output=True, text=True, check=False, timeout=60)


@needs_analyze
def test_systemd_accepts_every_line(startable: Path) -> None:
    result = analyze("verify", str(startable))

    complaints = [line for line in result.stderr.splitlines() if startable.name in line]
    assert complaints == []
    assert result.returncode == 0, result.stderr


@needs_analyze
def test_an_unknown_directive_would_be_noticed(startable: Path) -> None:
    startable.write_text(startable.read_text(encoding="utf-8").replace("UMask=", "UMusk="), encoding="utf-8")

    assert "UMusk" in analyze("verify", str(startable)).stderr


@needs_analyze
def test_exposure_is_below_the_limit(startable: Path) -> None:
    result = analyze("security", "--offline=true", f"--threshold={EXPOSURE_LIMIT}", str(startable))

    assert result.returncode == 0, result.stdout[-400:]


def test_a_configuration_error_is_not_restarted() -> None:
    assert ("RestartPreventExitStatus", str(EX_CONFIG)) in directives()


def test_telemetry_is_off_before_the_process_starts() -> None:
    assert ("Environment", "ORT_DISABLE_TELEMETRY=1") in directives()


def test_proc_is_not_cut_down_to_processes() -> None:
    assert "ProcSubset" not in dict(directives())


def test_the_command_is_what_the_install_script_installs() -> None:
    install = (UNIT.parents[1] / "deploy" / "install.sh").read_text(encoding="utf-8")
    program, _, config = dict(directives())["ExecStart"].split()

    assert f"prefix={Path(program).parents[1]}\n" in install
    assert f"settings={Path(config).parent}\n" in install


def test_sections_stand_once_each() -> None:
    parser = configparser.ConfigParser(strict=False, allow_no_value=True, interpolation=None)
    parser.read_string(UNIT.read_text(encoding="utf-8"))

    assert parser.sections() == ["Unit", "Service", "Install"]
