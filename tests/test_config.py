"""The configuration: what is understood, and how what is wrong is told."""

from __future__ import annotations

import copy
import os
import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from edge_agent.config import Broker, Config, Problem, check, load
from edge_agent.config.loading import _judge
from edge_agent.config.problems import SECRET
from edge_agent.config.sections.agent import Bundle, Gateway, Health, Log, Store
from edge_agent.config.sections.alarm import Alarm, SeverityRow, SeverityWord
from edge_agent.config.sections.asset_class import AssetClass, Channel
from edge_agent.config.sections.broker import Tls
from edge_agent.config.sections.outputs import Outputs, Sparkplug
from edge_agent.config.sections.source import Json, Source, WaveformTable
from edge_agent.core.decode import Decoder
from edge_agent.core.sources import Format, Kind, Target
from edge_agent.core.types import AlarmPolicy, ChannelSpec, Limits, Reading, Severity
from edge_agent.errors import EX_CONFIG, ConfigError

BROKEN = Path(__file__).parent / "data" / "broken"
EXAMPLE = Path(__file__).parents[1] / "deploy" / "edge-agent.toml"

GATEWAY = '[gateway]\ntenant = "acme"\nsite = "plant-1"\nname = "gw-1"\n'
BROKER = '[broker]\nhost = "127.0.0.1"\n'
SOURCE = '[[source]]\ntopic = "plant/{asset}/{channel}"\n'
SPARKPLUG = '[[source]]\ntopic = "spBv1.0/plant1/#"\nformat = "sparkplug"\n'
CLASS = '[[class]]\nname = "pump"\n[[class.channel]]\nname = "vib"\nunit = "mm/s"\n'
RUNNING = CLASS.replace("[[class.channel]]", "running = '{}'\n[[class.channel]]")
ASSETS = '[assets]\n"*" = "pump"\n'
RMS = '[[class.channel]]\nname = "vib.rms"\nunit = "m/s2"\n'
WAVE = (
    '[[source]]\ntopic = "w/{asset}/{channel}"\nformat = "waveform"\n'
    '[source.json]\nvalue = "s"\nrate = "fs"\n[source.waveform]\nfeatures = ["rms"]\n'
)


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(("EDGE_AGENT", "CREDENTIALS_DIRECTORY")):
            monkeypatch.delenv(name)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "edge-agent.toml"


def write(file: Path, *tables: str) -> Path:
    file.write_text("\n".join(tables), encoding="utf-8")
    return file


def good(file: Path, **replaced: str) -> Path:
    tables = {"gateway": GATEWAY, "broker": BROKER, "source": SOURCE, "classes": CLASS, "assets": ASSETS}
    return write(file, *{**tables, **replaced}.values())


def fields(problems: list[Problem]) -> list[str]:
    return [problem.field for problem in problems]


# ------------------------------------------------------------------------------------------------ ten broken files

