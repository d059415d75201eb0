"""Which words may be keywords, which actions may be set, and what follows from a text."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common import gsm
from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.inbound import Membership
from libs.common.contracts.textins import TextInActions
from services.inbound.optouts.rules import RESERVED
from services.inbound.textins import rules
from services.inbound.textins.rules import Claimed, keyword_key

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
ALICE = "+447700900001"


def test_a_keyword_is_compared_in_its_normal_form() -> None:
    assert keyword_key(" Ｗin! ") == "win"
    assert keyword_key(" * ") == "*"


@pytest.mark.parametrize(
    "keyword", ["", "!", "**", "two words", "stopper", "STOPS", "'Stop'", *(word.upper() for word in RESERVED)]
)
def test_a_keyword_is_refused(keyword: str) -> None:
    with pytest.raises(Refusal) as refusal:
        keyword_key(keyword)
    assert refusal.value.code == Code.INVALID_REQUEST


@pytest.mark.parametrize(
    ("actions", "code"),
    [
        ({"reply": "x" * (4 * 153 + 1)}, Code.TEXT_TOO_LONG),
        ({"reply": "a\0b"}, Code.INVALID_REQUEST),
        ({"join_list_id": 3, "leave_list_id": 3}, Code.INVALID_REQUEST),
        ({"forward_to": "nobody"}, Code.INVALID_NUMBER),
        ({"forward_to": "07700 900999"}, Code.INVALID_NUMBER),
        ({"webhook_url": "example.com"}, Code.INVALID_REQUEST),
    ],
)
def test_actions_that_could_never_be_done_are_refused(actions: dict[str, Any], code: Code) -> None:
    with pytest.raises(Refusal) as refusal:
        rules.checked(TextInActions(**actions), "+447700900999")
    assert refusal.value.code == code


def test_actions_are_kept_in_their_form() -> None:
    given_ = TextInActions(reply=" hi ", forward_to="07700 900002", webhook_url=" ", join_list_id=3, campaign_id=4)

    assert rules.checked(given_, "82830") == TextInActions(
        reply="hi", forward_to="+447700900002", join_list_id=3, campaign_id=4
    )


def text(body: str = "win", number: str = ALICE, text_in_id: int = 1, company_id: int = 1) -> Claimed:
    return Claimed(UUID(int=1), company_id, text_in_id, number, "82830", body, AT)


def test_a_text_is_forwarded_with_its_number_as_it_is_written_at_home_but_not_to_whoever_texted_it() -> None:
    actions = {1: TextInActions(forward_to="+447700900002")}
    texts = [text("win a car"), text("hi", "+33612345678"), text("hi", "Bank"), text("mine", "+447700900002")]

    assert [(one.number, one.header, one.body, one.exempt) for one in rules.forwards(texts, actions)] == [
        ("+447700900002", "82830", "From 07700900001: win a car", False),
        ("+447700900002", "82830", "From +33612345678: hi", False),
        ("+447700900002", "82830", "From Bank: hi", False),
    ]


@given(st.text(st.sampled_from("ab€ łé😀"), max_size=3_000))
def test_a_forward_fits_into_a_text_and_is_whole_where_it_can_be(body: str) -> None:
    [forward] = rules.forwards([text(body)], {1: TextInActions(forward_to="+447700900002")})

    whole = f"From 07700900001: {body}"
    assert gsm.segments(forward.body) <= gsm.PARTS_MAX
    assert whole.startswith(forward.body)
    assert forward.body == whole or gsm.segments(whole) > gsm.PARTS_MAX


def test_only_phone_numbers_join_and_leave_lists_a_company_an_event() -> None:
    actions = {1: TextInActions(join_list_id=3, leave_list_id=4), 2: TextInActions(join_list_id=5), 3: TextInActions()}
    texts = [text(), text(number="Bank"), text(text_in_id=2, company_id=2), text(text_in_id=3)]

    events = rules.memberships(texts, actions)
    assert [(event.company_id, event.items) for event in events] == [
        (
            1,
            [
                Membership(list_id=4, number=ALICE, joins=False, at=AT),
                Membership(list_id=3, number=ALICE, joins=True, at=AT),
            ],
        ),
        (2, [Membership(list_id=5, number=ALICE, joins=True, at=AT)]),
    ]


def test_what_has_no_action_has_nothing_follow() -> None:
    actions = {1: TextInActions(campaign_id=3)}

    assert rules.answers([text()], actions) == rules.forwards([text()], actions) == []
    assert rules.memberships([text()], actions) == []
    assert rules.posts([text()], actions) == []


def test_a_text_without_a_keyword_is_the_headers_owners_or_the_last_senders_or_the_stars() -> None:
    mine, last = text(text_in_id=0), text(text_in_id=0, company_id=2)
    my_star, last_star, others_star = (text(company_id=company_id) for company_id in (1, 2, 3))
    whose = rules.owner_without_keyword

    assert whose(mine, None, None) is mine
    assert whose(mine, None, my_star) is my_star
    assert whose(mine, None, others_star) is mine
    assert whose(None, last, None) is last
    assert whose(None, last, others_star) is last
    assert whose(None, last, last_star) is last_star
    assert whose(None, None, others_star) is others_star
    assert whose(None, None, None) is None
