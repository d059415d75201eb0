"""What campaign makes of messaging's hints about its claims."""

from __future__ import annotations

import pytest

from libs.common.contracts.messaging import CampaignsClaimed, ClaimedTo
from services.campaign.recipients import claims
from services.campaign.recipients.claims import Claims


def told(*claimed: tuple[int, int, int]) -> CampaignsClaimed:
    return CampaignsClaimed(items=[ClaimedTo(campaign_id=c, carrier=by, position=to) for c, by, to in claimed])


def test_where_nothing_was_told_nothing_is_known() -> None:
    assert Claims().waiting(1, 500) is None


def test_the_slowest_carrier_that_claims_counts_and_positions_never_fall_back() -> None:
    known = Claims()
    known.heard(told((1, 7, 400), (1, 8, 100), (2, 7, 50)))
    known.heard(told((1, 7, 300)))

    assert known.waiting(1, 1_000) == 900
    assert known.waiting(2, 40) == 0, "a second copy may know of a checkpoint later than messaging's claim of it"


def test_an_answer_counts_with_what_was_handed_over_since() -> None:
    known = Claims()
    known.answered(1, 100)
    known.handed_over(1, 50)
    known.handed_over(2, 70)

    assert known.waiting(1, 9_000) == 150
    assert known.waiting(2, 9_000) is None


def test_campaigns_that_have_ended_are_forgotten_when_others_are_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    known = Claims()
    known.heard(told((1, 7, 400)))
    monkeypatch.setattr(claims, "FRESH_S", -1.0)
    known.heard(told((2, 7, 100)))
    known.heard(told((3, 7, 100)))

    assert known._claimed.keys() <= {3}


def test_what_was_not_heard_lately_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    known = Claims()
    known.heard(told((1, 7, 400)))
    known.answered(2, 100)
    monkeypatch.setattr(claims, "FRESH_S", 0.0)

    assert known.waiting(1, 500) is None
    assert known.waiting(2, 500) is None
