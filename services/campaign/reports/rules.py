"""The books of a campaign: what must be true of its rows at any moment, and the sentence for each thing that is not.

Owns no data. No I/O, no clock of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from libs.common.contracts.campaign import CampaignState, Progress
from libs.common.contracts.messaging import State

S = CampaignState


@dataclass(frozen=True, slots=True)
class Tally:
    """What the campaign's own row says (to `finished_at`), and what its recipients' and links' rows say, in one snapshot."""

    id: int
    title: str
    state: CampaignState
    targeted: int
    checkpoint: int
    launched_at: datetime | None
    finished_at: datetime | None
    waiting: int  # not ended, behind the checkpoint
    handed_over: int  # not ended, up to the checkpoint
    ended: Mapping[State, int]
    ended_early: int  # ended, behind the checkpoint
    last_position: int
    read: int  # numbers read from the lists

    @property
    def rows(self) -> int:
        return self.waiting + self.handed_over + sum(self.ended.values())


def progress(tally: Tally) -> Progress:
    return Progress(
        id=tally.id,
        title=tally.title,
        state=tally.state,
        targeted=tally.targeted,
        waiting=tally.waiting,
        handed_over=tally.handed_over,
        ended=dict(tally.ended),
        left_out={"duplicate": tally.read - tally.targeted},
        launched_at=tally.launched_at,
        finished_at=tally.finished_at,
    )


def faults(tally: Tally, doubled: int) -> list[str]:
    """Sentences, each an imbalance; none when the books balance. `doubled`: how many numbers it has more than once."""
    said = []
    if tally.targeted != tally.rows:
        said.append(f"targeted says {tally.targeted}, its recipients are {tally.rows}")
    if tally.last_position != tally.rows:
        said.append(f"its last position is {tally.last_position}, its recipients are {tally.rows}")
    if doubled:
        said.append(f"{doubled} numbers stand twice")
    if tally.read < tally.targeted:
        said.append(f"{tally.targeted} recipients came from {tally.read} numbers read")
    if tally.checkpoint > tally.targeted:
        said.append(f"handed over to {tally.checkpoint} of {tally.targeted}")
    if tally.checkpoint and tally.state in (S.DRAFT, S.LAUNCHED, S.FREEZING):
        said.append(f"handed over to {tally.checkpoint}, though {tally.state}")
    if tally.ended_early:
        said.append(f"{tally.ended_early} recipients ended who were never handed over")
    if tally.state is S.FINISHED and tally.waiting + tally.handed_over:
        said.append(f"finished, though {tally.waiting + tally.handed_over} recipients have not ended")
    return [f"campaign {tally.id}: {sentence}" for sentence in said]
