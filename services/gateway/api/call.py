"""One call of /v2: whose session it is, and the ids it asks under.

Owns the reading of the bearer token and of Idempotency-Key. The token is resolved anew for each ask (from the cache, mostly), for an import outlives
a grant. Knows no operation.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, TypeVar
from uuid import UUID

from fastapi import Depends, Header, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from libs.common.bus.ask import DEADLINE_S
from libs.common.contracts.auth import Session
from libs.common.contracts.base import Ask, Code, Contract, Refusal
from libs.common.ids import uuid7, uuid7_time

if TYPE_CHECKING:
    from services.gateway.app import Gateway

A = TypeVar("A", bound=Contract)

KEY_AGE_MAX = timedelta(days=1)  # owners remember what they did for longer (the inbox keeps 14 days)
KEY_AHEAD_MAX = timedelta(minutes=5)  # a client's clock may be that fast

_bearer = HTTPBearer(
    auto_error=False, scheme_name="bearer", description="The token of a session (POST /v2/sessions), or an API key."
)
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


class Call:
    """`key`: the client's Idempotency-Key, or one made for this call; it is good for `target`, a method and a path, alone."""

    def __init__(self, gateway: Gateway, token: str, key: UUID, target: str) -> None:
        self.gateway = gateway
        self.token = token
        self.key = key
        self._target = target

    async def session(self) -> Session:
        return await self.gateway.sessions.of(self.token)

    async def ask(self, ask: Ask[A], deadline_s: float = DEADLINE_S, part: str = "") -> A:
        """`part`: which one, where a call asks several of a kind."""
        session = await self.session()
        id_ = self._id(session, f"{ask.kind()}{part}")
        return await self.gateway.asker.ask(ask, session.grant, id_, deadline_s)

    async def ask_once(self, ask: Ask[A]) -> A:
        """As `ask`, under an id of its own: for one of many asks of a kind, each harmless to repeat."""
        session = await self.session()
        return await self.gateway.asker.ask(ask, session.grant)

    async def id_of(self, what: str) -> UUID:
        """The same id for the same key, for a thing that the client makes."""
        return self._id(await self.session(), what)

    def _id(self, session: Session, what: str) -> UUID:
        return repeatable_id(self.key, session.user_id, f"{self._target} {what}")


def repeatable_id(key: UUID, user_id: int, kind: str) -> UUID:
    """The id that `key` stands for: a UUIDv7 as old as the key, but of this user and kind alone, so that a key that somebody else has
    used, or that was used for something else, never gives the answer to that."""
    mixed = hashlib.sha256(f"{key} {user_id} {kind}".encode()).digest()
    random = int.from_bytes(mixed[:8]) & 0x3FFF_FFFF_FFFF_FFFF
    return UUID(int=key.int >> 64 << 64 | 0b10 << 62 | random)


def require_key(text: str, now: datetime) -> UUID:
    """An Idempotency-Key as a UUID. Refused with invalid_request where it is not a UUIDv7 of the last day."""
    try:
        key = UUID(text)
    except ValueError:
        key = UUID(int=0)
    if key.version != 7 or not -KEY_AHEAD_MAX <= now - uuid7_time(key) <= KEY_AGE_MAX:
        raise Refusal(Code.INVALID_REQUEST, "Idempotency-Key must be a UUIDv7 made within the last day")
    return key


async def reading(request: Request, credentials: Credentials) -> Call:
    return await _call(request, credentials, None)


async def writing(
    request: Request,
    credentials: Credentials,
    idempotency_key: Annotated[
        str | None,
        Header(description="A UUIDv7 made within the last day: a repeat with the same one changes nothing more."),
    ] = None,
) -> Call:
    call = await _call(request, credentials, idempotency_key)
    request.state.idempotency_key = call.key
    return call


async def _call(request: Request, credentials: HTTPAuthorizationCredentials | None, key: str | None) -> Call:
    """Whoever is nobody is told that, and not what is wrong with the rest."""
    if credentials is None:
        raise Refusal(Code.SESSION_EXPIRED, "a bearer token is needed: POST /v2/sessions gives one")
    gateway: Gateway = request.app.state.gateway
    await gateway.sessions.of(credentials.credentials)
    id_ = uuid7() if key is None else require_key(key, datetime.now(UTC))
    return Call(gateway, credentials.credentials, id_, f"{request.method} {request.url.path}")


Reading = Annotated[Call, Depends(reading)]
Writing = Annotated[Call, Depends(writing)]
