"""One call of a documented operation: what was asked, by which session, and how its handler asks the services.

Owns the turning of a session into a grant and of an id into a header of the answer. Knows no format and no HTTP.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from libs.common.contracts.auth import Session
from libs.common.contracts.base import Ask, Contract

if TYPE_CHECKING:
    from services.gateway.app import Gateway

A = TypeVar("A", bound=Contract)


@dataclass
class Call:
    """`values`: parameters and body by their documented names. `session` is there for every operation with a SessionToken."""

    gateway: Gateway
    values: Mapping[str, object]
    session: Session | None = None
    headers: dict[str, str] = field(default_factory=dict)  # to answer with

    async def ask(self, ask: Ask[A], id_: UUID | None = None) -> A:
        """As the session's user; without a session (logging in) as nobody."""
        return await self.gateway.asker.ask(ask, await self._grant(), id_)

    async def ask_json(self, ask: Ask[Any]) -> dict[str, Any]:
        """As `ask`: the answer as JSON values, whose rows are passed on."""
        return await self.gateway.asker.ask_json(ask, await self._grant())

    async def _grant(self) -> str:
        if self.session is None:
            return ""
        self.session = await self.gateway.sessions.of(self.text("SessionToken"))  # a long answer outlives a grant
        return self.session.grant

    def text(self, name: str) -> str:
        """A string; "" where it was not given or is null."""
        value = self.values.get(name)
        return value if isinstance(value, str) else ""

    def number(self, name: str) -> int:
        """An integer; 0 where it was not given."""
        value = self.values.get(name)
        return value if isinstance(value, int) else 0

    def date(self, name: str) -> datetime | None:
        value = self.values.get(name)
        return value if isinstance(value, datetime) else None


@dataclass(frozen=True)
class Pages:
    """A result that is a long list: pages of it, each passed on as it comes."""

    pages: AsyncIterator[list[object]]
