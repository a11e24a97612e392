"""Every error the agent raises on purpose. Each says what, where and the value received; `hint` says what to do.

    EdgeAgentError
    ├── ConfigError        the configuration file is wrong (exit 78: systemd does not restart)
    ├── BundleError        a model bundle is missing, damaged, altered or does not fit (exit 78)
    ├── StoreError         the SQLite file cannot be used
    │   └── ForeignStoreError  it is somebody else's, or a newer agent's (exit 78)
    ├── LinkError          the broker cannot be used
    ├── DataError          a file given to replay, backtest or train is wrong
    └── UsageError         a command was given something that makes no sense

Malformed payloads are no exceptions: `core/decode.py` returns them as values, with a reason code.
"""

from __future__ import annotations

EX_CONFIG = 78  # sysexits.h; RestartPreventExitStatus in the unit


class EdgeAgentError(Exception):
    """An expected fault, said in words its reader can act on."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class ConfigError(EdgeAgentError):
    """The configuration is wrong; all its faults at once."""

    exit_code = EX_CONFIG


class BundleError(EdgeAgentError):
    """A model bundle cannot be used; starting again would not mend it."""

    exit_code = EX_CONFIG


class StoreError(EdgeAgentError):
    """The journal cannot be used; `damaged` where a new start sets it aside and begins a fresh one."""

    def __init__(self, message: str, *, hint: str = "", damaged: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.damaged = damaged


class ForeignStoreError(StoreError):
    """The file is not this agent's to write to: only a human knows what was meant."""

    exit_code = EX_CONFIG


class LinkError(EdgeAgentError):
    """The broker cannot be used."""


class DataError(EdgeAgentError):
    """A data file is wrong."""


class UsageError(EdgeAgentError):
    """A command was called with something that makes no sense."""

    exit_code = 2
