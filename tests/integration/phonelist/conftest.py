"""phonelist, running for the module, and those who ask it."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Sequence
from uuid import UUID

import pytest

from libs.common.contracts.phonelist import FIELDS, AddRows, CreateList, Entry, ReadNumbers
from libs.common.service import Process
from services.phonelist.__main__ import SERVICE
from tests.harness import Client, client, grant, running
from tests.infra import Infra

companies = itertools.count(1)


@pytest.fixture(scope="module")
async def phonelist(infra: Infra) -> AsyncIterator[Process]:
    async with running(infra, SERVICE) as process:
        yield process


@pytest.fixture(scope="session")
async def gateway(infra: Infra) -> AsyncIterator[Client]:
    async with client(infra, "gateway") as asks:
        yield asks


@pytest.fixture(scope="session")
async def campaign(infra: Infra) -> AsyncIterator[Client]:
    async with client(infra, "campaign") as asks:
        yield asks


@pytest.fixture(scope="session")
async def console(infra: Infra) -> AsyncIterator[Client]:
    async with client(infra, "console") as asks:
        yield asks


@pytest.fixture(scope="session")
async def auth(infra: Infra) -> AsyncIterator[Client]:
    async with client(infra, "auth") as tells:
        yield tells


@pytest.fixture
def company_id() -> int:
    """A company of the test's own."""
    return next(companies)


def number(index: int) -> str:
    return f"+4477009{index:05d}"


def entries(*numbers: str) -> list[Entry]:
    return [Entry(phone_number=each) for each in numbers]


def rows(import_id: UUID, first_line: int, given: Sequence[Entry]) -> AddRows:
    """Lines one after the other, with all that is known of each."""
    values = [[each.model_dump(mode="json")[field] for each in given] for field in FIELDS]
    lines = list(range(first_line, first_line + len(given)))
    return AddRows(import_id=import_id, fields=list(FIELDS), lines=lines, columns=values)


async def new_list(gateway: Client, company_id: int, title: str = "Members") -> int:
    return (await gateway.ask(CreateList(title=title), grant(company_id))).id


async def numbers_of(gateway: Client, company_id: int, list_id: int) -> list[str]:
    """The whole list, page by page."""
    numbers: list[str] = []
    after, until, more = 0, None, True
    while more:
        page = await gateway.ask(ReadNumbers(list_id=list_id, after=after, until=until), grant(company_id))
        numbers += page.numbers
        after, until, more = page.last, page.until, page.more
    return numbers
