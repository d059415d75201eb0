"""The books across services, the rule: what campaign and messaging must agree on once nothing is under way. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from libs.common.contracts.campaign import CampaignBooks, Progress
from libs.common.contracts.inbound import InboundBooks
from libs.common.contracts.messaging import MessagingBooks, State
from libs.common.contracts.phonelist import PhonelistBooks

# What a campaign calls handed over and not ended.
OPEN = frozenset({State.QUEUED, State.SUBMITTING, State.SUBMITTED})


@dataclass(frozen=True, slots=True)
class Books:
    """Each service's own, as it says them. Two that are equal were read while nothing moved."""

    messaging: MessagingBooks
    inbound: InboundBooks
    phonelist: PhonelistBooks
    campaign: CampaignBooks

    @property
    def faults(self) -> list[str]:
        """Inside one database, at any moment."""
        own = {
            "messaging": self.messaging.faults,
            "inbound": self.inbound.faults,
            "phonelist": self.phonelist.faults,
            "campaign": self.campaign.faults,
        }
        return [f"{service}: {fault}" for service, faults in own.items() for fault in faults]

    @property
    def imbalances(self) -> list[str]:
        """Between campaign and messaging: an event on its way is one too, so it is a fault only if it stays."""
        tallies = {tally.campaign_id: tally.states for tally in self.messaging.campaigns}
        return [
            sentence
            for progress in self.campaign.campaigns
            for sentence in imbalances(progress, tallies.get(progress.id, {}))
        ]


def imbalances(progress: Progress, texts: Mapping[State, int]) -> Sequence[str]:
    """`texts`: messaging's, by state. Every recipient handed over has one text there, in the state campaign knows."""
    said = []
    handed_over = sum(number for state, number in texts.items() if state in OPEN)
    if handed_over != progress.handed_over:
        said.append(
            f"campaign {progress.id}: {progress.handed_over} are handed over and not ended, messaging has {handed_over}"
        )
    for state in sorted((progress.ended.keys() | texts.keys()) - OPEN):
        ended, known = progress.ended.get(state, 0), texts.get(state, 0)
        if ended != known:
            said.append(f"campaign {progress.id}: {ended} ended as {state}, messaging has {known}")
    return said
