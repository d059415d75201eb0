"""Entries, one by one and by pages: what was given comes back as it was given, in list order."""

from __future__ import annotations

import asyncio
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.phonelist import (
    ENTRIES_PAGE_MAX,
    VALUE_CHARACTERS_MAX,
    AddEntries,
    BeginImport,
    EntriesPage,
    Entry,
    FinishImport,
    ImportReport,
    Neighbour,
    ReadEntries,
    ReadEntry,
    ReadNeighbour,
    ReadNumbers,
    RemoveEntry,
)
from libs.common.ids import uuid7
from libs.common.service import Process
from services.phonelist.entries import OTHERS
from services.phonelist.lists.store import ENTRIES_PAGE_BYTES
from tests.harness import Client, grant
from tests.integration.phonelist.conftest import companies, entries, new_list, number, numbers_of, rows

pytestmark = pytest.mark.usefixtures("phonelist")

WRITTEN = [
    "07700 900123",
    "+447700900123",
    "+44 (0)7700-900123",
    "0044 7700 900123",
    "(07700) 900.123",
    "07700/900123",
    "07700\u00a0900123",
    "０７７００ ９００１２３",
    "٠٧٧٠٠ ٩٠٠١٢٣",
]

texts = st.none() | st.sampled_from(["", " ", "\t\r\n", "\u200b", "'\"\\,;\u0001"]) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30
)  # fmt: skip
fields = {name: texts for name in OTHERS if name != "date_of_birth"}
people = st.lists(
    st.builds(Entry, phone_number=st.integers(0, 99_999).map(number), date_of_birth=st.none() | st.dates(), **fields),
    min_size=1,
    max_size=5,
    unique_by=lambda entry: entry.phone_number,
)
few = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


@few
@given(people)
async def test_every_field_comes_back_as_it_was_added(gateway: Client, given_: list[Entry]) -> None:
    may = grant(company_id := next(companies))
    list_id = await new_list(gateway, company_id)

    await gateway.ask(AddEntries(list_id=list_id, entries=given_), may)

    for each in given_:
        assert each == await gateway.ask(ReadEntry(list_id=list_id, number=each.phone_number), may)


@few
@given(people)
async def test_every_field_comes_back_as_it_was_imported(gateway: Client, given_: list[Entry]) -> None:
    may = grant(company_id := next(companies))
    list_id, import_id = await new_list(gateway, company_id), uuid7()

    await gateway.ask(BeginImport(import_id=import_id, list_id=list_id), may)
    await gateway.ask(rows(import_id, 1, given_), may)
    await gateway.ask(FinishImport(import_id=import_id, all_or_nothing=True), may)

    assert given_ == (await gateway.ask(ReadEntries(list_id=list_id), may)).entries


@pytest.mark.parametrize("born", [date.min, date(1900, 2, 28), date(2000, 2, 29), date.max])
async def test_a_date_of_birth_is_any_date(gateway: Client, company_id: int, born: date) -> None:
    list_id = await new_list(gateway, company_id)
    person = Entry(phone_number=number(1), date_of_birth=born)

    await gateway.ask(AddEntries(list_id=list_id, entries=[person]), grant(company_id))

    assert person == await gateway.ask(ReadEntry(list_id=list_id, number=number(1)), grant(company_id))


async def test_a_field_is_as_long_as_it_may_be_and_no_longer(gateway: Client, company_id: int) -> None:
    list_id = await new_list(gateway, company_id)
    longest = Entry(phone_number=number(1), user3="\U0001f600" * VALUE_CHARACTERS_MAX)
    longer = Entry(phone_number=number(2), user3="x" * (VALUE_CHARACTERS_MAX + 1))

    await gateway.ask(AddEntries(list_id=list_id, entries=[longest]), grant(company_id))

    assert longest == await gateway.ask(ReadEntry(list_id=list_id, number=number(1)), grant(company_id))
    for bad in (longer, Entry(phone_number=number(2), city="a\0b")):
        add = AddEntries(list_id=list_id, entries=[bad])
        assert await gateway.refused(add, grant(company_id)) == Code.INVALID_REQUEST
    assert [number(1)] == await numbers_of(gateway, company_id, list_id)


