"""What recipients texted back, and which of them opted out: each is put to the newest campaign that went to the number from that sender within REPLY_DAYS.

Owns `replies`. Keeps no number and no words: a recipient's position stands for both. What a text means is inbound's business.
"""

from __future__ import annotations

from libs.common.contracts.inbound import ContactsStopped, TextsReceived
from libs.common.db import Tx
from services.campaign.replies import rules, store


async def on_texts_received(tx: Tx, event: TextsReceived) -> None:
    campaigns = await store.recent(tx, event.company_id, {(item.to, item.at) for item in event.items})
    if campaigns:
        await store.keep(tx, rules.texts(event.items), campaigns, opt_out=False)


async def on_contacts_stopped(tx: Tx, event: ContactsStopped) -> None:
    campaigns = await store.recent(tx, event.company_id, {(item.header, item.at) for item in event.items})
    if campaigns:
        await store.keep(tx, rules.opt_outs(event.company_id, event.items), campaigns, opt_out=True)
