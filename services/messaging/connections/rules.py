"""When a process may use a carrier's session, and when a carrier is no longer up: plain values and functions."""

from __future__ import annotations

from libs.common.contracts.routing import CarrierState
from services.messaging.carriers.carrier import Carrier
from services.messaging.sending.rules import Lane

LEASE_S = 5.0  # of a bind, on the database's clock; a dead owner's is free after it
WRITE_MARGIN_S = (
    1.0  # the owner stops writing so long before its lease ends: the two clocks may run differently by that
)
# A process that was stopped in the middle of a transaction holds up the others' claims, leases and receipts for no longer. No transaction of messaging
# waits for anything but the database.
IDLE_S = 4.0
DOWN_AFTER_S = 10.0  # without a session for so long, texts go another way

# Texts a claim. What a killed process had claimed is in doubt, so a claim is no more than about a second of its carrier's pace.
CLAIM_MAX = {Lane.URGENT: 50, Lane.ORDINARY: 150, Lane.BULK: 250}
CLAIM_SMALL = 50
SIDE_BY_SIDE = 2  # claims of a lane, so that one's database work overlaps another's wait
CLAIM_SECONDS = 1.0  # and no more than the carrier takes in this time


def claim_max(lane: Lane, carrier: Carrier, cap_per_s: float | None) -> int:
    """How many texts one claim may take. The claims of a lane that go on side by side are together no more than a window, for that is what a kill leaves
    in doubt; but a small window does not keep the claim as small: it is filled from the claim, not by it."""
    paces = [pace for pace in (carrier.capabilities.parts_per_s, cap_per_s) if pace is not None]
    of_window = max(carrier.window // SIDE_BY_SIDE, min(2 * carrier.window, CLAIM_SMALL))
    most = min([CLAIM_MAX[lane], of_window, *(int(pace * CLAIM_SECONDS) for pace in paces)])
    return max(1, most)


def held(state: CarrierState, down_s: float) -> str:
    """Why nothing new is to go to a carrier; '' where something may. `down_s`: for how long it has had no session at all, 0 where it has one."""
    if state is not CarrierState.ACTIVE:
        return f"is {state}"
    return "is not connected" if down_s > DOWN_AFTER_S else ""


def strands(state: CarrierState, down_s: float) -> bool:
    """Whether what waits for a carrier cannot go out by it: one that drains still sends what it has."""
    return state is CarrierState.PAUSED or down_s > DOWN_AFTER_S
