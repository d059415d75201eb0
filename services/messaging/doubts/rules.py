"""What becomes of a text that a carrier may or may not have, when nothing settles it: by its class. Plain functions."""

from __future__ import annotations

from datetime import timedelta

from services.messaging.sending.rules import Lane

RETRIES_MAX = 1
AGAIN_AFTER = timedelta(
    seconds=60
)  # over any lease, answer limit and silence limit: what was on its way has come or never will


def may_retry(lane: Lane, attempts: int, company_chose: bool) -> bool:
    """Whether a text in doubt is tried once more, at the risk that it comes twice. Marketing never; a code never, for it is late by then."""
    return lane is Lane.ORDINARY and attempts <= RETRIES_MAX and company_chose
