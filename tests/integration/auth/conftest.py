"""auth, running for the module; the gateway and the console, who ask it; companies to play with."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator

import pytest

from libs.common.contracts.auth import CreateCompany, CreateUser, LogIn, ResolveSession, Session
from libs.common.service import Process
from services.auth.__main__ import SERVICE
from tests.harness import Client, client, running
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
