"""Opt-outs in people's hands: they add and lift them for a reason, settle what only looks like one, and set their company's policy.

Nothing is erased by it: each act is a wish with a place in the order of wishes, logged with who did it and why.
"""

from __future__ import annotations

from libs.common import phone
from libs.common.bus import Asked
from libs.common.clock import now
from libs.common.contracts.auth import SEND
from libs.common.contracts.base import Code, Done, Refusal
from libs.common.contracts.optouts import (
    AddOptOuts,
    LiftOptOut,
    OptOutPolicy,
    OptOuts,
    ReadOptOutPolicy,
    ReadOptOuts,
    ReadReviews,
    Reviews,
    SetOptOutPolicy,
    SettleReview,
)
from libs.common.db import Tx
from libs.common.grants import Caller
from libs.common.ids import uuid7
from services.inbound.optouts import addressing, contacts, policies, reviews, store
from services.inbound.optouts.contacts import Act, Wished
from services.inbound.optouts.handlers import act


def _company(caller: Caller, named: int) -> int:
    """A user speaks for its own company, the console for the one it names; 0 is every company."""
    return caller.company_id or named


def _acting(caller: Caller, named: int) -> int:
    if caller.company_id and SEND not in caller.permissions:
        raise Refusal(Code.PERMISSION_DENIED, "whoever may send may change opt-outs")
    return _company(caller, named)


async def add(tx: Tx, ask: Asked[AddOptOuts]) -> Done:
    company_id, header, scope = _acting(ask.caller, ask.body.company_id), ask.body.header, addressing.COMPANY
    numbers = {phone.required(number) for number in ask.body.numbers}
    if header:
        key = phone.sender_key(header)
        found = [party for party in (await policies.parties(tx, [key]))[key] if party.company_id == company_id]
        if not found:
            raise Refusal(Code.NOT_FOUND, "the company has no such header")
        header, scope = found[0].header, addressing.scope_of(found[0])
    await store.lock(tx, numbers)
    await act(
        tx,
        [
            Wished(
                company_id, number, scope, header, Act.STOP, now(), uuid7(), None, ask.caller.user_id, ask.body.reason
            )
            for number in sorted(numbers)
        ],
    )
    return Done()


async def lift(tx: Tx, ask: Asked[LiftOptOut]) -> Done:
    company_id, number = _acting(ask.caller, ask.body.company_id), phone.required(ask.body.number)
    await store.lock(tx, [number])
    closed = await store.closed(tx, company_id, number)
    if not closed:
        raise Refusal(Code.NOT_FOUND, "this number is not opted out")
    await act(
        tx,
        [
            Wished(
                company_id, number, scope, header, Act.START, now(), uuid7(), None, ask.caller.user_id, ask.body.reason
            )
            for scope, header in closed
        ],
    )
    return Done()


async def settle(tx: Tx, ask: Asked[SettleReview]) -> Done:
    company_id, text_id, user_id = _acting(ask.caller, ask.body.company_id), ask.body.id, ask.caller.user_id
    entry = await reviews.find(tx, company_id, text_id)
    if entry is None:
        raise Refusal(Code.NOT_FOUND, "there is no such text to review")
    await store.lock(tx, [entry.number])
    entry = await reviews.find(tx, company_id, text_id) or entry  # as it is now that nobody else can settle it
    if entry.settled:
        raise Refusal(Code.WRONG_STATE, "this text is settled")
    doing, id_ = (Act.STOP, uuid7()) if ask.body.opt_out else (Act.KEEP, contacts.just_after(text_id))
    outcome = "opted out" if ask.body.opt_out else "kept"
    await reviews.settle(tx, company_id, entry, text_id, outcome, user_id, ask.body.reason)
    wished = Wished(
        company_id, entry.number, entry.scope, entry.header, doing, now(), id_, None, user_id, ask.body.reason
    )
    await act(tx, [wished])
    return Done()


async def set_policy(tx: Tx, ask: Asked[SetOptOutPolicy]) -> Done:
    company_id = _acting(ask.caller, ask.body.company_id)
    if not company_id:
        raise Refusal(Code.INVALID_REQUEST, "whose policy? name a company")
    await policies.set_policy(tx, company_id, policies.checked(ask.body.policy))
    return Done()


async def read_policy(tx: Tx, ask: Asked[ReadOptOutPolicy]) -> OptOutPolicy:
    return await policies.policy_of(tx, _company(ask.caller, ask.body.company_id))


async def read(tx: Tx, ask: Asked[ReadOptOuts]) -> OptOuts:
    number = None if ask.body.number is None else phone.required(ask.body.number)
    return await store.stopped(tx, _company(ask.caller, ask.body.company_id), number, ask.body.after, ask.body.limit)


async def read_reviews(tx: Tx, ask: Asked[ReadReviews]) -> Reviews:
    return await reviews.page(tx, _company(ask.caller, ask.body.company_id), ask.body)
