"""Consents: a company's people, or the command line for them, write down who agreed or withdrew, and read the ledger.

What was withdrawn elsewhere can be obeyed here, in the same transaction: so that whoever was opted out of another service is not texted by this one.
"""

from __future__ import annotations

from libs.common import phone
from libs.common.bus import Asked
from libs.common.clock import now
from libs.common.contracts.auth import SEND
from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.consents import ConsentPage, ConsentsRecorded, ReadConsents, RecordConsents
from libs.common.db import Tx
from services.inbound.consents import rules, store
from services.inbound.optouts import handlers as optouts
from services.inbound.optouts.store import lock


async def record(tx: Tx, ask: Asked[RecordConsents]) -> ConsentsRecorded:
    caller = ask.caller
    if caller.company_id and SEND not in caller.permissions:
        raise Refusal(Code.PERMISSION_DENIED, "whoever may send may record consents")
    company_id = caller.company_id or ask.body.company_id
    if not company_id:
        raise Refusal(Code.INVALID_REQUEST, "whose consents? name a company")
    consents = rules.checked(company_id, caller.user_id, ask.body.items, now())
    new = await store.record(tx, consents)
    stops = rules.stops(one for one in consents if (company_id, one.id) in new) if ask.body.stops else []
    if stops:
        await lock(tx, {one.number for one in stops})
        await optouts.act(tx, stops)
    return ConsentsRecorded(
        recorded=len(new), repeated=len(ask.body.items) - len(new), stopped=len({one.number for one in stops})
    )


async def read(tx: Tx, ask: Asked[ReadConsents]) -> ConsentPage:
    number = None if ask.body.number is None else phone.required(ask.body.number)
    return await store.page(tx, ask.caller.company_id or ask.body.company_id, number, ask.body)
