"""What auth's handlers and loops need beside the database: the signer of grants, the keys that tokens are made under, the hashing threads."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from libs.common.bus import Bus
from libs.common.db import Database
from libs.common.grants import Signer
from libs.common.service import Kernel
from services.auth.passwords import Passwords
from services.auth.settings import AuthSettings


@dataclass(frozen=True)
class Secrets:
    """What each kind of token is made under: see sessions/rules.py. A kind each, so that one ask id never makes two that are alike."""

    session_tokens: bytes
    reusable_tokens: bytes
    api_keys: bytes


@dataclass(frozen=True)
class Auth:
    settings: AuthSettings
    db: Database
    bus: Bus
    passwords: Passwords
    signer: Signer
    secrets: Secrets


@asynccontextmanager
async def compose(kernel: Kernel[AuthSettings]) -> AsyncIterator[Auth]:
    settings = kernel.settings
    passwords = Passwords()
    private_key = settings.grant_private_key.get_secret_value()
    try:
        yield Auth(settings, kernel.db, kernel.bus, passwords, Signer(private_key), _secrets(private_key))
    finally:
        passwords.close()


def _secrets(private_key: str) -> Secrets:
    """One secret is enough to keep: the others are made from the grants', by labels, so that none tells another."""
    secret = base64.b64decode(private_key)
    labels = b"heliograph session tokens", b"heliograph reusable tokens", b"heliograph API keys"
    return Secrets(*(hmac.digest(secret, label, hashlib.sha256) for label in labels))
