"""Charging: what a claim takes is paid for in its transaction, and what a carrier surely did not take is given back in the settling's.

Only of companies with credit or a cap is a row locked, for the rest of the claim's transaction: two claims of one company take turns, and never spend
more than there is. Tests cost nothing and are not counted.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from libs.common.clock import now
from libs.common.contracts.usage import AccountLow
from libs.common.db import Tx
from libs.common.db.pool import Record
from libs.common.phone import sender_key
from services.messaging.usage import rules, store
from services.messaging.usage.rules import Bound, Sum, Use

if TYPE_CHECKING:
    from services.messaging.app import Messaging
    from services.messaging.submitting.prepare import Prepared

LOW_TOLD_EVERY_S = 3600.0
TRIED_AGAIN_S = 60.0  # a company that nothing of could go: what of its texts is too old by now has to end


@dataclass(frozen=True, slots=True)
class Accounts:
    """What this process remembers of the accounts: whose sending is bounded and by what, and who weighs more than 1."""

    bounds: Mapping[int, Bound] = field(default_factory=dict)
    weights: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Waits:
    """What a company had left when nothing of its could go, and until when (monotonic) it is not claimed for."""

    bound: Bound
    until: float


@dataclass(frozen=True, slots=True)
class Opened:
    """The locked account of a company that is bounded, and what it may still spend."""

    bound: Bound
    low_micros: int
    low_told: bool


@dataclass(frozen=True, slots=True)
class Charge:
    """What a claim was charged to: its month, and the companies whose accounts paid."""

    month: date
    accounts: Collection[int] = ()


async def refresh(app: Messaging, tx: Tx) -> None:
    """Prices and accounts as they are now. A company that had nothing left is claimed for again once its account has changed, or after a while."""
    if (revision := await store.revision(tx)) != app.prices_revision:
        app.prices, app.prices_revision = await store.price_table(tx), revision
    rows = await store.accounts(tx)
    month = rules.month_of(now())
    app.accounts = Accounts(
        {row["company_id"]: _bound(row, month) for row in rows if _is_bounded(row)},
        {row["company_id"]: row["weight"] for row in rows if row["weight"] != 1},
    )
    app.waiting_for_credit = {
        company_id: waits
        for company_id, waits in app.waiting_for_credit.items()
        if app.accounts.bounds.get(company_id) == waits.bound and time.monotonic() < waits.until
    }


def _is_bounded(row: Record) -> bool:
    return row["granted_micros"] is not None or row["parts_a_month"] is not None


def _bound(row: Record, month: date) -> Bound:
    used = row["month_parts"] if row["month"] == month else 0
    credit = None if row["granted_micros"] is None else row["granted_micros"] - row["spent_micros"]
    return Bound(credit, None if row["parts_a_month"] is None else row["parts_a_month"] - used)


async def opened(app: Messaging, tx: Tx, texts: Sequence[Prepared]) -> dict[int, Opened]:
    """The accounts of those companies of `texts` that are bounded, locked."""
    bounds = app.accounts.bounds
    companies = {text.company_id for text in texts if text.company_id in bounds} if bounds else ()
    if not companies:
        return {}
    month = rules.month_of(now())
    rows = await store.lock_accounts(tx, companies, LOW_TOLD_EVERY_S)
    return {
        row["company_id"]: Opened(_bound(row, month), row["low_micros"], row["low_told"])
        for row in rows
        if _is_bounded(row)
    }


def affordable(
    app: Messaging, accounts: Mapping[int, Opened], texts: Sequence[Prepared]
) -> tuple[list[Prepared], list[Prepared]]:
    """Those that their companies can pay for, and those that have to wait. A company of which nothing goes is not claimed for until its account changes."""
    left = {company_id: account.bound for company_id, account in accounts.items()}
    go: list[Prepared] = []
    wait: list[Prepared] = []
    paying: set[int] = set()
    waiting: set[int] = set()
    for text in texts:
        if (bound := left.get(text.company_id)) is not None:
            after = bound.after(text.charged * text.price, text.charged)
            if not after.kept:
                waiting.add(text.company_id)
                wait.append(text)
                continue
            left[text.company_id] = after
            paying.add(text.company_id)
        go.append(text)
    for company_id in waiting - paying:
        app.waiting_for_credit[company_id] = Waits(accounts[company_id].bound, time.monotonic() + TRIED_AGAIN_S)
    return go, wait


async def charge(
    app: Messaging, tx: Tx, accounts: Mapping[int, Opened], texts: Sequence[Prepared], short: Collection[int]
) -> Charge:
    """Writes down what `texts` use and takes it from the accounts. `short`: companies of which some had to wait for credit."""
    month = rules.month_of(now())
    sums = rules.summed(
        ((t.company_id, t.sender, t.campaign_id or 0), not t.taken, t.charged, t.charged * t.price) for t in texts
    )
    if sums:
        await store.enter(tx, month, sums, _brands(app, sums))
    if accounts:
        spent = _by_company(sums, accounts)
        await store.spend(tx, month, spent)
        await _tell_low(tx, accounts, spent, short)
    return Charge(month, accounts.keys())


async def give_back(app: Messaging, tx: Tx, charge: Charge, untaken: Sequence[tuple[Prepared, int]]) -> None:
    """`untaken`: texts of a claim, each with how many of its parts were surely not taken."""
    sums = rules.summed(
        ((t.company_id, t.sender, t.campaign_id or 0), -(t.taken + t.charged == parts), -parts, -parts * t.price)
        for t, parts in untaken
    )
    if not sums:
        return
    await store.enter(tx, charge.month, sums, _brands(app, sums))
    if back := _by_company(sums, charge.accounts):
        await store.lock_accounts(tx, back, LOW_TOLD_EVERY_S)
        await store.give_back(tx, charge.month, back)


def _brands(app: Messaging, sums: Mapping[Use, Sum]) -> list[str]:
    headers = (app.headers.get((company_id, sender_key(sender))) for company_id, sender, _ in sums)
    return [header.brand if header else "" for header in headers]


def _by_company(sums: Mapping[Use, Sum], companies: Collection[int]) -> dict[int, Sum]:
    by_company: dict[int, Sum] = defaultdict(Sum)
    for (company_id, _, _), sum_ in sums.items():
        if company_id in companies:
            of_company = by_company[company_id]
            of_company.parts += sum_.parts
            of_company.micros += sum_.micros
    return by_company


async def _tell_low(tx: Tx, accounts: Mapping[int, Opened], spent: Mapping[int, Sum], short: Collection[int]) -> None:
    told = []
    for company_id, account in accounts.items():
        used = spent.get(company_id, Sum())
        left = account.bound.after(used.micros, used.parts)
        if not account.low_told and (
            company_id in short or (left.credit is not None and left.credit < account.low_micros)
        ):
            told.append(company_id)
            tx.emit(AccountLow(company_id=company_id, credit_micros=left.credit, parts_left=left.parts))
    if told:
        await store.low_told(tx, told)
