"""Two copies of auth side by side, and a restart. In a module of its own: no other auth may answer here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from libs.common.contracts.auth import (
    CreateApiKey,
    CreateUser,
    LoggedIn,
    LogIn,
    LogInWithToken,
    LogOut,
    RequestReusableToken,
    ResolveSession,
    SetPassword,
)
from libs.common.contracts.base import Code
from libs.common.contracts.senders import HeadersChanged
from libs.common.db import migrator
from libs.common.ids import uuid7
from services.auth.__main__ import SERVICE
from tests.harness import Client, client, eventually, heard, running
from tests.infra import Infra
from tests.integration.auth.conftest import PASSWORD, a_company, a_user, count, logged_in, session_of, token_of
from tests.integration.auth.test_provisioning import add_headers


@pytest.fixture
async def dsn(infra: Infra) -> AsyncIterator[str]:
    """A database for both."""
    made = infra.create_database("auth")
    await migrator.migrate(made, "auth")
    yield made
    infra.drop_database(made)


async def test_two_copies_know_each_others_sessions_and_a_restart_forgets_none(
    infra: Infra, dsn: str, gateway: Client, console: Client
) -> None:
    async with running(infra, SERVICE, dsn=dsn), running(infra, SERVICE, dsn=dsn):
        username, _ = await a_user(console)
        tokens = [await token_of(gateway, username) for _ in range(6)]
        await asyncio.gather(*(session_of(gateway, token) for token in tokens * 5))
        await gateway.ask(LogOut(token=tokens[0]))

    async with running(infra, SERVICE, dsn=dsn):
        assert await gateway.refused(ResolveSession(token=tokens[0])) == Code.SESSION_EXPIRED
        for token in tokens[1:]:
            await session_of(gateway, token)


async def test_one_ask_that_both_copies_get_at_once_is_done_once(
    infra: Infra, dsn: str, gateway: Client, console: Client
) -> None:
    async with running(infra, SERVICE, dsn=dsn) as one, running(infra, SERVICE, dsn=dsn):
        company_id = await a_company(console)
        create = CreateUser(company_id=company_id, username="twice", password=PASSWORD)
        id_, login_id = uuid7(), uuid7()

        made = await asyncio.gather(*(asks.ask(create, id_=id_) for asks in (console, console, console)))
        login = LogIn(username="twice", password=PASSWORD)
        opened = await asyncio.gather(*(asks.ask(login, id_=login_id) for asks in (console, gateway)))

        assert len({user.id for user in made}) == 1
        assert len({session.token for session in opened}) == 1
        async with one.kernel.db.reading() as tx:
            assert await tx.fetchval("SELECT count(*) FROM users") == 1
            assert await tx.fetchval("SELECT count(*) FROM sessions") == 1


async def test_a_reusable_token_asked_for_at_both_copies_is_one_and_dies_at_both(
    infra: Infra, dsn: str, gateway: Client, console: Client
) -> None:
    async with (
        running(infra, SERVICE, dsn=dsn) as one,
        running(infra, SERVICE, dsn=dsn),
        client(infra, "gateway") as second,
    ):
        _, user_id, mine = await logged_in(gateway, console)
        id_, key_id = uuid7(), uuid7()
        both = (gateway, second, gateway, second)
        made = await asyncio.gather(*(asks.ask(RequestReusableToken(), mine, id_=id_) for asks in both))
        keys = await asyncio.gather(*(asks.ask(CreateApiKey(name="One"), mine, id_=key_id) for asks in both))
        assert (len({token.token for token in made}), len({key.key for key in keys})) == (1, 1)
        assert await count(one, "SELECT (SELECT count(*) FROM reusable_tokens) + (SELECT count(*) FROM api_keys)") == 2

        login = LogInWithToken(token=made[0].token)
        logins = [asyncio.create_task(asks.ask(login)) for asks in both * 5]
        await console.ask(SetPassword(user_id=user_id, password="another horse"))
        opened = [
            answer.token
            for answer in await asyncio.gather(*logins, return_exceptions=True)
            if isinstance(answer, LoggedIn)
        ]

        codes = await asyncio.gather(*(asks.refused(login) for asks in both))
        assert set(codes) == {Code.WRONG_CREDENTIALS}
        live = await asyncio.gather(*(gateway.refused(ResolveSession(token=token)) for token in opened))
        assert set(live) <= {Code.SESSION_EXPIRED}
        for asks in both:
            await session_of(asks, keys[0].key)


async def test_each_change_is_told_once_by_two_copies(infra: Infra, dsn: str, console: Client) -> None:
    async with (
        running(infra, SERVICE, dsn=dsn),
        running(infra, SERVICE, dsn=dsn),
        heard(infra, HeadersChanged) as events,
    ):
        company_id = await a_company(console)
        names = [f"Header {n}" for n in range(20)]
        await add_headers(console, company_id, names)

        async def all_heard() -> bool:
            return len(events) >= len(names)

        await eventually(all_heard)
    assert sorted(names) == sorted(
        item.header for event in events if isinstance(event, HeadersChanged) for item in event.items
    )
