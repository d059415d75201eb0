"""What campaign reads of a list: its version, recipients with the values of fields, and entries that lack one."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from libs.common.contracts.base import Code
from libs.common.contracts.phonelist import (
    FIELDS,
    AddEntries,
    Entry,
    FindIncomplete,
    Incomplete,
    IncompleteEntry,
    ListVersion,
    PinList,
    ReadRecipient,
    ReadRecipients,
    RemoveEntry,
)
from libs.common.service import Process
from services.phonelist.lists.store import RECIPIENTS_PAGE_BYTES
from tests.harness import Client, grant
from tests.integration.phonelist.conftest import companies, entries, new_list, number

pytestmark = pytest.mark.usefixtures("phonelist")

ANN = Entry(phone_number=number(1), first_name="Ann", date_of_birth=date(1985, 12, 31), city="Bath")
BOB = Entry(phone_number=number(2), first_name=" \u2003\t", user1="gold")
CIS = Entry(phone_number=number(3), first_name="Cis", city="")


async def three(gateway: Client, company_id: int) -> int:
    list_id = await new_list(gateway, company_id)
    await gateway.ask(AddEntries(list_id=list_id, entries=[ANN, BOB, CIS]), grant(company_id))
    return list_id


async def test_recipients_come_with_the_values_that_were_asked_for_in_that_order(
    gateway: Client, campaign: Client, company_id: int
) -> None:
    list_id = await three(gateway, company_id)
    ask = ReadRecipients(
        company_id=company_id, list_id=list_id, fields=["date_of_birth", "first_name", "phone_number", "city"]
    )

    page = await campaign.ask(ask)

    assert page.numbers == [number(1), number(2), number(3)]
    assert page.values == [
        ["1985-12-31", "Ann", number(1), "Bath"],
        [None, " \u2003\t", number(2), None],
        [None, "Cis", number(3), ""],
    ]
    assert (page.more, (await campaign.ask(ask.model_copy(update={"fields": []}))).values) == (False, [])


async def test_one_number_is_read_however_it_is_written(gateway: Client, campaign: Client, company_id: int) -> None:
    list_id = await three(gateway, company_id)
    ask = ReadRecipient(company_id=company_id, list_id=list_id, number="07700 900002", fields=["user1", "city"])

    page = await campaign.ask(ask)

    assert (page.numbers, page.values) == ([number(2)], [["gold", None]])
    assert await campaign.refused(ask.model_copy(update={"number": number(4)})) == Code.NOT_FOUND
    assert await campaign.refused(ask.model_copy(update={"number": "nobody"})) == Code.INVALID_NUMBER


async def test_pages_of_wide_values_stay_small_and_miss_none(
    phonelist: Process, gateway: Client, campaign: Client, company_id: int
) -> None:
    list_id = await new_list(gateway, company_id)
    assert phonelist.db is not None
    async with phonelist.db.transaction() as tx:
        await tx.execute(
            "INSERT INTO entries (list_id, number, city) SELECT $1, 447800000000 + n, repeat(md5(n::text), 31)"
            " FROM generate_series(1, 3000) n",
            list_id,
        )
    ask, numbers, cities, more = (
        ReadRecipients(company_id=company_id, list_id=list_id, fields=["city"]),
        [],
        set(),
        True,
    )
    while more:
        page = await campaign.ask(ask)
        assert len(page.model_dump_json()) < 2 * RECIPIENTS_PAGE_BYTES
        numbers += page.numbers
        cities |= {values[0] for values in page.values}
        ask, more = ask.model_copy(update={"after": page.last, "until": page.until}), page.more

    assert numbers == [f"+4478{n:08d}" for n in range(1, 3001)]
    assert len(cities) == 3_000


async def test_entries_that_lack_a_field_are_told_with_their_rows(
    gateway: Client, campaign: Client, company_id: int
) -> None:
    list_id = await three(gateway, company_id)
    until = (await campaign.ask(PinList(company_id=company_id, list_id=list_id))).until
    await gateway.ask(AddEntries(list_id=list_id, entries=entries(number(4))), grant(company_id))

    ask = FindIncomplete(company_id=company_id, list_id=list_id, until=until, fields=["first_name", "city"])

    found = [
        IncompleteEntry(row=2, number=number(2), missing=["first_name", "city"]),
        IncompleteEntry(row=3, number=number(3), missing=["city"]),
    ]
    assert Incomplete(count=2, entries=found) == await campaign.ask(ask)
    assert Incomplete(count=2, entries=found[:1]) == await campaign.ask(ask.model_copy(update={"limit": 1}))
    await gateway.ask(RemoveEntry(list_id=list_id, number=number(1)), grant(company_id))
    assert [entry.row for entry in (await campaign.ask(ask)).entries] == [1, 2]
    only_numbers = ask.model_copy(update={"fields": ["phone_number"]})
    assert Incomplete(count=0, entries=[]) == await campaign.ask(only_numbers)


@settings(max_examples=30, suppress_health_check=list(HealthCheck))
@given(
    people=st.lists(
        st.tuples(
            st.none() | st.text(" \t\u00a0\u200b\x1cab", max_size=3),
            st.none() | st.dates(),
        ),
        max_size=8,
    ),
    limit=st.integers(1, 4),
)
async def test_what_lacks_a_field_is_what_has_nothing_once_stripped(
    gateway: Client, campaign: Client, people: list[tuple[str | None, date | None]], limit: int
) -> None:
    company_id = next(companies)
    list_id = await new_list(gateway, company_id)
    given_ = [Entry(phone_number=number(n), city=city, date_of_birth=born) for n, (city, born) in enumerate(people)]
    await gateway.ask(AddEntries(list_id=list_id, entries=given_), grant(company_id))
    ask = FindIncomplete(
        company_id=company_id, list_id=list_id, until=2**62, fields=["date_of_birth", "city"], limit=limit
    )

    found = await campaign.ask(ask)

    expected = []
    for row, (city, born) in enumerate(people, 1):
        missing = [*(["date_of_birth"] if born is None else []), *(["city"] if not (city or "").strip() else [])]
        if missing:
            expected.append(IncompleteEntry(row=row, number=number(row - 1), missing=missing))
    assert Incomplete(count=len(expected), entries=expected[:limit]) == found


async def test_a_field_that_is_none_is_refused_and_changes_nothing(
    gateway: Client, campaign: Client, company_id: int
) -> None:
    list_id = await three(gateway, company_id)
    known = {"company_id": company_id, "list_id": list_id}
    for name in ("", "id", "list_id", "first_name FROM entries; DROP TABLE entries; --"):
        for ask in (
            ReadRecipients(**known, fields=[name]),
            ReadRecipient(**known, number=number(1), fields=["city", name]),
            FindIncomplete(**known, until=1, fields=[name]),
        ):
            assert await campaign.refused(ask) == Code.INVALID_REQUEST
    assert len((await campaign.ask(ReadRecipients(**known, fields=list(FIELDS)))).values) == 3


async def test_a_list_is_pinned_at_its_last_entry(gateway: Client, campaign: Client, company_id: int) -> None:
    empty = await new_list(gateway, company_id, "Empty")
    assert ListVersion(until=0) == await campaign.ask(PinList(company_id=company_id, list_id=empty))
    list_id = await three(gateway, company_id)
    pin = PinList(company_id=company_id, list_id=list_id)

    version = await campaign.ask(pin)
    await gateway.ask(AddEntries(list_id=list_id, entries=entries(number(4))), grant(company_id))

    ask = ReadRecipients(company_id=company_id, list_id=list_id, until=version.until)
    assert [number(1), number(2), number(3)] == (await campaign.ask(ask)).numbers
    assert (await campaign.ask(pin)).until > version.until


async def test_campaigns_reads_are_nobody_elses(gateway: Client, campaign: Client, company_id: int) -> None:
    list_id = await three(gateway, company_id)
    stranger = next(companies)

    def asks(of_company: int) -> list[PinList | ReadRecipient | ReadRecipients | FindIncomplete]:
        known = {"company_id": of_company, "list_id": list_id}
        return [
            PinList(**known),
            ReadRecipients(**known),
            ReadRecipient(**known, number=number(1)),
            FindIncomplete(**known, until=1, fields=["city"]),
        ]

    for ask in asks(stranger):
        assert await campaign.refused(ask) == Code.NOT_FOUND
    for ask in asks(company_id):
        assert await gateway.refused(ask, grant(company_id, "administer")) == Code.PERMISSION_DENIED
