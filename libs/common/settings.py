"""What every process is told, from the environment or from files of secrets (`HELIOGRAPH_SECRETS_DIR`). Read once, frozen.

Each service adds its own in services/<name>/settings.py; docs/reference/settings.md lists them all.
"""

from __future__ import annotations

import os
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="HELIOGRAPH_", frozen=True, secrets_dir=os.environ.get("HELIOGRAPH_SECRETS_DIR"), extra="ignore"
    )

    mode: Literal["development", "production"] = Field(
        "production", description="In development the demo company may be seeded and crash points armed."
    )
    ops_host: str = Field("127.0.0.1", description="Where health and metrics listen; 0.0.0.0 in a container.")
    ops_port: int = Field(0, description="Port of /health/live, /health/ready and /metrics; 0 takes any free one.")
    drain_s: float = Field(
        15.0, gt=0, description="After SIGTERM: how long work in flight may go on before it is put back."
    )


class BusSettings(Settings):
    broker_url: str = Field(description="amqp://user:password@host:port/vhost; the user is the service's own.")


class ServiceSettings(BusSettings):
    """Of a service with a database."""

    database_url: str = Field(
        description="postgresql://role:password@host:port/database; the role owns only this database."
    )
    grant_public_key: str = Field(description="auth's Ed25519 public key, base64: proves who asks.")
    pool_size: int = Field(
        24,
        ge=4,
        description="Connections to PostgreSQL at the most: one for each message in hand of every lane, so that none waits for another.",
    )
