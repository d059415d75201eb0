"""What receipts make of a text of several parts, in whatever order they come."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from libs.common.contracts.messaging import State
from services.messaging.carriers.carrier import ReceiptStatus
from services.messaging.doubts.rules import may_retry
from services.messaging.receipts.rules import END_OF, verdict
from services.messaging.sending.rules import Lane

ends = st.sampled_from([State.DELIVERED, State.FAILED, State.EXPIRED])


@given(st.lists(ends, min_size=1, max_size=10))
def test_a_text_is_delivered_when_all_its_parts_are_and_not_where_one_is_not(parts: list[State]) -> None:
    assert (verdict(len(parts), parts) is State.DELIVERED) is (set(parts) == {State.DELIVERED})
    assert verdict(len(parts), parts) is not None


@given(st.integers(2, 10), st.data())
def test_delivered_parts_are_not_enough_while_one_is_missing(parts: int, data: st.DataObject) -> None:
    known = data.draw(st.integers(0, parts))  # of the others the answer has not come
    states: list[str | None] = [State.DELIVERED] * known
    if known == parts:
        states[data.draw(st.integers(0, parts - 1))] = None
    assert verdict(parts, states) is None


@given(st.permutations([State.DELIVERED, None, State.FAILED, State.EXPIRED]))
def test_one_part_that_failed_is_a_text_that_failed_whatever_the_others_say(states: list[State | None]) -> None:
    assert verdict(5, states) is State.FAILED


def test_a_receipt_that_is_not_final_or_not_known_ends_nothing() -> None:
    assert set(ReceiptStatus) - END_OF.keys() == {ReceiptStatus.ACCEPTED, ReceiptStatus.UNLISTED}


@given(st.sampled_from(list(Lane)), st.integers(1, 5), st.booleans())
def test_a_doubt_is_tried_once_more_only_for_a_transactional_text_whose_company_chose_so(
    lane: Lane, attempts: int, chose: bool
) -> None:
    assert may_retry(lane, attempts, chose) is (lane is Lane.ORDINARY and attempts == 1 and chose)
