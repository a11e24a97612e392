"""Encryption: the TLS context for a broker, whether its files have changed, and a probe for what paho does not tell.

At least TLS 1.2, and the broker's name is always checked: there is no switch to do without.
"""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

from edge_agent.config import Broker, Tls
from edge_agent.errors import LinkError
from edge_agent.mqtt.reasons import of_connect

PROBE_S = 5.0  # to connect and shake hands
REFUSAL_S = 1.0  # a broker that misses our certificate says so at once after the handshake (TLS 1.3)


def client_context(tls: Tls) -> ssl.SSLContext:
    """The context for connections to the broker.

    Raises:
        LinkError: a file is missing or is no certificate, or a key does not belong to its certificate.
    """
    try:
        context = ssl.create_default_context(cafile=tls.ca)
    except (OSError, ValueError) as error:
        raise _bad_file("ca", tls.ca, error) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.certificate is not None:
        try:
            context.load_cert_chain(tls.certificate, tls.key, password=_no_password)
        except (OSError, ValueError) as error:
            raise _bad_file("certificate", tls.certificate, error) from error
    return context


class Encryption:
    """How connections to the broker are encrypted, by the files as they were read last."""

    def __init__(self, tls: Tls) -> None:
        """Read the files.

        Raises:
            LinkError: one of them cannot be used.
        """
        self._tls, self._stamps = tls, _stamps(tls)
        self.context = client_context(tls)

    def renew(self) -> bool:
        """Whether the files have changed and were read again; where they cannot be used the old ones stay in force.

        Raises:
            LinkError: one of them cannot be used; it is tried again when it changes.
        """
        stamps = _stamps(self._tls)
        if stamps == self._stamps:
            return False
        self._stamps = stamps
        self.context = client_context(self._tls)
        return True


def _stamps(tls: Tls) -> tuple[tuple[int, int, int] | None, ...]:
    """What changes whenever one of the files is renewed, moved or given other rights; None for one that is missing.

    The time of the change of the inode, not of the content: `cp -p` keeps the latter.
    """
    stamps = list[tuple[int, int, int] | None]()
    for path in (tls.ca, tls.certificate, tls.key):
        try:
            found = None if path is None else path.stat()
        except OSError:
            found = None
        stamps.append(None if found is None else (found.st_ctime_ns, found.st_size, found.st_ino))
    return tuple(stamps)


def probe(broker: Broker, context: ssl.SSLContext) -> LinkError | None:
    """Why a TLS connection to the broker fails, or None when it does not.

    With TLS 1.3 a broker looks at our certificate after the handshake: connecting succeeds, and only then it hangs up.
    """
    name = f"{broker.host}:{broker.effective_port}"
    try:
        with (
            socket.create_connection((broker.host, broker.effective_port), timeout=PROBE_S) as plain,
            context.wrap_socket(plain, server_hostname=broker.host) as encrypted,
        ):
            encrypted.settimeout(REFUSAL_S)
            try:
                answer = encrypted.recv(1)
            except TimeoutError:
                return None  # it waits for our first word, as it should
    except (OSError, UnicodeError) as error:
        return of_connect(error, name, encrypted=True)
    return None if answer else of_connect(ConnectionResetError(), name, encrypted=True)


def _no_password() -> str:
    """Refuse an encrypted key: without this OpenSSL would ask on the terminal."""
    message = "the key is protected by a passphrase"
    raise ValueError(message)


def _bad_file(name: str, path: Path | None, error: Exception) -> LinkError:
    if isinstance(error, ssl.SSLError) and error.reason == "KEY_VALUES_MISMATCH":
        hint = "`key` and `certificate` of [broker.tls] do not belong together: give the pair that was made together"
    elif isinstance(error, ssl.SSLError):
        hint = f"give a PEM file (-----BEGIN ...) as `{name}` of [broker.tls], and its `key` likewise"
    elif isinstance(error, OSError):
        hint = f"put the file there, readable for the agent, or correct `{name}` and `key` of [broker.tls]"
    else:
        hint = "remove the passphrase: openssl pkey -in KEY -out KEY.plain"
    return LinkError(f"TLS file {name} = {str(path)!r}: {error}", hint=hint)
