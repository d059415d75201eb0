"""Carriers' settings, sealed: who can read the database cannot read the passwords in them. Fernet, under a key of its own drawn from the service's."""

from __future__ import annotations

import base64
from typing import Any

import orjson
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import BaseModel, SecretStr


class Unreadable(Exception):
    """Sealed under another key, or changed since."""


class Seal:
    def __init__(self, key: bytes) -> None:
        derived = HKDF(SHA256(), 32, salt=None, info=b"heliograph: carriers' settings").derive(key)
        self._fernet = Fernet(base64.urlsafe_b64encode(derived))

    def close(self, settings: BaseModel) -> bytes:
        return self._fernet.encrypt(orjson.dumps(_revealed(settings.model_dump(mode="python"))))

    def open(self, sealed: bytes) -> dict[str, Any]:
        try:
            settings: dict[str, Any] = orjson.loads(self._fernet.decrypt(sealed))
        except InvalidToken as error:
            raise Unreadable from error
        return settings


def _revealed(value: Any) -> Any:
    match value:
        case SecretStr():
            return value.get_secret_value()
        case dict():
            return {key: _revealed(each) for key, each in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_revealed(each) for each in value]
    return value
