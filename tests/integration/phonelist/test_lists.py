"""Lists: made, filled and read by their own company; another's answers exactly as one that never was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import asyncpg
import pytest

from libs.common.contracts.auth import FolderChanged, FoldersChanged
from libs.common.contracts.base import PAGE_MAX, Ask, Code, Refusal
from libs.common.contracts.phonelist import (
    AddEntries,
    CreateList,
    ImportReport,
    ListId,
    ListInfo,
    NumbersPage,
    PinList,
    ReadEntries,
    ReadEntry,
    ReadNeighbour,
    ReadNumbers,
    ReadPhonelistBooks,
    ReadRecipients,
    RemoveEntry,
    ShowList,
)
from libs.common.ids import uuid7
from libs.common.service import Process
from tests.harness import Client, eventually, grant
from tests.integration.phonelist.conftest import companies, entries, new_list, number, numbers_of

pytestmark = pytest.mark.usefixtures("phonelist")

UNKNOWN = 999_999_999


async def test_numbers_come_back_in_the_order_they_were_added_as_e164(gateway: Client, company_id: int) -> None:
    list_id = await new_list(gateway, company_id)

    report = await gateway.ask(
        AddEntries(list_id=list_id, entries=entries("07700 900003", "+447700900001", "0044 7700-900002")),
        grant(company_id),
    )

    assert ImportReport(added=3, duplicates=0, bad_count=0, bad=[]) == report
    assert await numbers_of(gateway, company_id, list_id) == ["+447700900003", "+447700900001", "+447700900002"]


@pytest.mark.parametrize(
    ("title", "code"),
    [
        ("", Code.INVALID_REQUEST),
        (" \t", Code.INVALID_REQUEST),
        ("x" * 201, Code.INVALID_REQUEST),
        ("a\0b", Code.INVALID_REQUEST),
        ("members", Code.DUPLICATE),
        (" MEMBERS ", Code.DUPLICATE),
    ],
)
async def test_a_title_is_refused(gateway: Client, company_id: int, title: str, code: Code) -> None:
    await new_list(gateway, company_id, "Members")

    assert code == await gateway.refused(CreateList(title=title), grant(company_id))


async def test_a_list_lies_in_a_folder_that_exists_and_is_the_companys(
    auth: Client, gateway: Client, company_id: int
) -> None:
    other_company = next(companies)
    folder_id = 100 + company_id
    in_folder = CreateList(title="Members", folder_id=folder_id)
    assert await gateway.refused(in_folder, grant(company_id)) == Code.NOT_FOUND

    told = FoldersChanged(company_id=company_id, items=[FolderChanged(folder_id=folder_id, version=1)])
    await auth.publish(told)
    await auth.publish(told)

    async def created() -> ListId | None:
        try:
            return await gateway.ask(in_folder, grant(company_id))
        except Refusal:
            return None

    await eventually(created)
    assert await gateway.refused(in_folder, grant(company_id)) == Code.DUPLICATE
    assert await gateway.refused(in_folder, grant(other_company)) == Code.NOT_FOUND
    await new_list(gateway, company_id, "Members")  # another folder: the root


async def test_one_bad_number_and_nothing_is_added(gateway: Client, company_id: int) -> None:
    list_id = await new_list(gateway, company_id)

    for bad, reason in [
        ("", "a phone number is required"),
        (" ", "a phone number is required"),
        ("12", "this is not a phone number"),
        ("\0", "this is not a phone number"),
    ]:
        with pytest.raises(Refusal, match=f"entry 2: {reason}") as refusal:
            await gateway.ask(AddEntries(list_id=list_id, entries=entries(number(1), bad)), grant(company_id))
        assert refusal.value.code == Code.INVALID_NUMBER

    assert await numbers_of(gateway, company_id, list_id) == []


async def test_more_than_500_entries_are_refused(gateway: Client, company_id: int) -> None:
    list_id = await new_list(gateway, company_id)
    many = AddEntries.model_construct(list_id=list_id, entries=entries(*(number(n) for n in range(501))))

    assert await gateway.refused(many, grant(company_id)) == Code.INVALID_REQUEST


async def test_a_number_is_in_a_list_once(gateway: Client, company_id: int) -> None:
    list_id = await new_list(gateway, company_id)
    await gateway.ask(AddEntries(list_id=list_id, entries=entries(number(1))), grant(company_id))

    report = await gateway.ask(
        AddEntries(list_id=list_id, entries=entries(number(2), number(1), number(2), number(3))), grant(company_id)
    )

    assert ImportReport(added=2, duplicates=2, bad_count=0, bad=[]) == report
    assert [number(1), number(2), number(3)] == await numbers_of(gateway, company_id, list_id)


async def test_a_repeat_with_the_same_id_changes_nothing_and_is_answered_the_same(
    gateway: Client, company_id: int
) -> None:
    id_ = uuid7()
    create = CreateList(title="Once")
    first = await gateway.ask(create, grant(company_id), id_)

    assert first == await gateway.ask(create, grant(company_id), id_)
    assert await gateway.refused(create, grant(company_id)) == Code.DUPLICATE

    add, id_ = AddEntries(list_id=first.id, entries=entries(number(1))), uuid7()
    report = await gateway.ask(add, grant(company_id), id_)
    assert report == await gateway.ask(add, grant(company_id), id_)


async def test_a_long_list_is_read_by_pages_that_a_growing_list_does_not_prolong(
    phonelist: Process, gateway: Client, campaign: Client, company_id: int
) -> None:
    list_id = await new_list(gateway, company_id)
    assert phonelist.db is not None
    async with phonelist.db.transaction() as tx:
        await tx.execute(
            "INSERT INTO entries (list_id, number) SELECT $1, 447800000000 + n FROM generate_series(0, $2) n",
            list_id,
            PAGE_MAX,
        )
    first = await gateway.ask(ReadNumbers(list_id=list_id), grant(company_id))
    assert (len(first.numbers), first.more) == (PAGE_MAX, True)
    await gateway.ask(AddEntries(list_id=list_id, entries=entries(number(1))), grant(company_id))

    rest = await gateway.ask(ReadNumbers(list_id=list_id, after=first.last, until=first.until), grant(company_id))
    assert NumbersPage(numbers=[f"+4478{PAGE_MAX:08d}"], last=first.until, until=first.until, more=False) == rest
    assert number(1) == (await numbers_of(gateway, company_id, list_id))[-1]
    assert first.numbers == (await campaign.ask(ReadRecipients(company_id=company_id, list_id=list_id))).numbers


async def test_an_empty_list_has_an_empty_last_page(gateway: Client, company_id: int) -> None:
    list_id = await new_list(gateway, company_id)

    assert NumbersPage(numbers=[], last=0, until=0, more=False) == await gateway.ask(
        ReadNumbers(list_id=list_id), grant(company_id)
    )


ASKS: list[Callable[[int], Ask[Any]]] = [
    lambda list_id: AddEntries(list_id=list_id, entries=entries(number(1))),
    lambda list_id: AddEntries(list_id=list_id, entries=entries("bad")),
    lambda list_id: ReadNumbers(list_id=list_id),
    lambda list_id: ReadNumbers(list_id=list_id, after=5, until=3),
    lambda list_id: ShowList(list_id=list_id),
    lambda list_id: ReadEntries(list_id=list_id),
    lambda list_id: ReadEntry(list_id=list_id, number=number(1)),
    lambda list_id: ReadEntry(list_id=list_id, number="bad"),
    lambda list_id: ReadNeighbour(list_id=list_id, number=number(1), side="next"),
    lambda list_id: ReadNeighbour(list_id=list_id, number="bad", side="previous"),
    lambda list_id: RemoveEntry(list_id=list_id, number=number(1)),
    lambda list_id: RemoveEntry(list_id=list_id, number="bad"),
]


@pytest.mark.parametrize("ask", ASKS)
async def test_another_companys_list_is_not_found_as_one_that_never_was(
    gateway: Client, company_id: int, ask: Callable[[int], Ask[Any]]
) -> None:
    list_id = await new_list(gateway, company_id)
    await gateway.ask(AddEntries(list_id=list_id, entries=entries(number(1))), grant(company_id))
    stranger = grant(next(companies))
    answers = []
    for id_ in (list_id, UNKNOWN, -1, 2**62):
        with pytest.raises(Refusal) as refusal:
            await gateway.ask(ask(id_), stranger)
        answers.append((refusal.value.code, refusal.value.detail))

    assert answers == [(Code.NOT_FOUND, "there is no such list")] * 4
    assert await numbers_of(gateway, company_id, list_id) == [number(1)]


async def test_a_list_is_shown_with_how_many_it_has(gateway: Client, company_id: int) -> None:
    list_id = await new_list(gateway, company_id, "Members")
    await gateway.ask(AddEntries(list_id=list_id, entries=entries(number(1), number(2))), grant(company_id))

    info = ListInfo(id=list_id, title="Members", folder_id=0, entries=2)
    assert info == await gateway.ask(ShowList(list_id=list_id), grant(company_id))


async def test_campaign_finds_no_list_of_another_company(campaign: Client, gateway: Client, company_id: int) -> None:
    list_id = await new_list(gateway, company_id)
    other_company = next(companies)

    assert await campaign.refused(PinList(company_id=other_company, list_id=list_id)) == Code.NOT_FOUND
    assert await campaign.refused(ReadRecipients(company_id=other_company, list_id=list_id)) == Code.NOT_FOUND


async def test_only_campaign_reads_recipients_and_only_operators_the_books(
    gateway: Client, console: Client, company_id: int
) -> None:
    list_id = await new_list(gateway, company_id)
    recipients = ReadRecipients(company_id=company_id, list_id=list_id)

    assert await gateway.refused(recipients, grant(company_id, "administer")) == Code.PERMISSION_DENIED
    assert await console.refused(recipients) == Code.PERMISSION_DENIED
    assert await gateway.refused(PinList(company_id=1, list_id=1), grant(company_id)) == Code.PERMISSION_DENIED
    assert await gateway.refused(ReadPhonelistBooks(), grant(company_id)) == Code.PERMISSION_DENIED
    for ask in (ReadNumbers(list_id=list_id), ReadEntries(list_id=list_id), RemoveEntry(list_id=list_id, number="1")):
        assert await gateway.refused(ask) == Code.SESSION_EXPIRED
    assert await console.refused(ReadNumbers(list_id=list_id)) == Code.PERMISSION_DENIED


async def test_the_books_are_without_fault(gateway: Client, console: Client, company_id: int) -> None:
    before = await console.ask(ReadPhonelistBooks())
    list_id = await new_list(gateway, company_id)
    await gateway.ask(AddEntries(list_id=list_id, entries=entries(number(1))), grant(company_id))

    books = await console.ask(ReadPhonelistBooks())
    assert books.faults == []
    assert (before.lists + 1, before.entries + 1) == (books.lists, books.entries)


async def test_the_books_name_entries_of_no_list(phonelist: Process, console: Client) -> None:
    assert phonelist.db is not None
    async with phonelist.db.transaction() as tx:
        await tx.execute("INSERT INTO entries (list_id, number) VALUES ($1, 447700900001)", UNKNOWN)
    try:
        faults = (await console.ask(ReadPhonelistBooks())).faults
        assert [f"there are entries of list {UNKNOWN}, which is not there"] == faults
    finally:
        async with phonelist.db.transaction() as tx:
            await tx.execute("DELETE FROM entries WHERE list_id = $1", UNKNOWN)


async def test_the_database_itself_refuses_what_is_no_number(phonelist: Process) -> None:
    assert phonelist.db is not None
    with pytest.raises(asyncpg.CheckViolationError):
        async with phonelist.db.transaction() as tx:
            await tx.execute("INSERT INTO entries (list_id, number) VALUES (1, 7)")
