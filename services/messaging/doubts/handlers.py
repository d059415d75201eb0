"""Doubts, for operators: listed, counted, and settled by their word."""

from __future__ import annotations

from libs.common.bus import Asked
from libs.common.contracts.base import Code, Done, Refusal
from libs.common.contracts.messaging import SettleInDoubt, State
from libs.common.contracts.routing import Doubt, Doubts, ListDoubts
from libs.common.db import Tx
from services.messaging.doubts import store
from services.messaging.ledger.closing import close
from services.messaging.ledger.store import life
from services.messaging.sending.rules import Lane
from services.messaging.sending.states import END


async def list_doubts(tx: Tx, ask: Asked[ListDoubts]) -> Doubts:
    rows = await store.listed(tx, ask.body.limit)
    items = [Doubt(**{**row, "lane": Lane(row["lane"]).name.lower()}) for row in rows]
    return Doubts(items=items, total=await store.count(tx))


async def settle_in_doubt(tx: Tx, ask: Asked[SettleInDoubt]) -> Done:
    """An operator knows better, from the carrier or the person."""
    if ask.body.state not in END:
        raise Refusal(Code.INVALID_REQUEST, "a text in doubt is settled to an end state")
    row = await life(tx, ask.body.id)
    if row is None:
        raise Refusal(Code.NOT_FOUND, "there is no such text")
    if row["state"] != State.IN_DOUBT or not await close(tx, [ask.body.id], ask.body.state, "settled by an operator"):
        raise Refusal(Code.WRONG_STATE, f"the text is {row['state']}, not in doubt, or cannot become {ask.body.state}")
    return Done()
