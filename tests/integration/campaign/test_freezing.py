"""From lists to recipients: whose words, who is left out and why, and what is refused before that."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from libs.common import clock
from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.campaign import (
    CampaignState,
    CreateCampaign,
    LaunchCampaign,
    LinkList,
    PauseCampaign,
    RecipientsHandedOver,
    ResumeCampaign,
    StopCampaign,
)
from libs.common.contracts.phonelist import AddEntries, CreateList, Entry, RecipientsPage
from libs.common.service import Process
from services.campaign.freezing import loop, store
from tests.harness import Client, eventually
from tests.integration.campaign.conftest import (
    HEADER,
    all_handed_over,
    new_campaign,
    number,
    progress,
    sender,
    value,
)

HELLO = "Hi {{First Name:title|friend}}, {{surname}} of {{city:upper}}."


async def list_of(gateway: Client, company_id: int, entries: Sequence[Entry]) -> int:
    may = sender(company_id)
    list_id = (await gateway.ask(CreateList(title=str(uuid4())), may)).id
    for first in range(0, len(entries), 500):
        await gateway.ask(AddEntries(list_id=list_id, entries=list(entries[first : first + 500])), may)
    return list_id


async def personal(gateway: Client, company_id: int, body: str, *lists: int, excluding: Sequence[int] = ()) -> int:
    may = sender(company_id)
    create = CreateCampaign(title=str(uuid4()), body=body, sender=HEADER, personal=True)
    id_ = (await gateway.ask(create, may)).id
    for list_id in [*lists, *excluding]:
        await gateway.ask(LinkList(campaign_id=id_, list_id=list_id, exclude=list_id in excluding), may)
    return id_


async def rows(process: Process, sql: str, *args: object) -> list[tuple[Any, ...]]:
    assert process.db is not None
    async with process.db.reading() as tx:
        return [tuple(row) for row in await tx.fetch(sql, *args)]


async def frozen(gateway: Client, company_id: int, campaign_id: int) -> bool:
    return (await progress(gateway, company_id, campaign_id)).state not in (
        CampaignState.LAUNCHED,
        CampaignState.FREEZING,
    )


BODIES = "SELECT number, body FROM recipients WHERE campaign_id = $1 ORDER BY position"
COUNTS = "SELECT targeted, excluded, incomplete, (SELECT sum(numbers)::int FROM links WHERE campaign_id = id) FROM campaigns WHERE id = $1"


async def test_each_recipient_is_frozen_with_words_of_its_own_and_they_stay_so(
    campaign: Process, gateway: Client, company_id: int, windows: list[RecipientsHandedOver]
) -> None:
    entries = [
        Entry(phone_number=number(1), first_name="SAM", surname="O'Brien", city="Bath"),
        Entry(phone_number=number(2), surname="{{city}}", city="York"),
        Entry(phone_number=number(3), first_name="Zo\u00eb \U0001f600", surname="X", city="Ely"),
    ]
    list_id = await list_of(gateway, company_id, entries)
    id_ = await personal(gateway, company_id, HELLO, list_id)

    await gateway.ask(LaunchCampaign(campaign_id=id_), sender(company_id))
    await all_handed_over(windows, id_, 3)

    assert await rows(campaign, BODIES, id_) == [
        (int(number(1)), "Hi Sam, O'Brien of BATH."),
        (int(number(2)), "Hi friend, {{city}} of YORK."),
        (int(number(3)), "Hi Zo\u00eb \U0001f600, X of ELY."),
    ]


async def test_a_bad_template_is_refused_when_it_is_made_and_nobody_elses_braces_are(
    gateway: Client, company_id: int
) -> None:
    may = sender(company_id)
    bad = CreateCampaign(title="t", body="Hi {{fist_name}}", sender=HEADER, personal=True)

    with pytest.raises(Refusal, match=r"is first_name meant\? \(at character 6\)") as refusal:
        await gateway.ask(bad, may)
    assert refusal.value.code is Code.INVALID_REQUEST
    long = "x" * 1_530
    too_long = bad.model_copy(update={"body": f"{long}{{{{city}}}}"})
    assert await gateway.refused(too_long, may) is Code.TEXT_TOO_LONG
    await gateway.ask(bad.model_copy(update={"personal": False}), may)


async def test_entries_that_lack_a_field_are_told_before_launch_and_left_out_where_that_is_wanted(
    campaign: Process, gateway: Client, company_id: int, windows: list[RecipientsHandedOver]
) -> None:
    full = {"first_name": "Sam", "surname": "Sample", "city": "Bath"}
    entries = [Entry(phone_number=number(n), **full) for n in range(1, 601)]
    entries[1] = Entry(phone_number=number(2), first_name="Sam")
    entries[598] = Entry(phone_number=number(599), surname="Sample", city=" ")
    plain, lacking = (
        await list_of(gateway, company_id, [Entry(phone_number=number(700), **full)]),
        await list_of(gateway, company_id, entries),
    )
    id_ = await personal(gateway, company_id, HELLO, plain, lacking)
    may = sender(company_id)

    with pytest.raises(Refusal) as refusal:
        await gateway.ask(LaunchCampaign(campaign_id=id_), may)
    assert refusal.value.code is Code.MISSING_FIELDS
    assert refusal.value.detail == (
        f"2 entries lack fields that the text needs: list {lacking}, row 2, {number(2)}: surname, city; "
        f"list {lacking}, row 599, {number(599)}: city"
    )
    assert (await progress(gateway, company_id, id_)).state is CampaignState.DRAFT
    await gateway.ask(LaunchCampaign(campaign_id=id_, leave_out_incomplete=True), may)

    await all_handed_over(windows, id_, 599)
    assert await rows(campaign, COUNTS, id_) == [(599, 0, 2, 601)]
    kept = await rows(
        campaign,
        "SELECT list_id, place, number, missing FROM incomplete_rows WHERE campaign_id = $1 ORDER BY place",
        id_,
    )
    assert kept == [
        (lacking, 2, int(number(2)), ["surname", "city"]),
        (lacking, 599, int(number(599)), ["city"]),
    ]
    seen = await progress(gateway, company_id, id_)
    assert {k: v for k, v in seen.left_out.items() if v} == {"incomplete": 2}


async def test_a_text_that_grows_too_long_or_comes_to_nothing_is_left_out_not_cut(
    campaign: Process, gateway: Client, company_id: int, windows: list[RecipientsHandedOver]
) -> None:
    entries = [
        Entry(phone_number=number(1), user1="x" * 999, user2="x" * 532),
        Entry(phone_number=number(2), user1="x" * 999, user2="x" * 531),
        Entry(phone_number=number(3)),
    ]
    id_ = await personal(gateway, company_id, "{{user1|}}{{user2|}}", await list_of(gateway, company_id, entries))

    await gateway.ask(LaunchCampaign(campaign_id=id_), sender(company_id))
    (only,) = await all_handed_over(windows, id_, 1)

    assert only.number == number(2)
    kept = await rows(campaign, "SELECT place, missing FROM incomplete_rows WHERE campaign_id = $1 ORDER BY place", id_)
    assert kept == [(1, ["(too long)"]), (3, ["(empty)"])]


async def test_of_a_number_on_several_lists_the_list_linked_first_has_the_words_but_for_entries_that_lack_them(
    campaign: Process, gateway: Client, company_id: int, windows: list[RecipientsHandedOver]
) -> None:
    later = await list_of(gateway, company_id, [Entry(phone_number=number(n), city="Later") for n in (1, 2, 3)])
    first = await list_of(
        gateway, company_id, [Entry(phone_number=number(1), city="First"), Entry(phone_number=number(2))]
    )
    id_ = await personal(gateway, company_id, "{{city}}", first, later)

    await gateway.ask(LaunchCampaign(campaign_id=id_, leave_out_incomplete=True), sender(company_id))
    await all_handed_over(windows, id_, 3)

    assert [body for _, body in await rows(campaign, BODIES, id_)] == ["First", "Later", "Later"]
    assert await rows(campaign, COUNTS, id_) == [(3, 0, 1, 5)]


async def test_numbers_of_excluded_lists_get_nothing_and_are_forgotten_when_all_is_frozen(
    campaign: Process, gateway: Client, company_id: int, windows: list[RecipientsHandedOver]
) -> None:
    lists = [
        await list_of(gateway, company_id, [Entry(phone_number=number(n)) for n in numbers])
        for numbers in (range(1, 11), range(6, 16), range(10, 13), range(14, 30))
    ]
    id_ = await new_campaign(gateway, company_id, *lists[:2])
    for list_id in lists[2:]:
        await gateway.ask(LinkList(campaign_id=id_, list_id=list_id, exclude=True), sender(company_id))

    await gateway.ask(LaunchCampaign(campaign_id=id_), sender(company_id))
    recipients = await all_handed_over(windows, id_, 10)

    assert [recipient.number for recipient in recipients] == [number(n) for n in [*range(1, 10), 13]]
    # 10 is excluded twice, once of each list; 6 to 9 are on both lists.
    assert await rows(campaign, COUNTS, id_) == [(10, 6, 0, 20)]
    seen = await progress(gateway, company_id, id_)
    assert {k: v for k, v in seen.left_out.items() if v} == {"duplicate": 4, "excluded": 6}
    assert await loop.forget(campaign.app) == 19
    assert await value(campaign, "SELECT count(*) FROM excluded_numbers") == 0


async def test_what_a_campaign_excludes_is_kept_while_it_is_frozen_or_paused_within(
    campaign: Process, gateway: Client, company_id: int
) -> None:
    id_ = await value(
        campaign,
        "INSERT INTO campaigns (company_id, folder_id, title, body, brand, sender, lease_hours, test, state, starts_at, launched_at)"
        " VALUES ($1, 0, 't', 'b', '', 's', 0, false, 'paused', now(), now()) RETURNING id",
        company_id,
    )
    await value(campaign, "INSERT INTO excluded_numbers VALUES ($1, 1) RETURNING 1", id_)

    assert await loop.forget(campaign.app) == 0
    await value(campaign, "UPDATE campaigns SET state = 'stopped' WHERE id = $1 RETURNING 1", id_)
    assert await loop.forget(campaign.app) == 1


async def test_nothing_is_frozen_while_a_campaign_is_paused_and_resumed_it_is_frozen_whole(
    campaign: Process,
    gateway: Client,
    company_id: int,
    windows: list[RecipientsHandedOver],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loop, "TURN_S", 0.0)
    monkeypatch.setattr(
        store, "CLAIM_IF_FREEZING", store.CLAIM_IF_FREEZING.replace("'freezing' AND", "'freezing' AND false AND")
    )
    entries = [Entry(phone_number=number(n)) for n in range(700)]
    id_ = await new_campaign(gateway, company_id, await list_of(gateway, company_id, entries))
    may = sender(company_id)
    await gateway.ask(LaunchCampaign(campaign_id=id_), may)
    await eventually(lambda: value(campaign, "SELECT state = 'freezing' FROM campaigns WHERE id = $1", id_))

    await gateway.ask(PauseCampaign(campaign_id=id_), may)
    monkeypatch.undo()
    assert await loop.freeze(campaign.app) == 0
    assert await rows(campaign, COUNTS, id_) == [(0, 0, 0, 0)]
    await gateway.ask(ResumeCampaign(campaign_id=id_), may)

    assert len(await all_handed_over(windows, id_, 700)) == 700


async def test_a_freezer_that_is_late_with_a_page_another_has_frozen_adds_nothing(
    campaign: Process, gateway: Client, company_id: int
) -> None:
    list_id = await list_of(gateway, company_id, [Entry(phone_number=number(n)) for n in range(10)])
    id_ = await new_campaign(gateway, company_id, list_id, launch_at=clock.now() + timedelta(hours=1))
    await gateway.ask(LaunchCampaign(campaign_id=id_), sender(company_id))
    leased = (
        "UPDATE campaigns SET state = 'freezing', freeze_again_at = now() + interval '1 h' WHERE id = $1 RETURNING id"
    )
    await value(campaign, leased, id_)
    page = store.Page(id_, company_id, "", False, False, list_id, False, 0, None, 0, True)
    read = RecipientsPage(numbers=[number(1)], last=1, until=10, more=True)
    assert campaign.db is not None

    async with campaign.db.transaction() as tx:
        assert await store.lock_if_page_is_next(tx, page, read) == store.Counts(0, 0, 0)
    async with campaign.db.transaction() as tx:
        assert await store.lock_if_page_is_next(tx, page, read) is None

    await gateway.ask(StopCampaign(campaign_id=id_), sender(company_id))
    next_ = page.after(read)
    assert (next_.read_to, next_.read_until, next_.numbers) == (1, 10, 1)
    async with campaign.db.transaction() as tx:
        assert await store.lock_if_page_is_next(tx, next_, read) is None