USERNAME_KEYS = (
    "known here: client_id, host, keepalive_s, password_file, port, protocol, publish_per_s, receive_maximum, "
    "session_expiry_s, tls, username"
)
TOLD = {
    "01-quote-forgotten.toml": [
        Problem(
            "line 9, column 13",
            "host = 127.0.0.1",
            "this is no TOML: Expected newline or end of document after a statement",
            'text, paths and addresses stand in quotes: key = "text"; one `key = value` a line',
        )
    ],
    "02-misspelt-key.toml": [
        Problem("broker.usrname", '"gw-hall-3"', "unknown key", f"did you mean `username`? {USERNAME_KEYS}")
    ],
    "03-port-of-words.toml": [
        Problem(
            "broker.host",
            '"mqtt://broker.plant.example:1883"',
            "is a web address",
            "write only the name between :// and the port, the port as `port`",
        ),
        Problem(
            "broker.port",
            '"mqtt"',
            "should be a valid integer, unable to parse string as an integer",
            "write `port = 1883`, or the like: its port, 1 to 65535; left out: 1883, or 8883 with TLS",
        ),
    ],
    "04-no-such-class.toml": [
        Problem('assets."fan-*"', '"fan"', "there is no such class", "write one of: pump"),
        Problem(
            'assets."PUMP 7"',
            '"pmup"',
            "no machine can have such an id: ids are made of a-z, 0-9, _ and -",
            'write it in small letters, other characters as -: "pump-7"',
        ),
        Problem('assets."PUMP 7"', '"pmup"', "there is no such class", "did you mean `pump`? known: pump"),
    ],
    "05-expression.toml": [
        Problem(
            "class[1].channel[2].expression",
            '"vib * torqe"',
            "the class measures no channel 'torqe'",
            "did you mean `torque`? known: vib, torque",
        ),
        Problem(
            "class[1].channel[4].expression",
            '"power * 60"',
            "'power' is itself derived",
            "write the expression of 'power' in its place: only measured channels may stand here",
        ),
        Problem(
            "class[1].channel[5].expression",
            "\"__import__('os')\"",
            "\"__import__('os')\" is not allowed in an expression (numbers, channels, + - * / **, min max abs sqrt)",
            "use numbers, names of measured channels, + - * / **, parentheses, and min, max, abs, sqrt",
        ),
    ],
    "06-limits-in-disorder.toml": [
        Problem(
            "class[1].channel[1].high_alarm",
            "7.1",
            'is not above high_warning = 71.0 of channel "vib"',
            "order the limits: low_alarm < low_warning < high_warning < high_alarm; leave out what there is not",
        ),
        Problem("class[1].channel[2].name", '"vib"', "the class has it already", "remove one of the two, or rename it"),
    ],
    "07-whose-reading.toml": [
        Problem(
            "source[2].topic",
            '"plant/{asset}/log"',
            'never reached: source[1] ("plant/{asset}/{channel}") takes all its messages',
            "put this [[source]] before source[1]: the first that fits takes a message",
        ),
        Problem(
            "source[3].topic",
            '"hall/{aset}/value"',
            "nothing says which machine a message is about",
            "did you mean {asset} instead of {aset}? put {asset} into the topic, or add `asset`: here the name of one "
            "machine, in [source.json] a path",
        ),
        Problem(
            "source[3].topic",
            '"hall/{aset}/value"',
            "nothing says which channel a value belongs to",
            "put {channel} into the topic, or add `channel = ...` (one channel) or `channels` in [source.json]",
        ),
        Problem(
            "source[4].topic",
            '"hall/sensor-{asset}"',
            "'hall/sensor-{asset}': level 'sensor-{asset}' must be plain text, one `{name}` in small letters, `+` or a "
            "last `#`",
            "write plain levels, {asset}, {channel}, + for any level, # at the end: plant/{asset}/{channel}",
        ),
    ],
    "08-certificate-without-key.toml": [
        Problem(
            "broker.tls.key",
            "(missing)",
            "a certificate is given without its key",
            'add `key = ...`, the file that was made together with "/nonexistent/gateway.pem"',
        ),
        Problem(
            "broker.tls.ca",
            '"/nonexistent/ca.pem"',
            "there is no such file",
            "put the file there, or correct the path; then `sudo ls -l /nonexistent/ca.pem`",
        ),
        Problem(
            "broker.tls.certificate",
            '"/nonexistent/gateway.pem"',
            "there is no such file",
            "put the file there, or correct the path; then `sudo ls -l /nonexistent/gateway.pem`",
        ),
    ],
    "09-unit-of-another-kind.toml": [
        Problem(
            "source[1].unit",
            '"degF"',
            "no conversion from 'degF' to 'mm/s', the unit of channel \"vib\" of class \"pump\"",
            "write one of: mm/s, in/s, m/s; for several channels a table: `unit = { vib = ... }`",
        )
    ],
    "10-alarms-that-chatter.toml": [
        Problem(
            "alarm.clear_at",
            "0.6",
            "an alarm raised at 0.5 would clear at once and chatter",
            "write a value below raise_at, such as `clear_at = 0.3`",
        ),
        Problem(
            "alarm.severity[1].risk",
            "0.2",
            "an alarm below this risk would have no word",
            "begin the table with a row `risk = 0.0`",
        ),
        Problem(
            "alarm.severity[2]",
            "risk 0.8, number 600",
            "not above the row before it (risk 0.2, number 700)",
            "order the rows so that both risk and number rise",
        ),
    ],
}


