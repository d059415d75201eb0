"""People join and leave lists by texting in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from libs.common.contracts.inbound import Membership, MembershipsWanted
from libs.common.contracts.phonelist import AddEntries, Entry, ReadEntry, RemoveEntry, ShowList
from libs.common.ids import uuid7
from libs.common.service import Process
from tests.harness import Client, client, eventually, grant
from tests.infra import Infra
from tests.integration.phonelist.conftest import entries, new_list, number, numbers_of

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
async def inbound(infra: Infra) -> AsyncIterator[Client]:
    async with client(infra, "inbound") as tells:
        yield tells


def wish(list_id: int, index: int, joins: bool, second: int = 0) -> Membership:
    return Membership(list_id=list_id, number=number(index), joins=joins, at=AT + timedelta(seconds=second))


async def tell(phonelist: Process, inbound: Client, company_id: int, *wishes: Membership) -> None:
    """Returns once it was heard."""
    id_ = uuid7()
    await inbound.publish(MembershipsWanted(company_id=company_id, items=list(wishes)), id_)
    assert phonelist.db is not None
    database = phonelist.db

    async def heard() -> bool:
        async with database.reading() as tx:
            return bool(await tx.fetchval("SELECT EXISTS (SELECT FROM inbox WHERE id = $1)", id_))

    await eventually(heard)


async def test_a_number_joins_once_and_keeps_its_entry(
    phonelist: Process, inbound: Client, gateway: Client, company_id: int
) -> None:
    list_id = await new_list(gateway, company_id)
    known = Entry(phone_number=number(1), first_name="Ann")
    await gateway.ask(AddEntries(list_id=list_id, entries=[known]), grant(company_id))

    await tell(phonelist, inbound, company_id, *(wish(list_id, index, True) for index in (2, 1, 3, 2)))

    assert await numbers_of(gateway, company_id, list_id) == [number(1), number(3), number(2)]
    assert await gateway.ask(ReadEntry(list_id=list_id, number=number(1)), grant(company_id)) == known
    assert (await gateway.ask(ShowList(list_id=list_id), grant(company_id))).entries == 3


async def test_an_older_wish_never_undoes_a_newer_one(
    phonelist: Process, inbound: Client, gateway: Client, company_id: int
) -> None:
    list_id = await new_list(gateway, company_id)
    await tell(phonelist, inbound, company_id, wish(list_id, 1, True, 10), wish(list_id, 2, True, 10))
    await tell(phonelist, inbound, company_id, wish(list_id, 1, False, 9), wish(list_id, 2, False, 11))
    assert await numbers_of(gateway, company_id, list_id) == [number(1)]

    await tell(phonelist, inbound, company_id, wish(list_id, 2, True, 10))
    assert await numbers_of(gateway, company_id, list_id) == [number(1)]
    await tell(phonelist, inbound, company_id, wish(list_id, 2, True, 12), wish(list_id, 1, False, 10))
    assert await numbers_of(gateway, company_id, list_id) == [number(2)]


async def test_what_people_at_the_company_do_with_the_list_stays_until_the_number_wishes_anew(
    phonelist: Process, inbound: Client, gateway: Client, company_id: int
) -> None:
    list_id = await new_list(gateway, company_id)
    await tell(phonelist, inbound, company_id, wish(list_id, 1, True, 5), wish(list_id, 2, False, 5))
    await gateway.ask(RemoveEntry(list_id=list_id, number=number(1)), grant(company_id))
    await gateway.ask(AddEntries(list_id=list_id, entries=entries(number(2))), grant(company_id))

    await tell(phonelist, inbound, company_id, wish(list_id, 1, True, 4), wish(list_id, 2, False, 4))
    assert await numbers_of(gateway, company_id, list_id) == [number(2)]


async def test_a_list_that_is_not_the_companys_is_passed_over_and_the_others_are_not(
    phonelist: Process, inbound: Client, gateway: Client, company_id: int
) -> None:
    mine = await new_list(gateway, company_id)
    others = await new_list(gateway, company_id + 100_000)

    wishes = (wish(others, 1, True), wish(2**40, 1, True), wish(mine, 1, True))
    await tell(phonelist, inbound, company_id, *wishes)

    assert await numbers_of(gateway, company_id, mine) == [number(1)]
    assert await numbers_of(gateway, company_id + 100_000, others) == []