async def test_one_number_written_differently_in_one_request_is_added_once_and_the_rest_told(
    gateway: Client, company_id: int
) -> None:
    list_id = await new_list(gateway, company_id)
    written = [Entry(phone_number=each, reference=each) for each in WRITTEN]

    report = await gateway.ask(AddEntries(list_id=list_id, entries=written), grant(company_id))

    assert ImportReport(added=1, duplicates=len(WRITTEN) - 1, bad_count=0, bad=[]) == report
    assert await numbers_of(gateway, company_id, list_id) == ["+447700900123"]
    kept = await gateway.ask(ReadEntry(list_id=list_id, number=WRITTEN[-1]), grant(company_id))
    assert kept.reference == WRITTEN[0]


@pytest.mark.parametrize("written", WRITTEN)
async def test_an_entry_is_found_and_removed_however_its_number_is_written(
    gateway: Client, company_id: int, written: str
) -> None:
    may, list_id = grant(company_id), await new_list(gateway, company_id)
    await gateway.ask(AddEntries(list_id=list_id, entries=entries(number(1), "+447700900123", number(2))), may)

    assert (await gateway.ask(ReadEntry(list_id=list_id, number=written), may)).phone_number == "+447700900123"
    after = await gateway.ask(ReadNeighbour(list_id=list_id, number=written, side="next"), may)
    assert Neighbour(number=number(2)) == after
    await gateway.ask(RemoveEntry(list_id=list_id, number=written), may)
    assert [number(1), number(2)] == await numbers_of(gateway, company_id, list_id)


async def test_neighbours_follow_list_order_and_end_with_nothing(gateway: Client, company_id: int) -> None:
    may, list_id = grant(company_id), await new_list(gateway, company_id)
    other_list = await new_list(gateway, company_id, "Others")
    order = [number(n) for n in (5, 1, 9, 3)]
    for each in order:  # ids of the two lists alternate
        await gateway.ask(AddEntries(list_id=other_list, entries=entries(number(7), each)), may)
        await gateway.ask(AddEntries(list_id=list_id, entries=entries(each)), may)

    async def walk(start: str, side: str) -> list[str]:
        walked = [start]
        while walked[-1]:
            ask = ReadNeighbour.model_validate({"list_id": list_id, "number": walked[-1], "side": side})
            walked.append((await gateway.ask(ask, may)).number)
        return walked[:-1]

    assert order == await walk(order[0], "next")
    assert order[::-1] == await walk(order[-1], "previous")
    await gateway.ask(RemoveEntry(list_id=list_id, number=order[1]), may)
    assert [order[0], *order[2:]] == await walk(order[0], "next")


async def test_a_number_the_list_does_not_hold_is_not_found_and_what_is_no_number_is_invalid(
    gateway: Client, company_id: int
) -> None:
    may, list_id = grant(company_id), await new_list(gateway, company_id)
    other_list = await new_list(gateway, company_id, "Others")
    await gateway.ask(AddEntries(list_id=other_list, entries=entries(number(1))), may)

    for given_, code in (
        (number(1), Code.NOT_FOUND),
        ("", Code.INVALID_NUMBER),
        ("07700 900123 ext 1", Code.INVALID_NUMBER),
        ("0\0", Code.INVALID_NUMBER),
    ):
        for ask in (
            ReadEntry(list_id=list_id, number=given_),
            ReadNeighbour(list_id=list_id, number=given_, side="next"),
            ReadNeighbour(list_id=list_id, number=given_, side="previous"),
            RemoveEntry(list_id=list_id, number=given_),
        ):
            assert await gateway.refused(ask, may) == code
    assert [number(1)] == await numbers_of(gateway, company_id, other_list)


