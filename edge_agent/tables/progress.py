"""A bar on stderr while something long is done: what commands on files share. Nothing is counted here but steps."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click


@contextmanager
def progress(length: int, label: str, *, shown: bool | None) -> Iterator[Callable[[], None]]:
    """A progress bar on a terminal, else a line per tenth if wanted; what is yielded counts one."""
    if sys.stderr.isatty() and shown is not False:
        often = max(1, length // 1000)
        with click.progressbar(length=length, label=label, file=sys.stderr, update_min_steps=often) as bar:
            yield lambda: bar.update(1)
        return
    done = 0

    def count() -> None:
        nonlocal done
        done += 1
        if shown and 10 * done // length > 10 * (done - 1) // length:
            click.echo(f"{label}: {100 * done // length} %", err=True)

    yield count
