"""Why there is no connection, or no permission: foreign errors and MQTT reasons → `LinkError` with a hint.

Only words here. Source of the reason names: MQTT 5 §2.4; of the verify codes: openssl-verification-options(1).
"""

from __future__ import annotations

import socket
import ssl
from typing import Final

from edge_agent.errors import LinkError

_VERIFY: Final = {
    9: "the certificate is not valid yet: check the clock of this computer (`timedatectl`)",
    10: "the certificate has expired: renew it at the broker, or check the clock of this computer (`timedatectl`)",
    18: "the broker signed its certificate itself: give that certificate as `ca` of [broker.tls]",
    19: "the broker's authority is not trusted: give its certificate as `ca` of [broker.tls]",
    20: "the broker's authority is not trusted: give its certificate as `ca` of [broker.tls]",
    62: "the certificate is for another name: write the name it is for as `host` of [broker]",
    64: "the certificate is not for this address: write the broker's name as `host` of [broker]",
}  # fmt: skip
_NO_TLS: Final = "the port does not speak TLS: correct `port` of [broker] (8883 is usual), or remove [broker.tls]"
_TLS: Final = (  # part of OpenSSL's reason → hint
    ("WRONG_VERSION_NUMBER", _NO_TLS),
    ("RECORD_LAYER_FAILURE", _NO_TLS),
    ("CERTIFICATE_REQUIRED", "the broker asks for a certificate: add `certificate` and `key` to [broker.tls]"),
    ("UNKNOWN_CA", "the broker does not trust our certificate: have it signed by the authority the broker knows"),
    ("CERTIFICATE_EXPIRED", "our certificate has expired: renew `certificate` of [broker.tls]"),
    ("CERTIFICATE_REVOKED", "our certificate was revoked: renew `certificate` of [broker.tls]"),
    ("BAD_CERTIFICATE", "the broker refuses our certificate: check `certificate` of [broker.tls] and the broker's log"),
    ("HANDSHAKE_FAILURE", "no common cipher or certificate: see the broker's log; TLS 1.2 or later is needed"),
    ("PROTOCOL_VERSION", "the broker speaks TLS 1.1 or older only: update it"),
    ("UNSUPPORTED_PROTOCOL", "the broker speaks TLS 1.1 or older only: update it"),
)  # fmt: skip
_MQTT: Final = {
    "unsupported_protocol_version": 'the broker speaks another MQTT version: set `protocol = "{other}"` in [broker]',
    "bad_user_name_or_password": "check `username` of [broker] and the password (password_file or credential)",
    "not_authorized": "the broker does not let this user in: check `username`, the password and its list of users",
    "client_identifier_not_valid": "set another `client_id` in [broker]: for old brokers 23 letters and digits at most",
    "banned": "the broker has banned this client: ask its administrator",
    "server_busy": "the broker is overloaded; we go on trying",
    "connection_rate_exceeded": "the broker limits new connections; we wait longer each time",
    "quota_exceeded": "the broker's quota for this client is used up: ask its administrator; we go on trying",
    "use_another_server": "the broker sends us elsewhere: correct `host` of [broker]",
    "server_moved": "the broker has moved: correct `host` of [broker]",
    "server_unavailable": "the broker is not ready; we go on trying",
    "session_taken_over": "another client has the same client id: give each gateway a `name` or `client_id` of its own",
}
TAKEOVER: Final = _MQTT["session_taken_over"]
_ACL: Final = "the broker's access list does not allow it: see deploy/mosquitto-acl.example"
_LOG: Final = "see the broker's log"


def reason_key(name: str) -> str:
    """The name of an MQTT reason as a word for logs and metrics, such as `not_authorized`."""
    return name.lower().replace(" ", "_").replace("-", "_")


def permission_hint(key: str) -> str:
    """What to do when a broker refuses a message or a subscription."""
    return _ACL if key in {"not_authorized", "unspecified_error"} else _LOG  # 3.1.1 says no more than "failure"


def of_refusal(name: str, broker: str, protocol: str) -> LinkError:
    """What a broker's refusal of the connection means."""
    key = reason_key(name)
    hint = _MQTT.get(key, _LOG).format(other="3.1.1" if protocol == "5" else "5")
    return LinkError(f"broker {broker} refuses the connection: {key}", hint=hint)


def of_connect(error: BaseException | None, broker: str, *, encrypted: bool) -> LinkError:
    """What an error while connecting means, with TLS or without."""
    text, hint = (_tls_words(error) if encrypted else None) or _words(error)
    return LinkError(f"broker {broker}: {text}", hint=hint)


def _tls_words(error: BaseException | None) -> tuple[str, str] | None:
    """What happened and a hint; None where TLS has nothing to do with it."""
    if isinstance(error, ssl.SSLCertVerificationError):
        hint = _VERIFY.get(error.verify_code, "give the certificate of the broker's authority as `ca` of [broker.tls]")
        return f"its certificate is not accepted: {error.verify_message}", hint
    if isinstance(error, ssl.SSLEOFError | ConnectionResetError):
        return "closed the connection during the TLS handshake", _NO_TLS
    if isinstance(error, ssl.SSLError):
        reason = getattr(error, "reason", None) or str(error)
        hint = next((hint for part, hint in _TLS if part in reason), _LOG)
        return f"TLS failed: {reason.lower()}", hint
    return None


def _words(error: BaseException | None) -> tuple[str, str]:
    words: tuple[tuple[type[BaseException], str, str], ...] = (
        (
            ConnectionRefusedError,
            "nobody listens there",
            "check that the broker runs, and `host` and `port` of [broker]",
        ),
        (ConnectionResetError, "closed the connection", "check `port` of [broker]; a port for TLS needs [broker.tls]"),
        (socket.gaierror, "its name is not known", "check `host` of [broker] and the name server (`getent hosts`)"),
        (TimeoutError, "does not answer", "check `host` of [broker], the cable, and firewalls on the way"),
        (UnicodeError, "its name is no host name", "correct `host` of [broker]"),
    )
    for kind, text, hint in words:
        if isinstance(error, kind):
            return text, hint
    return (str(error) if error is not None else "no connection"), "check the network of this computer (`ip route`)"
