"""What messaging tells about texts: how each recipient's text ended.

Owns the recipients' end states. Applies only a higher version, in whatever order the news comes; single texts' news passes by.
"""

from __future__ import annotations

from libs.common.contracts.messaging import RecipientsSettled
from libs.common.db import Tx
from services.campaign.recipients import rules, store
from services.campaign.watching.rules import ERRORS


async def settle(tx: Tx, event: RecipientsSettled) -> None:
    ends = rules.newest_ends(event.items)
    if ends and await store.settle_if_newer(tx, ends):
        tx.wake("hand_over")  # there is room for the next
        if any(end.state in ERRORS for end in ends):
            tx.wake("watch")
