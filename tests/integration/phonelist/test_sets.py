"""Whole lists against each other: merged and subtracted, each in one moment."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from libs.common.contracts.base import Code
from libs.common.contracts.phonelist import (
    AddEntries,
    Entry,
    MergedLists,
    MergeLists,
    ReadEntry,
    SubtractedList,
    SubtractList,
)
from libs.common.ids import uuid7
from libs.common.service import Process
from services.phonelist.lists import handlers, sets
from tests.harness import Client, grant
from tests.integration.phonelist.conftest import companies, entries, new_list, number, numbers_of

pytestmark = pytest.mark.usefixtures("phonelist")

indexes = st.lists(st.integers(0, 12), max_size=8, unique=True)


async def filled(gateway: Client, company_id: int, title: str, *indexes_: int) -> int:
    list_id = await new_list(gateway, company_id, title)
    await gateway.ask(AddEntries(list_id=list_id, entries=entries(*map(number, indexes_))), grant(company_id))
    return list_id


@settings(max_examples=30, suppress_health_check=list(HealthCheck))
@given(into=indexes, others=st.lists(indexes, min_size=1, max_size=3), part=st.integers(1, 5))
async def test_a_merge_is_the_list_and_then_what_is_new_of_the_others_in_their_order(
    gateway: Client, into: list[int], others: list[list[int]], part: int
) -> None:
    company_id = next(companies)
    list_id = await filled(gateway, company_id, "Into", *into)
    from_ids = [await filled(gateway, company_id, f"From {n}", *each) for n, each in enumerate(others)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sets, "PART", part)
        told = await gateway.ask(MergeLists(list_id=list_id, from_ids=from_ids), grant(company_id))

    merged = list(dict.fromkeys([*into, *(index for each in others for index in each)]))
    assert await numbers_of(gateway, company_id, list_id) == [number(index) for index in merged]
    added = len(merged) - len(into)
    assert told == MergedLists(added=added, duplicates=sum(map(len, others)) - added)
    for from_id, each in zip(from_ids, others, strict=True):
        assert await numbers_of(gateway, company_id, from_id) == [number(index) for index in each]


@settings(max_examples=30, suppress_health_check=list(HealthCheck))
@given(held=indexes, minus=indexes, part=st.integers(1, 5))
async def test_a_subtraction_leaves_what_the_other_has_not(
    gateway: Client, held: list[int], minus: list[int], part: int
) -> None:
    company_id = next(companies)
    list_id = await filled(gateway, company_id, "List", *held)
    minus_id = await filled(gateway, company_id, "Minus", *minus)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sets, "PART", part)
        told = await gateway.ask(SubtractList(list_id=list_id, minus_id=minus_id), grant(company_id))

    left = [index for index in held if index not in minus]
    assert await numbers_of(gateway, company_id, list_id) == [number(index) for index in left]
    assert told == SubtractedList(removed=len(held) - len(left))
    assert await numbers_of(gateway, company_id, minus_id) == [number(index) for index in minus]


async def test_of_a_number_in_both_the_lists_own_entry_stays_whole(gateway: Client, company_id: int) -> None:
    may, list_id, other = (
        grant(company_id),
        await new_list(gateway, company_id),
        await new_list(gateway, company_id, "O"),
    )
    await gateway.ask(AddEntries(list_id=list_id, entries=[Entry(phone_number=number(1), city="Bath")]), may)
    others = [Entry(phone_number=number(1), city="York", surname="Hale"), Entry(phone_number=number(2), user3="x")]
    await gateway.ask(AddEntries(list_id=other, entries=others), may)

    await gateway.ask(MergeLists(list_id=list_id, from_ids=[other]), may)

    assert await gateway.ask(ReadEntry(list_id=list_id, number=number(1)), may) == Entry(
        phone_number=number(1), city="Bath"
    )
    assert await gateway.ask(ReadEntry(list_id=list_id, number=number(2)), may) == others[1]


async def test_a_repeat_is_answered_the_same_and_two_into_each_other_both_end(gateway: Client, company_id: int) -> None:
    may, id_ = grant(company_id), uuid7()
    one, other = await filled(gateway, company_id, "A", 1, 2), await filled(gateway, company_id, "B", 2, 3)
    minus = SubtractList(list_id=one, minus_id=other)
    assert await gateway.ask(minus, may, id_) == await gateway.ask(minus, may, id_) == SubtractedList(removed=1)

    merges = MergeLists(list_id=one, from_ids=[other]), MergeLists(list_id=other, from_ids=[one])
    await asyncio.gather(*(gateway.ask(merge, may) for merge in merges * 5))

    held = [await numbers_of(gateway, company_id, each) for each in (one, other)]
    assert [sorted(each) for each in held] == [[number(1), number(2), number(3)]] * 2


async def test_only_the_companys_own_lists_and_never_one_with_itself(
    phonelist: Process, gateway: Client, company_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    may, mine = grant(company_id), await filled(gateway, company_id, "Mine", 1, 2)
    other = await filled(gateway, company_id, "Other", 2, 3)
    stranger = next(companies)
    theirs = await filled(gateway, stranger, "Theirs", 4)

    for list_id, minus_id, code in (
        (mine, theirs, Code.NOT_FOUND),
        (theirs, mine, Code.NOT_FOUND),
        (mine, mine, Code.INVALID_REQUEST),
    ):
        assert await gateway.refused(MergeLists(list_id=list_id, from_ids=[minus_id]), may) == code
        assert await gateway.refused(SubtractList(list_id=list_id, minus_id=minus_id), may) == code
    monkeypatch.setattr(handlers, "MERGED_MAX", 3)
    assert (
        await gateway.refused(MergeLists(list_id=await new_list(gateway, company_id), from_ids=[mine, other]), may)
        == Code.TOO_MANY
    )
    assert await numbers_of(gateway, company_id, mine) == [number(1), number(2)]
    assert await numbers_of(gateway, stranger, theirs) == [number(4)]
