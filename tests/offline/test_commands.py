"""The commands as people type them, with the tiny bundle: a real model that has learned little."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from edge_agent.errors import DataError, EdgeAgentError, LinkError, UsageError
from edge_agent.mqtt.watch import Watch
from edge_agent.offline.commands import backtest, replay
from tests.bundle.tiny import TINY
from tests.offline.conftest import ROOT, Mosquitto, Write
from tests.offline.test_backtest import pump_lines

DEADLINE_S = 60.0
_HEEDING_INTERRUPTS = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "  # a shell's `&` ignores
)


def judge(*arguments: str | Path) -> Result:
    """Run `backtest` with the tiny bundle."""
    return CliRunner().invoke(backtest, ["--bundle", str(TINY), *map(str, arguments)])


def send(broker: Mosquitto, *arguments: str | Path) -> Result:
    """Run `replay` against the broker, as fast as it goes."""
    return CliRunner().invoke(
        replay, ["--broker", f"127.0.0.1:{broker.port}", "--speed", "max", *map(str, arguments)]
    )  # fmt: skip


def document(result: Result) -> dict[str, object]:
    assert result.exception is None, result.output
    loaded = json.loads(result.output)
    assert isinstance(loaded, dict)
    return loaded


def verdicts_in(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def pooled(result: Result) -> dict[str, object]:
    found = document(result)["pooled"]
    assert isinstance(found, dict)
    return found


# ------------------------------------------------------------------------------------------------ backtest


def test_backtest_prints_its_figures_beside_always_alarming(write: Write) -> None:
    result = judge(write(*pump_lines()), "--run-to-failure", "--failure-within", "15", "--threshold", "0.02")

    assert result.exception is None, result.output
    assert "bundle tiny" in result.output
    assert "threshold 0.020 (given with --threshold)" in result.output
    assert "baseline 20 steps" in result.output
    assert "\nalways " in result.output
    assert "a blind guess: 0.400" in result.output
    assert "not judged: 20 window(s) in which the healthy baseline was learned" in result.output
    assert "60 verdicts in" in result.output


def test_backtest_says_whose_threshold_it_is_and_fits_none_unasked(write: Write) -> None:
    arguments = (write(*pump_lines()), "--run-to-failure")

    assert "the bundle's own; not fitted to these files" in judge(*arguments).output
    assert "flattering" not in judge(*arguments).output
    assert "best F1 on THESE labels, flattering" in judge(*arguments, "--best-threshold").output


def test_backtest_gives_the_same_figures_as_json(write: Write) -> None:
    found = document(judge(write(*pump_lines()), "--run-to-failure", "--failure-within", "15", "--json"))

    assert found["threshold"] == {"value": 0.08, "source": "bundle"}
    files, total = found["files"], found["pooled"]
    assert isinstance(files, list)
    assert isinstance(total, dict)
    assert (files[0]["windows"], total["windows"], total["positives"], total["prevalence"]) == (40, 40, 16, 0.4)
    assert total["rules"]["always"]["recall"] == 1.0
    assert total["rules"]["always"]["false_percent"] == 100.0
    assert 0.0 <= total["pr_auc"] <= 1.0


def test_backtest_without_an_outcome_scores_nothing(write: Write) -> None:
    result = judge(write(*pump_lines()))

    assert "no outcome is known, so nothing is scored" in result.output
    assert "PR-AUC" not in result.output


def test_backtest_draws_the_risk_of_each_asset(write: Write) -> None:
    result = judge(write(*pump_lines()), "--run-to-failure", "--failure-within", "15", "--plot")
    drawn = result.output[result.output.index("risk 0..1") :].splitlines()

    assert drawn[1].startswith("pump  ░░░░░░░░░░░░░░░░░░░░")
    assert set(drawn[1][26:]) <= set("▁▂▃▄▅▆▇█")
    assert len(drawn[1]) == 6 + 60


def test_backtest_tells_its_progress_when_wanted(write: Write) -> None:
    path = write(*pump_lines())

    assert "judging: 50 %" in judge(path, "--progress").stderr
    assert judge(path).stderr == ""


def test_backtest_that_cannot_write_says_so(write: Write, tmp_path: Path) -> None:
    result = judge(write(*pump_lines()), "--verdicts", tmp_path / "nowhere" / "verdicts.csv")

    assert isinstance(result.exception, DataError)
    assert "cannot be written" in str(result.exception)


def test_backtest_writes_every_verdict(write: Write, tmp_path: Path) -> None:
    out = tmp_path / "verdicts.csv"
    result = judge(write(*pump_lines()), "--run-to-failure", "--failure-within", "15", "--verdicts", out)
    rows = verdicts_in(out)

    assert result.exception is None
    assert len(rows) == 60
    assert (rows[0]["status"], rows[0]["label"], rows[59]["time"], rows[59]["label"]) == ("provisional", "0", "59", "1")
    assert rows[59]["text"].startswith("unknown\n")


def test_backtest_judges_a_known_class_in_its_regimes(write: Write, tmp_path: Path) -> None:
    out = tmp_path / "verdicts.csv"
    lines = [f"{t},{1450 + t % 3},{2 + t % 5 / 10},{50 + t % 4}" for t in range(40)]
    path = write("time,speed_rpm,vib_de_mms,bearing_temp_de_c", *lines)
    result = judge(path, "--class", "pump", "--verdicts", out)

    assert result.exception is None, result.output
    text = verdicts_in(out)[-1]["text"]
    assert text.startswith("pump cond ")
    assert " q?" not in text


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (["--label", "anomaly"], DataError, "no column 'anomaly'"),
        (["--run-to-failure", "--failure-time", "time"], UsageError, "more than one of --label"),
        (["--class", "submarine"], UsageError, "no class 'submarine'"),
        (["--step", "0"], UsageError, "--step '0' is no number of seconds"),
        (["--step", "fast"], UsageError, "--step 'fast'"),
        (["--channel", "pressure"], DataError, "no column 'pressure'"),
        (["--time-format", "%d.%m.%Y"], DataError, "is not a date like"),
    ],
)
def test_backtest_refuses_what_makes_no_sense_with_a_remedy(
    write: Write, arguments: list[str], error: type[EdgeAgentError], message: str
) -> None:
    result = judge(write(*pump_lines()), *arguments)

    assert isinstance(result.exception, error)
    assert message in str(result.exception)
    assert result.exception.hint


def test_preset_reads_turbofan_files(write: Write) -> None:
    """A file as NASA's: no header, blanks, 26 columns; the tiny bundle does not know the class, so another is named."""
    rows = [" ".join(["1", str(t), *(f"{t % 7 + i}.5" for i in range(24))]) + "  " for t in range(1, 61)]
    path = write(*rows, name="test_FD001.txt")
    left = write("10 ", name="RUL_FD001.txt")

    found = pooled(judge(path, "--preset", "cmapss", "--class", "unknown", "--rul", left, "--json"))

    assert (found["assets"], found["learning"], found["windows"], found["positives"]) == (1, 20, 40, 21)


