"""Usage: what texts cost, what was used, and what companies may still send. Operators set prices and accounts; a company's people read their own."""

from __future__ import annotations

from libs.common.bus import Asked
from libs.common.clock import now
from libs.common.contracts.base import Code, Done, Refusal
from libs.common.contracts.usage import (
    Account,
    Price,
    Prices,
    ReadAccount,
    ReadPrices,
    ReadUsage,
    SetAccount,
    SetPrices,
    UsagePage,
    UsageRow,
)
from libs.common.db import Tx
from services.messaging.usage import rules, store


async def set_prices(tx: Tx, ask: Asked[SetPrices]) -> Done:
    prices = {price.prefix: price.micros for price in ask.body.prices}
    if len(prices) < len(ask.body.prices):
        raise Refusal(Code.INVALID_REQUEST, "a prefix has two prices")
    await store.set_prices(tx, ask.body.currency, prices)
    return Done()


async def read_prices(tx: Tx, ask: Asked[ReadPrices]) -> Prices:
    currency, prices = await store.prices(tx)
    return Prices(currency=currency, prices=[Price(prefix=prefix, micros=prices[prefix]) for prefix in sorted(prices)])


async def read_usage(tx: Tx, ask: Asked[ReadUsage]) -> UsagePage:
    query = ask.body
    if query.since > query.until:
        raise Refusal(Code.INVALID_REQUEST, "since is after until")
    company_id = _whose(ask)
    currency, _ = await store.prices(tx)
    since, until = query.since.replace(day=1), query.until.replace(day=1)
    rows = await store.rows(tx, since, until, company_id, query.skip, query.limit + 1)
    items = [UsageRow.model_construct(**row) for row in rows[: query.limit]]
    return UsagePage.model_construct(currency=currency, rows=items, more=len(rows) > query.limit)


def _whose(ask: Asked[ReadUsage] | Asked[ReadAccount]) -> int:
    return ask.caller.company_id or ask.body.company_id  # who is of no company is the command line


async def set_account(tx: Tx, ask: Asked[SetAccount]) -> Done:
    wanted = ask.body
    if not wanted.company_id:
        raise Refusal(Code.INVALID_REQUEST, "whose account? name a company")
    if wanted.unlimited and not (wanted.credit_micros is wanted.top_up_micros is wanted.parts_a_month is None):
        raise Refusal(Code.INVALID_REQUEST, "unlimited takes credit and cap away: it goes with neither")
    if wanted.credit_micros is not None and wanted.top_up_micros is not None:
        raise Refusal(Code.INVALID_REQUEST, "credit is either set or topped up")
    month = rules.month_of(now())
    await store.lock_accounts(tx, [wanted.company_id], 0.0)
    row = await store.account(tx, wanted.company_id)
    known = rules.Terms() if row is None else rules.Terms(**{k: row[k] for k in rules.Terms.__slots__})
    terms = rules.changed(known, wanted)
    used = row["month_parts"] if row is not None and row["month"] == month else 0
    if known.parts_a_month is None and terms.parts_a_month is not None:  # nothing was counted till now
        used = await store.parts_of_month(tx, wanted.company_id, month)
    await store.set_account(tx, wanted.company_id, terms, month, used)
    return Done()


async def read_account(tx: Tx, ask: Asked[ReadAccount]) -> Account:
    company_id = _whose(ask)
    if not company_id:
        raise Refusal(Code.INVALID_REQUEST, "whose account? name a company")
    row = await store.account(tx, company_id)
    parts = await store.parts_of_month(tx, company_id, rules.month_of(now()))
    if row is None:
        return Account(parts_this_month=parts)
    granted = row["granted_micros"]
    return Account(
        credit_micros=None if granted is None else granted - row["spent_micros"],
        low_micros=row["low_micros"],
        parts_a_month=row["parts_a_month"],
        parts_this_month=parts,
        weight=row["weight"],
    )
