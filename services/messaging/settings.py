"""What messaging is told."""

from __future__ import annotations

from pydantic import Field, SecretStr

from libs.common.settings import ServiceSettings


class MessagingSettings(ServiceSettings):
    simulator_url: str = Field(description="tcp://host:port of the embedded carrier's far side.")
    verification_key: SecretStr = Field(
        description="32 bytes, base64: verification codes are derived from it, and the key that seals carriers' settings."
    )
    public_url: str = Field(
        "", description="Where carriers reach the gateway from outside; none: no carrier calls back."
    )
