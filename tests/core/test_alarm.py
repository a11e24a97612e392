"""One alarm condition."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.core.alarm import (
    TRANSITIONS,
    AlarmState,
    Delays,
    Finding,
    Phase,
    Signal,
    acknowledge,
    closed,
    retell,
    step,
    subject,
)
from edge_agent.core.report import Told
from edge_agent.core.types import AlarmEvent, Evidence, Quote, Severity, Transition

MEDIUM, HIGH, CRITICAL = (
    Severity(risk=r, word=w, number=n)
    for r, w, n in ((0.0, "medium", 500), (0.8, "high", 700), (0.95, "critical", 900))
)
TWICE = Delays(on_count=2, off_count=3)
SIGNALS = {"H": Signal.HIGH, "M": Signal.MIDDLE, "L": Signal.LOW}
TOLD = {
    Transition.RAISED: "R",
    Transition.CLEARED: "C",
    Transition.ESCALATED: "E",
    Transition.DEESCALATED: "D",
    Transition.UPDATED: "U",
    Transition.REALARMED: "A",
    Transition.ACKED: "K",
}


def finding(signal: Signal, time: float = 0.0, **changes: object) -> Finding:
    """A finding on the risk of p1, medium but for what is said."""
    plain = Finding(asset="p1", kind="risk", time=time, signal=signal, severity=MEDIUM)
    return replace(plain, **changes)  # type: ignore[arg-type]  # the dataclass refuses unknown names


def told(findings: list[Finding], delays: Delays = TWICE) -> tuple[AlarmState, list[AlarmEvent | None]]:
    """The state after the findings, and what each of them told."""
    state, found = AlarmState(), []
    for one in findings:
        state, event = step(state, one, delays)
        found.append(event)
    return state, found


def played(signals: str, delays: Delays = TWICE, seconds: float = 60.0) -> str:
    """The transitions of findings a minute apart: R raised, C cleared, . nothing."""
    _, found = told([finding(SIGNALS[s], i * seconds) for i, s in enumerate(signals)], delays)
    return "".join("." if event is None else TOLD[event.transition] for event in found)


# --------------------------------------------------------------------------------------------- delays and deadband


def test_the_table_has_an_answer_for_every_phase_and_signal() -> None:
    assert set(TRANSITIONS) == set(product(Phase, Signal))


@pytest.mark.parametrize(
    ("signals", "expected"),
    [
        ("H", "."),
        ("HH", ".R"),
        ("HLHLHMHMH", "........."),
        ("HMH", "..."),
        ("HHH", ".R."),
        ("HHLLL", ".R..C"),
        ("HHLL", ".R.."),
        ("HHLLMLLL", ".R.....C"),
        ("HHLLHLLL", ".R.....C"),
        ("HHMMMMMM", ".R......"),
        ("HHLLLHH", ".R..C.R"),
        ("MMMMLLLL", "........"),
        ("HHLLLL", ".R..C."),
    ],
)
def test_an_alarm_is_raised_by_two_and_cleared_by_three_in_a_row(signals: str, expected: str) -> None:
    assert played(signals) == expected


@given(signals=st.text(alphabet="HML").filter(lambda s: "HH" not in s))
def test_one_risky_window_never_raises(signals: str) -> None:
    assert set(played(signals)) <= {"."}


def test_without_delays_one_finding_raises_and_one_clears() -> None:
    assert played("HLHL", Delays()) == "RCRC"


def test_an_on_delay_in_seconds_counts_from_the_first_high_finding() -> None:
    assert played("HHHHHH", Delays(on_s=150.0)) == "...R.."
    assert played("HHLHHHH", Delays(on_s=150.0)) == "......R"


def test_an_off_delay_in_seconds_counts_from_the_first_low_finding() -> None:
    assert played("HLLLL", Delays(off_s=150.0)) == "R...C"
    assert played("HLLMLLLL", Delays(off_s=150.0)) == "R......C"


def test_count_and_seconds_are_both_needed() -> None:
    assert played("HHH", Delays(on_count=3), seconds=0.0) == "..R"
    assert played("HHH", Delays(on_count=3, on_s=180.0)) == "..."


# --------------------------------------------------------------------------------------------- what is told


def test_an_episode_is_first_seen_when_the_condition_began() -> None:
    _, [_, event] = told([finding(Signal.HIGH, 100.0), finding(Signal.HIGH, 160.0)])

    assert event is not None
    assert (event.first, event.time, event.rev, event.episode, event.active) == (100.0, 160.0, 1, 1, True)


def test_an_event_carries_all_that_was_found() -> None:
    quote = Quote("q1", 5.0, "noisy")
    rich = finding(
        Signal.HIGH, 9.0, risk=0.7, mode="VIB", quotes=(quote,), summary="why", summary_source="model", severity=HIGH
    )
    _, [event] = told([rich], Delays())

    assert event is not None
    assert (event.asset, event.kind, event.risk, event.mode, event.quotes) == ("p1", "risk", 0.7, "VIB", (quote,))
    assert (event.summary, event.summary_source) == ("why", "model")
    assert (event.severity, event.severity_number, event.evidence) == ("high", 700, ())


def test_a_higher_severity_escalates_and_a_lower_one_deescalates() -> None:
    severities = (MEDIUM, MEDIUM, CRITICAL, CRITICAL, HIGH, MEDIUM)
    _, found = told([finding(Signal.HIGH, float(i), severity=s) for i, s in enumerate(severities)])

    assert [e and (e.transition, e.severity) for e in found] == [
        None,
        (Transition.RAISED, "medium"),
        (Transition.ESCALATED, "critical"),
        None,
        (Transition.DEESCALATED, "high"),
        (Transition.DEESCALATED, "medium"),
    ]


def test_a_change_of_risk_is_told_when_it_is_worth_it() -> None:
    risks = (0.5, 0.5, 0.55, 0.59, 0.61, 0.65, 0.4)
    _, found = told([finding(Signal.HIGH, float(i), risk=r) for i, r in enumerate(risks)])

    assert [e and e.rev for e in found] == [None, 1, None, None, 2, None, 3]


def test_another_mode_and_a_new_log_line_are_told_once() -> None:
    old, new = Quote("a", 10.0, "noisy"), Quote("b", 20.0, "smoke")
    raised = [finding(Signal.HIGH, mode="VIB", quotes=(old,)), finding(Signal.HIGH, mode="VIB", quotes=(old,))]
    changes = [
        finding(Signal.HIGH, mode="VIB", quotes=(new, old)),
        finding(Signal.HIGH, mode="VIB", quotes=(new, old)),
        finding(Signal.MIDDLE, mode="VIB", quotes=()),
        finding(Signal.MIDDLE, mode="VIB", quotes=(new,)),
        finding(Signal.MIDDLE, mode="OHE", quotes=(new,)),
        finding(Signal.MIDDLE, mode="OHE", quotes=(new,)),
    ]
    _, found = told(raised + changes)

    assert [e and e.transition for e in found[2:]] == [Transition.UPDATED, None, None, None, Transition.UPDATED, None]


def test_while_an_alarm_falls_nothing_is_updated() -> None:
    findings = [finding(Signal.HIGH, risk=0.9)] * 2 + [finding(Signal.LOW, risk=0.1)] * 2
    _, found = told(findings)

    assert found[2:] == [None, None]


def test_ids_are_the_same_for_the_same_findings_and_different_for_every_episode() -> None:
    findings = [finding(SIGNALS[s], i * 60.0) for i, s in enumerate("HHLLLHHLLL")]
    ids = [e.id for e in told(findings)[1] if e]

    assert ids == [e.id for e in told(findings)[1] if e]
    assert ids[0] == ids[1] != ids[2] == ids[3]


def test_conditions_of_other_assets_and_kinds_have_other_ids() -> None:
    kinds = [("p1", "risk"), ("p2", "risk"), ("p1", "silence"), ("p1", "limit:vib")]
    ids = {step(AlarmState(), finding(Signal.HIGH, asset=a, kind=k), Delays())[1] for a, k in kinds}

    assert len({event.id for event in ids if event}) == 4


FINDINGS = st.lists(
    st.builds(
        finding,
        st.sampled_from(Signal),
        risk=st.none() | st.floats(0, 1),
        mode=st.sampled_from(("none", "VIB")),
        severity=st.sampled_from((MEDIUM, HIGH, CRITICAL)),
        quotes=st.lists(st.builds(Quote, st.just("q"), st.floats(0, 100), st.just("noisy")), max_size=2).map(tuple),
    ),
    max_size=40,
)
DELAYS = st.builds(
    Delays,
    on_count=st.integers(1, 3), off_count=st.integers(1, 3),
    on_s=st.sampled_from((0.0, 90.0)), off_s=st.sampled_from((0.0, 90.0)),
)  # fmt: skip


@given(findings=FINDINGS, delays=DELAYS)
@settings(max_examples=200)
def test_whatever_is_found_episodes_are_raised_then_cleared_with_revisions_in_order(
    findings: list[Finding], delays: Delays
) -> None:
    state, found = told([replace(f, time=60.0 * i) for i, f in enumerate(findings)], delays)

    standing: AlarmEvent | None = None
    for event in (event for event in found if event is not None):
        if event.transition is Transition.RAISED:
            assert standing is None
            assert event.rev == 1
        else:
            assert standing is not None
            assert (event.id, event.episode, event.first) == (standing.id, standing.episode, standing.first)
            assert event.rev == standing.rev + 1
        assert event.active is (event.transition is not Transition.CLEARED)
        assert event.first <= event.time
        standing = event if event.active else None
    assert state.active is (standing is not None)


@given(findings=FINDINGS, delays=DELAYS)
def test_what_is_told_changes_something_that_was_told_before(findings: list[Finding], delays: Delays) -> None:
    _, found = told([replace(f, time=60.0 * i) for i, f in enumerate(findings)], delays)
    events = [event for event in found if event is not None]

    for before, after in pairwise(events):
        if after.transition is Transition.ESCALATED:
            assert after.severity_number > before.severity_number
        if after.transition is Transition.DEESCALATED:
            assert after.severity_number < before.severity_number
        if after.transition is Transition.UPDATED:
            assert after.severity_number == before.severity_number


# --------------------------------------------------------------------------------------------- in other words


VIB = Evidence("vib", "drive-end bearing", 4.0, "mm/s", 2.0, 9.0, None, "deviation")
LATE = Told("late", "")


def raised() -> tuple[AlarmState, AlarmEvent]:
    """A standing alarm with the event of its raise."""
    high = finding(Signal.HIGH, summary="by template", mode="VIB", evidence=(VIB,))
    state, found = told([replace(high, time=time) for time in (0.0, 60.0)])
    assert found[-1] is not None
    return state, found[-1]


def test_a_summary_makes_the_next_revision_and_nothing_else() -> None:
    state, event = raised()
    retold = retell(state, event, Told("In other words.", "in other words"))

    assert retold is not None
    after, anew = retold
    assert after == replace(
        state, rev=state.rev + 1, content=state.rev + 1, frame="in other words", framed="VIB vib"
    )  # fmt: skip
    assert (anew.rev, anew.transition, anew.summary, anew.summary_source) == (
        event.rev + 1, Transition.UPDATED, "In other words.", "model",
    )  # fmt: skip
    assert replace(
        anew, rev=event.rev, transition=event.transition, summary=event.summary, summary_source=event.summary_source
    ) == event  # fmt: skip


def test_a_summary_of_an_older_revision_another_episode_or_a_cleared_alarm_is_dropped() -> None:
    state, event = raised()

    assert retell(replace(state, content=state.content + 1), event, LATE) is None
    assert retell(replace(state, id="another"), event, LATE) is None
    assert retell(replace(state, phase=Phase.NORMAL), event, LATE) is None


def test_an_event_is_about_its_mode_and_its_leading_evidence() -> None:
    _, event = raised()

    assert subject(event) == "VIB vib"
    assert subject(replace(event, evidence=(VIB, VIB))) == subject(event)
    assert subject(replace(event, evidence=())) == "VIB"


def test_the_frame_of_one_episode_is_not_the_next_ones() -> None:
    state, event = raised()
    retold = retell(state, event, Told("In other words.", "in other words"))
    assert retold is not None
    state = retold[0]
    for one in (*[finding(Signal.LOW)] * 3, *[finding(Signal.HIGH)] * 2):
        state, _ = step(state, one, TWICE)

    assert (state.episode, state.frame, state.framed) == (2, "", "")


# --------------------------------------------------------------------------------------------- acknowledging


ACKED = Delays(on_count=2, off_count=3, ack_required=True)
LATCHING = Delays(on_count=2, off_count=3, ack_required=True, latch=True)


def worked(signals: str, delays: Delays) -> tuple[AlarmState, str, AlarmEvent]:
    """The state after findings a minute apart, `K` an acknowledgement among them; what was told; the newest event."""
    state, newest, said = AlarmState(), None, ""
    for i, signal in enumerate(signals):
        if signal == "K":
            assert newest is not None
            state, events = acknowledge(state, newest)
        else:
            state, event = step(state, finding(SIGNALS[signal], i * 60.0), delays)
            events = () if event is None else (event,)
        said += "+".join(TOLD[event.transition] for event in events) or "."
        newest = events[-1] if events else newest
    assert newest is not None
    return state, said, newest


@pytest.mark.parametrize(
    ("signals", "delays", "expected", "open_", "active"),
    [
        ("HHLLL", ACKED, ".R..C", True, False),
        ("HHLLLK", ACKED, ".R..CK", False, False),
        ("HHKLLL", ACKED, ".RK..C", False, False),
        ("HHKK", ACKED, ".RK.", True, True),
        ("HHLLLKK", ACKED, ".R..CK.", False, False),
        ("HHLLL", TWICE, ".R..C", False, False),
        ("HHLLLLLL", LATCHING, ".R..U...", True, True),
        ("HHLLLK", LATCHING, ".R..UK+C", False, False),
        ("HHKLLL", LATCHING, ".RK..C", False, False),
        ("HHLLLM", LATCHING, ".R..U.", True, True),
        ("HHLLLHLLL", LATCHING, ".R..UU..U", True, True),
        ("HHLLLHK", LATCHING, ".R..UUK", True, True),
    ],
)
def test_an_alarm_is_open_until_it_is_over_and_acknowledged(
    signals: str, delays: Delays, expected: str, *, open_: bool, active: bool
) -> None:
    state, said, newest = worked(signals, delays)

    assert said == expected
    assert (state.open, newest.open) == (open_, open_)
    assert (state.active, newest.active) == (active, active)


def test_a_latched_alarm_says_that_it_is_over() -> None:
    assert worked("HHLLL", LATCHING)[2].latched
    assert not worked("HHLLLH", LATCHING)[2].latched
    assert not worked("HHLLLK", LATCHING)[2].latched


def test_an_acknowledgement_changes_nothing_that_is_said_of_the_machine() -> None:
    state, before = raised()
    state, [acked] = acknowledge(state, before)

    assert acked == replace(before, rev=2, transition=Transition.ACKED, acked=True)
    assert (state.phase, state.severity, state.content) == (Phase.ACTIVE, 500, 1)


def test_a_summary_is_still_told_after_an_acknowledgement() -> None:
    state, event = raised()
    state, _ = acknowledge(state, event)
    retold = retell(state, event, LATE)

    assert retold is not None
    assert (retold[1].rev, retold[1].acked) == (3, True)


def test_the_next_episode_is_not_acknowledged() -> None:
    state, said, newest = worked("HHKLLLHH", ACKED)

    assert (said, state.episode, newest.acked, newest.rev) == (".RK..C.R", 2, False, 1)


def test_an_alarm_nobody_acknowledged_ends_when_the_next_is_raised() -> None:
    state, _, newest = worked("HHLLL", ACKED)
    event = closed(state, newest)

    assert (event.id, event.rev, event.transition) == (newest.id, newest.rev + 1, Transition.CLOSED)
    assert not event.open
    assert not event.active


@pytest.mark.parametrize(
    ("signals", "expected"),
    [("HHHHHHHH", ".R..A..A"), ("HHKHHHHH", ".RK....."), ("HHHLLHHH", ".R...A.."), ("HHHH", ".R..")],
)
def test_an_alarm_nobody_acknowledges_is_told_again(signals: str, expected: str) -> None:
    assert worked(signals, Delays(on_count=2, off_count=3, realarm_s=180.0))[1] == expected


def test_what_was_never_told_needs_no_acknowledgement() -> None:
    past = [finding(Signal.HIGH, 0.0, historical=True), finding(Signal.LOW, 60.0, historical=True)]
    delays = Delays(ack_required=True, latch=True)
    state, [raise_, clear] = told(past, delays)

    assert raise_ is not None
    assert clear is not None
    assert (clear.transition, state.phase, state.open, clear.open) == (Transition.CLEARED, Phase.NORMAL, False, False)


def test_a_backfilled_end_latches_an_alarm_people_know() -> None:
    state, _ = told([finding(Signal.HIGH)], Delays(latch=True))
    state, event = step(state, finding(Signal.LOW, 60.0, historical=True), Delays(latch=True))

    assert event is not None
    assert (state.phase, event.latched, event.historical) == (Phase.LATCHED, True, False)
