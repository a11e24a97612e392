"""Ten files as people break them, and all that is told of each."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.config import Problem, check, load
from edge_agent.errors import EX_CONFIG, ConfigError

BROKEN = Path(__file__).parents[1] / "data" / "broken"
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
