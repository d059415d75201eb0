"""Which texts and opt-outs can be an answer to a campaign."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from libs.common.contracts.inbound import ContactState, InboundText
from libs.common.ids import uuid7, uuid7_time
from services.campaign.replies import rules

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def test_only_texts_from_numbers_are_answers() -> None:
    items = [
        InboundText(id=uuid7(), number=number, to="82830", body="hi", at=NOW)
        for number in ("+447700900123", "82830", "Bank")
    ]

    assert [(back.number, back.sender) for back in rules.texts(items)] == [(447700900123, "82830")]


def state(**changes: object) -> ContactState:
    known = {"number": "+447700900123", "header": "82830", "sequence": 3, "at": NOW}
    return ContactState.model_validate(known | changes)


def test_an_opt_out_is_the_same_however_often_it_is_told_and_each_further_one_another() -> None:
    told = [state(), state(), state(sequence=4), state(number="+447700900124"), state(scope="header:82830")]

    ids = [back.id for back in rules.opt_outs(7, told)]

    assert ids[0] == ids[1]
    assert len(set(ids)) == 4
    assert rules.opt_outs(8, told[:1])[0].id not in ids


def test_what_only_looks_like_a_stop_and_what_came_by_no_text_are_no_opt_outs() -> None:
    assert rules.opt_outs(7, [state(soft=True), state(header=""), state(number="Bank")]) == []


@given(st.integers(-3_000, 3_000))
def test_a_text_can_only_answer_what_was_made_before_it_give_or_take_the_carriers_clock(seconds: int) -> None:
    made = uuid7()
    back = rules.Back(made, 447700900123, "82830", uuid7_time(made) + timedelta(seconds=seconds))

    assert (made < back.made_before) is (seconds > -rules.CLOCKS_APART.total_seconds())
