"""The ledger as operators see it: a text's whole life, the books, and a word on what is in doubt. Never shows a text's body."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

from libs.common.bus import Asked
from libs.common.clock import now
from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.messaging import (
    CampaignTally,
    MessagingBooks,
    ReadMessagingBooks,
    ShowText,
    State,
    TextLife,
)
from libs.common.db import Tx
from libs.common.db.pool import Record
from libs.common.ids import uuid7_time
from services.messaging.ledger import store
from services.messaging.sending.rules import Lane

RECEIPT_SPAN = timedelta(minutes=5)  # around the submit and the end, where this text's raw receipts are looked for


async def show_text(tx: Tx, ask: Asked[ShowText]) -> TextLife:
    row = await store.life(tx, ask.body.id)
    if row is None:
        raise Refusal(Code.NOT_FOUND, "there is no such text")
    return TextLife(
        id=row["id"],
        company_id=row["company_id"],
        campaign_id=row["campaign_id"],
        sender=row["sender"],
        to=row["number"],
        state=State(row["state"]),
        reason=row["reason"],
        carrier=row["carrier"] or "",
        reference=row["reference"] or "",
        attempts=row["attempts"],
        steps=await _steps(tx, row),
    )


async def _steps(tx: Tx, row: Record) -> list[dict[str, Any]]:
    """Everything that is known of it, in order of time."""
    made = f"made, lane {Lane(row['lane']).name.lower()}{', a test' if row['test'] else ''}"
    steps: list[tuple[datetime, str]] = [(uuid7_time(row["id"]), made)]
    if row["why"]:
        steps.append((uuid7_time(row["id"]), f"route: {row['why']}"))
    if row["send_at"]:
        steps.append((row["send_at"], "not to be sent before this"))
    steps += [(each["at"], each["what"]) for each in await store.happenings(tx, row["id"])]
    if row["claimed_at"]:
        steps.append((row["claimed_at"], f"claimed, attempt {row['attempts']}"))
        steps += await _receipts(tx, row)
    if row["submitted_at"]:
        steps.append((row["submitted_at"], f"taken by {row['carrier']} as {row['reference']}"))
    if row["next_attempt_at"] and row["attempts"] and row["state"] == State.QUEUED:
        steps.append((row["next_attempt_at"], f"next attempt, after: {row['reason']}"))
    if row["settled_at"]:
        steps.append((row["settled_at"], f"{row['state']} {row['reason']}".strip()))
    return [{"at": at, "what": what} for at, what in sorted(steps, key=lambda step: step[0])]


async def _receipts(tx: Tx, row: Record) -> list[tuple[datetime, str]]:
    parts = await store.parts(tx, row["id"])
    references = [part["reference"] for part in parts] or [row["reference"] or ""]
    until = (row["settled_at"] or now()) + RECEIPT_SPAN
    received = await store.receipts_of(
        tx, row["id"], row["carrier"] or "", references, row["claimed_at"] - RECEIPT_SPAN, until
    )
    steps = [
        (p["at"], f"part {p['part']} of {p['parts']} taken as {p['reference']}: {p['state']}")
        for p in parts
        if p["parts"] > 1
    ]
    return steps + [(r["at"], f"receipt {r['reference']}: {r['status']} {r['error'] or ''}".strip()) for r in received]


async def read_books(tx: Tx, ask: Asked[ReadMessagingBooks]) -> MessagingBooks:
    tallies: dict[int, dict[State, int]] = defaultdict(dict)
    for row in await store.tally(tx, ask.body.campaigns):
        tallies[row["campaign_id"]][State(row["state"])] = row["texts"]
    return MessagingBooks(
        faults=await store.faults(tx, ask.body.campaigns),
        open={State(row["state"]): row["texts"] for row in await store.open_by_state(tx)},
        campaigns=[CampaignTally(campaign_id=id_, states=states) for id_, states in tallies.items()],
        outbox=await store.waiting_in_outbox(tx),
    )
