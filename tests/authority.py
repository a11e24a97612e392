"""Certificates for tests: an authority that signs sound and expired ones, and the lines of a listener that asks."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


@dataclass(frozen=True)
class Pair:
    """A certificate and its key."""

    certificate: Path
    key: Path


class Authority:
    """Makes certificates with openssl."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self.pair = Pair(folder / f"{name}.pem", folder / f"{name}.key")
        self._openssl(
            "req", "-x509", "-subj", f"/CN={name}", "-days", "2", "-addext", "keyUsage=critical,keyCertSign",
            "-keyout", self.pair.key, "-out", self.pair.certificate,
        )  # fmt: skip

    def sign(self, name: str, names: str) -> Pair:
        """A certificate for some names, such as `IP:127.0.0.1`."""
        pair, request = Pair(self._folder / f"{name}.pem", self._folder / f"{name}.key"), self._folder / f"{name}.csr"
        extensions = self._folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName={names}\n", encoding="utf-8")
        self._openssl("req", "-subj", f"/CN={name}", "-keyout", pair.key, "-out", request)
        self._openssl(
            "x509", "-req", "-in", request, "-CA", self.pair.certificate, "-CAkey", self.pair.key, "-CAcreateserial",
            "-days", "2", "-extfile", extensions, "-out", pair.certificate,
        )  # fmt: skip
        return pair

    def sign_expired(self, name: str, names: list[x509.GeneralName]) -> Pair:
        """A certificate that ended yesterday; openssl would not make one."""
        pair = Pair(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        ours = x509.load_pem_x509_certificate(self.pair.certificate.read_bytes())
        signer = serialization.load_pem_private_key(self.pair.key.read_bytes(), None)
        assert isinstance(signer, ec.EllipticCurvePrivateKey)
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder(ours.subject, x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=9))
            .not_valid_after(now - timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(signer, hashes.SHA256())
        )
        pair.certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        plain = serialization.NoEncryption()
        form = serialization.PrivateFormat.PKCS8
        pair.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
        return pair

    def _openssl(self, command: str, *arguments: str | Path) -> None:
        program = shutil.which("openssl")
        if program is None:
            pytest.skip("openssl is not installed")
        new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"] if command == "req" else []
        subprocess.run(
            [program, command, *new_key, *map(str, arguments)], check=True, capture_output=True, timeout=30
        )  # fmt: skip


def encrypted(authority: Authority, pair: Pair, *more: str) -> tuple[str, ...]:
    """The lines of a listener with TLS."""
    return (
        f"cafile {authority.pair.certificate}", f"certfile {pair.certificate}", f"keyfile {pair.key}", *more,
    )  # fmt: skip
