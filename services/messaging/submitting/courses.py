"""The course of campaigns, obeyed by claims: what was put back to the queue after its campaign was paused or stopped, or while it is, does not go out."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from libs.common.contracts.messaging import State
from libs.common.db import Tx
from libs.common.db.pool import Record
from services.messaging.ledger.closing import close
from services.messaging.sending.rules import HELD_S, STOPPED
from services.messaging.sending.store import Course, courses
from services.messaging.submitting import store

STEERED_S = 0.2  # a campaign that is being steered: whoever does it takes its texts along when they are put back, and else they are looked at again
BEING_STEERED = Course("hold")


async def on_course(tx: Tx, claim_id: UUID, rows: Sequence[Record]) -> list[Record]:
    """Those that may go out, until the transaction ends; the others are held back or cancelled."""
    ids = {row["campaign_id"] for row in rows if row["campaign_id"] is not None}
    known = await courses(tx, ids) if ids else {}
    if all(id_ in known and known[id_].course == "go" for id_ in ids):
        return list(rows)
    go, waits, stopped = list[Record](), list[tuple[UUID, float]](), list[UUID]()
    for row in rows:
        course = known.get(row["campaign_id"], BEING_STEERED)
        if row["campaign_id"] is None or course.course == "go":
            go.append(row)
        else:
            waits.append((row["id"], HELD_S if course.held and course is not BEING_STEERED else STEERED_S))
            stopped += [row["id"]] if course.stopped else []
    await store.put_back(tx, claim_id, waits)
    await close(tx, sorted(stopped), State.CANCELLED, STOPPED)
    return go
