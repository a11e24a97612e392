"""Better words, end to end: the agent as users start it, with a bundle that writes, over a real broker."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import pytest

from edge_agent.bundle.load import default_bundle
from edge_agent.bundle.manifest import HASHED, MANIFEST, REPORT_HASHED
from edge_agent.demo.script import plant_script
from edge_agent.mqtt.feed import Feed
from edge_agent.simulate.plant import ONSET
from tests.broker.test_first_alarm import Site, wait_for
from tests.bundle.telling import TELLING, signed

pytestmark = [pytest.mark.broker, pytest.mark.slow]


class WritingSite(Site):
    """A site whose agent has a bundle with a report model."""

    def start(self) -> subprocess.Popen[bytes]:
        bundle = self.folder / "bundle"
        bundle.mkdir()
        for name in (*HASHED, MANIFEST):
            shutil.copyfile(default_bundle() / name, bundle / name)
        for name in REPORT_HASHED:
            shutil.copyfile(TELLING / name, bundle / name)
        signed(bundle)
        with self.config.open("a", encoding="utf-8") as config:
            config.write(f'\n[bundle]\npath = "{bundle}"\n')
        return super().start()


def test_the_raised_alarm_is_told_again_in_the_words_of_the_model(tmp_path: Path) -> None:
    place = WritingSite(tmp_path, plant_script(time.time()))
    try:
        sent = 0
        with Feed("127.0.0.1", place.broker.port) as feed:
            for step in place.script.play():
                for message in step.messages:
                    feed.publish(message.topic, message.payload)
                    sent += message.readings
                if step.number < ONSET + 30:
                    continue
                assert feed.drain(30.0)  # from here on step by step: a later revision would make the words stale
                wait_for(lambda: place.journal_readings() >= sent, "all readings are in SQLite")  # noqa: B023 - at once
                if any(event["kind"] == "risk" for event in place.told()):
                    break
        wait_for(lambda: any(event["summary_source"] == "model" for event in place.told()), "better words")
        told = [event for event in place.told() if event["kind"] == "risk"]
    finally:
        place.close()

    raised, better = told[0], next(event for event in told if event["summary_source"] == "model")
    assert (raised["transition"], raised["summary_source"], raised["rev"]) == ("raised", "template", 1)
    assert (better["transition"], better["alarm"]) == ("updated", raised["alarm"])
    assert "vib_de_mms" in str(better["summary"])
