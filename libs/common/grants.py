"""Grants: who asks, proven. auth signs what a session may do; it travels with each ask; the owner of the data verifies it and decides.

Ed25519 (RFC 8032) over the JSON of the caller. Short-lived (GRANT_S), so that a change of permission holds soon even where a broadcast was
lost. A service that asks on its own account needs no grant: the broker vouches for its name (AMQP 0-9-1 `user-id`, validated by RabbitMQ).
"""

from __future__ import annotations

import base64
import time
from collections import OrderedDict
from dataclasses import dataclass

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from libs.common.contracts.base import Code, Refusal

GRANT_S = 60
VERIFIED_MAX = 10_000  # grants remembered as verified: one verification costs some 100 us


@dataclass(frozen=True, slots=True)
class Caller:
    """`service` is set where a service or the console asks by itself; `company_id` 0 where no company is meant.

    `test`: asked with a test key. Whatever such a caller sends never leaves the platform. `key`: came with an API key, a test one or not.
    `access_version`: of the user, when the grant was signed; auth compares it where a caller asks for something that outlives the grant.
    """

    company_id: int = 0
    user_id: int = 0
    permissions: frozenset[str] = frozenset()
    service: str = ""
    test: bool = False
    key: bool = False
    access_version: int = 0


class Signer:
    """auth's side. `private_key`: 32 bytes, base64."""

    def __init__(self, private_key: str) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(private_key))

    def sign(self, caller: Caller, until_s: float) -> str:
        """A grant for `caller`, good until `until_s` (Unix time)."""
        who = [caller.company_id, caller.user_id, sorted(caller.permissions)]
        claims = orjson.dumps([*who, caller.test, caller.key, caller.access_version, until_s])
        return (base64.urlsafe_b64encode(claims) + b"." + base64.urlsafe_b64encode(self._key.sign(claims))).decode()


class Verifier:
    """Every other service's side. `public_key`: 32 bytes, base64."""

    def __init__(self, public_key: str) -> None:
        self._key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key))
        self._verified: OrderedDict[str, tuple[Caller, float]] = OrderedDict()

    def verify(self, grant: str) -> Caller:
        """Refused with session_expired where the signature is not auth's or its time is over."""
        known = self._verified.get(grant)
        if known is None:
            known = self._open(grant)
            self._verified[grant] = known
            if len(self._verified) > VERIFIED_MAX:
                self._verified.popitem(last=False)
        caller, until_s = known
        if time.time() > until_s:
            raise Refusal(Code.SESSION_EXPIRED)
        return caller

    def _open(self, grant: str) -> tuple[Caller, float]:
        try:
            claims, signature = (base64.b64decode(part, altchars=b"-_", validate=True) for part in grant.split("."))
            self._key.verify(signature, claims)
        except (ValueError, InvalidSignature):
            raise Refusal(Code.SESSION_EXPIRED) from None
        company_id, user_id, permissions, test, key, access_version, until_s = orjson.loads(claims)
        caller = Caller(company_id, user_id, frozenset(permissions), test=test, key=key, access_version=access_version)
        return caller, until_s
