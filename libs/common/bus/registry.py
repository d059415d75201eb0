"""Who may ask what: each service has one table of commands, of queries and of events, readable without running it.

COMMANDS = {SendText: user(SEND)(sending.send_texts), CreateList: user()(each(lists.create))}
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from libs.common.contracts.auth import ADMINISTER
from libs.common.contracts.base import Ask, Broadcast, Command, Contract, Event, Query, Refusal
from libs.common.db import Tx
from libs.common.grants import Caller

C = TypeVar("C", bound=Contract)
A = TypeVar("A", bound=Contract)


@dataclass(frozen=True, slots=True)
class Asked(Generic[C]):
    """One item of a fold: what is asked, by whom, under which id."""

    id: UUID
    caller: Caller
    body: C


HandlerOfMany = Callable[[Tx, Sequence[Asked[Any]]], Awaitable[Sequence[Contract | Refusal]]]
# Answers that are JSON already, for rows that nobody here looks at. Whoever makes the JSON answers for it that its contract takes it.
HandlerInJson = Callable[[Tx, Sequence[Asked[Any]]], Awaitable[Sequence[bytes | Refusal]]]
HandlerOfOne = Callable[[Tx, Asked[Any]], Awaitable[Contract]]
HandlerOfEvent = Callable[[Tx, Any], Awaitable[None]]
HandlerOfBroadcast = Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class Registered:
    """`may`: whether a caller is let in at all; `open`: whether one without a grant is."""

    handle: HandlerOfMany | HandlerInJson
    may: Callable[[Caller], bool]
    open: bool = False


Commands = Mapping[type[Command[Any]], Registered]
Queries = Mapping[type[Query[Any]], Registered]
Events = Mapping[type[Event], HandlerOfEvent]
Broadcasts = Mapping[type[Broadcast], HandlerOfBroadcast]
Asks = Mapping[type[Ask[Any]], Registered]


def anyone(handle: HandlerOfMany) -> Registered:
    """No grant needed: logging in, and what auth answers about tokens."""
    return Registered(handle, lambda _: True, open=True)


def user(permission: str = "") -> Callable[[HandlerOfMany | HandlerInJson], Registered]:
    """A user of a company, with `permission` where one is named."""
    return lambda handle: Registered(
        handle, lambda caller: caller.company_id > 0 and (not permission or permission in caller.permissions)
    )


def operator(handle: HandlerOfMany) -> Registered:
    """A user with `administer`, or the command line on the operator's own machine."""
    return Registered(handle, lambda caller: ADMINISTER in caller.permissions or caller.service == "console")


def user_or_console(handle: HandlerOfMany) -> Registered:
    """A user of any company, or the command line on the operator's own machine."""
    return Registered(handle, lambda caller: caller.company_id > 0 or caller.service == "console")


def only(*services: str) -> Callable[[HandlerOfMany], Registered]:
    """Other services, on their own account."""
    return lambda handle: Registered(handle, lambda caller: caller.service in services)


def each(handle: HandlerOfOne) -> HandlerOfMany:
    """Makes a handler of one serve a fold: a refused item is undone alone."""
    return _each(handle, Tx.savepoint)


def each_read(handle: HandlerOfOne) -> HandlerOfMany:
    """As `each`, for queries: nothing to undo."""
    return _each(handle, lambda _: nullcontext())


def _each(handle: HandlerOfOne, scope: Callable[[Tx], AbstractAsyncContextManager[None]]) -> HandlerOfMany:
    async def handle_each(tx: Tx, asked: Sequence[Asked[Any]]) -> list[Contract | Refusal]:
        answers: list[Contract | Refusal] = []
        for one in asked:
            try:
                async with scope(tx):
                    answers.append(await handle(tx, one))
            except Refusal as refusal:
                answers.append(refusal)
        return answers

    return handle_each
