"""A real Node-RED reads the flat topic, with the flow of deploy/node-red.json.

Needs `node-red` in the PATH, which nothing here installs: `npm install --prefix FOLDER node-red` puts it into
FOLDER/node_modules/.bin.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.mosquitto import Mosquitto, free_port, until
from tests.rabbitmq import RabbitMq
from tests.small_agent import LIMIT, PATIENCE_S, ROOT, small_agent

pytestmark = [pytest.mark.broker, pytest.mark.long]
CLIENT = "node-red"
SETTINGS = (
    "module.exports = {{uiHost: '127.0.0.1', uiPort: {port}, flowFile: 'flows.json', telemetry: {{enabled: false}}}}"
)


@contextmanager
def node_red(folder: Path, broker: Mosquitto | RabbitMq) -> Iterator[Path]:
    """Node-RED on the flow of deploy/; the file it writes."""
    program = shutil.which("node-red")
    if program is None:
        pytest.skip("node-red is not installed")
    written = folder / "alarms.txt"
    flow = json.loads((ROOT / "deploy" / "node-red.json").read_text(encoding="utf-8"))
    here = {"mqtt-broker": {"port": str(broker.port), "clientid": CLIENT}, "file": {"filename": str(written)}}
    for node in flow:
        node.update(here.get(node["type"], {}))
    (folder / "flows.json").write_text(json.dumps(flow), encoding="utf-8")
    (folder / "settings.js").write_text(SETTINGS.format(port=free_port()), encoding="utf-8")
    with (folder / "node-red.log").open("wb") as output:
        process = subprocess.Popen([program, "--userDir", str(folder)], cwd=folder, stdout=output, stderr=output)
    try:
        until(lambda: broker.subscribed(CLIENT), "Node-RED has subscribed", PATIENCE_S)
        yield written
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def test_node_red_lists_the_alarms_of_the_flat_topic(tmp_path: Path) -> None:
    (tmp_path / "node-red").mkdir()
    with (
        small_agent(tmp_path, tmp_path / "agent.db", more='[outputs]\nflat = "plant-1/alarms"\n') as agent,
        node_red(tmp_path / "node-red", agent.broker) as written,
    ):
        agent.start()
        agent.send("temp", LIMIT + 5.0)
        until(written.exists, "the raise is in the list", PATIENCE_S)
        agent.send("temp", LIMIT - 20.0)
        until(lambda: len(written.read_text(encoding="utf-8").splitlines()) == 2, "and the clear", PATIENCE_S)
        raised, cleared = written.read_text(encoding="utf-8").splitlines()
        told = agent.told()

    assert raised == f"{told[0]['time']} p1 critical raised temp 95: {told[0]['summary']}"
    assert cleared == f"{told[1]['time']} p1 critical cleared temp 70: {told[1]['summary']}"
