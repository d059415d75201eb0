"""Imports: rows wait aside, and go into the list whole or not at all."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest

from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.phonelist import (
    BAD_ROWS_KEPT_DAYS,
    AddEntries,
    AddRows,
    BadRow,
    BeginImport,
    Entry,
    FinishImport,
    ImportReport,
    ReadBadRows,
    ReadEntry,
    ReadPhonelistBooks,
    Repaired,
)
from libs.common.ids import uuid7
from libs.common.service import Process
from services.phonelist.__main__ import SERVICE
from services.phonelist.imports import loop
from tests.harness import Client, grant, running
from tests.infra import Infra
from tests.integration.phonelist.conftest import companies, entries, new_list, number, numbers_of, rows

pytestmark = pytest.mark.usefixtures("phonelist")


async def begin(gateway: Client, company_id: int, list_id: int) -> UUID:
    import_id = uuid7()
    await gateway.ask(BeginImport(import_id=import_id, list_id=list_id), grant(company_id))
    return import_id


def lines(import_id: UUID, first_line: int, *numbers: str) -> AddRows:
    return rows(import_id, first_line, entries(*numbers))


def finishing(import_id: UUID, all_or_nothing: bool = False) -> FinishImport:
    return FinishImport(import_id=import_id, all_or_nothing=all_or_nothing)


async def test_a_messy_file_goes_in_with_its_bad_rows_named_by_line(gateway: Client, company_id: int) -> None:
    list_id = await new_list(gateway, company_id)
    await gateway.ask(AddEntries(list_id=list_id, entries=entries(number(9))), grant(company_id))
    import_id = await begin(gateway, company_id, list_id)

    checked = await gateway.ask(lines(import_id, 2, number(1), "mobile", number(9)), grant(company_id))
    assert checked.bad_count == 1
    await gateway.ask(rows(import_id, 7, [Entry(phone_number=number(3), city="a\0b")]), grant(company_id))
    await gateway.ask(lines(import_id, 5, number(2), number(1)), grant(company_id))
    assert [number(9)] == await numbers_of(gateway, company_id, list_id)

    report = await gateway.ask(finishing(import_id), grant(company_id))

    bad = [
        BadRow(line=3, value="mobile", reason="this is not a phone number"),
        BadRow(line=7, value=number(3), reason="a field holds the character U+0000, which cannot be kept"),
    ]
    assert ImportReport(added=2, duplicates=2, bad_count=2, bad=bad) == report
    assert [number(9), number(1), number(2)] == await numbers_of(gateway, company_id, list_id)


async def test_list_order_is_line_order_and_the_first_of_two_equal_numbers_stays(
    gateway: Client, company_id: int
) -> None:
    list_id = await new_list(gateway, company_id)
    import_id = await begin(gateway, company_id, list_id)
    for first_line in (500, 100, 300):
        named = [Entry(phone_number=number(1), reference=f"line {first_line}")]
        named += entries(*(number(first_line + n) for n in range(1, 50)))
        await gateway.ask(rows(import_id, first_line, named), grant(company_id))

    await gateway.ask(finishing(import_id), grant(company_id))

    expected = [number(1), *(number(first + n) for first in (100, 300, 500) for n in range(1, 50))]
    assert expected == await numbers_of(gateway, company_id, list_id)
    kept = await gateway.ask(ReadEntry(list_id=list_id, number=number(1)), grant(company_id))
    assert kept.reference == "line 100"


async def test_all_or_nothing_adds_nothing_where_a_row_is_bad_until_it_is_put_right(
    gateway: Client, company_id: int
) -> None:
    list_id = await new_list(gateway, company_id)
    import_id = await begin(gateway, company_id, list_id)
    await gateway.ask(lines(import_id, 1, number(1), "x", number(3)), grant(company_id))

    with pytest.raises(Refusal, match="line 2: this is not a phone number; bad rows: 1") as refusal:
        await gateway.ask(finishing(import_id, all_or_nothing=True), grant(company_id))
    assert refusal.value.code == Code.INVALID_NUMBER
    assert await numbers_of(gateway, company_id, list_id) == []

    await gateway.ask(lines(import_id, 1, number(1), number(2), number(3)), grant(company_id))
    report = await gateway.ask(finishing(import_id, all_or_nothing=True), grant(company_id))
    assert ImportReport(added=3, duplicates=0, bad_count=0, bad=[]) == report


async def test_the_first_100_bad_rows_are_told_and_all_are_counted(gateway: Client, company_id: int) -> None:
    list_id = await new_list(gateway, company_id)
    import_id = await begin(gateway, company_id, list_id)
    long = "not a number, and longer than it should be"
    await gateway.ask(lines(import_id, 1, *[long] * 120), grant(company_id))

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
        await gateway.ask(lines(import_id, 1, number(1), "bad", number(2)), grant(company_id))

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
    assert await gateway.refused(lines(import_id, 1, number(1)), grant(company_id)) == Code.WRONG_STATE


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
        assert await gateway.refused(lines(id_, 1, number(1)), grant(stranger)) == Code.NOT_FOUND
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
        await gateway.ask(lines(import_id, 1, number(1), "bad"), grant(company_id))
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


async def test_lines_that_came_in_other_pieces_are_another_file_and_change_nothing(
    gateway: Client, company_id: int
) -> None:
    may, list_id = grant(company_id), await new_list(gateway, company_id)
    import_id = await begin(gateway, company_id, list_id)
    await gateway.ask(lines(import_id, 10, *(number(n) for n in range(5))), may)

    for first_line, count in ((10, 4), (10, 6), (9, 2), (11, 2), (14, 1), (1, 30)):
        other = lines(import_id, first_line, *(number(100 + n) for n in range(count)))
        assert await gateway.refused(other, may) == Code.DUPLICATE
    await gateway.ask(lines(import_id, 15, number(5)), may)
    await gateway.ask(lines(import_id, 9, number(6)), may)

    await gateway.ask(finishing(import_id), may)
    assert await numbers_of(gateway, company_id, list_id) == [number(n) for n in (6, 0, 1, 2, 3, 4, 5)]


async def test_an_import_that_lacks_lines_is_not_finished(gateway: Client, company_id: int) -> None:
    may, list_id = grant(company_id), await new_list(gateway, company_id)
    import_id = await begin(gateway, company_id, list_id)
    await gateway.ask(lines(import_id, 1, number(1), "bad"), may)

    for sent in (1, 3):
        finish = FinishImport(import_id=import_id, all_or_nothing=False, lines=sent)
        assert await gateway.refused(finish, may) == Code.WRONG_STATE
    report = await gateway.ask(FinishImport(import_id=import_id, all_or_nothing=False, lines=2), may)
    assert (report.added, report.bad_count) == (1, 1)


@pytest.mark.parametrize(
    "changed",
    [
        {"fields": ["surname"]},
        {"fields": ["phone_number", "phone_number"]},
        {"fields": ["phone_number", "id"]},
        {"columns": [["+447700900001"], []]},
        {"columns": [["+447700900001"]]},
        {"lines": [2, 1], "columns": [["+447700900001"] * 2] * 2},
        {"lines": [0]},
    ],
)
async def test_columns_that_are_no_table_are_refused(gateway: Client, company_id: int, changed: dict[str, Any]) -> None:
    import_id = await begin(gateway, company_id, await new_list(gateway, company_id))
    good: dict[str, Any] = {"fields": ["phone_number", "city"], "lines": [1], "columns": [["+447700900001"], [None]]}
    ask = AddRows.model_construct(import_id=import_id, **(good | changed))

    assert await gateway.refused(ask, grant(company_id)) == Code.INVALID_REQUEST
    assert (await gateway.ask(finishing(import_id), grant(company_id))).added == 0


async def test_all_bad_rows_are_read_by_pages_for_a_month_whoever_found_them(
    phonelist: Process, gateway: Client, company_id: int
) -> None:
    may, stranger = grant(company_id), grant(next(companies))
    list_id = await new_list(gateway, company_id)
    import_id = await begin(gateway, company_id, list_id)
    found = [BadRow(line=line, value="", reason="a quote") for line in (1, 4, 700)]
    mixed = rows(import_id, 2, entries("x", number(1))).model_copy(update={"bad": found})
    assert (await gateway.ask(mixed, may)).bad_count == 4
    expected = sorted(
        [*found, BadRow(line=2, value="x", reason="this is not a phone number")], key=lambda row: row.line
    )

    async def read() -> list[BadRow]:
        first = await gateway.ask(ReadBadRows(list_id=list_id, import_id=import_id, limit=3), may)
        assert first.more
        rest = await gateway.ask(ReadBadRows(list_id=list_id, import_id=import_id, after=first.rows[-1].line), may)
        assert not rest.more
        return first.rows + rest.rows

    assert await read() == expected
    report = await gateway.ask(finishing(import_id), may)
    assert (report.bad, report.bad_count, await read()) == (expected, 4, expected)
    assert await gateway.refused(ReadBadRows(list_id=list_id, import_id=import_id), stranger) == Code.NOT_FOUND
    elsewhere = ReadBadRows(list_id=await new_list(gateway, company_id, "Others"), import_id=import_id)
    assert await gateway.refused(elsewhere, may) == Code.NOT_FOUND

    assert phonelist.db is not None
    for days, removed in ((BAD_ROWS_KEPT_DAYS - 1, 0), (2, 1)):
        async with phonelist.db.transaction() as tx:
            await tx.execute(
                "UPDATE imports SET begun_at = begun_at - make_interval(days => $2) WHERE id = $1", import_id, days
            )
        assert await loop.step(phonelist.app) == removed
    assert await gateway.refused(ReadBadRows(list_id=list_id, import_id=import_id), may) == Code.NOT_FOUND


async def test_what_the_reader_put_right_is_counted_and_the_first_of_each_kind_told(
    gateway: Client, company_id: int
) -> None:
    may, import_id = grant(company_id), await begin(gateway, company_id, await new_list(gateway, company_id))
    for first_line in (101, 1):
        told = [
            Repaired(
                line=first_line + n, value="0", number=number(n), how=["separators", *(["letter_o"] if n == 29 else [])]
            )
            for n in range(30)
        ]
        piece = lines(import_id, first_line, *(number(first_line + n) for n in range(40)))
        await gateway.ask(
            piece.model_copy(update={"repaired": {"separators": 35, "letter_o": 1}, "repairs": told}), may
        )

    report = await gateway.ask(finishing(import_id), may)

    assert report.repaired == {"separators": 70, "letter_o": 2}
    assert [each.line for each in report.repairs] == [*range(1, 21), 30, 130]
    assert report == await gateway.ask(finishing(import_id), may)


async def test_the_books_name_rows_of_an_import_that_is_not_open(phonelist: Process, console: Client) -> None:
    nowhere = uuid7()
    assert phonelist.db is not None
    async with phonelist.db.transaction() as tx:
        await tx.execute(
            "INSERT INTO import_blocks (import_id, first_line, last_line, good, bad, numbers, repaired, repairs)"
            " VALUES ($1, 1, 1, 1, 0, '{447700900001}', '{}', '[]')",
            nowhere,
        )
    try:
        faults = (await console.ask(ReadPhonelistBooks())).faults
        assert [f"rows wait for import {nowhere}, which is not open"] == faults
    finally:
        async with phonelist.db.transaction() as tx:
            await tx.execute("DELETE FROM import_blocks WHERE import_id = $1", nowhere)


async def test_two_copies_side_by_side_and_a_restart_lose_and_double_nothing(
    infra: Infra, phonelist: Process, gateway: Client, company_id: int
) -> None:
    dsn = phonelist.settings.model_dump()["database_url"]
    list_id = await new_list(gateway, company_id)
    import_id = await begin(gateway, company_id, list_id)
    async with running(infra, SERVICE, dsn=dsn):
        chunks = [[number(chunk * 100 + n) for n in range(100)] for chunk in range(40)]
        asks = [
            gateway.ask(lines(import_id, chunk * 100 + 1, *each), grant(company_id))
            for chunk, each in enumerate(chunks)
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