async def test_a_removal_is_done_once_and_its_repeat_is_answered_the_same(gateway: Client, company_id: int) -> None:
    may, list_id, id_ = grant(company_id), await new_list(gateway, company_id), uuid7()
    await gateway.ask(AddEntries(list_id=list_id, entries=entries(number(1), number(2))), may)
    remove = RemoveEntry(list_id=list_id, number=number(1))

    first = await gateway.ask(remove, may, id_)
    await gateway.ask(AddEntries(list_id=list_id, entries=entries(number(1))), may)

    assert first == await gateway.ask(remove, may, id_)
    assert [number(2), number(1)] == await numbers_of(gateway, company_id, list_id)
    await gateway.ask(remove, may)
    assert await gateway.refused(remove, may) == Code.NOT_FOUND


async def test_adding_and_removing_one_number_at_once_end_in_one_order(gateway: Client, company_id: int) -> None:
    may, list_id = grant(company_id), await new_list(gateway, company_id)
    add, remove = (
        AddEntries(list_id=list_id, entries=entries(number(1))),
        RemoveEntry(list_id=list_id, number=number(1)),
    )

    async def added() -> int:
        return (await gateway.ask(add, may)).added

    async def removed() -> Code | None:
        try:
            await gateway.ask(remove, may)
        except Refusal as refusal:
            return refusal.code
        return None

    outcomes = await asyncio.gather(*(step() for _ in range(30) for step in (added, removed)))

    assert {0, 1, None, Code.NOT_FOUND} >= set(outcomes)
    left = await numbers_of(gateway, company_id, list_id)
    assert outcomes.count(1) - outcomes.count(None) == len(left)


async def test_entries_are_read_by_pages_that_a_growing_list_does_not_prolong(gateway: Client, company_id: int) -> None:
    may, list_id = grant(company_id), await new_list(gateway, company_id)
    given_ = entries(*(number(n) for n in (4, 2, 5, 1, 3)))
    await gateway.ask(AddEntries(list_id=list_id, entries=given_), may)

    first = await gateway.ask(ReadEntries(list_id=list_id, limit=2), may)
    await gateway.ask(AddEntries(list_id=list_id, entries=entries(number(6))), may)
    rest = await gateway.ask(ReadEntries(list_id=list_id, after=first.last, until=first.until), may)

    assert (first.entries, first.more) == (given_[:2], True)
    assert EntriesPage(entries=given_[2:], last=first.until, until=first.until, more=False) == rest
    numbers = await gateway.ask(ReadNumbers(list_id=list_id, after=first.last, until=first.until, limit=2), may)
    assert (numbers.numbers, numbers.more) == ([number(5), number(1)], True)


async def test_an_empty_list_has_an_empty_last_page_of_entries(gateway: Client, company_id: int) -> None:
    list_id = await new_list(gateway, company_id)

    empty = EntriesPage(entries=[], last=0, until=0, more=False)
    assert empty == await gateway.ask(ReadEntries(list_id=list_id), grant(company_id))


async def test_pages_of_entries_stay_small_however_wide_the_entries_and_miss_none(
    phonelist: Process, gateway: Client, company_id: int
) -> None:
    may, list_id = grant(company_id), await new_list(gateway, company_id)
    wide = " ".join(f"repeat(md5(n::text || '{each}'), 31) AS {each}," for each in ("city", "county", "user1", "user2"))
    assert phonelist.db is not None
    async with phonelist.db.transaction() as tx:
        await tx.execute(
            f"INSERT INTO entries (list_id, number, city, county, user1, user2) SELECT $1, 447800000000 + n, {wide[:-1]}"
            " FROM generate_series(1, 3000) n",
            list_id,
        )

    sizes, numbers, after, until, more = [], list[str](), 0, None, True
    while more:
        page = await gateway.ask(ReadEntries(list_id=list_id, after=after, until=until, limit=5_000), may)
        sizes.append(len(page.model_dump_json()))
        numbers += [entry.phone_number for entry in page.entries]
        assert len(page.entries) <= ENTRIES_PAGE_MAX
        after, until, more = page.last, page.until, page.more

    assert numbers == await numbers_of(gateway, company_id, list_id)
    assert len(numbers) == 3_000
    assert max(sizes) < 2 * ENTRIES_PAGE_BYTES
