"""Previews: the text as entries of the campaign's lists would get it. Changes nothing; the words are made by the code that freezes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from libs.common import merge, phone
from libs.common.bus import Asked
from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.campaign import CampaignPreview, PreviewCampaign, PreviewedText
from libs.common.contracts.phonelist import ReadRecipient, ReadRecipients, RecipientsPage
from libs.common.db import Tx
from libs.common.service import Kernel
from services.campaign.campaigns.handlers import NO_CAMPAIGN
from services.campaign.freezing import rules, store
from services.campaign.freezing.lists import asked


async def preview(tx: Tx, ask: Asked[PreviewCampaign]) -> CampaignPreview:
    query, company_id = ask.body, ask.caller.company_id
    campaign = await store.previewed(tx, company_id, query.campaign_id)
    if campaign is None:
        raise Refusal(Code.NOT_FOUND, NO_CAMPAIGN)
    template = rules.template(campaign.body, personal=campaign.personal)
    fields = list(template.fields) if template else []
    if query.number:
        pages = [await _entry_of(tx.app, company_id, campaign, phone.required(query.number), fields)]
    else:
        pages = await _first_entries(tx.app, company_id, campaign, query.limit, fields)
    items = [item for page in pages for item in _items(page, campaign.body, template)]
    return CampaignPreview(sender=campaign.sender, items=items[: query.limit])


async def _entry_of(
    app: Kernel[Any], company_id: int, campaign: store.Previewed, number: str, fields: list[str]
) -> RecipientsPage:
    """The number's entry, of the first list that holds it."""
    for list_id in [*campaign.excluding, *campaign.lists]:
        try:
            query = ReadRecipient(company_id=company_id, list_id=list_id, number=number, fields=fields)
            (page,) = await asked(app, [query])
        except Refusal as refusal:
            if refusal.code is not Code.NOT_FOUND:
                raise
        else:
            if list_id in campaign.excluding:
                raise Refusal(Code.NOT_FOUND, f"list {list_id}, which the campaign excludes, holds this number")
            return page
    raise Refusal(Code.NOT_FOUND, "none of the campaign's lists holds this number")


async def _first_entries(
    app: Kernel[Any], company_id: int, campaign: store.Previewed, limit: int, fields: list[str]
) -> list[RecipientsPage]:
    pages: list[RecipientsPage] = []
    for list_id in campaign.lists:
        query = ReadRecipients(company_id=company_id, list_id=list_id, fields=fields, limit=limit)
        pages += await asked(app, [query])
        if sum(len(page.numbers) for page in pages) >= limit:
            break
    return pages


def _items(page: RecipientsPage, body: str, template: merge.Template | None) -> Sequence[PreviewedText]:
    if template is None:
        return [PreviewedText(number=number, body=body) for number in page.numbers]
    items = []
    for number, values in zip(page.numbers, page.values, strict=True):
        words = rules.words(template, values)
        if isinstance(words, merge.Missing):
            items.append(PreviewedText(number=number, body="", missing=list(words.fields)))
        else:
            items.append(PreviewedText(number=number, body=words))
    return items
