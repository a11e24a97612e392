"""The values of the pipeline, in the order in which data flow; and the specifications that shape it.

Only frozen values belong here: no behaviour beyond what a value can say of itself, and nothing that can change.
`time` is Unix seconds UTC of the event itself, never of its arrival.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from edge_agent.core.identity import digest

# --------------------------------------------------------------------------------------------- specifications


class Clock(StrEnum):
    """How far the wall clock could be trusted when a row was written (promise G6)."""

    SYNCED = "synced"
    UNSYNCED = "unsynced"
    JUMPED = "jumped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Hard limits of one channel in its own unit; None where there is none."""

    low_alarm: float | None = None
    low_warning: float | None = None
    high_warning: float | None = None
    high_alarm: float | None = None
    deadband: float = 0.0  # an alarm limit that was crossed is left only so far inside of it (ISA-18.2: hysteresis)

    def zone(self, value: float) -> str:
        """The zone a value lies in: `normal`, `warning` or `alarm`."""
        if self.high_alarm is not None and value >= self.high_alarm:
            return "alarm"
        if self.low_alarm is not None and value <= self.low_alarm:
            return "alarm"
        if self.high_warning is not None and value >= self.high_warning:
            return "warning"
        if self.low_warning is not None and value <= self.low_warning:
            return "warning"
        return "normal"

    def crossed(self, value: float) -> float | None:
        """The alarm limit that a value has reached or passed, or None."""
        if self.high_alarm is not None and value >= self.high_alarm:
            return self.high_alarm
        if self.low_alarm is not None and value <= self.low_alarm:
            return self.low_alarm
        return None

    def near(self, value: float) -> float | None:
        """The alarm limit that a value has not left by more than the deadband, or None."""
        if self.high_alarm is not None and value > self.high_alarm - self.deadband:
            return self.high_alarm
        if self.low_alarm is not None and value < self.low_alarm + self.deadband:
            return self.low_alarm
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSpec:
    """One channel of an asset class."""

    name: str
    unit: str = ""
    component: str = ""  # maintainable item it watches (ISO 14224 level 8), such as "drive-end bearing"
    limits: Limits = field(default_factory=Limits)
    condition: bool = False  # an operating condition (load, set point): says in which regime, is not judged itself
    expression: str = ""  # derived from other channels by core/expression.py; empty for a measured one


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassSpec:
    """What is common to all assets of one class."""

    name: str
    channels: tuple[ChannelSpec, ...]
    step_s: float = 60.0  # one point per channel and step; a step is closed by event time
    lateness_s: float = 0.0  # how much later than the newest event a reading of a step may still come
    settle_s: float = 10.0  # after a gap or an old reading: so long none may come before the asset is judged again
    flush_s: float = 600.0  # longest wait for the buffer of an outage to come in; it may come in any order
    complete: bool = False  # close a step as soon as every measured channel has a reading in it
    verdict_every: int = 1  # steps per verdict
    baseline_steps: int = 60  # steps of healthy operation learned at commissioning
    silent_after_s: float = 600.0  # a channel or asset without a reading for so long is silent
    log_lines: int = 3  # newest log lines in the text
    log_horizon_s: float = 7 * 86400.0  # older log lines are left out
    running: str = ""  # condition on its channels (core/expression.py) that holds while it runs; empty: it always does


@dataclass(frozen=True, slots=True, kw_only=True)
class Severity:
    """A row of the severity table: from `risk` upwards the alarm is called `word` with OPC UA number `number`."""

    risk: float
    word: str
    number: int


