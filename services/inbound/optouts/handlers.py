"""Opt-outs: obeys the wishes in texts as they are stored, in the same transaction, and answers who stopped or started again."""

from __future__ import annotations

from collections.abc import Sequence

from libs.common.bus import Asked
from libs.common.contracts.inbound import ContactPage, ReadReinstates, ReadStops
from libs.common.db import Tx
from services.inbound.optouts import rules, store
from services.inbound.optouts.rules import Wish, Wished


async def obey(tx: Tx, wished: Sequence[Wished]) -> None:
    """Counts and logs each wish, once, and announces what changed by it."""
    grouped = rules.by_contact(wished)
    if not grouped:
        return
    now = await store.count_wishes(tx, grouped)
    await store.log_wishes(tx, rules.numbered(grouped, now))
    for event in rules.announcements(grouped, now):
        tx.emit(event)


async def read_stops(tx: Tx, ask: Asked[ReadStops]) -> ContactPage:
    return await store.changed(tx, ask.caller.company_id, Wish.STOP, ask.body)


async def read_reinstates(tx: Tx, ask: Asked[ReadReinstates]) -> ContactPage:
    return await store.changed(tx, ask.caller.company_id, Wish.START, ask.body)
