"""What commands ask for beyond the alarms, done with the agent's own files: `ports.Errands`.

Runs on the clerk's thread. Which bundle was chosen by a command is a small file beside the journal: it outlives reloads
and restarts, and its choice passes every check of a bundle before it is written and again before it judges (G12).
"""

from __future__ import annotations

import json
import os
import time
from contextlib import closing
from pathlib import Path
from typing import Final

from edge_agent.bundle.load import default_bundle, load_bundle
from edge_agent.config import Config, check
from edge_agent.core.ask import answer
from edge_agent.errors import BundleError, ConfigError
from edge_agent.store.asking import facts_of
from edge_agent.store.queries import open_readonly

CONFIGURED: Final = "configured"  # the name that takes a choice back


class AgentErrands:
    """The errands of one run of the agent."""

    def __init__(self, config: Config, path: Path) -> None:
        self._config, self._path = config, path

    @property
    def _chosen(self) -> Path:
        return self._config.store.path.with_name(f"{self._config.store.path.name}.active-bundle")

    def active_bundle(self) -> Path:
        """The folder of the bundle that is to judge: chosen by a command, else configured, else the packaged one."""
        configured = self._config.bundle.path or default_bundle()
        library = self._config.bundle.library
        try:
            name = json.loads(self._chosen.read_bytes())["bundle"]
        except (OSError, ValueError, TypeError, KeyError):
            return configured
        if library is None or not isinstance(name, str) or Path(name).name != name:
            return configured
        return library / name

    def ask(self, asset: str) -> str:
        """How a machine is, in plain words.

        Raises:
            EdgeAgentError: it cannot be said.
        """
        with closing(open_readonly(self._config.store.path)) as db:
            return answer(facts_of(db, asset, time.time()))

    def activate(self, bundle: str) -> None:
        """Note that another bundle judges from the next start on.

        Raises:
            EdgeAgentError: there is no such bundle, or it fails its checks.
        """
        library = self._config.bundle.library
        if bundle == CONFIGURED:
            self._chosen.unlink(missing_ok=True)
            return
        if library is None:
            raise ConfigError("no [bundle] library is configured", hint="set it to the folder the bundles lie in")
        try:
            load_bundle(library / bundle)
        except OSError as error:
            raise BundleError(f"bundle {library / bundle}: {error}", hint="copy the whole folder again") from error
        self._write(bundle)

    def check(self) -> None:
        """Look the configuration on disk over.

        Raises:
            ConfigError: it cannot be taken up.
        """
        problems = check(self._path)
        if problems:
            first = problems[0]
            raise ConfigError(
                f"{len(problems)} problem(s) in {self._path}: {first.field}: {first.reason}", hint=first.remedy
            )

    def _write(self, bundle: str) -> None:
        unfinished = self._chosen.with_name(f"{self._chosen.name}.unfinished")
        try:
            with unfinished.open("wb") as file:
                file.write(json.dumps({"bundle": bundle}).encode())
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(self._chosen)
        except OSError as error:
            raise BundleError(
                f"the choice cannot be written: {error}", hint="look at the disk of the journal"
            ) from error
