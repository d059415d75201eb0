"""What auth's handlers and loops need beside the database: the signer of grants, the key of tokens, the hashing threads."""

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
class Auth:
    settings: AuthSettings
    db: Database
    bus: Bus
    passwords: Passwords
    signer: Signer
    token_key: bytes  # of session tokens: see sessions/rules.py


@asynccontextmanager
async def compose(kernel: Kernel[AuthSettings]) -> AsyncIterator[Auth]:
    settings = kernel.settings
    passwords = Passwords()
    # One secret is enough to keep: the tokens' key is made from the grants', by a label, so that neither tells the other.
    # One secret is enough to keep: the tokens' key is made from the grants', by a label, so that neither tells the other.
    private_key = settings.grant_private_key.get_secret_value()
    token_key = hmac.digest(base64.b64decode(private_key), b"heliograph session tokens", hashlib.sha256)
    try:
        yield Auth(settings, kernel.db, kernel.bus, passwords, Signer(private_key), token_key)
    finally:
        passwords.close()
