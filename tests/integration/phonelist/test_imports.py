"""Imports: rows wait aside, and go into the list whole or not at all."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.phonelist import (
    AddEntries,
    AddRows,
    BadRow,
    BeginImport,
    Entry,
    FinishImport,
    ImportReport,
    ReadPhonelistBooks,
)
from libs.common.ids import uuid7
from libs.common.service import Process
from services.phonelist.__main__ import SERVICE
from services.phonelist.imports import loop
from tests.harness import Client, grant, running
from tests.infra import Infra
from tests.integration.phonelist.conftest import companies, entries, new_list, number, numbers_of

pytestmark = pytest.mark.usefixtures("phonelist")


async def begin(gateway: Client, company_id: int, list_id: int) -> UUID:
    import_id = uuid7()
    await gateway.ask(BeginImport(import_id=import_id, list_id=list_id), grant(company_id))
    return import_id


def rows(import_id: UUID, first_line: int, *numbers: str) -> AddRows:
    return AddRows(import_id=import_id, first_line=first_line, entries=entries(*numbers))


def finishing(import_id: UUID, all_or_nothing: bool = False) -> FinishImport:
    return FinishImport(import_id=import_id, all_or_nothing=all_or_nothing)


async def test_a_messy_file_goes_in_with_its_bad_rows_named_by_line(gateway: Client, company_id: int) -> None:
    list_id = await new_list(gateway, company_id)
    await gateway.ask(AddEntries(list_id=list_id, entries=entries(number(9))), grant(company_id))
    import_id = await begin(gateway, company_id, list_id)

    checked = await gateway.ask(rows(import_id, 2, number(1), "mobile", number(9)), grant(company_id))
    assert [BadRow(line=3, value="mobile", reason="this is not a phone number")] == checked.bad
    late = AddRows(import_id=import_id, first_line=7, entries=[Entry(phone_number=number(3), city="a\0b")])
    await gateway.ask(late, grant(company_id))
    await gateway.ask(rows(import_id, 5, number(2), number(1)), grant(company_id))
    assert [number(9)] == await numbers_of(gateway, company_id, list_id)

    report = await gateway.ask(finishing(import_id), grant(company_id))

    bad = [
        *checked.bad,
        BadRow(line=7, value=number(3), reason="a field holds the character U+0000, which cannot be kept"),
    ]
    assert ImportReport(added=2, duplicates=2, bad_count=2, bad=bad) == report
    assert [number(9), number(1), number(2)] == await numbers_of(gateway, company_id, list_id)


async def test_list_order_is_line_order_and_the_first_of_two_equal_numbers_stays(
    phonelist: Process, gateway: Client, company_id: int
) -> None:
    list_id = await new_list(gateway, company_id)
    import_id = await begin(gateway, company_id, list_id)
    for first_line in (500, 100, 300):
        named = [Entry(phone_number=number(1), reference=f"line {first_line}")]
        named += entries(*(number(first_line + n) for n in range(1, 50)))
        await gateway.ask(AddRows(import_id=import_id, first_line=first_line, entries=named), grant(company_id))

    await gateway.ask(finishing(import_id), grant(company_id))

    expected = [number(1), *(number(first + n) for first in (100, 300, 500) for n in range(1, 50))]
    assert expected == await numbers_of(gateway, company_id, list_id)
    assert phonelist.db is not None
    async with phonelist.db.reading() as tx:
        kept = await tx.fetchval(
            "SELECT reference FROM entries WHERE list_id = $1 AND phone_number = $2", list_id, number(1)
        )
    assert kept == "line 100"


async def test_all_or_nothing_adds_nothing_where_a_row_is_bad_until_it_is_put_right(
    gateway: Client, company_id: int
) -> None:
    list_id = await new_list(gateway, company_id)
    import_id = await begin(gateway, company_id, list_id)
    await gateway.ask(rows(import_id, 1, number(1), "x", number(3)), grant(company_id))

    with pytest.raises(Refusal, match="line 2: this is not a phone number; bad rows: 1") as refusal:
        await gateway.ask(finishing(import_id, all_or_nothing=True), grant(company_id))
    assert refusal.value.code == Code.INVALID_NUMBER
    assert await numbers_of(gateway, company_id, list_id) == []

    await gateway.ask(rows(import_id, 1, number(1), number(2), number(3)), grant(company_id))
    report = await gateway.ask(finishing(import_id, all_or_nothing=True), grant(company_id))
    assert ImportReport(added=3, duplicates=0, bad_count=0, bad=[]) == report


async def test_the_first_100_bad_rows_are_told_and_all_are_counted(gateway: Client, company_id: int) -> None:
    list_id = await new_list(gateway, company_id)
    import_id = await begin(gateway, company_id, list_id)
    long = "not a number, and longer than it should be"
    await gateway.ask(rows(import_id, 1, *[long] * 120), grant(company_id))

    report = await gateway.ask(finishing(import_id), grant(company_id))

    assert (report.added, report.bad_count) == (0, 120)
    assert list(range(1, 101)) == [row.line for row in report.bad]
    assert {long[:40]} == {row.value for row in report.bad}


async def test_every_step_may_be_repeated(gateway: Client, company_id: int) -> None:
    list_id = await new_list(gateway, company_id)
    import_id = await begin(gateway, company_id, list_id)
    again = BeginImport(import_id=import_id, list_id=list_id)
    await gateway.ask(again, grant(company_id))
    for _ in range(2):
        await gateway.ask(rows(import_id, 1, number(1), "bad", number(2)), grant(company_id))

    id_ = uuid7()
    report = await gateway.ask(finishing(import_id), grant(company_id), id_)

    assert (report.added, report.duplicates, report.bad_count) == (2, 0, 1)
    assert report == await gateway.ask(finishing(import_id), grant(company_id), id_)
    assert report == await gateway.ask(finishing(import_id), grant(company_id))  # another ask, the same import
    assert [number(1), number(2)] == await numbers_of(gateway, company_id, list_id)


async def test_rows_are_refused_once_it_is_finished(gateway: Client, company_id: int) -> None:
    import_id = await begin(gateway, company_id, await new_list(gateway, company_id))
    report = await gateway.ask(finishing(import_id), grant(company_id))

    assert ImportReport(added=0, duplicates=0, bad_count=0, bad=[]) == report
    assert await gateway.refused(rows(import_id, 1, number(1)), grant(company_id)) == Code.WRONG_STATE


async def test_an_import_goes_into_one_list(gateway: Client, company_id: int) -> None:
    import_id = await begin(gateway, company_id, await new_list(gateway, company_id))
    elsewhere = BeginImport(import_id=import_id, list_id=await new_list(gateway, company_id, "Others"))

    assert await gateway.refused(elsewhere, grant(company_id)) == Code.DUPLICATE


async def test_another_companys_import_is_not_found_as_one_that_never_was(gateway: Client, company_id: int) -> None:
    list_id = await new_list(gateway, company_id)
    import_id = await begin(gateway, company_id, list_id)
    stranger = next(companies)
    strangers_list = await new_list(gateway, stranger)

    for id_ in (import_id, uuid7()):
        assert await gateway.refused(rows(id_, 1, number(1)), grant(stranger)) == Code.NOT_FOUND
        assert await gateway.refused(finishing(id_), grant(stranger)) == Code.NOT_FOUND
        assert await gateway.refused(BeginImport(import_id=id_, list_id=list_id), grant(stranger)) == Code.NOT_FOUND
    taken = BeginImport(import_id=import_id, list_id=strangers_list)
    assert await gateway.refused(taken, grant(stranger)) == Code.NOT_FOUND


async def test_an_import_nobody_finishes_within_a_day_is_removed_and_a_younger_one_is_not(
    phonelist: Process, gateway: Client, console: Client, company_id: int
) -> None:
    list_id = await new_list(gateway, company_id)
    old, young, finished = [await begin(gateway, company_id, list_id) for _ in range(3)]
    for import_id in (old, young):
        await gateway.ask(rows(import_id, 1, number(1), "bad"), grant(company_id))
    report = await gateway.ask(finishing(finished), grant(company_id))
    assert phonelist.db is not None
    async with phonelist.db.transaction() as tx:
        await tx.execute(
            "UPDATE imports SET begun_at = begun_at - interval '25 hours' WHERE id IN ($1, $2)", old, finished
        )

    assert await loop.step(phonelist.app) == 1
    assert await loop.step(phonelist.app) == 0

    assert await gateway.refused(finishing(old), grant(company_id)) == Code.NOT_FOUND
    assert await gateway.ask(finishing(finished), grant(company_id)) == report
    assert (await console.ask(ReadPhonelistBooks())).faults == []
    assert (await gateway.ask(finishing(young), grant(company_id))).added == 1


async def test_the_books_name_rows_of_an_import_that_is_not_open(phonelist: Process, console: Client) -> None:
    nowhere = uuid7()
    assert phonelist.db is not None
    async with phonelist.db.transaction() as tx:
        await tx.execute(
            "INSERT INTO import_rows (import_id, line, phone_number) VALUES ($1, 1, $2)", nowhere, number(1)
        )
    try:
        faults = (await console.ask(ReadPhonelistBooks())).faults
        assert [f"rows wait for import {nowhere}, which is not open"] == faults
    finally:
        async with phonelist.db.transaction() as tx:
            await tx.execute("DELETE FROM import_rows WHERE import_id = $1", nowhere)


async def test_two_copies_side_by_side_and_a_restart_lose_and_double_nothing(
    infra: Infra, phonelist: Process, gateway: Client, company_id: int
) -> None:
    dsn = phonelist.settings.model_dump()["database_url"]
    list_id = await new_list(gateway, company_id)
    import_id = await begin(gateway, company_id, list_id)
    async with running(infra, SERVICE, dsn=dsn):
        chunks = [[number(chunk * 100 + n) for n in range(100)] for chunk in range(40)]
        asks = [
            gateway.ask(rows(import_id, chunk * 100 + 1, *each), grant(company_id)) for chunk, each in enumerate(chunks)
        ]
        await asyncio.gather(*asks)
        reports = await asyncio.gather(*(gateway.ask(finishing(import_id), grant(company_id)) for _ in range(4)))
    async with running(infra, SERVICE, dsn=dsn):  # the second copy again
        reports += await asyncio.gather(*(gateway.ask(finishing(import_id), grant(company_id)) for _ in range(4)))
        adds = [AddEntries(list_id=list_id, entries=entries(number(n), number(5_000 + n))) for n in range(20)]
        added = await asyncio.gather(*(gateway.ask(add, grant(company_id)) for add in adds))

    assert [ImportReport(added=4_000, duplicates=0, bad_count=0, bad=[])] * 8 == reports
    assert {(1, 1)} == {(report.added, report.duplicates) for report in added}
    numbers = await numbers_of(gateway, company_id, list_id)
    assert [each for chunk in chunks for each in chunk] == numbers[:4_000]
    assert {number(5_000 + n) for n in range(20)} == set(numbers[4_000:])
