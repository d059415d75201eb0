"""Previews: what a text would take on the air, before anybody sends it. Changes nothing, and needs no permission."""

from __future__ import annotations

from libs.common.bus import Asked
from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.texts import PreviewText, TextPreview
from libs.common.db import Tx
from services.messaging.policies import store as policies
from services.messaging.previews import rules


async def preview_text(tx: Tx, ask: Asked[PreviewText]) -> TextPreview:
    if not ask.body.body.strip():
        raise Refusal(Code.TEXT_EMPTY, "a text needs at least one visible character")
    policy = await policies.policy_of(tx, ask.caller.company_id or ask.body.company_id)
    return rules.preview(ask.body.body, ask.body.sender.strip(), policy.near_gsm)
