"""[broker] and [broker.tls]: where the broker is, and how it is spoken to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr, StringConstraints

from edge_agent.config.sections.section import DAY_S, Host, Section

ClientId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,64}$")]


def _written(value: object) -> object:
    """Let `protocol = 5` stand for "5"."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


class Tls(Section):
    """[broker.tls]: encryption, and a certificate of our own where the broker asks for one."""

    enabled: bool = Field(default=True, description="false switches encryption off", examples=[True])
    ca: Path | None = Field(
        None,
        description="file of the authority that signed the broker's certificate",
        examples=["/etc/edge-agent/ca.pem"],
    )
    certificate: Path | None = Field(
        None, description="file of our own certificate", examples=["/etc/edge-agent/gateway.pem"]
    )
    key: Path | None = Field(None, description="file of its private key", examples=["/etc/edge-agent/gateway.key"])


class Broker(Section):
    """[broker]: the MQTT broker."""

    host: Host = Field(description="name or address of the broker", examples=["broker.plant.example"])
    port: int | None = Field(
        None, ge=1, le=65535, description="its port, 1 to 65535; left out: 1883, or 8883 with TLS", examples=[1883]
    )
    protocol: Annotated[Literal["5", "3.1.1"], BeforeValidator(_written)] = Field(
        "5", description="MQTT version; 3.1.1 hides refused messages and is for old brokers", examples=["5"]
    )
    client_id: ClientId | None = Field(
        None, description="unique at the broker; left out: edge-agent-<name of the gateway>", examples=["edge-agent-1"]
    )
    username: str | None = Field(None, min_length=1, description="who we are to the broker", examples=["gw-hall-3"])
    password: SecretStr | None = Field(
        None, description="never in the file: from the environment, a credential or `password_file`", examples=["..."]
    )
    password_file: Path | None = Field(
        None, description="file whose first line is the password", examples=["/etc/edge-agent/mqtt-password"]
    )
    keepalive_s: int = Field(30, ge=5, le=3600, description="seconds between signs of life, 5 to 3600", examples=[30])
    session_expiry_s: int = Field(
        7 * DAY_S, ge=60, le=4_294_967_295, description="how long the broker keeps our messages while we are away",
        examples=[604800],
    )  # fmt: skip
    receive_maximum: int = Field(
        400,
        ge=1,
        le=65535,
        description="messages on their way to us that are not written yet, half of them is a commit",
        examples=[400],
    )
    publish_per_s: float = Field(
        200.0, gt=0, le=100_000, description="messages sent a second at most: the pace of a backlog",
        examples=[200],
    )  # fmt: skip
    tls: Tls | None = Field(None, description="encryption; left out: none", examples=[{}])

    @property
    def encrypted(self) -> bool:
        """Whether TLS is on."""
        return self.tls is not None and self.tls.enabled

    @property
    def effective_port(self) -> int:
        """The port to connect to."""
        return self.port if self.port is not None else (8883 if self.encrypted else 1883)
