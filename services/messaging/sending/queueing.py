"""Queueing: every text that is to go out comes into the ledger here, with its carrier and the reason for it."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from libs.common import countries
from libs.common.contracts.campaign import RecipientsHandedOver
from libs.common.contracts.messaging import State
from libs.common.db import Tx
from services.messaging.ledger.closing import close, close_each
from services.messaging.routing.handlers import NO_ROUTE, routed
from services.messaging.routing.rules import Routable
from services.messaging.sending import store
from services.messaging.sending.rules import Lane
from services.messaging.sending.store import Course, Draft
from services.messaging.submitting.loop import wake_name

UNROUTED = -1  # no carrier has this id: closed in the same transaction


async def queue(tx: Tx, lane: Lane, drafts: Sequence[Draft]) -> None:
    """One row a text, before anything else happens. A text that no route matches is rejected at once, and that is told."""
    if not drafts:
        return
    ways = await _ways(tx, [Routable(d.id, d.company_id, lane, d.number, d.sender, d.test) for d in drafts], lane)
    await store.insert(tx, lane, drafts, ways)
    await _reject(tx, [draft.id for draft, way in zip(drafts, ways, strict=True) if way[0] == UNROUTED])


async def queue_recipients(
    tx: Tx, window: RecipientsHandedOver, course: Course, bodies: Sequence[str | None] = ()
) -> None:
    """`bodies`: of each recipient, None for the campaign's; none at all where nobody has words of his own."""
    items = window.items
    unreachable = {recipient.id: why for recipient in items if (why := countries.reachable(recipient.number))}
    texts = [Routable(r.id, window.company_id, Lane.BULK, r.number, window.sender, window.test) for r in items]
    ways = await _ways(tx, texts, Lane.BULK)
    await store.insert_recipients(tx, window, course, bodies, ways)
    await _reject(tx, [recipient.id for recipient, way in zip(items, ways, strict=True) if way[0] == UNROUTED])
    await close_each(tx, [(id_, State.REJECTED, why) for id_, why in unreachable.items()])


async def _ways(tx: Tx, texts: Sequence[Routable], lane: Lane) -> list[tuple[int, int]]:
    ways = [way or (UNROUTED, 0) for way in await routed(tx.app, texts)]
    for route in {route for route, _ in ways}:
        tx.wake(wake_name(route, lane))
    return ways


async def _reject(tx: Tx, ids: Sequence[UUID]) -> None:
    await close(tx, ids, State.REJECTED, NO_ROUTE)
