"""How the agent is: the retained health message, and the read-only HTTP page `/health` and `/metrics`."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import StartResponse, WSGIEnvironment

from prometheus_client import CollectorRegistry, make_wsgi_app

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def resident_bytes() -> int:
    """Resident memory of this process. Source: proc(5), statm field 2."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * _PAGE_BYTES


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the signature of the base class
        """Say nothing: a scrape every few seconds is no event."""


class HealthServer:
    """Serves health as JSON and the metrics in Prometheus format, on a thread of its own."""

    def __init__(self, host: str, port: int, registry: CollectorRegistry, health: Callable[[], bytes]) -> None:
        metrics = make_wsgi_app(registry)

        def application(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
            path = environ.get("PATH_INFO", "")
            if path == "/metrics":
                page: Iterable[bytes] = metrics(environ, start)
                return page
            if path == "/health":
                start("200 OK", [("Content-Type", "application/json")])
                return [health()]
            start("404 Not Found", [("Content-Type", "text/plain")])
            return [b"/health and /metrics are here\n"]

        self._server: WSGIServer = make_server(host, port, application, handler_class=_Quiet)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, name="health", daemon=True)

    def open(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
