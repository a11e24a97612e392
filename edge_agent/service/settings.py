"""How the engine groups its work: numbers only, each with what it trades. Nothing here is read from a file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RecorderSettings:
    """When the recorder writes what nobody waits for."""

    sent_s: float = 5.0  # how long acknowledged outbox rows may wait for a commit of their own
    snapshot_readings: int = 200_000  # replayed in a few seconds at start
    prune_s: float = 600.0
    seen: int = 200  # receive maximum: so many QoS 1 messages can be unacknowledged at the broker


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings(RecorderSettings):
    """How the engine groups its work."""

    batch_messages: int = 100  # half of the receive window
    most_messages: int = 180  # where the flash is to be spared: not the whole window, or the broker would stand still
    batch_s: float = 2.0  # fewer commits spare the flash; alarms do not wait for it
    retry_s: float = 2.0  # pause after a failed commit
    roll_s: float = 0.02  # for what comes in between two parts of what was put aside
    head_start_s: float = 0.05  # of an alarm just written, before its explanation takes the processor
    explain_s: float = 2.0  # how long the explanation of an alarm gives way to what waits in the inbox
    quiet_s: float = 1.0  # between looks for assets that have gone quiet
    risk_step: float = 0.05  # change of risk worth a message (report by exception)
    risk_max_age_s: float = 900.0  # event time after which the risk is sent again
    first_faults: int = 1  # of each kind, logged with topic and cause