@pytest.mark.parametrize("name", sorted(path.name for path in BROKEN.glob("*.toml")))
def test_a_broken_file_is_told_by_field_value_reason_and_remedy(name: str) -> None:
    assert check(BROKEN / name) == TOLD[name]


def test_every_broken_file_that_is_told_of_is_there() -> None:
    assert sorted(TOLD) == sorted(path.name for path in BROKEN.glob("*.toml"))


def test_all_problems_are_in_one_error_that_ends_the_program_for_good() -> None:
    with pytest.raises(ConfigError) as caught:
        load(BROKEN / "05-expression.toml")

    assert caught.value.exit_code == EX_CONFIG
    assert "3 problems" in str(caught.value)
    for problem in TOLD["05-expression.toml"]:
        assert f"{problem.field}: {problem.value}\n  {problem.reason}\n  Try: {problem.remedy}" in str(caught.value)
    assert "edge-agent check-config" in caught.value.hint


# ------------------------------------------------------------------------------------------------ the example

SECTIONS: dict[str, type[BaseModel]] = {
    "gateway": Gateway, "broker": Broker, "broker.tls": Tls, "source": Source, "source.json": Json,
    "source.waveform": WaveformTable, "class": AssetClass,
    "class.channel": Channel, "alarm": Alarm, "alarm.severity": SeverityRow, "alarm.limit_severity": SeverityWord,
    "outputs": Outputs, "sparkplug": Sparkplug, "store": Store, "bundle": Bundle, "health": Health, "log": Log,
}  # fmt: skip


def uncommented() -> str:
    """The example with every key behind a single # switched on."""
    return re.sub(r"^#(\[|[a-z_]+ =)", r"\1", EXAMPLE.read_text(encoding="utf-8"), flags=re.MULTILINE)


def test_the_example_can_be_used_as_it_is() -> None:
    config = load(EXAMPLE)
    found = Decoder(config.sources()).decode("plant-1/hall-3/Pump 7/vib", b"2.5", 0.0)

    assert check(EXAMPLE) == []
    assert found.readings == (Reading("pump-7", "vib", 0.0, 2.5),)
    assert config.asset_class("pump-7") == "pump"


def test_everything_in_the_example_can_be_switched_on(file: Path) -> None:
    problems = check(write(file, uncommented()))

    assert fields(problems) == [
        "broker.password_file", "broker.tls.ca", "broker.tls.certificate", "broker.tls.key", "source[6].class",
    ]  # fmt: skip


@pytest.mark.parametrize("section", SECTIONS)
def test_every_key_there_is_stands_in_the_example(section: str) -> None:
    tables: list[dict[str, object]] = [tomllib.loads(uncommented())]
    for part in section.split("."):
        found = [table[part] for table in tables if part in table]
        below = [item for one in found for item in (one if isinstance(one, list) else [one])]
        tables = [table for table in below if isinstance(table, dict)]
    written = {key for table in tables for key in table}

    expected = {info.alias or name for name, info in SECTIONS[section].model_fields.items()}
    assert expected - written <= {"password"}  # which must not stand in the file


def test_what_the_example_shows_behind_a_sign_is_the_default() -> None:
    shown = tomllib.loads(uncommented())
    alarm = Alarm.model_validate(shown["alarm"])

    assert Store.model_validate(shown["store"]) == Store()
    assert Health.model_validate(shown["health"]) == Health()
    assert Log.model_validate(shown["log"]) == Log()
    assert alarm.model_dump(
        exclude={"severity", "limit_severity", "silence_severity", "unit_severity", "raise_at", "clear_at"}
    ) == (
        Alarm().model_dump(
            exclude={"severity", "limit_severity", "silence_severity", "unit_severity", "raise_at", "clear_at"}
        )
    )
    for key in ("port", "protocol", "keepalive_s", "session_expiry_s", "receive_maximum"):
        usual = Broker(host="h").effective_port if key == "port" else getattr(Broker(host="h"), key)
        assert shown["broker"][key] == usual
    pump = AssetClass.model_validate(shown["class"][0])
    usual_class = AssetClass.model_validate({"name": "x", "channel": [{"name": "y"}]})
    own = {"name", "channel", "running"}
    assert pump.model_dump(exclude=own) == usual_class.model_dump(exclude=own)


