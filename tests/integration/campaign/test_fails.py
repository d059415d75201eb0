"""Recent fails: which numbers failed often enough, in recent campaigns of the company that asks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from uuid import uuid4

import pytest

from libs.common import clock
from libs.common.contracts.base import Code
from libs.common.contracts.campaign import (
    CreateCampaign,
    FailsPage,
    LaunchCampaign,
    LinkList,
    ReadCampaignBooks,
    ReadRecentFails,
    RecipientsHandedOver,
)
from libs.common.contracts.messaging import State
from libs.common.service import Process
from tests.harness import Client, grant
from tests.integration.campaign.conftest import (
    HEADER,
    all_handed_over,
    all_heard,
    by_test_key,
    launched,
    new_list,
    provision,
    tell_ends,
    value,
)

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)

# Of different lengths and countries: the order of the pages is that of the numbers, whatever it were as text.
SHORT, MIDDLE, LONG = "+4930123456", "+33123456789", "+447700900123"


class Sent:
    """Campaigns to one list, whose texts all end as the test says."""

    def __init__(
        self,
        campaign: Process,
        gateway: Client,
        messaging: Client,
        windows: list[RecipientsHandedOver],
        company_id: int,
    ) -> None:
        self.campaign, self.gateway, self.messaging, self.windows = campaign, gateway, messaging, windows
        self.company_id = company_id

    async def to(self, numbers: list[str], *states: State, version: int = 3) -> list[int]:
        """A campaign a state."""
        list_id = await new_list(self.gateway, self.company_id, numbers)
        ids = []
        for state in states:
            ids.append(await launched(self.gateway, self.company_id, list_id))
            await self.end(ids[-1], len(numbers), state, version)
        return ids

    async def end(self, campaign_id: int, count: int, state: State, version: int = 3) -> None:
        recipients = await all_handed_over(self.windows, campaign_id, count)
        told = await tell_ends(self.messaging, self.company_id, campaign_id, recipients, state, version)
        await all_heard(self.campaign, told)

    async def fails(self, since: datetime = LONG_AGO, **page: object) -> FailsPage:
        ask = ReadRecentFails.model_validate({"since": since} | page)
        return await self.gateway.ask(ask, grant(self.company_id))


@pytest.fixture
def sent(
    campaign: Process, gateway: Client, messaging: Client, windows: list[RecipientsHandedOver], company_id: int
) -> Sent:
    return Sent(campaign, gateway, messaging, windows, company_id)


async def test_a_number_that_failed_three_times_is_told_and_one_that_failed_twice_is_not(sent: Sent) -> None:
    await sent.to([SHORT], State.FAILED, State.EXPIRED, State.REJECTED)
    await sent.to([LONG], State.FAILED, State.FAILED, State.DELIVERED)

    assert await sent.fails() == FailsPage(numbers=[SHORT], more=False)


async def test_what_says_nothing_of_the_number_is_no_fail(sent: Sent) -> None:
    await sent.to([LONG], State.SUPPRESSED, State.CANCELLED, State.IN_DOUBT, State.DELIVERED, State.FAILED)

    assert (await sent.fails()).numbers == []


async def test_a_doubtful_end_counts_once_it_is_known_to_be_a_fail(sent: Sent) -> None:
    *_, doubtful = await sent.to([LONG], State.FAILED, State.FAILED, State.IN_DOUBT)
    assert (await sent.fails()).numbers == []

    await sent.end(doubtful, 1, State.EXPIRED, version=4)

    assert (await sent.fails()).numbers == [LONG]


async def test_news_that_is_older_than_the_rows_state_makes_no_fail_and_newer_news_takes_it_back(sent: Sent) -> None:
    ids = await sent.to([LONG], State.FAILED, State.FAILED, State.DELIVERED, version=5)
    await sent.end(ids[-1], 1, State.FAILED, version=4)
    assert (await sent.fails()).numbers == []

    await sent.end(ids[-1], 1, State.FAILED, version=6)
    assert (await sent.fails()).numbers == [LONG]
    await sent.end(ids[0], 1, State.DELIVERED, version=6)  # messaging never does; the row says what is so
    assert (await sent.fails()).numbers == []


async def test_only_fails_since_the_given_time_count(sent: Sent) -> None:
    await sent.to([LONG], State.FAILED)
    between = clock.now()
    await sent.to([LONG], State.FAILED, State.FAILED)

    assert (await sent.fails(LONG_AGO)).numbers == [LONG]
    assert (await sent.fails(between)).numbers == []
    assert (await sent.fails(between + timedelta(days=1))).numbers == []


async def test_only_campaigns_launched_within_90_days_count(campaign: Process, sent: Sent) -> None:
    first, *_ = await sent.to([LONG], State.FAILED, State.FAILED, State.FAILED)
    aged = "UPDATE campaigns SET launched_at = now() - make_interval(days => 90, mins => $2) WHERE id = $1 RETURNING id"

    await value(campaign, aged, first, -5)
    assert (await sent.fails()).numbers == [LONG]
    await value(campaign, aged, first, 5)
    assert (await sent.fails()).numbers == []


async def test_numbers_are_read_by_pages_in_their_order_none_twice_and_none_left_out(sent: Sent) -> None:
    expected = [SHORT, MIDDLE, *(f"+4477009{n:05d}" for n in range(600))]
    assert LONG in expected
    assert sorted(expected) != expected, "as text they had another order"
    await sent.to(expected[::-1], State.FAILED, State.FAILED, State.FAILED)

    assert await sent.fails() == FailsPage(numbers=expected, more=False)
    read, after, more = list[str](), "", True
    while more:
        page = await sent.fails(after=after, limit=100)
        assert len(page.numbers) <= 100
        read += page.numbers
        after, more = page.numbers[-1], page.more
    assert read == expected


async def test_another_companys_fails_are_not_told(
    campaign: Process,
    gateway: Client,
    messaging: Client,
    auth: Client,
    windows: list[RecipientsHandedOver],
    sent: Sent,
) -> None:
    theirs = Sent(campaign, gateway, messaging, windows, await provision(campaign, auth))
    await theirs.to([LONG, SHORT], State.FAILED, State.FAILED, State.FAILED)
    await sent.to([LONG], State.FAILED, State.FAILED)

    assert (await theirs.fails()).numbers == [SHORT, LONG]
    assert (await sent.fails()).numbers == []


async def test_a_test_campaigns_fails_say_nothing_of_a_number(sent: Sent) -> None:
    await sent.to([LONG], State.FAILED, State.FAILED)
    may = by_test_key(sent.company_id)
    list_id = await new_list(sent.gateway, sent.company_id, [LONG])
    id_ = (await sent.gateway.ask(CreateCampaign(title=str(uuid4()), body="Tea.", sender=HEADER), may)).id
    await sent.gateway.ask(LinkList(campaign_id=id_, list_id=list_id), may)
    await sent.gateway.ask(LaunchCampaign(campaign_id=id_), may)
    await sent.end(id_, 1, State.FAILED)

    assert (await sent.fails()).numbers == []
    await sent.to([LONG], State.FAILED)
    assert (await sent.fails()).numbers == [LONG]


async def test_the_books_name_a_fail_that_was_not_noted(campaign: Process, console: Client, sent: Sent) -> None:
    id_, *_ = await sent.to([LONG, SHORT], State.FAILED, State.FAILED)

    async def faults() -> list[str]:
        return [fault for fault in (await console.ask(ReadCampaignBooks())).faults if fault.startswith("campaign ")]

    assert await faults() == []
    await value(campaign, "DELETE FROM fails WHERE campaign_id = $1 AND number = $2 RETURNING 1", id_, int(LONG))
    assert await faults() == [f"campaign {id_}: 1 recipients failed who are not noted among the fails"]
    await value(campaign, "UPDATE campaigns SET test = true WHERE id = $1 RETURNING 1", id_)
    assert await faults() == []


async def test_a_page_that_never_was_and_a_time_too_far_away_are_refused(
    gateway: Client, console: Client, company_id: int
) -> None:
    may = grant(company_id)
    for after in ("447700900123", "+44 7700 900123", "x", "+", "+0", "\0", "+" + "9" * 16):
        assert await gateway.refused(ReadRecentFails(since=LONG_AGO, after=after), may) is Code.INVALID_REQUEST
    ahead = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))
    assert await gateway.refused(ReadRecentFails(since=ahead), may) is Code.INVALID_DATE
    for at in (datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999_999, UTC)):
        assert await gateway.ask(ReadRecentFails(since=at), may) == FailsPage(numbers=[], more=False)
    assert await gateway.refused(ReadRecentFails(since=LONG_AGO)) is Code.SESSION_EXPIRED
    assert await console.refused(ReadRecentFails(since=LONG_AGO)) is Code.PERMISSION_DENIED
