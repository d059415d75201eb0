"""Asking as a user of a company, with that user's password: the command line itself belongs to no company.

Owns the options that say who asks, and the session: opened for one command, ended with it, its grant renewed for what takes longer than one lives.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from libs.common.contracts.auth import LogIn, LogOut, ResolveSession, Session
from libs.common.contracts.base import Ask, Contract
from services.console.asking import asking

if TYPE_CHECKING:
    from libs.common.bus import Asker

T = TypeVar("T")
A = TypeVar("A", bound=Contract)

ASK_LIMIT_S = 10.0
RENEW_BEFORE = timedelta(seconds=20)

Username = Annotated[str, typer.Option("--as", envvar="HELIOGRAPH_USERNAME", help="A user of the company.")]
Password = Annotated[
    str, typer.Option(prompt=True, hide_input=True, envvar="HELIOGRAPH_PASSWORD", help="That user's; asked for.")
]


class AsUser:
    """One session, while it is open."""

    def __init__(self, asker: Asker, token: str) -> None:
        self._asker = asker
        self._token = token
        self._session: Session | None = None

    async def ask(self, ask: Ask[A], limit_s: float = ASK_LIMIT_S) -> A:
        """The owner's answer, as to the user. Raises what Asker.ask raises."""
        return await self._asker.ask(ask, await self._grant(), deadline_s=limit_s)

    async def _grant(self) -> str:
        if self._session is None or self._session.grant_until < datetime.now(UTC) + RENEW_BEFORE:
            self._session = await self._asker.ask(ResolveSession(token=self._token))
        return self._session.grant


def asking_as(username: str, password: str, work: Callable[[AsUser], Awaitable[T]]) -> T:
    """What `work` makes of the answers it asks for in one session of that user."""

    async def in_a_session(asker: Asker) -> T:
        token = (await asker.ask(LogIn(username=username, password=password))).token
        try:
            return await work(AsUser(asker, token))
        finally:
            await asker.ask(LogOut(token=token))

    return asking(in_a_session)


def ask_as(username: str, password: str, question: Ask[A]) -> A:
    """The owner's answer to one question of that user."""

    async def one(user: AsUser) -> A:
        return await user.ask(question)

    return asking_as(username, password, one)


# Of verbs that an operator has, too: nobody is asked for a password where nobody is named.
MaybeUsername = Annotated[
    str,
    typer.Option("--as", envvar="HELIOGRAPH_USERNAME", help="A user of the company; none: as the operator, of all."),
]
MaybePassword = Annotated[str, typer.Option(envvar="HELIOGRAPH_PASSWORD", help="That user's; asked for.")]


def password_of(given: str) -> str:
    return given or str(typer.prompt("Password", hide_input=True))
