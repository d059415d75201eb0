"""What is asked of phonelist about a campaign's lists while a client waits."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from libs.common.bus import Unanswered
from libs.common.contracts.base import Code, Contract, Query, Refusal
from libs.common.contracts.phonelist import FindIncomplete
from libs.common.db import Tx
from libs.common.service import Kernel
from services.campaign.freezing import rules, store

A = TypeVar("A", bound=Contract)

ASK_LIMIT_S = 3.0  # a look-up by key
CHECK_LIMIT_S = 8.0  # lists are read whole, a second for a million entries


async def asked(app: Kernel[Any], asks: Sequence[Query[A]], limit_s: float = ASK_LIMIT_S) -> list[A]:
    """Their answers, in order. Refused as the first of them that is; with unavailable where one is not answered."""
    try:
        return await asyncio.gather(*(app.asker.ask(ask, deadline_s=limit_s) for ask in asks))
    except Unanswered:
        raise Refusal(Code.UNAVAILABLE, "the lists cannot be asked now") from None


async def require_complete(tx: Tx, company_id: int, campaign_id: int, versions: Mapping[int, int]) -> None:
    """Refused with missing_fields where an entry of the campaign's lists, up to the key of each in `versions`, lacks a field that the text needs.

    Asked before the campaign is locked: a draft's text never changes.
    """
    campaign = await store.previewed(tx, company_id, campaign_id)
    template = rules.template(campaign.body, personal=campaign.personal) if campaign else None
    if campaign is None or template is None or not template.needed:
        return
    lists = [list_id for list_id in campaign.lists if list_id in versions]
    asks = [
        FindIncomplete(
            company_id=company_id,
            list_id=list_id,
            until=versions[list_id],
            fields=list(template.needed),
            limit=rules.ROWS_SHOWN,
        )
        for list_id in lists
    ]
    found = dict(zip(lists, await asked(tx.app, asks, CHECK_LIMIT_S), strict=True))
    if detail := rules.incomplete(found):
        raise Refusal(Code.MISSING_FIELDS, detail)
