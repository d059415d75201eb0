"""The ledger as operators see it: a text's whole life, the books, and a word on what is in doubt. Never shows a text's body."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
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
from libs.common.loop import Loop
from services.messaging.app import Messaging
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
    made = f"made, lane {Lane(row['lane']).name.lower()}{', a test' if row['test'] else ''}"
    steps: list[dict[str, Any]] = [{"at": uuid7_time(row["id"]), "what": made}]
    if row["send_at"]:
        steps.append({"at": row["send_at"], "what": "not to be sent before this"})
    if row["claimed_at"]:
        steps.append({"at": row["claimed_at"], "what": f"claimed, attempt {row['attempts']}"})
        receipts = await store.receipts_of(
            tx, row["id"], row["claimed_at"], (row["settled_at"] or now()) + RECEIPT_SPAN
        )
        steps += [{"at": r["at"], "what": f"receipt: {r['status']} {r['error'] or ''}".strip()} for r in receipts]
    if row["submitted_at"]:
        steps.append({"at": row["submitted_at"], "what": f"taken by {row['carrier']} as {row['reference']}"})
    if row["next_attempt_at"] and row["attempts"]:
        steps.append({"at": row["next_attempt_at"], "what": f"next attempt, after: {row['reason']}"})
    if row["settled_at"]:
        steps.append({"at": row["settled_at"], "what": f"{row['state']} {row['reason']}".strip()})
    return sorted(steps, key=lambda step: step["at"])


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


async def make_partitions(app: Messaging) -> int:
    """Next month's part of the ledger, made ahead: there is no default one."""
    async with app.db.transaction() as tx:
        await store.make_next_partition(tx)
    return 0


LOOPS = [Loop("make_partitions", make_partitions, every_s=6 * 3600.0)]
