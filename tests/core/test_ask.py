"""What is answered about an asset: from its facts, all that matters, and nothing that is not in them."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.ask import CHECKS, AskFacts, Episode, answer, moment
from edge_agent.core.modes import MODES, mode
from edge_agent.core.text import clean
from edge_agent.core.types import DEFAULT_SEVERITIES, AlarmEvent, LogLine, Status, Transition, Verdict
from tests.core.hostile import lines

NOON = 1_717_243_200.0
RISK = AlarmEvent(
    id="0123456789abcdef", asset="pump-7", kind="risk", episode=2, rev=3, transition=Transition.UPDATED, time=NOON,
    first=NOON - 7200.0, active=True, acked=False, severity="high", severity_number=700, risk=0.876, mode="VIB",
    evidence=(), quotes=(), summary=f"Likely vibration: vib has risen to 6.82 mm/s. {mode('VIB').check}",
    summary_source="model",
)  # fmt: skip
LIMIT = replace(
    RISK, id="1123456789abcdef", kind="limit:temp", risk=None, mode="none", severity="critical", severity_number=900,
    first=NOON - 3600.0, summary="temp 95.2 degC is above its limit 90.0 degC.", summary_source="template",
)  # fmt: skip
CLEARED = replace(
    RISK,
    id="2123456789abcdef",
    transition=Transition.CLEARED,
    active=False,
    first=NOON - 9e5,
    time=NOON - 8e5,
    risk=0.1,
)
SEAL = LogLine("pump-7", NOON - 8.1e5, "Replaced SEAL <b>", None, "4711")
VERDICT = Verdict("pump-7", NOON - 60.0, "pump", 0.123, "none", 0.9, Status.DECIDED)
QUIET = AskFacts(asset="pump-7", asked=NOON, verdict=VERDICT)
WHOLE = AskFacts(
    asset="pump-7", asked=NOON, standing=(LIMIT, RISK),
    past=(Episode(worst=replace(CLEARED, active=True), end=CLEARED, said=SEAL),),
    log=(LogLine("pump-7", NOON - 600.0, "de brg noisy"), SEAL), verdict=VERDICT,
)  # fmt: skip


def test_an_answer_says_what_is_wrong_since_when_what_was_done_and_what_to_check() -> None:
    header, limit, risk, log, earlier, check = answer(WHOLE).split("\n")

    assert header == "pump-7, as of 2024-06-01 12:00 UTC. Last verdict: risk 0.12 at 2024-06-01 11:59 UTC."
    assert limit == f"Critical alarm since 2024-06-01 11:00 UTC: {LIMIT.summary}"
    assert risk == f"High alarm since 2024-06-01 10:00 UTC, risk 0.88: {RISK.summary}"
    assert log == (
        'In the log, newest first: 2024-06-01 11:50 UTC "de brg noisy"; '
        '2024-05-23 03:00 UTC "replaced seal b" (work order 4711).'
    )
    assert earlier == (
        "Earlier alarms, newest first: vibration, high, since 2024-05-22 02:00 UTC, over at 2024-05-23 05:46 UTC, "
        'log meanwhile: "replaced seal b" (work order 4711).'
    )
    assert check == CHECKS["limit"]


def test_where_nothing_stands_it_says_so_with_the_last_verdict_and_the_last_alarm() -> None:
    said = answer(replace(QUIET, past=(Episode(worst=CLEARED, end=CLEARED),))).split("\n")

    assert said == [
        "pump-7, as of 2024-06-01 12:00 UTC. Last verdict: risk 0.12 at 2024-06-01 11:59 UTC.",
        "No alarm stands.",
        "Earlier alarms, newest first: vibration, high, since 2024-05-22 02:00 UTC, over at 2024-05-23 05:46 UTC.",
    ]


def test_what_people_did_to_an_alarm_that_stands_is_said() -> None:
    event = replace(LIMIT, acked=True, shelved_until=NOON + 3600.0, suppressed="operator")

    assert answer(replace(QUIET, standing=(event,))).split("\n")[1] == (
        "Critical alarm since 2024-06-01 11:00 UTC, acknowledged, shelved until 2024-06-01 13:00 UTC, suppressed: "
        f"{LIMIT.summary}"
    )


@pytest.mark.parametrize(
    ("status", "doubt"),
    [
        (Status.PROVISIONAL, ", while its normal is still being learned."),
        (Status.UNCERTAIN, ", on which the model was undecided."),
        (Status.DECIDED, "UTC."),
    ],
)
def test_a_verdict_that_counts_less_says_why(status: Status, doubt: str) -> None:
    assert answer(replace(QUIET, verdict=replace(VERDICT, status=status))).split("\n")[0].endswith(doubt)


def test_an_asset_that_was_never_judged_is_said_to_be_so() -> None:
    assert answer(replace(QUIET, verdict=None)).startswith(
        "pump-7, as of 2024-06-01 12:00 UTC. It was not judged lately.\n"
    )


def test_an_unknown_asset_is_answered_with_names_that_look_alike() -> None:
    unknown = AskFacts(asset="pump-77", asked=NOON, known=False, near=("pump-7", "pump-17"))

    assert answer(unknown).split("\n") == [
        "This journal holds nothing of an asset pump-77.", "Names that look alike: pump-7, pump-17.",
    ]  # fmt: skip
    assert answer(replace(unknown, asset="", near=())) == "This journal holds nothing of an asset of such a name."


@pytest.mark.parametrize(
    ("event", "subject"),
    [
        (replace(CLEARED, mode="none"), "unusual behaviour, high"),
        (replace(CLEARED, mode="<script>"), "other, high"),
        (replace(CLEARED, kind="silence", severity="low"), "silence, low"),
        (replace(CLEARED, kind="limit:temp"), "limit of temp, high"),
    ],
)
def test_an_earlier_alarm_is_named_in_plain_words(event: AlarmEvent, subject: str) -> None:
    [*_, earlier] = answer(replace(QUIET, past=(Episode(worst=event, end=event),))).split("\n")

    assert earlier.startswith(f"Earlier alarms, newest first: {subject}, since ")


def test_advice_that_the_summary_gives_is_not_given_twice() -> None:
    silence = replace(RISK, kind="silence", mode="none", summary=f"No readings from vib. {CHECKS['silence']}")
    unworded = replace(RISK, summary="Unusual.")
    said = answer(replace(QUIET, standing=(silence, LIMIT, unworded, replace(LIMIT, kind="limit:flow"))))

    assert said.count(CHECKS["silence"]) == 1
    assert said.endswith(f"\n{CHECKS['limit']} {mode('VIB').check}")


# ------------------------------------------------------------------------------------------------ anything at all

_TIME = st.floats(946684800.0, 4e9)
_NAMES = st.text("abcdefgh0123456789_-", min_size=1, max_size=20)
_SEVERITY = st.sampled_from(DEFAULT_SEVERITIES)


@st.composite
def any_event(draw: st.DrawFn) -> AlarmEvent:
    """A revision of any alarm, with a summary that has numbers of its own."""
    row = draw(_SEVERITY)
    kind = draw(st.sampled_from(["risk", "silence"]) | _NAMES.map(lambda name: f"limit:{name}"))
    return replace(
        RISK, kind=kind, first=draw(_TIME), time=draw(_TIME), severity=row.word, severity_number=row.number,
        risk=draw(st.none() | st.floats(0.0, 1.0)), mode=draw(st.sampled_from([*MODES, "X1"])),
        summary=f"{draw(_NAMES)} {draw(st.integers(0, 10**6))} mm/s.", acked=draw(st.booleans()),
        shelved_until=draw(st.none() | _TIME), suppressed=draw(st.sampled_from(["", "operator", "rate"])),
    )  # fmt: skip


_LINE = st.builds(LogLine, st.just("p"), _TIME, lines(), st.none(), st.none() | lines())
_FACTS = st.builds(
    AskFacts,
    asset=_NAMES,
    asked=_TIME,
    known=st.booleans(),
    near=st.lists(_NAMES, max_size=3).map(tuple),
    standing=st.lists(any_event(), max_size=3).map(tuple),
    past=st.lists(
        st.builds(Episode, worst=any_event(), end=any_event(), said=st.none() | _LINE), max_size=2
    ).map(tuple),
    log=st.lists(_LINE, max_size=3).map(tuple),
    verdict=st.none() | st.builds(
        Verdict, st.just("p"), _TIME, st.just("1 2 3"), st.floats(0.0, 1.0), st.just("VIB"), st.just(0.5),
        st.sampled_from(Status),
    ),
)  # fmt: skip


def stored(facts: AskFacts) -> str:
    """Everything of the facts that may be said, as people read it."""
    events = [*facts.standing, *(e for one in facts.past for e in (one.worst, one.end))]
    logs = [*facts.log, *(one.said for one in facts.past if one.said is not None)]
    times = [facts.asked, *(t for e in events for t in (e.first, e.time)), *(line.time for line in logs)]
    times += [e.shelved_until for e in events if e.shelved_until is not None]
    risks = [e.risk for e in events if e.risk is not None]
    if facts.verdict is not None:
        times.append(facts.verdict.time)
        risks.append(facts.verdict.risk)
    words = [facts.asset, *facts.near, *(w for e in events for w in (e.summary, e.kind, e.severity))]
    words += [clean(text) for line in logs for text in (line.text, line.order or "")]
    return " ".join([*words, *map(moment, times), *(f"{risk:.2f}" for risk in risks)])


@given(_FACTS)
def test_no_number_is_in_an_answer_that_is_not_in_its_facts(facts: AskFacts) -> None:
    numbers = set(re.findall(r"\d+(?:[.:-]\d+)*", stored(facts)))

    assert set(re.findall(r"\d+(?:[.:-]\d+)*", answer(facts))) <= numbers


@given(_FACTS)
def test_an_answer_is_lines_of_text_whatever_the_log_says(facts: AskFacts) -> None:
    said = answer(facts).split("\n")

    assert all(line and line.isprintable() for line in said)
    assert not any(mark in line for line in said for mark in "<>{}[]")
