"""When a campaign is failing: so many errors close together that going on would only make more of them.

Owns the thresholds. No I/O, no clock of its own.

A run is positions in a row, and what has no end yet counts as not failed. So refusals, which come at once, cannot look like everything merely because
the deliveries take longer: a run fails only when half of all that was handed over in it has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from libs.common.contracts.messaging import State

ERRORS = frozenset({State.FAILED, State.REJECTED, State.IN_DOUBT})
NEVER_SENT = frozenset(
    {State.SUPPRESSED, State.CANCELLED, State.EXPIRED}
)  # by a rule of ours, or of time: no error, and no success either

BLOCK = 100  # positions that are counted together
BLOCKS = 5  # of a run: a carrier that refuses everything is seen after some 250, which a list of old numbers, a tenth of it dead, never comes to
COUNTED_MIN = 200  # of a shorter run, at the start: where as many as 3 of 10 numbers fail, half of 200 do in one of 400,000,000 runs (binomial)
ERRORS_OF_100 = 50


@dataclass(frozen=True, slots=True)
class Block:
    """BLOCK positions, or as many of them as are looked at. `counted`: those that were to be sent; `ended`: of these, those with an end."""

    counted: int
    ended: int
    errors: Mapping[str, int]  # by reason

    @property
    def failed(self) -> int:
        return sum(self.errors.values())


@dataclass(frozen=True, slots=True)
class Burst:
    """`failed` of `counted` recipients in a row. `reason`: what most of them were told; "": nothing."""

    failed: int
    counted: int
    reason: str

    def why(self) -> str:
        most = f"most with {self.reason}" if self.reason else "most without a reason"
        return f"paused by itself: {self.failed} of the last {self.counted} failed, {most}"


def burst(blocks: Sequence[Block]) -> Burst | None:
    """The newest run of `blocks`, which are in order of position, in which too many failed."""
    for last in range(len(blocks), 0, -1):
        run = blocks[max(0, last - BLOCKS) : last]
        counted, failed = sum(block.counted for block in run), sum(block.failed for block in run)
        if counted >= COUNTED_MIN and failed * 100 >= counted * ERRORS_OF_100:
            reasons = sum((Counter(block.errors) for block in run), Counter[str]())
            return Burst(failed, counted, min(reasons, key=lambda reason: (-reasons[reason], reason)))
    return None


def something_to_hold(waiting: int, blocks: Sequence[Block]) -> bool:
    """Whether a pause could keep anything from being sent. `waiting`: recipients that are not handed over."""
    return waiting > 0 or any(block.ended < block.counted for block in blocks)