DEFAULT_SEVERITIES = (
    Severity(risk=0.0, word="medium", number=500),
    Severity(risk=0.8, word="high", number=700),
    Severity(risk=0.95, word="critical", number=900),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmPolicy:
    """How findings become alarms (ISA-18.2: delays, deadband, severity).

    `raise_at` and `clear_at` None mean: take the threshold the bundle was calibrated with, and 0.6 of it.
    """

    raise_at: float | None = None
    clear_at: float | None = None
    on_windows: int = 2
    off_windows: int = 3
    limit_on_s: float = 0.0  # on-delay of a hard limit, event time
    limit_off_s: float = 60.0  # off-delay of a hard limit, event time
    update_step: float = 0.1  # change of risk worth an update of an open alarm
    severities: tuple[Severity, ...] = DEFAULT_SEVERITIES
    limit_severity: Severity = Severity(risk=1.0, word="critical", number=900)
    silence_severity: Severity = Severity(risk=0.0, word="low", number=300)
    ack_required: bool = True  # an alarm that has cleared stays open until somebody has acknowledged it
    latch: tuple[str, ...] = ()  # of `risk`, `limit`, `silence`: active until acknowledged, even when over
    realarm_s: float = 28_800.0  # an active alarm nobody acknowledged is told again after so long; 0 is never
    most_raises: int = 6  # of one asset in `raises_s`; more page nobody (hard limits always do)
    raises_s: float = 3600.0
    shelve_most_s: float = 7 * 86400.0  # no shelving lasts longer
    maintenance_s: float = 3 * 86400.0  # a work order that nobody closes shelves no longer than this
    unit_severity: Severity = Severity(risk=0.0, word="low", number=300)


# --------------------------------------------------------------------------------------------- what comes in


CLOSE = ""  # closes the open steps of the asset up to this time
HOLD = "#hold"  # from here on readings are put aside
ROLL = "#roll"  # what was put aside is judged in order of event time, up to this time; value 1: and nothing is any more
SET = "#set"  # the asset's clock was set: its time goes on from here
RELEARN = "#relearn"  # the asset's normal is learned anew: after a repair, or on an operator's word
MARKERS = frozenset((CLOSE, HOLD, ROLL, SET, RELEARN))
LATE = "<"  # before the name of a channel: a reading older than what was judged, stored and not judged
FUTURE = ">"  # and one that is ahead of its asset's time, for all that is known by a wrong clock


class Reading(NamedTuple):
    """One sample of one channel; a tuple because hundreds a second are made.

    No channel has a name of `MARKERS`: these are written between the readings, so that a rebuild from the journal does
    the same at the same place, without a clock.
    """

    asset: str
    channel: str
    time: float
    value: float  # already rounded to float32 unless it is a counter


class LogLine(NamedTuple):
    """One line of the maintenance log, as hostile as any input."""

    asset: str
    time: float
    text: str
    author: str | None = None
    order: str | None = None

    @property
    def id(self) -> str:
        """A deterministic id: the same line sent twice is one line."""
        return digest("log", self.asset, f"{self.time:.3f}", self.text)


class WorkOrderEvent(NamedTuple):
    """A work order on an asset that was opened or closed: structured, from a topic declared for it (promise G9)."""

    asset: str
    order: str  # its number
    time: float
    opened: bool
    repaired: bool = False  # closed with a repair: the asset's normal is another from now on
    author: str | None = None


# --------------------------------------------------------------------------------------------- what is derived


@dataclass(frozen=True, slots=True)
class ChannelState:
    """One channel at the end of a step: the features for the text, the raw facts for people.

    `levels` are positions (fraction 0..1, beyond the ends -k or 1+k for how many scales outside) of the exponential
    means of spans 5, 15, 30 in the asset class; None where the class is unknown. `shift`, `trend`, `slope` are in
    robust z of the healthy baseline: mean of span 5 minus baseline, span 5 minus span 30, change over 20 steps by
    least squares. `spread` is log2 of the 20-step deviation over the healthy one.
    """

    name: str
    unit: str
    component: str
    value: float  # mean of the step, in `unit`
    baseline: float  # this asset's own healthy value, in `unit`
    levels: tuple[float, float, float] | None
    shift: float
    trend: float
    slope: float
    spread: float
    zone: str = "normal"

    @property
    def oddity(self) -> float:
        """How unusual the channel is: what orders the text and the evidence."""
        return max(abs(self.shift), abs(self.trend), abs(self.slope))


class Misread(NamedTuple):
    """A channel whose values seem to come in another unit than its class says (core/unit_step.py)."""

    channel: str
    component: str
    own_unit: str
    unit: str
    settled: bool  # True: they come in the own unit by now, and are still converted from the other
    value: float  # mean of the step, taken for the own unit
    normal: float  # level before, in the own unit
    expected: float  # what such a change makes of it
    confirmed: bool  # False: suspected since too few steps to be told


@dataclass(frozen=True, slots=True)
class Window:
    """An asset's recent past at the end of a step: all that a verdict may know of its readings."""

    asset: str
    asset_class: str
    index: int  # steps closed since commissioning
    start: float
    end: float
    regime: int | None  # operating regime of the class reference, None where there is none
    channels: tuple[ChannelState, ...]
    silent: tuple[str, ...]
    learning: bool  # the baseline is not complete
    historical: bool = False
    standing: bool = False  # the machine does not run: neither judged nor learned as normal
    refused: tuple[str, ...] = ()  # channels whose limits refused the baseline that this step would have completed
    misread: tuple[Misread, ...] = ()  # channels in another unit than they should be

    @property
    def unjudged(self) -> Status | None:
        """Why it gets no verdict; None where it gets one."""
        if self.standing:
            return Status.STANDING
        return Status.MISCONFIGURED if self.misread else None

    @property
    def stranger(self) -> bool:
        """Whether nothing is known of its class: no channel has a level in it."""
        return all(channel.levels is None for channel in self.channels)


@dataclass(frozen=True, slots=True)
class Scores:
    """What the model says of one text, calibrated by its bundle."""

    risk: float  # P(failure within the bundle's horizon)
    modes: tuple[float, ...]  # probabilities over the bundle's failure-mode labels
    undecided: bool = False  # the conformal set holds both or neither class


class Status(StrEnum):
    """What may be made of a verdict."""

    DECIDED = "decided"
    PROVISIONAL = "provisional"  # the baseline is still learned: shown, raises nothing
    UNCERTAIN = "uncertain"  # the conformal set is undecided: shown and counted, raises nothing
    STANDING = "standing"  # the machine does not run: not judged, the risk is the last one while it ran
    MISCONFIGURED = "misconfigured"  # a channel seems to come in another unit: not judged, the risk is the last one


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement on one window."""

    asset: str
    time: float  # end of the window
    text: str
    risk: float
    mode: str  # ISO 14224 failure-mode code, `none` where nothing is wrong
    mode_probability: float
    status: Status
    historical: bool = False


# --------------------------------------------------------------------------------------------- what goes out


class Transition(StrEnum):
    """What happened to an alarm (ISA-18.2 / OPC UA Part 9)."""

    RAISED = "raised"
    UPDATED = "updated"
    ESCALATED = "escalated"
    DEESCALATED = "deescalated"
    CLEARED = "cleared"
    REALARMED = "realarmed"  # told again, because nobody has acknowledged it
    ACKED = "acked"
    SHELVED = "shelved"
    UNSHELVED = "unshelved"
    SUPPRESSED = "suppressed"
    UNSUPPRESSED = "unsuppressed"
    CLOSED = "closed"  # cleared and never acknowledged, and now raised anew under another id


OPERATED = frozenset(
    {
        Transition.ACKED,
        Transition.SHELVED,
        Transition.UNSHELVED,
        Transition.SUPPRESSED,
        Transition.UNSUPPRESSED,
        Transition.CLOSED,
    }
)  # what people, work orders and time do to an alarm: nothing of it follows from readings


@dataclass(frozen=True, slots=True)
class Evidence:
    """One fact an alarm rests on."""

    channel: str
    component: str
    value: float
    unit: str
    baseline: float | None
    shift: float | None  # robust z from this asset's own baseline
    limit: float | None
    rule: str  # `deviation`, `limit`, `silence` or `unit`
    contribution: float | None = None  # the risk minus the risk without it; None where that was not tried


@dataclass(frozen=True, slots=True)
class Quote:
    """A log line an alarm quotes."""

    id: str
    time: float
    text: str
    contribution: float | None = None  # the risk minus the risk without it; None where that was not tried


@dataclass(frozen=True, slots=True)
class AlarmEvent:
    """One transition of one alarm, complete: what is stored, published and shown."""

    id: str  # the same for all revisions of one episode
    asset: str
    kind: str  # `risk`, `limit:<channel>`, `silence` or `unit:<channel>`
    episode: int
    rev: int
    transition: Transition
    time: float  # event time of the transition
    first: float  # event time of the raise
    active: bool
    acked: bool
    severity: str
    severity_number: int
    risk: float | None
    mode: str
    evidence: tuple[Evidence, ...]
    quotes: tuple[Quote, ...]
    summary: str
    summary_source: str  # `template` or `model`
    historical: bool = False
    voice: str = ""  # key of the `Voice` that judged: which model, on what, by which rules
    open: bool = True  # active, or cleared and to be acknowledged
    latched: bool = False  # over, and active until it is acknowledged
    shelved_until: float | None = None  # wall clock; None: not shelved
    suppressed: str = ""  # by what: `operator` or `rate`; empty: not
    actor: str = ""  # who did it, where somebody did
    comment: str = ""  # what they said with it

    @property
    def quiet(self) -> bool:
        """Whether it pages nobody: over, shelved, or suppressed."""
        return self.historical or self.shelved_until is not None or bool(self.suppressed)


class Outgoing(NamedTuple):
    """One message for the broker, as it lies in the outbox."""

    key: str  # deterministic; repeats are harmless
    topic: str
    payload: bytes
    qos: int
    retain: bool
    lane: int  # 0 alarms, 1 current state, 2 history: lower first
    group: str  # messages of one group are sent in order; of states only the newest of a group is kept
    correlation: bytes = b""  # correlation data of a command this answers (MQTT 5 §3.3.2.3.6)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRecord:
    """What somebody asked for and what came of it: the audit trail (who, when, what), and the labels of alarms."""

    request_id: str
    received: float  # wall clock
    issued: float  # as the asker says, wall clock
    name: str  # such as `ack`
    asset: str
    kind: str
    alarm: str
    actor: str
    via: str  # `mqtt` or `local`
    accepted: bool
    answer: str  # word of the result
    label: str  # what an acknowledgement says of the alarm: real, false, known or planned
    comment: str
    request: str  # the payload as it came
