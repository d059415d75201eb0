"""One call of /v2: whose session it is, and the ids it asks under.

Owns the reading of the bearer token and of Idempotency-Key. The token is resolved anew for each ask (from the cache, mostly), for an import outlives
a grant. Knows no operation.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from uuid import UUID

from fastapi import Depends, Header, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, field_validator

from libs.common.bus.ask import DEADLINE_S
from libs.common.clock import from_client
from libs.common.contracts.base import Ask, Code, Contract, Refusal
from libs.common.ids import uuid7, uuid7_time

if TYPE_CHECKING:
    from services.gateway.app import Gateway

A = TypeVar("A", bound=Contract)

KEY_AGE_MAX = timedelta(days=1)  # owners remember what they did for longer (the inbox keeps 14 days)
KEY_AHEAD_MAX = timedelta(minutes=5)  # a client's clock may be that fast

Moment = Annotated[AwareDatetime, AfterValidator(from_client)]

_bearer = HTTPBearer(auto_error=False, scheme_name="session", description="The token of POST /v2/sessions.")


class Body(BaseModel):
    """What a client sends: no field beside the named ones, and only characters that there are."""

    model_config = ConfigDict(extra="forbid")

    @field_validator("*")
    @classmethod
    def _has_no_lone_surrogate(cls, value: Any) -> Any:
        if isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value):
            raise ValueError("it holds half of a surrogate pair")
        return value


class Call:
    """`key`: the client's Idempotency-Key, or one made for this call."""

    def __init__(self, gateway: Gateway, token: str, key: UUID) -> None:
        self.gateway = gateway
        self.token = token
        self._key = key

    async def ask(self, ask: Ask[A], deadline_s: float = DEADLINE_S) -> A:
        session = await self.gateway.sessions.of(self.token)
        id_ = repeatable_id(self._key, session.company_id, ask.kind())
        return await self.gateway.asker.ask(ask, session.grant, id_, deadline_s)

    async def ask_once(self, ask: Ask[A]) -> A:
        """As `ask`, under an id of its own: for one of many asks of a kind, each harmless to repeat."""
        session = await self.gateway.sessions.of(self.token)
        return await self.gateway.asker.ask(ask, session.grant)

    async def id_of(self, what: str) -> UUID:
        """The same id for the same key, for a thing that the client makes."""
        return repeatable_id(self._key, (await self.gateway.sessions.of(self.token)).company_id, what)


def repeatable_id(key: UUID, company_id: int, kind: str) -> UUID:
    """The id that `key` stands for: a UUIDv7 as old as the key, but of this company and kind alone, so that a key that somebody else has
    used, or that was used for something else, never gives the answer to that."""
    mixed = hashlib.sha256(f"{key} {company_id} {kind}".encode()).digest()
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


async def reading(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Call:
    if credentials is None:
        raise Refusal(Code.SESSION_EXPIRED, "a bearer token is needed: POST /v2/sessions gives one")
    return Call(request.app.state.gateway, credentials.credentials, uuid7())


async def writing(
    request: Request,
    call: Annotated[Call, Depends(reading)],
    idempotency_key: Annotated[
        str | None,
        Header(description="A UUIDv7 made within the last day: a repeat with the same one changes nothing more."),
    ] = None,
) -> Call:
    key = uuid7() if idempotency_key is None else require_key(idempotency_key, datetime.now(UTC))
    request.state.idempotency_key = key
    return Call(call.gateway, call.token, key)


Reading = Annotated[Call, Depends(reading)]
Writing = Annotated[Call, Depends(writing)]
