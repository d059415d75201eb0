"""Suppressions: the opt-outs that sending obeys, and the numbers that take no texts. Inbound decides what a STOP is; this is where it takes effect.

From the commit of `stopped` on, no claim takes a text that it covers; what was claimed is looked at once more just before the write.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from libs.common import clock, crash
from libs.common.bus import Asked
from libs.common.contracts.base import Code, Done, Refusal
from libs.common.contracts.inbound import ContactsReinstated, ContactsStopped
from libs.common.contracts.messaging import FailedNumber, FailedNumbers, LiftFailed, ReadFailed, State
from libs.common.db import Tx
from libs.common.db.pool import Record
from libs.common.loop import Loop
from libs.common.phone import E164, required, sender_key
from services.messaging.carriers.carrier import Failure
from services.messaging.ledger.closing import close
from services.messaging.sending.rules import Lane
from services.messaging.suppressions import rules, store

if TYPE_CHECKING:
    from services.messaging.app import Messaging


async def stopped(tx: Tx, event: ContactsStopped) -> None:
    """Opts the numbers out and ends what is queued to them singly; a campaign's, and other companies', are suppressed by the claim that meets them."""
    contacts = [(rules.SOFT if contact.soft else rules.STOP, contact) for contact in event.items]
    numbers = await store.apply_if_newer(tx, event.company_id, True, contacts)
    against: dict[str, set[UUID]] = defaultdict(set)
    for row in await store.queued_singles_to(tx, event.company_id, numbers) if numbers else []:
        if reason := reason_against(tx, row):
            against[reason].add(row["id"])
    for reason, ids in against.items():
        await close(tx, await store.still_queued(tx, ids), State.SUPPRESSED, reason)
    crash.point("stop.applied")


def reason_against(tx: Tx, row: Record | Mapping[str, Any]) -> str:
    """Why this row of an open text (or what would be one), with its `stops`, is not to go out; '' where it is."""
    key = sender_key(row["sender"])
    header = tx.app.headers.get((row["company_id"], key))
    return rules.why_not(row["stops"] or (), key, header.brand if header else "", Lane(row["lane"]))


async def reinstated(tx: Tx, event: ContactsReinstated) -> None:
    """A START lifts what only looked like a STOP, too."""
    causes = {False: (rules.STOP, rules.SOFT), True: (rules.SOFT,)}
    contacts = [(cause, contact) for contact in event.items for cause in causes[contact.soft]]
    await store.apply_if_newer(tx, event.company_id, False, contacts)


async def note_failed(tx: Tx, failed: Sequence[tuple[Record, Failure]]) -> None:
    """Texts that a carrier could not deliver: a number that will never take one gets no marketing from now on, one that did not lately after some."""
    known = [(row, failure) for row, failure in failed if not row["test"]]
    if not known:
        return
    campaigns = await store.note_failures(tx, [row for row, _ in known])
    lasting = [
        (row, rules.suppressed_for(failure, campaigns.get((row["company_id"], row["number"]), 0)))
        for row, failure in known
    ]
    await store.suppress(tx, [(row, how_long) for row, how_long in lasting if how_long is not None])


async def read_failed(tx: Tx, ask: Asked[ReadFailed]) -> FailedNumbers:
    query = ask.body
    if query.after and not E164.fullmatch(query.after):
        raise Refusal(Code.INVALID_REQUEST, "after: this is not the last number of a page")
    since = clock.from_client(query.since) if query.since else None
    rows = await store.failed_page(tx, ask.caller.company_id, query.after, since, query.limit + 1)
    items = [FailedNumber(**row) for row in rows[: query.limit]]
    return FailedNumbers(items=items, more=len(rows) > query.limit)


async def lift_failed(tx: Tx, ask: Asked[LiftFailed]) -> Done:
    if not await store.lift(tx, ask.caller.company_id, required(ask.body.number)):
        raise Refusal(Code.NOT_FOUND, "nothing is held back from this number for its failures")
    return Done()


async def prune(app: Messaging) -> int:
    async with app.db.transaction() as tx:
        await store.prune(tx)
    return 0


LOOPS = [Loop("prune_failures", prune, every_s=3600.0)]
