"""[[source]]: what is wrong with one in itself, beside the others, or beside the classes."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.config import check, load
from edge_agent.core.decode import Decoder
from edge_agent.core.types import Reading
from tests.config.files import CLASS, JSON_SOURCE, SOURCE, SPARKPLUG, WAVE, fields, good, good_without_source, write

MACHINE = '[[source]]\ntopic = "a"\nasset = "Pump 1"\nchannel = "vib"\n'


@pytest.mark.parametrize(
    ("source", "field", "said"),
    [
        (JSON_SOURCE + 'channel = "c"\n', "source[1].json.value", "nothing says where the value is"),
        (JSON_SOURCE + 'value = "v"\nchannels = { vib = "v" }\n', "source[1].json.value", "both given"),
        (JSON_SOURCE + 'value = "v"\n', "source[1].topic", "which channel"),
        (JSON_SOURCE + 'channels = { vib = "a..b" }\n', 'source[1].json.channels."vib"', "no step of a path"),
        (JSON_SOURCE + 'channels = { vob = "a" }\n', 'source[1].json.channels."vob"', "measures no such channel"),
        (JSON_SOURCE + 'channels = { vib = "a" }\ntext = "t"\n', "source[1].json.text", "no such thing"),
        (
            JSON_SOURCE.replace("[source.json]", 'kind = "log"\n[source.json]'),
            "source[1].json.text",
            "where the text is",
        ),
        (
            JSON_SOURCE.replace("[source.json]", 'kind = "log"\n[source.json]') + 'text = "t"\nvalue = "v"\n',
            "source[1].json.value",
            "a log has no such thing",
        ),
        (
            JSON_SOURCE.replace("[source.json]", 'format = "scalar"\nchannel = "vib"\n[source.json]') + 'value = "v"\n',
            "source[1].format",
            "paths into JSON",
        ),
        (SOURCE + 'format = "text"\n', "source[1].format", "a reading is not written so"),
        (JSON_SOURCE + 'value = "v"\nchannel = "c"\nrate = "fs"\n', "source[1].json.rate", "only a waveform"),
        (SOURCE + 'format = "scalar"\n[source.waveform]\n', "source[1].waveform", "only a waveform"),
        (WAVE.replace('value = "s"', ""), "source[1].json.value", "where the samples are"),
        (WAVE.replace('rate = "fs"', 'items = "x"\nrate = "fs"'), "source[1].json.items", "no such thing"),
        (WAVE.replace('rate = "fs"', ""), "source[1].waveform.rate_hz", "how many samples"),
        (WAVE.replace('["rms"]', "[]"), "source[1].waveform.features", "nothing is taken"),
        (WAVE + "bands = { peak = [1, 2] }\n", 'source[1].waveform.bands."peak"', "name of a feature"),
        (WAVE + "bands = { a = [2, 1] }\n", "source[1].waveform.bands.a", "is no band"),
        (WAVE + "envelope_hz = [1, 600]\nrate_hz = 1000\n", "source[1].waveform", "half of rate_hz, 500.0 Hz"),
        (WAVE.replace("/{channel}", '"\nchannel = "vob'), "source[1].channel", "measures no such channel"),
        (WAVE.replace("[source.json]", 'unit = "psi"\n[source.json]'), "source[1].unit", "no conversion from 'psi'"),
        (SOURCE + 'format = "thingsboard"\n', "source[1].channel", "are the channels"),
        (JSON_SOURCE + 'channels = { vib = "v" }\nunit = "u"\n', "source[1].json.unit", "of several channels"),
        (SPARKPLUG.replace("spBv1.0/plant1/#", "plant/#"), "source[1].topic", "Sparkplug's topics are"),
        (SPARKPLUG.replace("plant1/#", "{group}/#"), "source[1].topic", "Sparkplug's topics are"),
        (SPARKPLUG.replace("spBv1.0", "$share/g/spBv1.0"), "source[1].topic", "all of them for one host"),
        (SPARKPLUG + 'asset = "p"\nclass = "pump"\n', "source[1].asset", "the device is the machine"),
        (SPARKPLUG + 'channel = "vib"\n', "source[1].channel", "its metrics are the channels"),
        (SOURCE + 'kind = "log"\nformat = "senml"\n', "source[1].format", "a log is not written so"),
        (SOURCE + 'format = "senml"\n[source.json]\n', "source[1].format", "paths into JSON"),
        (SOURCE + 'kind = "log"\nformat = "scalar"\n', "source[1].format", "a log is not written so"),
        (SOURCE + 'kind = "logs"\n', "source[1].kind", "should be 'reading', 'log' or 'order'"),
        (SOURCE + "unit = 5\n", "source[1].unit", "should be a valid dictionary"),
        (SOURCE + 'unit = { vib = "psi" }\n', "source[1].unit", "no conversion from 'psi'"),
        (SOURCE + 'unit = { vob = "psi" }\n', 'source[1].unit."vob"', "measures no such channel"),
        (SOURCE + 'class = "pump"\n', "source[1].class", "names none"),
        ('[[source]]\ntopic = "a"\nasset = "%"\nchannel = "vib"\n', "source[1].asset", "neither letters nor digits"),
        (
            '[[source]]\ntopic = "a"\nasset = "p"\nclass = "pmp"\nchannel = "vib"\n',
            "source[1].class",
            "there is no such class",
        ),
        (
            '[[source]]\ntopic = "a"\nasset = "p"\nchannel = "vob"\n',
            "source[1].channel",
            'class "pump" measures no such channel',
        ),
        (
            MACHINE + MACHINE.replace('"a"', '"b"').replace("Pump 1", "pump-1"),
            "source[2].asset",
            "has the same id 'pump-1' as \"Pump 1\" of source[1]",
        ),
        ("", "source", "is needed"),
        ("source = []\n", "source", "is empty"),
    ],
)
def test_a_wrong_source_is_told(file: Path, source: str, field: str, said: str) -> None:
    problems = check(write(file, source, good_without_source()))

    assert fields(problems) == [field]
    assert said in problems[0].reason
    assert problems[0].remedy


def test_a_machine_that_nothing_gives_a_class_is_told(file: Path) -> None:
    fixed = '[[source]]\ntopic = "a"\nasset = "Fan 1"\nchannel = "vib"\n'

    assert [p.remedy for p in check(good(file, assets=""))] == [
        'add a table [assets] with a line such as `"*" = "pump"`'
    ]
    problems = check(good(file, source=fixed, assets='[assets]\n"pump-*" = "pump"\n'))
    assert [(p.field, p.remedy) for p in problems] == [
        ("source[1].asset", 'add `class = ...` to the [[source]], or `"fan-1" = ...` to [assets]')
    ]


def test_one_machine_has_one_class(file: Path) -> None:
    machine = '[[source]]\ntopic = "a"\nasset = "Fan 1"\nclass = "pump"\nchannel = "vib"\n'
    other = machine.replace('"a"', '"b"').replace('"pump"', '"fan"')
    problems = check(good(file, source=machine + other, classes=CLASS + CLASS.replace("pump", "fan")))

    assert [(p.field, p.reason) for p in problems] == [("source[2].class", 'source[1] says that "Fan 1" is a "pump"')]


def test_a_channel_without_unit_cannot_be_converted_to(file: Path) -> None:
    problems = check(good(file, source=SOURCE + 'unit = "psi"\n', classes=CLASS.replace('unit = "mm/s"\n', "")))

    assert [p.remedy for p in problems] == ['add `unit = ...` to channel "vib" of class "pump"']


def test_a_format_that_names_machine_and_channel_needs_neither_from_the_source(file: Path) -> None:
    assert check(good(file, source='[[source]]\ntopic = "senml"\nformat = "senml"\n')) == []
    assert check(good(file, source=SPARKPLUG)) == []


def test_a_waveform_is_known_by_its_table_and_its_unit_is_that_of_its_channels(file: Path) -> None:
    source = WAVE.replace('format = "waveform"', 'unit = { vib = "g" }')
    write(file, source, good_without_source())
    found = Decoder(load(file).sources()).decode(
        "w/p1/vib", b'{"fs":64,"s":[1,-1,1,-1,1,-1,1,-1,1,-1,1,-1,1,-1,1,-1]}', 0.0
    )

    assert check(file) == []
    assert found.readings == (Reading("p1", "vib.rms", 0.0, pytest.approx(9.80665)),)  # type: ignore[arg-type]


def test_a_unit_for_all_concerns_only_the_channels_of_the_source(file: Path) -> None:
    classes = CLASS + '[[class.channel]]\nname = "temp"\nunit = "degC"\n'
    source = JSON_SOURCE.replace("[source.json]", 'unit = "degF"\n[source.json]') + 'channels = { temp = "t" }\n'

    assert check(good(file, source=source, classes=classes)) == []
