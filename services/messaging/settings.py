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
    texts_kept_months: int = Field(
        13, ge=1, description="Whole months of texts that are kept beside the current one; older ones are dropped."
    )
    raw_kept_days: int = Field(
        30, ge=8, description="How long what carriers sent is kept as they sent it, to be read again or shown."
    )
