"""Previews: what entries of the lists would get, and the entry of one number."""

from __future__ import annotations

import pytest

from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.campaign import LinkList, PreviewCampaign, PreviewedText
from libs.common.contracts.phonelist import Entry
from tests.harness import Client, grant
from tests.integration.campaign.conftest import HEADER, new_campaign, number, sender
from tests.integration.campaign.test_freezing import list_of, personal


async def test_the_first_entries_of_the_lists_in_the_order_of_linking(gateway: Client, company_id: int) -> None:
    second = await list_of(gateway, company_id, [Entry(phone_number=number(9), city="ely")])
    first = await list_of(
        gateway, company_id, [Entry(phone_number=number(1), city="bath"), Entry(phone_number=number(2))]
    )
    id_ = await personal(gateway, company_id, "To {{city:title}}", first, second)

    seen = await gateway.ask(PreviewCampaign(campaign_id=id_), grant(company_id))

    assert seen.sender == HEADER
    assert seen.items == [
        PreviewedText(number=number(1), body="To Bath"),
        PreviewedText(number=number(2), body="", missing=["city"]),
        PreviewedText(number=number(9), body="To Ely"),
    ]
    two = await gateway.ask(PreviewCampaign(campaign_id=id_, limit=2), grant(company_id))
    assert two.items == seen.items[:2]


async def test_one_number_has_the_words_of_the_first_list_that_holds_it(gateway: Client, company_id: int) -> None:
    lists = [
        await list_of(gateway, company_id, [Entry(phone_number=number(n), city=city) for n in numbers])
        for city, numbers in (("Bath", [1]), ("Ely", [1, 2]), ("", [3]))
    ]
    id_ = await personal(gateway, company_id, "To {{city}}", *lists[:2], excluding=lists[2:])

    async def body(n: int) -> str:
        preview = PreviewCampaign(campaign_id=id_, number=f"0{number(n)[3:]}")
        (item,) = (await gateway.ask(preview, grant(company_id))).items
        assert item.number == number(n)
        return item.body

    assert [await body(1), await body(2)] == ["To Bath", "To Ely"]
    for n, why in ((3, "excludes"), (4, "none of the campaign's lists")):
        with pytest.raises(Refusal, match=why) as refusal:
            await body(n)
        assert refusal.value.code is Code.NOT_FOUND


async def test_a_plain_text_is_shown_as_it_is_and_a_strangers_not_at_all(gateway: Client, company_id: int) -> None:
    list_id = await list_of(gateway, company_id, [Entry(phone_number=number(1))])
    id_ = await new_campaign(gateway, company_id, list_id)
    excluding = await list_of(gateway, company_id, [])
    await gateway.ask(LinkList(campaign_id=id_, list_id=excluding, exclude=True), sender(company_id))

    seen = await gateway.ask(PreviewCampaign(campaign_id=id_), grant(company_id))

    assert [(item.number, item.body) for item in seen.items] == [(number(1), "Tea is served.")]
    assert await gateway.refused(PreviewCampaign(campaign_id=id_), grant(company_id + 1)) is Code.NOT_FOUND
    assert await gateway.refused(PreviewCampaign(campaign_id=id_, number="x"), grant(company_id)) is Code.INVALID_NUMBER
