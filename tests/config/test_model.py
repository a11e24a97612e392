"""What a configuration means to the rest: specs, sources, policy, addresses."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from edge_agent.config import load
from edge_agent.config.sections.agent import Log
from edge_agent.core.decode import Decoder
from edge_agent.core.sources import Format, Kind, Target
from edge_agent.core.types import AlarmPolicy, ChannelSpec, Limits, Severity
from tests.config.files import BROKER, CLASS, SOURCE, SPARKPLUG, good


def test_classes_become_specs(file: Path) -> None:
    table = (
        '[[class]]\nname = "pump"\nstep_s = 10\ncomplete = true\nrunning = "load > 5"\n'
        '[[class.channel]]\nname = "vib"\nunit = "mm/s"\ncomponent = "bearing"\nlow_warning = 0\nhigh_alarm = 7.1\n'
        '[[class.channel]]\nname = "load"\ncondition = true\n'
        '[[class.channel]]\nname = "strokes"\ncounter = true\n'
        '[[class.channel]]\nname = "ratio"\nexpression = "vib / load"\n'
    )
    config = load(good(file, classes=table))
    spec = config.class_specs()["pump"]

    assert (spec.step_s, spec.complete, spec.baseline_steps, spec.running) == (10.0, True, 60, "load > 5")
    assert spec.channels == (
        ChannelSpec(name="vib", unit="mm/s", component="bearing", limits=Limits(low_warning=0.0, high_alarm=7.1)),
        ChannelSpec(name="load", condition=True),
        ChannelSpec(name="strokes"),
        ChannelSpec(name="ratio", expression="vib / load"),
    )
    assert config.catalogue.channels == {
        "pump": {"vib": Target(unit="mm/s"), "load": Target(), "strokes": Target(counter=True)}
    }


def test_sources_become_specs_in_their_order(file: Path) -> None:
    tables = (
        '[[source]]\ntopic = "a/{asset}/log"\nkind = "log"\nkeep_author = true\n'
        '[source.json]\ntext = "m"\nauthor = "by"\n'
        '[[source]]\ntopic = "a/{asset}"\nunit = { vib = "in/s" }\ntime_unit = "ms"\n'
        '[source.json]\nchannels = { vib = "d.v" }\ntime = "ts"\n'
        '[[source]]\ntopic = "press"\nasset = "Pump 4"\nclass = "pump"\nchannel = "vib"\nunit = "in/s"\n'
        '[[source]]\ntopic = "b/{asset}/text"\nkind = "log"\n'
    )
    log, batch, press, text = load(good(file, source=tables)).sources()

    assert (log.kind, log.format, log.keep_author, log.paths.text, log.paths.author) == (
        Kind.LOG, Format.JSON, True, "m", "by",
    )  # fmt: skip
    assert (batch.format, batch.units, batch.time_unit, batch.paths.channels) == (
        Format.JSON, (("vib", "in/s"),), "ms", (("vib", "d.v"),),
    )  # fmt: skip
    assert (press.asset, press.asset_class, press.channel, press.format) == ("Pump 4", "pump", "vib", Format.SCALAR)
    assert press.units == (("*", "in/s"),)
    assert text.format is Format.TEXT


def test_a_declared_unit_is_converted_when_a_message_comes(file: Path) -> None:
    config = load(good(file, source=SOURCE + 'unit = "in/s"\n'))

    assert Decoder(config.sources()).decode("plant/p1/vib", b"2", 0.0).readings[0].value == pytest.approx(50.8)


def test_the_first_glob_that_fits_gives_the_class_and_a_named_machine_has_its_own(file: Path) -> None:
    classes = CLASS + CLASS.replace("pump", "fan") + CLASS.replace("pump", "press")
    assets = '[assets]\n"p-?" = "fan"\n"p-*" = "pump"\n'
    source = SOURCE + '[[source]]\ntopic = "press"\nasset = "P 9"\nclass = "press"\nchannel = "vib"\n'
    config = load(good(file, classes=classes, assets=assets, source=source))

    assert [config.asset_class(a) for a in ("p-1", "p-12", "p-9", "x")] == ["fan", "pump", "press", None]


def test_policy_takes_what_is_written_and_else_the_default(file: Path) -> None:
    alarm = (
        '[alarm]\nraise_at = 0.7\non_windows = 1\nlimit_severity = { word = "stop", number = 999 }\n'
        'unit_severity = { word = "mend", number = 50 }\n'
        '[[alarm.severity]]\nrisk = 0.0\nword = "look"\nnumber = 400\n'
    )
    policy = load(good(file, alarm=alarm)).policy()

    assert policy == AlarmPolicy(
        raise_at=0.7,
        on_windows=1,
        severities=(Severity(risk=0.0, word="look", number=400),),
        limit_severity=Severity(risk=1.0, word="stop", number=999),
        unit_severity=Severity(risk=0.0, word="mend", number=50),
    )


def test_names_of_the_gateway_make_address_and_client_id(file: Path) -> None:
    config = load(good(file))

    assert config.address.root == "pdm/v1/acme/plant-1/gw-1"
    assert config.client_id == "edge-agent-gw-1"
    assert config.subscriptions() == ("pdm/v1/acme/plant-1/gw-1/cmd/+", "plant/+/+")
    assert load(good(file, broker=BROKER + 'client_id = "x:1"\n')).client_id == "x:1"


def test_our_edge_node_is_called_as_the_gateway_is_unless_told(file: Path) -> None:
    names = [
        load(good(file, source=SPARKPLUG, sparkplug=f'[sparkplug]\ngroup = "pdm"\n{more}')).sparkplug_node
        for more in ("", 'edge_node = "Hall 3"\n')
    ]

    assert names == [load(good(file)).gateway.name, "Hall 3"]


@pytest.mark.parametrize(("text", "level"), [('"debug"', "DEBUG"), ('"Warning"', "WARNING")])
def test_the_log_level_may_be_written_in_any_case(file: Path, text: str, level: str) -> None:
    assert load(good(file, log=f"[log]\nlevel = {text}\n")).log.level == level


def test_nothing_can_be_changed_later(file: Path) -> None:
    config = load(good(file))

    with pytest.raises(ValidationError):
        config.gateway.name = "other"  # type: ignore[misc]  # that is what must fail
    with pytest.raises(ValidationError):
        config.log = Log()  # type: ignore[misc]