def test_preset_can_be_overruled(write: Write) -> None:
    rows = [" ".join(["1", str(t), *(f"{t % 7 + i}.5" for i in range(24))]) for t in range(1, 61)]

    found = document(judge(write(*rows), "--preset", "cmapss", "--class", "unknown", "--baseline", "30", "--json"))

    assert found["baseline_steps"] == 30


# ------------------------------------------------------------------------------------------------ replay


@pytest.fixture
def listener(mosquitto: Mosquitto) -> Watch:
    """A subscriber to everything under `plant`."""
    watch = Watch("127.0.0.1", mosquitto.port, ["plant/#"])
    watch.open()
    return watch


def heard(watch: Watch, count: int) -> list[tuple[str, bytes]]:
    end = time.monotonic() + DEADLINE_S
    found: list[tuple[str, bytes]] = []
    while len(found) < count and time.monotonic() < end:
        message = watch.take(0.2)
        if message is not None:
            found.append((message.topic, message.payload))
    watch.close()
    return found


@pytest.mark.broker
def test_replay_sends_a_number_per_channel(write: Write, mosquitto: Mosquitto, listener: Watch) -> None:
    path = write("time,x,y", "1,1.5,2", "2,,3")

    result = send(mosquitto, path, "--topic", "plant/{asset}/{channel}")

    assert "2 rows, 3 messages sent and acknowledged" in result.output
    assert heard(listener, 3) == [("plant/pump/x", b"1.5"), ("plant/pump/y", b"2.0"), ("plant/pump/y", b"3.0")]


