"""Lookups: a company reads its own texts, one by id or many by what it knows of them. Changes nothing.

A text is in exactly one of the ledger's two parts at any moment, and each read is one statement: none is missed or seen twice while it moves.
"""

from __future__ import annotations

from libs.common.bus import Asked
from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.messaging import TEXTS_PAGE_MAX, FindTexts, ReadText, State, Text, TextPage
from libs.common.db import Tx
from libs.common.db.pool import Record
from libs.common.gsm import segments
from libs.common.ids import uuid7_time
from libs.common.phone import required
from services.messaging.lookups import rules, store


async def read_text(tx: Tx, ask: Asked[ReadText]) -> Text:
    row = await store.one(tx, ask.caller.company_id, ask.body.id)
    if row is None:
        raise Refusal(Code.NOT_FOUND, "the company has no such text")
    return _text(row)


async def find_texts(tx: Tx, ask: Asked[FindTexts]) -> TextPage:
    query = ask.body
    if "\x00" in (query.reference or ""):
        raise Refusal(Code.INVALID_REQUEST, "a reference cannot hold a null character")
    number = None if query.number is None else required(query.number)
    ids = rules.between(query.since, query.until, query.after)
    limit = min(query.limit, TEXTS_PAGE_MAX)
    rows = await store.page(tx, ask.caller.company_id, ids, query.state, query.reference, number, limit + 1)
    return TextPage.model_construct(items=[_text(row) for row in rows[:limit]], more=len(rows) > limit)


def _text(row: Record) -> Text:
    return Text.model_construct(
        id=row["id"],
        sender=row["sender"],
        to=row["number"],
        body=row["body"],
        parts=row["parts"] or segments(row["body"]),
        state=State(row["state"]),
        reason=row["reason"],
        reference=row["client_reference"] or "",
        send_at=row["send_at"],
        created_at=uuid7_time(row["id"]),
        submitted_at=row["submitted_at"],
        settled_at=row["settled_at"],
        test=row["test"],
    )
