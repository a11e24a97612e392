"""Hostile names and log lines change what is quoted and how far the model is moved, and nothing else (G8, G9).

What decode refuses is in `test_decode.py`, the cleaning of a line in `test_text.py`, the reach in `test_verdict.py`;
here is what comes of it at the other end: messages.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from edge_agent.core.decode import Decoder, Format, Kind, Paths, SourceSpec
from edge_agent.core.pipeline import Pipeline
from edge_agent.core.text import parts
from edge_agent.core.topics import Address
from edge_agent.core.types import AlarmEvent, AlarmPolicy, Evidence, LogLine, Outgoing, Reading, Scores, Verdict
from edge_agent.core.verdict import LOG_REACH
from edge_agent.core.wire import ModelPayload, Origin, alarm_messages, risk_message
from tests.core.hostile import LINES, lines
from tests.core.pump import PUMP, events, noise, outcomes, pipeline, readings, scores, verdicts

LEARNT = PUMP.baseline_steps
STEPS = LEARNT + 9
FAULTY = range(LEARNT + 2, LEARNT + 6)  # steps in which the vibration of p1 is over its limit
POLICY = AlarmPolicy(on_windows=1, off_windows=1, raise_at=0.5, clear_at=0.4)
ORIGIN = Origin(
    address=Address("t", "s", "gw"), model=ModelPayload(name="m", version="1", sha256="0"), horizon="30 steps",
    config="c", boot_id="b", agent="0",
)  # fmt: skip
DECODER_SOURCES = (
    SourceSpec(topic="log/{asset}", kind=Kind.LOG, format=Format.TEXT),
    SourceSpec(topic="json", kind=Kind.LOG, format=Format.JSON, paths=Paths(text="m", asset="a", order="wo")),
)


def sober(text: str) -> Scores:
    """A model that reads sensors only."""
    vib = next((line for line in parts(text).channels if line.startswith("vib ")), "")
    return scores(0.9 if " z+3" in vib or " z+4" in vib or " z+5" in vib or " z+6" in vib else 0.1)


def gullible(text: str) -> Scores:
    """A model that does what the log tells it."""
    said = " ".join(parts(text).logs)
    if not said:
        return sober(text)
    return scores(1.0 if "critical" in said or "fire" in said else 0.0, "none", undecided="instructions" in said)


def logged(text: str, order: str | None = None) -> list[LogLine]:
    """The lines that decode makes of a text about p1, halfway through the learning; plain, or with a work order."""
    decoder, at = Decoder(DECODER_SOURCES), 600.0 + 1e9
    if order is None:
        found = decoder.decode("log/p1", text.encode("utf-8", "replace"), at)
    else:
        found = decoder.decode("json", json.dumps({"m": text, "a": "p1", "wo": order}).encode(), at)
    return [line._replace(time=600.0) for line in found.logs]


def told(score: Callable[[str], Scores], log: Sequence[LogLine]) -> tuple[list[AlarmEvent], list[Verdict]]:
    """What is said of two pumps, the first of which fails, when the first has this in its log."""
    target: Pipeline = pipeline(score=score, policy=POLICY)
    for line in log:
        target.log(line)
    given_: list[Reading] = []
    for asset, seed in (("p1", 1), ("p2", 2)):
        values = noise(STEPS, seed)
        if asset == "p1":
            values["vib"][FAULTY] = 9.0
        given_ += readings(values, asset=asset)
    given_.sort(key=lambda reading: reading.time)
    found = outcomes(target, given_)
    return events(found), verdicts(found)


def sent(given_: Sequence[AlarmEvent]) -> list[Outgoing]:
    """Their messages."""
    return [m for event in given_ for m in alarm_messages(event, ORIGIN, observed=event.time, clock="synced")]


def of(asset: str, given_: Sequence[AlarmEvent], *, kind: str = "") -> list[AlarmEvent]:
    """Those of an asset, and of kinds that begin so."""
    return [event for event in given_ if event.asset == asset and event.kind.startswith(kind)]


def unquoted(event: AlarmEvent) -> AlarmEvent:
    """An event without what it quotes of the log."""
    summary = event.summary.replace(f'; log: "{event.quotes[0].text}"', "") if event.quotes else event.summary
    return replace(event, quotes=(), summary=summary, evidence=_unmoved(event.evidence))


def _unmoved(facts: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
    return tuple(replace(fact, contribution=None) for fact in facts)


QUIET_EVENTS, QUIET_VERDICTS = told(sober, logged("greased, all as usual"))


def test_the_pump_of_these_tests_is_alarmed_by_limit_and_risk() -> None:
    """Else nothing below would be shown."""
    assert {event.kind for event in of("p1", QUIET_EVENTS)} == {"risk", "limit:vib"}
    assert of("p2", QUIET_EVENTS) == []
    assert any(event.quotes for event in of("p1", QUIET_EVENTS))


@given(lines(), st.none() | st.sampled_from(["4711", "closed", "<b>"]))
@settings(max_examples=25)
def test_a_log_line_changes_nothing_of_an_alarm_but_its_quote(text: str, order: str | None) -> None:
    """Severity, ids, transitions, flags, risk, mode, times and evidence are as without it, and all of a limit."""
    found, judged = told(sober, logged(text, order))

    assert [unquoted(event) for event in found] == [unquoted(event) for event in QUIET_EVENTS]
    assert of("p1", found, kind="limit") == of("p1", QUIET_EVENTS, kind="limit")
    assert [(v.asset, v.time, v.risk, v.status) for v in judged] == [
        (v.asset, v.time, v.risk, v.status) for v in QUIET_VERDICTS
    ]


@given(lines())
@settings(max_examples=25)
def test_a_log_line_reaches_no_text_of_another_asset(text: str) -> None:
    _, judged = told(gullible, logged(text))

    assert [v for v in judged if v.asset == "p2"] == [v for v in QUIET_VERDICTS if v.asset == "p2"]


@given(lines())
@settings(max_examples=25)
def test_a_log_line_goes_where_alarms_go_and_stands_where_quotes_stand(text: str) -> None:
    """No topic, no recipient and no other field of a message comes from it."""
    found, judged = told(sober, logged(text))
    messages = [*sent(found), *(risk_message(verdict, ORIGIN) for verdict in judged)]

    ids = {event.id for event in found}
    assert {m.topic for m in messages} == {
        "pdm/v1/t/s/gw/event", "pdm/v1/t/s/gw/asset/p1/risk", "pdm/v1/t/s/gw/asset/p2/risk",
        *(f"pdm/v1/t/s/gw/asset/p1/alarm/{alarm}" for alarm in ids),
    }  # fmt: skip
    quiet = [json.loads(m.payload)["data"] for m in sent(QUIET_EVENTS) if m.payload]
    for message, plain in zip([m for m in sent(found) if m.payload], quiet, strict=True):
        data = json.loads(message.payload)["data"]
        changed = {name for name, value in data.items() if value != plain[name]}
        assert changed <= {"log", "summary"}
        assert all("<" not in quote["text"] and quote["text"].isprintable() for quote in data["log"])


@pytest.mark.parametrize("text", LINES)
def test_a_model_that_obeys_the_log_moves_the_risk_so_far_and_no_limit_flag_or_word(text: str) -> None:
    found, judged = told(gullible, logged(text))

    assert of("p1", found, kind="limit") == of("p1", QUIET_EVENTS, kind="limit")
    for verdict in judged:
        alone = sober(replace(parts(verdict.text), logs=()).text).risk
        assert abs(verdict.risk - alone) <= LOG_REACH + 1e-9
    assert not any(event.acked for event in found)
    assert {(event.severity, event.severity_number) for event in found} <= {
        ("medium", 500), ("high", 700), ("critical", 900),
    }  # fmt: skip


# --------------------------------------------------------------------------------------------- names

NAMES = st.text(max_size=80) | st.lists(
    st.sampled_from(["+", "#", "/", "$SYS", "\x00", "p", "1", " ", "é", "\ud800"])
).map("".join)
BY_NAME = (
    SourceSpec(topic="plant/{asset}/{channel}"),
    SourceSpec(topic="j", format=Format.JSON, paths=Paths(value="v", asset="a", channel="c")),
    SourceSpec(topic="l", kind=Kind.LOG, format=Format.JSON, paths=Paths(text="v", asset="a")),
)


@given(NAMES)
@example("pump/+/7")
@example("#")
@example("$SYS/broker")
@example("p\x00\u202e1")
@settings(max_examples=300)
def test_whatever_an_asset_is_called_its_messages_stay_under_the_gateway_and_its_name(name: str) -> None:
    decoder = Decoder(BY_NAME)
    body = json.dumps({"v": "1", "a": name, "c": "x"}).encode()
    found = [
        decoder.decode(topic, body if topic in {"j", "l"} else b"1", 1e9) for topic in (f"plant/{name}/x", "j", "l")
    ]

    named = {r.asset for decoded in found for r in decoded.readings} | {line.asset for d in found for line in d.logs}
    assert all(decoded.faults for decoded in found if not decoded.readings and not decoded.logs)
    for asset in named:
        levels = ORIGIN.address.risk(asset).split("/")
        assert levels[:6] == ["pdm", "v1", "t", "s", "gw", "asset"]
        assert levels[7:] == ["risk"]
        assert not set("+#$\x00") & set(levels[6])


@given(NAMES)
def test_a_wildcard_or_control_character_in_a_topic_is_refused(name: str) -> None:
    assume(set(name) & set("+#\x00\x1b\u2028") and "/" not in name)
    found = Decoder(BY_NAME).decode(f"plant/{name}/x", b"1", 1e9)

    assert found.readings == ()
    assert [fault.reason.value for fault in found.faults] == ["bad_topic"]
