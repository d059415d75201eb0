"""A company's lists, by folder and by pages."""

from __future__ import annotations

import pytest

from libs.common.contracts.auth import FolderChanged, FoldersChanged
from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.phonelist import (
    LISTS_PAGE_MAX,
    AddEntries,
    CreateList,
    ListInfo,
    ListPage,
    ReadLists,
    RemoveEntry,
)
from libs.common.service import Process
from tests.harness import Client, eventually, grant
from tests.integration.phonelist.conftest import companies, entries, new_list, number

pytestmark = pytest.mark.usefixtures("phonelist")


async def new_folder(auth: Client, phonelist: Process, company_id: int, folder_id: int) -> None:
    """As auth tells of one."""
    await auth.publish(FoldersChanged(company_id=company_id, items=[FolderChanged(folder_id=folder_id, version=1)]))

    async def told() -> object:
        assert phonelist.db is not None
        async with phonelist.db.reading() as tx:
            return await tx.fetchval(
                "SELECT 1 FROM folders WHERE company_id = $1 AND folder_id = $2", company_id, folder_id
            )

    await eventually(told)


async def test_lists_are_read_of_one_folder_or_all_with_how_many_each_has(
    phonelist: Process, auth: Client, gateway: Client, company_id: int
) -> None:
    may, folder_id = grant(company_id), 10_000 + company_id
    await new_folder(auth, phonelist, company_id, folder_id)
    rooted = ListInfo(id=await new_list(gateway, company_id, "Root"), title="Root", folder_id=0, entries=2)
    inner = (await gateway.ask(CreateList(title="Inner", folder_id=folder_id), may)).id
    await gateway.ask(AddEntries(list_id=rooted.id, entries=entries(number(1), number(2), number(3))), may)
    await gateway.ask(RemoveEntry(list_id=rooted.id, number=number(2)), may)
    inside = ListInfo(id=inner, title="Inner", folder_id=folder_id, entries=0)

    assert ListPage(items=[rooted, inside], more=False) == await gateway.ask(ReadLists(), may)
    assert ListPage(items=[rooted], more=False) == await gateway.ask(ReadLists(folder_id=0), may)
    assert ListPage(items=[inside], more=False) == await gateway.ask(ReadLists(folder_id=folder_id), may)


async def test_another_companys_folder_is_not_found_as_one_that_never_was_and_its_lists_are_not_seen(
    phonelist: Process, auth: Client, gateway: Client, company_id: int
) -> None:
    folder_id = 10_000 + company_id
    await new_folder(auth, phonelist, company_id, folder_id)
    await new_list(gateway, company_id)
    stranger = grant(next(companies))

    answers = set()
    for unknown in (folder_id, 999_999_999, -1, 2**62):
        with pytest.raises(Refusal) as refusal:
            await gateway.ask(ReadLists(folder_id=unknown), stranger)
        answers.add((refusal.value.code, refusal.value.detail))

    assert answers == {(Code.NOT_FOUND, "there is no such folder")}
    assert ListPage(items=[], more=False) == await gateway.ask(ReadLists(), stranger)
    assert ListPage(items=[], more=False) == await gateway.ask(ReadLists(folder_id=0), stranger)
    assert await gateway.refused(ReadLists()) == Code.SESSION_EXPIRED


async def test_many_lists_are_read_by_pages_none_twice_and_none_left_out(
    phonelist: Process, gateway: Client, company_id: int
) -> None:
    assert phonelist.db is not None
    async with phonelist.db.transaction() as tx:
        await tx.execute(
            "INSERT INTO lists (company_id, folder_id, title, title_key) SELECT $1, 0, n::text, n::text FROM generate_series(1, $2) n",
            company_id,
            LISTS_PAGE_MAX + 3,
        )

    first = await gateway.ask(ReadLists(limit=5_000), grant(company_id))
    rest = await gateway.ask(ReadLists(folder_id=0, after=first.items[-1].id), grant(company_id))
    two = await gateway.ask(ReadLists(limit=2), grant(company_id))

    assert (len(first.items), first.more, rest.more) == (LISTS_PAGE_MAX, True, False)
    assert [str(n) for n in range(1, LISTS_PAGE_MAX + 4)] == [each.title for each in first.items + rest.items]
    assert ListPage(items=first.items[:2], more=True) == two
