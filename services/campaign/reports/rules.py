"""The books of a campaign: what must be true of its rows at any moment, and the sentence for each thing that is not.

Owns how many recipients one tally sums up. No I/O, no clock of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from libs.common.contracts.campaign import CampaignState, Delivery, Outcome, Progress
from libs.common.contracts.messaging import State

S = CampaignState

TALLY_SPAN = 1_000  # positions one tally sums up
LATE_MAX = 50  # of a span, to be summed: handsets that are switched off. A look at one costs PostgreSQL 3.5 us, a count of the whole span 330
RUNNING_SPANS = (
    20  # a step of each second: twice what the aim of 10,000 recipients a second needs, 8 ms of PostgreSQL's CPU
)
ENDED_SPANS = 200  # a step of each half minute
OUTCOMES_MAX = 100  # reasons are a carrier's words: so many rows of a report, the rest of each state as one
OTHER_REASONS = "other reasons"


@dataclass(frozen=True, slots=True)
class Campaign:
    """What the campaign's own row says, how many numbers were read from its lists, and how many recipients ended up to the checkpoint."""

    id: int
    title: str
    state: CampaignState
    why: str
    targeted: int
    checkpoint: int
    excluded: int
    incomplete: int
    starts_at: datetime | None
    expires_at: datetime | None
    launched_at: datetime | None
    finished_at: datetime | None
    read: int
    ended: Mapping[State, int]


@dataclass(frozen=True, slots=True)
class Count:
    """What the recipients' rows say themselves, in the same snapshot as the campaign's."""

    open: int  # not ended
    ended: Mapping[State, int]
    ended_early: int  # behind the checkpoint
    last_position: int
    doubled: int  # numbers that stand there more than once

    @property
    def rows(self) -> int:
        return self.open + sum(self.ended.values())


def progress(campaign: Campaign) -> Progress:
    left_out = {"excluded": campaign.excluded, "incomplete": campaign.incomplete}
    return Progress(
        id=campaign.id,
        title=campaign.title,
        state=campaign.state,
        why=campaign.why,
        targeted=campaign.targeted,
        waiting=campaign.targeted - campaign.checkpoint,
        handed_over=campaign.checkpoint - sum(campaign.ended.values()),
        ended=dict(campaign.ended),
        left_out={"duplicate": campaign.read - campaign.targeted - sum(left_out.values()), **left_out},
        starts_at=campaign.starts_at,
        expires_at=campaign.expires_at,
        launched_at=campaign.launched_at,
        finished_at=campaign.finished_at,
    )


def faults(campaign: Campaign, count: Count) -> list[str]:
    """Sentences, each an imbalance; none when the books balance."""
    said = []
    if campaign.targeted != count.rows:
        said.append(f"targeted says {campaign.targeted}, its recipients are {count.rows}")
    if count.last_position != count.rows:
        said.append(f"its last position is {count.last_position}, its recipients are {count.rows}")
    if count.doubled:
        said.append(f"{count.doubled} numbers stand twice")
    if campaign.read < (read := campaign.targeted + campaign.excluded + campaign.incomplete):
        said.append(f"{read} recipients and left out came from {campaign.read} numbers read")
    if campaign.checkpoint > campaign.targeted:
        said.append(f"handed over to {campaign.checkpoint} of {campaign.targeted}")
    if campaign.checkpoint and campaign.state in (S.DRAFT, S.LAUNCHED, S.FREEZING):
        said.append(f"handed over to {campaign.checkpoint}, though {campaign.state}")
    if count.ended_early:
        said.append(f"{count.ended_early} recipients ended who were never handed over")
    elif campaign.ended != count.ended:
        said.append(f"its progress tells of {_told(campaign.ended)}, its recipients are {_told(count.ended)}")
    if campaign.state is S.FINISHED and count.open:
        said.append(f"finished, though {count.open} recipients have not ended")
    return [f"campaign {campaign.id}: {sentence}" for sentence in said]


def _told(ended: Mapping[State, int]) -> str:
    return ", ".join(f"{number} {state}" for state, number in sorted(ended.items())) or "none ended"


def outcomes(counted: Sequence[Outcome]) -> list[Outcome]:
    """The largest OUTCOMES_MAX, in their order, and what is left of each state as one."""
    largest = sorted(counted, key=lambda outcome: (-outcome.recipients, outcome.state, outcome.reason))
    rest = Counter[State]()
    for outcome in largest[OUTCOMES_MAX:]:
        rest[outcome.state] += outcome.recipients
    others = [Outcome(state=state, reason=OTHER_REASONS, recipients=number) for state, number in sorted(rest.items())]
    return largest[:OUTCOMES_MAX] + others


def delivery(took_ms: Sequence[int] | None) -> Delivery | None:
    """`took_ms`: the percentiles 50, 90, 99 and 100; None where nothing was delivered."""
    if took_ms is None:
        return None
    p50, p90, p99, longest = (each / 1_000 for each in took_ms)
    return Delivery(p50_s=p50, p90_s=p90, p99_s=p99, max_s=longest)