@pytest.mark.broker
def test_replay_sends_a_json_object_per_row(write: Write, mosquitto: Mosquitto, listener: Watch) -> None:
    path = write("time;machine;x;y", "2024-05-01 12:00;a;1,5;2", "2024-05-01 12:01;b;2,5;3")

    send(mosquitto, path, "--topic", "plant/{asset}", "--asset", "machine", "--json-rows")

    assert [(topic, json.loads(payload)) for topic, payload in heard(listener, 2)] == [
        ("plant/a", {"ts": 1714564800.0, "x": 1.5, "y": 2.0}),
        ("plant/b", {"ts": 1714564860.0, "x": 2.5, "y": 3.0}),
    ]


@pytest.mark.broker
def test_replay_goes_on_from_a_row(write: Write, mosquitto: Mosquitto, listener: Watch) -> None:
    path = write("time,x", *(f"{t},{t * 10}" for t in range(1, 7)))

    send(mosquitto, path, "--topic", "plant/{channel}", "--channel", "x", "--start", "3", "--rows", "2")

    assert heard(listener, 2) == [("plant/x", b"30.0"), ("plant/x", b"40.0")]


@pytest.mark.broker
def test_replay_refuses_a_start_past_the_end(write: Write, mosquitto: Mosquitto) -> None:
    result = send(mosquitto, write("time,x", "1,5"), "--topic", "plant/{channel}", "--start", "2")

    assert isinstance(result.exception, UsageError)


@pytest.mark.parametrize("speed", ["0", "-1", "quick", "inf"])
def test_replay_refuses_a_speed_that_is_none(write: Write, speed: str) -> None:
    result = CliRunner().invoke(
        replay, [str(write("time,x", "1,5")), "--broker", "h", "--topic", "{channel}", "--speed", speed]
    )

    assert isinstance(result.exception, UsageError)


@pytest.mark.broker
def test_replay_names_the_row_to_go_on_from_when_refused(write: Write, start_mosquitto: object, tmp_path: Path) -> None:
    (tmp_path / "acl").write_text("topic read plant/#\n")
    assert callable(start_mosquitto)
    broker = start_mosquitto("allow_anonymous true", f"acl_file {tmp_path / 'acl'}")

    result = send(broker, write("time,x", "1,5", "2,6"), "--topic", "plant/{channel}")

    assert isinstance(result.exception, LinkError)
    assert "refused a message" in str(result.exception)
    assert "go on with --start" in result.exception.hint


@pytest.mark.broker
def test_replay_ends_cleanly_on_an_interrupt_and_names_the_row(
    write: Write, mosquitto: Mosquitto, listener: Watch
) -> None:
    """A process of its own, stopped as a terminal does it while it waits for the third row."""
    path = write("time,x", "1,5", "2,6", "3000,7")
    command = [
        sys.executable, "-c", f"{_HEEDING_INTERRUPTS}from edge_agent.offline.commands import replay; replay()",
        str(path),
        "--broker", f"127.0.0.1:{mosquitto.port}", "--topic", "plant/{channel}", "--speed", "100",
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    assert len(heard(listener, 2)) == 2
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=DEADLINE_S)

    assert "stopped; go on with --start 3" in told
    assert process.returncode == 1
    assert "Traceback" not in told