def test_the_severity_table_of_the_example_is_the_default(file: Path) -> None:
    tables = re.search(r"^\[alarm\].*?(?=^# -)", uncommented(), re.MULTILINE | re.DOTALL)
    assert tables is not None
    lines = "\n".join(line for line in tables[0].splitlines() if not line.startswith(("raise_at", "clear_at")))

    assert load(good(file, alarm=lines)).policy() == AlarmPolicy()


# ------------------------------------------------------------------------------------------------ what it means


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


def test_the_port_follows_from_tls(file: Path) -> None:
    tls = BROKER + "[broker.tls]\n"

    assert load(good(file)).broker.effective_port == 1883
    assert load(good(file, broker=tls)).broker.effective_port == 8883
    assert load(good(file, broker=tls + "enabled = false\n")).broker.effective_port == 1883
    assert load(good(file, broker=BROKER + "port = 9\n[broker.tls]\n")).broker.effective_port == 9


@pytest.mark.parametrize(("text", "level"), [('"debug"', "DEBUG"), ('"Warning"', "WARNING")])
def test_the_log_level_may_be_written_in_any_case(file: Path, text: str, level: str) -> None:
    assert load(good(file, log=f"[log]\nlevel = {text}\n")).log.level == level


def test_the_protocol_may_be_written_as_a_number(file: Path) -> None:
    assert load(good(file, broker=BROKER + "protocol = 5\n")).broker.protocol == "5"


def test_nothing_can_be_changed_later(file: Path) -> None:
    config = load(good(file))

    with pytest.raises(ValidationError):
        config.gateway.name = "other"  # type: ignore[misc]  # that is what must fail
    with pytest.raises(ValidationError):
        config.log = Log()  # type: ignore[misc]


@pytest.mark.parametrize("host", ["broker.plant.example", "192.0.2.10", "::1", "2001:db8::1", "b\u00fcro.example"])
def test_a_host_is_a_name_or_an_address(file: Path, host: str) -> None:
    assert load(good(file, broker=f'[broker]\nhost = "{host}"\n')).broker.host == host


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("mqtts://broker", "is a web address"),
        ("broker:1883", "holds a port"),
        ("1:2:3", "is no host name"),
        ("a..b", "is no host name"),
        ("x" * 64, "is no host name"),
        ("", "is empty"),
    ],
)
def test_a_host_that_is_none_is_refused(file: Path, host: str, reason: str) -> None:
    assert [p.reason for p in check(good(file, broker=f'[broker]\nhost = "{host}"\n'))] == [reason]


# ------------------------------------------------------------------------------------------------ environment, secrets


def test_the_environment_counts_more_than_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGE_AGENT__BROKER__HOST", "192.0.2.10")
    monkeypatch.setenv("EDGE_AGENT__BROKER__TLS__ENABLED", "true")
    monkeypatch.setenv("EDGE_AGENT__HEALTH__PORT", "9108")
    config = load(good(file))

    assert (config.broker.host, config.broker.effective_port, config.health.port) == ("192.0.2.10", 8883, 9108)


