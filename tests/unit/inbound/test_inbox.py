"""What is looked for in the inbox, in the form texts are kept in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.contracts.inbound import TEXTS_PAGE_MAX, ReadInbound
from libs.common.ids import uuid7
from services.inbound.inbox.rules import BEGINNING, END, Place, wanted

AT = datetime(2026, 3, 1, tzinfo=UTC)
times = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))]))
places = st.tuples(st.integers(-30_000, 30_000).map(lambda days: AT + timedelta(days=days)), st.uuids(version=4))


@pytest.mark.parametrize("number", ["07700 900001", "+44 (0)7700-900001", "０７７００９００００１", "+447700900001"])
def test_a_number_is_found_in_every_writing(number: str) -> None:
    assert wanted(1, ReadInbound(number=number), None).number == "+447700900001"


def test_a_sender_that_is_a_name_is_found_as_it_came() -> None:
    assert wanted(1, ReadInbound(number="Bank"), None).number == "Bank"
    assert wanted(1, ReadInbound(number="\0"), None).number == "\ufffd"


@pytest.mark.parametrize(
    ("to", "key"),
    [("82830", "82830"), ("Heliograph", "heliograph"), ("07700 900123", "+447700900123"), ("a\0", "a\ufffd")],
)
def test_a_header_is_found_in_every_writing(to: str, key: str) -> None:
    assert wanted(1, ReadInbound(to=to), None).header_key == key


@given(st.none() | times, st.none() | places)
def test_a_page_begins_behind_the_page_before_and_never_before_since(
    since: datetime | None, after: Place | None
) -> None:
    begin = wanted(1, ReadInbound(since=since), after).after

    for place in ((AT, uuid7()), (since or AT, uuid7()), after or (AT, uuid7())):
        if place[0] >= BEGINNING:
            wished = (since is None or place[0] >= since) and (after is None or place > after)
            assert (place > begin) is wished


@given(st.none() | times)
def test_until_is_a_time_the_database_can_keep(until: datetime | None) -> None:
    found = wanted(1, ReadInbound(until=until), None).until
    assert found == min(until or END, END)
    assert wanted(1, ReadInbound(since=until), None).after >= (BEGINNING, UUID(int=0))


@given(st.integers(1, 5_000))
def test_a_page_is_as_long_as_is_wished_but_never_too_long(limit: int) -> None:
    assert wanted(1, ReadInbound(limit=limit), None).limit == min(limit, TEXTS_PAGE_MAX)
