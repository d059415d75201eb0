"""How recipients leave: how many at a time, in which windows, and which of the news about them counts.

Owns the limits of handing over. No I/O, no clock of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from libs.common.batches import in_messages
from libs.common.contracts.base import ITEMS_MAX
from libs.common.contracts.campaign import RecipientsHandedOver
from libs.common.contracts.messaging import SettledText, State
from libs.common.db.outbox import Encoded
from services.campaign.schedules.rules import Pace

# Handed over and not yet ended: two seconds of work at the 10,000 recipients a second we aim for, so that the pipeline never runs dry.
OPEN_MAX = 20_000
# Only the last OPEN_SPAN handed over are looked at: texts whose receipt takes hours (a handset that is switched off) must not halt
# the rest, nor be counted again for ever. So the open ones grow only while at least half of the last OPEN_SPAN have ended.
OPEN_SPAN = 2 * OPEN_MAX
HAND_OVER_MAX = 4 * ITEMS_MAX  # recipients a transaction; a stop waits for at most one, some 20 ms
# Recipients of a campaign whose end is looked for in a step: two seconds of what can be handed over, 5 ms of PostgreSQL's CPU.
ENDED_MAX = 20_000

# in_doubt too: messaging may know better later, with a higher version.
ENDS = frozenset(
    {
        State.DELIVERED,
        State.FAILED,
        State.EXPIRED,
        State.SUPPRESSED,
        State.CANCELLED,
        State.REJECTED,
        State.IN_DOUBT,
    }
)


def next_count(waiting: int, open_: int) -> int:
    """How many to hand over now: whole batches only, but for the last, so that a trickle of ends does not become a trickle of commits."""
    wanted = min(waiting, HAND_OVER_MAX)
    return wanted if open_ + wanted <= OPEN_MAX else 0


def paced(campaign: Outgoing) -> int:
    """How many of those who wait may leave by now, by the campaign's pace and windows; 0 too where they are fewer than is worth a transaction."""
    waiting = campaign.targeted - campaign.checkpoint
    allowed = campaign.pace.allows(waiting, campaign.at)
    return allowed if allowed >= min(HAND_OVER_MAX, campaign.pace.batch(waiting, campaign.at)) else 0


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What all recipients of a campaign share."""

    id: int
    company_id: int
    sender: str
    body: str
    expires_at: datetime | None
    targeted: int
    checkpoint: int
    test: bool
    pace: Pace
    at: datetime  # now


def windows(campaign: Outgoing, recipients: Sequence[Mapping[str, Any]]) -> list[Encoded]:
    """RecipientsHandedOver, as many as these take."""
    shared = {
        "company_id": campaign.company_id,
        "campaign_id": campaign.id,
        "sender": campaign.sender,
        "body": campaign.body,
        "expires_at": campaign.expires_at,
        "test": campaign.test,
    }
    return [
        Encoded(RecipientsHandedOver, campaign.company_id, orjson.dumps(shared | {"items": some}))
        for some in in_messages(recipients, lambda recipient: len(recipient["body"] or ""))
    ]


def newest_ends(items: Iterable[SettledText]) -> list[SettledText]:
    """Those that say how a campaign's text ended, the highest version of each, in one order for all: two events cannot wait for each other."""
    newest: dict[tuple[int, int], SettledText] = {}
    for item in items:
        if item.campaign_id is None or item.position is None or item.state not in ENDS:
            continue
        key = (item.campaign_id, item.position)
        known = newest.get(key)
        if known is None or known.version < item.version:
            newest[key] = item
    return [newest[key] for key in sorted(newest)]
