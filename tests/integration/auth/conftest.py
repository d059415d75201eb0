"""auth, running for the module; the gateway and the console, who ask it; companies to play with."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from libs.common.bus import Bus
from libs.common.bus.consume import Listener
from libs.common.contracts.auth import CreateUser, LogIn, ResolveSession, Session, SessionsRevoked, Tick
from libs.common.contracts.base import Contract
from libs.common.contracts.companies import CreateCompany
from libs.common.service import Process
from services.auth.__main__ import SERVICE
from tests.harness import Client, client, eventually, running
from tests.infra import Infra

PASSWORD = "correct horse"

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
async def auth(infra: Infra) -> AsyncIterator[Process]:
    async with running(infra, SERVICE) as process:
        yield process


@pytest.fixture(scope="session")
async def gateway(infra: Infra) -> AsyncIterator[Client]:
    async with client(infra, "gateway") as asks:
        yield asks


@pytest.fixture(scope="session")
async def console(infra: Infra) -> AsyncIterator[Client]:
    async with client(infra, "console") as asks:
        yield asks


async def a_company(console: Client) -> int:
    return (await console.ask(CreateCompany(name=f"Company {next(_numbers)}"))).id


async def a_user(console: Client, company_id: int = 0, *permissions: str) -> tuple[str, int]:
    """Name and id of a new user with PASSWORD; of a new company where none is given."""
    username = f"user-{next(_numbers)}"
    made = await console.ask(
        CreateUser(
            company_id=company_id or await a_company(console),
            username=username,
            password=PASSWORD,
            permissions=list(permissions),
        )
    )
    return username, made.id


async def token_of(gateway: Client, username: str, password: str = PASSWORD) -> str:
    return (await gateway.ask(LogIn(username=username, password=password))).token


async def session_of(gateway: Client, token: str) -> Session:
    return await gateway.ask(ResolveSession(token=token))


async def logged_in(gateway: Client, console: Client, *permissions: str) -> tuple[str, int, str]:
    """Name and id of a new user, and the grant of a session of theirs."""
    username, user_id = await a_user(console, 0, *permissions)
    return username, user_id, (await session_of(gateway, await token_of(gateway, username))).grant


@asynccontextmanager
async def broadcasts_heard(infra: Infra) -> AsyncIterator[list[Contract]]:
    """As a gateway hears them, from now on."""
    bus = Bus(infra.broker_url("gateway"), "test-listener")
    await bus.open()
    heard: list[Contract] = []
    await Listener(bus, {SessionsRevoked: heard.append, Tick: heard.append}).open()
    try:
        yield heard
    finally:
        await bus.close()


async def count(auth: Process, sql: str, *args: object) -> int:
    async with auth.kernel.db.reading() as tx:
        counted: int = await tx.fetchval(sql, *args)
        return counted


async def is_waited_for(auth: Process) -> None:
    """Until a statement in auth's database waits for a lock of another."""

    async def waiting() -> int:
        return await count(
            auth,
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
        )

    await eventually(waiting)


async def everything_kept(auth: Process) -> str:
    """Each row of each table of auth's, as text."""
    async with auth.kernel.db.reading() as tx:
        tables = await tx.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        rows = [await tx.fetch(f"SELECT t::text AS row FROM {table['tablename']} AS t") for table in tables]
    return "\n".join(row["row"] for of_table in rows for row in of_table)


@asynccontextmanager
async def nothing_goes_into(auth: Process, table: str) -> AsyncIterator[None]:
    """Each insert fails, as by a fault of ours, with the whole row in PostgreSQL's words."""
    async with auth.kernel.db.transaction() as tx:
        await tx.execute(f"ALTER TABLE {table} ADD CONSTRAINT nothing_goes_in CHECK (false) NOT VALID")
    try:
        yield
    finally:
        async with auth.kernel.db.transaction() as tx:
            await tx.execute(f"ALTER TABLE {table} DROP CONSTRAINT nothing_goes_in")
