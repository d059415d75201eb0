"""What receipts make of a text: plain functions on values. A text is delivered when all its parts are; a part that failed makes it unreadable."""

from __future__ import annotations

from collections.abc import Sequence

from libs.common.contracts.messaging import State
from services.messaging.carriers.carrier import ReceiptStatus

END_OF = {
    ReceiptStatus.DELIVERED: State.DELIVERED,
    ReceiptStatus.FAILED: State.FAILED,
    ReceiptStatus.EXPIRED: State.EXPIRED,
}


def verdict(parts: int, states: Sequence[str | None]) -> State | None:
    """The end of a text of `parts` parts, of which the carrier has named as many as there are `states` (None: no final receipt); None: it goes on."""
    for bad in (State.FAILED, State.EXPIRED):
        if bad in states:
            return bad
    return State.DELIVERED if len(states) >= parts and all(states) else None