def test_a_bad_value_of_the_environment_names_the_variable(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGE_AGENT__BROKER__PORT", "many")
    monkeypatch.setenv("EDGE_AGENT__BROKER__HOTS", "h")
    problems = {p.field: p for p in check(good(file))}

    assert "EDGE_AGENT__BROKER__PORT" in problems["broker.port"].reason
    assert problems["broker.hots"].remedy.startswith("did you mean `host`?")


def test_an_unknown_section_in_the_environment_is_told(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGE_AGENT__BROKR__HOST", "h")
    monkeypatch.setenv("EDGE_AGENT__ZZZ", "h")
    problems = check(good(file))

    assert [(p.field, p.value) for p in problems] == [
        ("$EDGE_AGENT__BROKR__HOST", SECRET),
        ("$EDGE_AGENT__ZZZ", SECRET),
    ]
    assert problems[0].remedy == "did you mean EDGE_AGENT__BROKER__...?"


def test_a_variable_for_a_whole_table_must_be_json(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGE_AGENT__SOURCE", "plant/#")

    assert "is no JSON" in check(good(file))[0].reason


def test_a_password_in_the_file_is_refused_and_not_repeated(file: Path) -> None:
    problems = check(good(file, broker=BROKER + 'username = "u"\npassword = "hunter2"\n'))

    assert [(p.field, p.value) for p in problems] == [("broker.password", SECRET)]
    assert "hunter2" not in "".join(map(str, problems))


def test_the_password_comes_from_environment_then_file_then_credential(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def password(broker: str) -> str | None:
        secret = load(good(file, broker=broker)).broker.password
        return None if secret is None else secret.get_secret_value()

    (tmp_path / "mqtt-password").write_text("from credential\n", encoding="utf-8")
    (tmp_path / "secret").write_text("from file\nsecond line\n", encoding="utf-8")
    named = BROKER + 'username = "u"\n'
    assert password(named) is None
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert password(named) == "from credential"
    assert password(BROKER) is None  # no user: the credential was meant for another setup
    assert password(f'{named}password_file = "{tmp_path / "secret"}"\n') == "from file"
    monkeypatch.setenv("EDGE_AGENT__BROKER__PASSWORD", "from environment")
    assert password(f'{named}password_file = "{tmp_path / "secret"}"\n') == "from environment"


def test_a_missing_credential_is_no_fault(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))

    assert load(good(file, broker=BROKER + 'username = "u"\n')).broker.password is None


def test_a_password_cannot_be_printed(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGE_AGENT__BROKER__PASSWORD", "hunter2")
    config = load(good(file, broker=BROKER + 'username = "u"\n'))

    assert "hunter2" not in f"{config!r} {config} {config.model_dump()} {config.model_dump_json()}"


def test_a_password_is_not_in_the_report_of_what_is_wrong(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGE_AGENT__BROKER__PASSWORD__X", "hunter2")
    problems = check(good(file))

    assert "broker.password" in "".join(fields(problems))
    assert "hunter2" not in "".join(map(str, problems))


def test_an_empty_password_file_is_told(file: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("", encoding="utf-8")
    problems = check(good(file, broker=f'{BROKER}username = "u"\npassword_file = "{tmp_path / "secret"}"\n'))

    assert [(p.field, p.reason) for p in problems] == [("broker.password_file", "the file of the password is empty")]


# ------------------------------------------------------------------------------------------------ what is wrong

MACHINE = '[[source]]\ntopic = "a"\nasset = "Pump 1"\nchannel = "vib"\n'
JSON_SOURCE = '[[source]]\ntopic = "a/{asset}"\n[source.json]\n'
CASES = {
    "gateway.name": GATEWAY.replace("gw-1", "GW 1"),
    "gateway.tenant": GATEWAY.replace('tenant = "acme"\n', ""),
    "gatewy": GATEWAY.replace("[gateway]", "[gatewy]") + GATEWAY,
    "classes": GATEWAY + '[[classes]]\nname = "x"\n',
    "broker": "broker = 5\n" + GATEWAY,
}


@pytest.mark.parametrize("field", CASES)
def test_a_wrong_head_is_told(file: Path, field: str) -> None:
    replaced = {"gateway": CASES[field]}
    if field == "broker":
        replaced["broker"] = ""
    assert fields(check(good(file, **replaced))) == [field]


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


def good_without_source() -> str:
    return f"{GATEWAY}\n{BROKER}\n{CLASS}{RMS}\n{ASSETS}"


@pytest.mark.parametrize(
    ("classes", "field", "said"),
    [
        (CLASS + CLASS, "class[2].name", "class[1] has the same name"),
        (CLASS.replace('"vib"', '"log"'), "class[1].channel[1].name", "a word the model reads as something else"),
        (CLASS.replace('"vib"', '"q50"'), "class[1].channel[1].name", "a word the model reads as something else"),
        (CLASS.replace('"vib"', '"v b"'), "class[1].channel[1].name", "not allowed"),
        (CLASS + "high_alarm = nan\n", "class[1].channel[1].high_alarm", "finite number"),
        (CLASS + "high_alram = 1\n", "class[1].channel[1].high_alram", "unknown key"),
        (CLASS + "low_alarm = 5\nhigh_alarm = 5\n", "class[1].channel[1].high_alarm", "is not above low_alarm"),
        (CLASS + "low_alarm = 5\nlow_warning = 4\n", "class[1].channel[1].low_warning", "is not above low_alarm"),
        (CLASS + 'expression = "1 + 1"\n', "class[1].channel", "nothing is measured"),
        ('[[class]]\nname = "pump"\n', "class[1].channel", "is needed"),
        (RUNNING.format("speed > 10"), "class[1].running", "the class has no channel 'speed'"),
        (RUNNING.format("vib"), "class[1].running", "'vib' is no condition"),
        (RUNNING.format("vib = 1"), "class[1].running", "is no arithmetic expression"),
        (RUNNING.format("1 > 0"), "class[1].running", "names no channel"),
        ("", "class", "is needed"),
    ],
)
def test_a_wrong_class_is_told(file: Path, classes: str, field: str, said: str) -> None:
    problems = check(good(file, classes=classes, assets=ASSETS if classes else ""))

    assert field in fields(problems)
    assert said in problems[fields(problems).index(field)].reason
    assert len(problems) == 1 + (not classes)  # without classes nothing can be of one either


@pytest.mark.parametrize(
    ("source", "sparkplug", "field", "said"),
    [
        (SPARKPLUG, 'group = "plant1"\n', "sparkplug.group", "source[1]"),
        ('[[source]]\ntopic = "{asset}/{channel}/#"\n', 'group = "plant1"\n', "sparkplug.group", "would read"),
        (SPARKPLUG, 'group = "a/b"\n', "sparkplug.group", ""),
        (SPARKPLUG, 'group = "pdm"\nedge_node = "+"\n', "sparkplug.edge_node", ""),
        (SPARKPLUG, "", "sparkplug.group", "is needed"),
    ],
)
def test_an_edge_node_has_a_group_of_its_own(file: Path, source: str, sparkplug: str, field: str, said: str) -> None:
    problems = check(good(file, source=source, sparkplug="[sparkplug]\n" + sparkplug))

    assert fields(problems) == [field]
    assert said in problems[0].reason


def test_our_edge_node_is_called_as_the_gateway_is_unless_told(file: Path) -> None:
    names = [
        load(good(file, source=SPARKPLUG, sparkplug=f'[sparkplug]\ngroup = "pdm"\n{more}')).sparkplug_node
        for more in ("", 'edge_node = "Hall 3"\n')
    ]

    assert names == [load(good(file)).gateway.name, "Hall 3"]


def test_one_limit_may_serve_as_warning_and_alarm(file: Path) -> None:
    assert check(good(file, classes=CLASS + "high_warning = 5\nhigh_alarm = 5\n")) == []


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


def test_a_class_cannot_be_chosen_before_there_is_one(file: Path) -> None:
    problems = {p.field: p.remedy for p in check(good(file, classes=""))}

    assert problems['assets."*"'] == "there is no [[class]] yet: add one"


def test_a_line_behind_the_glob_for_all_is_never_reached(file: Path) -> None:
    problems = check(good(file, assets=ASSETS + '"p-1" = "pump"\n'))

    assert [(p.field, p.remedy) for p in problems] == [('assets."p-1"', 'put the line with "*" last')]


def test_a_class_that_is_wrong_in_itself_is_no_missing_class(file: Path) -> None:
    assert fields(check(good(file, classes=CLASS + "step = 5\n"))) == ["class[1].channel[1].step"]
    assert fields(check(good(file, classes=CLASS.replace("\n[[", "\nstep_s = 0\n[[", 1)))) == ["class[1].step_s"]


def test_one_wrong_key_hides_no_other_fault(file: Path) -> None:
    problems = check(good(file, gateway=GATEWAY + "x = 1\n", assets='[assets]\n"*" = "pmp"\n'))

    assert fields(problems) == ["gateway.x", 'assets."*"']


@pytest.mark.parametrize(
    ("tls", "expected"),
    [
        ("certificate = '{here}'\n", ["broker.tls.key"]),
        ("key = '{here}'\n", ["broker.tls.certificate"]),
        ("certificate = '{here}'\nkey = '{here}'\n", []),
        ("ca = '{folder}'\n", ["broker.tls.ca"]),
        ("insecure = true\n", ["broker.tls.insecure"]),
    ],
)
def test_tls_files_are_looked_at(file: Path, tmp_path: Path, tls: str, expected: list[str]) -> None:
    here = tmp_path / "x.pem"
    here.write_text("x", encoding="utf-8")
    text = tls.replace("{here}", str(here)).replace("{folder}", str(tmp_path))

    assert fields(check(good(file, broker=BROKER + "[broker.tls]\n" + text))) == expected


def test_a_password_needs_a_user(file: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x", encoding="utf-8")
    problems = check(good(file, broker=f'{BROKER}password_file = "{tmp_path / "secret"}"\n'))

    assert fields(problems) == ["broker.username"]


@pytest.mark.parametrize(
    ("text", "line", "column", "remedy"),
    [
        ("a = True", 1, 5, "true and false in small letters"),
        ("a = 1\nb c = 2", 2, 3, "write `key = value`"),
        ("[a]\nb = 1\n[a]\n", 3, 3, "join the two"),
        ('a = "C:\\qx"', 1, 10, "write \\\\ for one backslash"),
        ('a = "x\nb = 1', 1, 7, "on the same line"),
        ("[a\n", 1, 3, "[name] or [[name]]"),
        ("a = [1\n", 1, 7, "close the list"),
        ("a = {b = 1", 1, 11, "close the table with }"),
        ("= 1", 1, 1, "begin the line with a key"),
        ('a = "x', 1, 7, "close the text"),
        ("a.b = 1\na = 2\n", 2, 6, "a key may stand once"),
        ('password = "hunter2', 1, 20, "close the text"),
    ],
)
def test_a_syntax_error_has_a_place_and_a_remedy(file: Path, text: str, line: int, column: int, remedy: str) -> None:
    (problem,) = check(write(file, text))

    assert problem.field == f"line {line}, column {column}"
    assert remedy in problem.remedy
    assert "hunter2" not in str(problem)


def test_a_file_that_cannot_be_read_is_told(file: Path, tmp_path: Path) -> None:
    assert [p.reason for p in check(file)] == ["there is no such file"]
    assert [p.reason for p in check(tmp_path)] == ["cannot be read: Is a directory"]
    file.write_bytes(b'a = "\xff"')
    assert [p.reason for p in check(file)] == ["is not UTF-8 at byte 5"]
    file.write_bytes(b"\xef\xbb\xbf" + f"{SOURCE}\n{good_without_source()}".encode())
    assert check(file) == []


def test_an_empty_file_lacks_what_has_no_default(file: Path) -> None:
    assert fields(check(write(file, ""))) == ["gateway", "broker", "source", "class"]


# ------------------------------------------------------------------------------------------------ outputs


def outputs(file: Path, lines: str, source: str = SOURCE) -> list[Problem]:
    return check(write(file, f"{source}\n{good_without_source()}\n[outputs]\n{lines}\n"))


def test_without_outputs_nothing_else_is_told(file: Path) -> None:
    assert load(good(file)).outputs == Outputs(home_assistant=None, thingsboard=None, flat=None)


@pytest.mark.parametrize("line", ['flat = "alarms/flat"', "home_assistant = true", "thingsboard = true"])
def test_an_output_is_one_line(file: Path, line: str) -> None:
    assert outputs(file, line) == []


@pytest.mark.parametrize(("key", "usual"), [("home_assistant", "homeassistant"), ("thingsboard", "v1/gateway")])
def test_an_output_that_is_on_uses_the_usual_topic_or_one_that_is_given(
    file: Path, key: str, usual: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for written, meant in (("true", usual), ("false", None), ('"own/topic"', "own/topic")):
        assert outputs(file, f"{key} = {written}") == []
        assert getattr(load(file).outputs, key) == meant
    monkeypatch.setenv(f"EDGE_AGENT__OUTPUTS__{key.upper()}", "true")
    assert getattr(load(file).outputs, key) == usual


def test_an_output_of_another_kind_is_told_how_to_write_it(file: Path) -> None:
    (problem,) = outputs(file, "home_assistant = 1")

    assert (problem.field, problem.value) == ("outputs.home_assistant", "1")
    assert problem.remedy.startswith("write `home_assistant = true`, or the like: true, or the discovery prefix")


@pytest.mark.parametrize("topic", ["alarms/+", "alarms/#", "$SYS/alarms", "alarms/{asset}", "", "a\\u0000"])
def test_a_flat_topic_that_nobody_can_publish_to_is_refused(file: Path, topic: str) -> None:
    (problem,) = outputs(file, f'flat = "{topic}"')

    assert (problem.field, problem.reason) == ("outputs.flat", "is no topic to publish to")
    assert "plant/alarms" in problem.remedy


def test_a_flat_topic_of_another_kind_and_in_our_own_branch_are_refused(file: Path) -> None:
    assert [p.field for p in outputs(file, "flat = 7")] == ["outputs.flat"]
    assert [p.reason for p in outputs(file, 'flat = "pdm/x"')] == ["is where the agent says what it says anyway"]


@pytest.mark.parametrize(
    ("line", "topic"),
    [
        ("home_assistant = true", "homeassistant/{kind}/{asset}/{channel}"),
        ("thingsboard = true", "v1/{asset}/{channel}"),
        ('thingsboard = "own"', "#"),
    ],
)
def test_an_output_that_the_agent_would_read_is_refused(file: Path, line: str, topic: str) -> None:
    source = f'[[source]]\ntopic = "{topic}"\n' + ('asset = "p1"\nchannel = "vib"\n' if topic == "#" else "")

    assert [problem.field for problem in outputs(file, line, source)] == [f"outputs.{line.partition(' ')[0]}"]


def test_a_flat_topic_that_the_agent_would_read_is_refused(file: Path) -> None:
    (problem,) = outputs(file, 'flat = "plant/gw/alarms"')

    assert problem.field == "outputs.flat"
    assert problem.reason == 'source[1] ("plant/{asset}/{channel}") would read what is said there'
    broken = '[[source]]\ntopic = "plant/{a}x/#/y"\n'
    assert [p.field for p in outputs(file, 'flat = "plant/gw/alarms"', broken)] == ["source[1].topic"]


# ------------------------------------------------------------------------------------------------ anything at all

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda deeper: st.lists(deeper, max_size=3) | st.dictionaries(st.text(max_size=8), deeper, max_size=3),
    max_leaves=6,
)
DOCUMENT = tomllib.loads(uncommented())


def places(tree: object, at: tuple[int | str, ...] = ()) -> list[tuple[int | str, ...]]:
    below = list(tree.items()) if isinstance(tree, dict) else list(enumerate(tree)) if isinstance(tree, list) else []
    return [at] * bool(at) + [place for key, value in below for place in places(value, (*at, key))]


@given(st.sampled_from(places(DOCUMENT)), VALUES, st.text(max_size=8))
def test_no_document_whatever_breaks_the_check(place: tuple[int | str, ...], value: object, key: str) -> None:
    document = copy.deepcopy(DOCUMENT)
    parent: object = document
    for step in place[:-1]:
        parent = parent[step]  # type: ignore[index]
    parent[place[-1]] = value  # type: ignore[index]
    if isinstance(parent, dict):
        parent[key] = value
    found = _judge(document, {})

    assert isinstance(found, Config) or found
    if isinstance(found, list):
        assert all(p.field and p.value and p.reason and p.remedy for p in found)
