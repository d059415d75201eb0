"""The table of states is the truth: SQL says the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.campaign import CampaignState
from libs.common.contracts.messaging import State
from services.campaign.campaigns import store as campaigns
from services.campaign.campaigns.rules import NEXT, require_editable, require_may_become
from services.campaign.freezing import store as freezing
from services.campaign.recipients import store as recipients
from services.campaign.recipients.rules import ENDS
from services.campaign.schedules import store as schedules

MIGRATION = Path("services/campaign/migrations/0001_campaigns.sql").read_text()

MOVERS = {
    "LAUNCH_IF_DRAFT": "user",
    "DRAFT_AGAIN_IF_LAUNCHED": "user",
    "PAUSE_IF_FREEZING_OR_SENDING": "user, or watch loop",
    "FREEZE_ON_IF_PAUSED": "user",
    "SEND_ON_IF_PAUSED": "user",
    "STOP_IF_BEGUN": "user",
    "BEGIN_IF_LAUNCHED_AND_DUE": "begin loop",
    "EXPIRE_IF_LEASE_IS_OVER": "expire loop",
    "SEND_IF_FROZEN_WHOLE": "freeze loop",
    "FINISH_IF_ALL_ENDED": "finish loop",
}


def words(sql: str) -> set[str]:
    return set(re.findall(r"'(\w+)'", sql))


def steps_in_sql() -> set[tuple[str, str, str]]:
    """(from, to, who) of every statement that sets a campaign's state: its first guard on `state` says from where."""
    found = set()
    for module in (campaigns, freezing, recipients, schedules):
        for name, sql in vars(module).items():
            update = re.search(r"UPDATE campaigns\b.*?\bSET\b(.*?)\b(?:FROM|WHERE)\b(.*)", str(sql), re.DOTALL)
            if update and (to := re.search(r"\bstate = '(\w+)'", update[1])):
                guard = re.search(r"\bstate (?:= '\w+'|IN \([^)]*\))", update[2])
                assert guard, f"{name} moves campaigns without a guard on their state"
                found |= {(from_, to[1], MOVERS[name]) for from_ in words(guard[0])}
    return found


def test_every_step_in_sql_stands_in_the_table_with_who_takes_it_and_the_other_way_round() -> None:
    table = {(str(from_), str(to), who) for from_, steps in NEXT.items() for to, who in steps.items()}

    assert steps_in_sql() == table


def test_the_tables_states_are_those_of_the_contract_and_of_the_sql() -> None:
    check = re.search(r"CHECK \(state IN \(('draft'[^)]*)\)\)", MIGRATION)
    assert check

    assert set(NEXT) == set(CampaignState)
    assert words(check[1]) == {str(state) for state in CampaignState}


def test_a_recipients_ends_are_the_same_in_code_and_sql() -> None:
    check = re.search(r"CHECK \(state IN \(('delivered'[^)]*)\)\)", MIGRATION)
    assert check

    assert words(check[1]) == {str(state) for state in ENDS}
    assert set(State) - ENDS == {State.QUEUED, State.SUBMITTING, State.SUBMITTED}


def test_every_state_can_be_reached_and_those_that_end_lead_nowhere() -> None:
    reached, waiting = set[CampaignState](), [CampaignState.DRAFT]
    while waiting:
        state = waiting.pop()
        reached.add(state)
        waiting += [next_ for next_ in NEXT[state] if next_ not in reached]

    assert reached == set(CampaignState)
    ends = {state for state in NEXT if not NEXT[state]}
    assert ends == {CampaignState.STOPPED, CampaignState.FINISHED, CampaignState.EXPIRED}


@pytest.mark.parametrize("state", CampaignState)
@pytest.mark.parametrize("next_", CampaignState)
def test_a_step_outside_the_table_is_refused(state: CampaignState, next_: CampaignState) -> None:
    if next_ in NEXT[state]:
        require_may_become(state, next_)
    else:
        with pytest.raises(Refusal) as refusal:
            require_may_become(state, next_)
        assert refusal.value.code is Code.WRONG_STATE


@pytest.mark.parametrize("state", set(CampaignState) - {CampaignState.DRAFT})
def test_the_lists_of_anything_but_a_draft_stay_as_they_are(state: CampaignState) -> None:
    require_editable(CampaignState.DRAFT)
    with pytest.raises(Refusal):
        require_editable(state)
