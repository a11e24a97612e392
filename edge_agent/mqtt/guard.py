"""Keeps what a callback raises: paho would let its network thread die of it without a word."""

from __future__ import annotations

import logging
from types import TracebackType

logger = logging.getLogger(__name__)


class Guard:
    """A context that lets no exception out; the first is remembered, and logged: nobody else will see it."""

    def __init__(self) -> None:
        self.fault: Exception | None = None

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Keep the exception; only what is none of ours to stop goes on."""
        if not isinstance(error, Exception):
            return False
        if self.fault is None:
            self.fault = error
            logger.error("link_fault", exc_info=error)
        return True
