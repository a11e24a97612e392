"""A small script and messages as the agent sends them, for the tests of the demo."""

from __future__ import annotations

from edge_agent.core.identity import digest
from edge_agent.core.types import AlarmEvent, ChannelSpec, ClassSpec, Evidence, Quote, Status, Transition, Verdict
from edge_agent.core.wire import (
    HealthPayload,
    ModelPayload,
    Origin,
    alarm_messages,
    health_message,
    risk_message,
    stamp,
)
from edge_agent.demo.board import Board
from edge_agent.demo.script import Machine, Script, Truth
from edge_agent.demo.settings import ADDRESS
from edge_agent.demo.view import Moment

START = 1_735_689_600.0
STEP_S = 60.0
MODEL = ModelPayload(name="m", version="1", sha256="00")
ORIGIN = Origin(address=ADDRESS, model=MODEL, horizon="h", config="c", boot_id="b", agent="0")
SUMMARY = "Likely vibration (VIB) at drive-end bearing: vib 4.05 mm/s, above its normal 2.10 mm/s. Check it."
MACHINES = (("p-101", "P-101", "pump"), ("m-201", "M-201", "motor"), ("c-501", "C-501", "compressor"))


def spec(name: str) -> ClassSpec:
    return ClassSpec(name=name, channels=(ChannelSpec(name="vib", unit="mm/s"),), step_s=STEP_S)


def script(**truth: int) -> Script:
    """Three machines of which the first fails."""
    story = Truth(fails=True, **truth)
    return Script(
        title="three machines",
        machines=tuple(
            Machine(name=name, spec=spec(kind), truth=story if k == 0 else Truth())
            for k, (_, name, kind) in enumerate(MACHINES)
        ),
        start=START,
        step_s=STEP_S,
        steps=200,
        wall_s=0.25,
        word="step",
        play=lambda: iter(()),
        phases=((0, "learning"), (60, "sound")),
        end_of_life="the end of the bearing's life",
        rows=False,
    )


def moment(index: int = 100, **changes: bool) -> Moment:
    return Moment(
        title="three machines", broker="mosquitto on 127.0.0.1:1", phase="the bearing wears", start=START,
        step_s=STEP_S, clock="%H:%M", word="step", index=index, steps=200, rate=168.4, logs=changes.get("logs", True),
    )  # fmt: skip


def board() -> Board:
    return Board(ADDRESS, MACHINES)


def risk(asset: str, step: int, value: float, mode: str = "none", status: Status = Status.DECIDED) -> tuple[str, bytes]:
    """The message of a risk."""
    sent = risk_message(Verdict(asset, START + step * STEP_S, "text", value, mode, 0.9, status), ORIGIN)
    return sent.topic, sent.payload


def event(  # noqa: PLR0913 - the facts a test may want to choose
    asset: str, step: int, transition: Transition, *, rev: int = 1, kind: str = "risk", severity: str = "high",
    value: float = 0.83, episode: int = 1,
) -> tuple[str, bytes]:  # fmt: skip
    """The message of an alarm event."""
    number = {"low": 300, "medium": 500, "high": 700, "critical": 900}[severity]
    made = AlarmEvent(
        id=digest(asset, kind, str(episode)), asset=asset, kind=kind, episode=episode, rev=rev, transition=transition,
        time=START + step * STEP_S, first=START, active=transition is not Transition.CLEARED, acked=False,
        severity=severity, severity_number=number, risk=value, mode="VIB",
        evidence=(Evidence("vib", "drive-end bearing", 4.05, "mm/s", 2.1, 12.0, None, "deviation"),),
        quotes=(Quote("q", START, "de brg noisy"),), summary=SUMMARY, summary_source="template",
    )  # fmt: skip
    sent = alarm_messages(made, ORIGIN, observed=START, clock="synced")[0]
    return sent.topic, sent.payload


def health(readings: int, faults: dict[str, int] | None = None) -> tuple[str, bytes]:
    """The message of health."""
    payload = HealthPayload(
        time=stamp(START), boot_id="b", uptime_s=1.0, rss_bytes=140_000_000, inbox=0, outbox=0, oldest_unsent_s=0.0,
        assets=3, readings=readings, verdicts=12, alarms_active=0, faults=faults or {}, shed=0, bundle="m@1",
        clock="synced",
    )  # fmt: skip
    sent = health_message(payload, ORIGIN)
    return sent.topic, sent.payload
