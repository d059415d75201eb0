"""What auth is told beyond what every service is."""

from __future__ import annotations

from pydantic import Field, SecretStr

from libs.common.settings import ServiceSettings


class AuthSettings(ServiceSettings):
    grant_private_key: SecretStr = Field(description="auth's Ed25519 private key, 32 bytes, base64: signs who asks.")
    session_idle_s: float = Field(30 * 60, gt=0, description="A session that is not used for so long is over.")
    session_life_s: float = Field(12 * 3600, gt=0, description="A session is over after this, used or not.")
