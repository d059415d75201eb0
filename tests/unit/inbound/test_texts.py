"""Whose a text is, and what is told of it."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from libs.common.contracts.messaging import ArrivedText
from libs.common.ids import uuid7
from services.inbound.texts.rules import Owner, announcements, as_kept, keywords_of, owners_of, wishes_in

AT = datetime(2026, 3, 1, tzinfo=UTC)


def arrived(to: str = "82830", body: str = "hello") -> ArrivedText:
    return ArrivedText(id=uuid7(), carrier="c", carrier_id="", number="+447700900001", to=to, body=body, at=AT)


def test_a_keyword_comes_before_the_headers_owner() -> None:
    win, other, nobodys = as_kept([arrived(body="Win a car"), arrived(body="a win"), arrived("99999", "win")])
    keywords = keywords_of([win, other, nobodys])
    assert keywords == {win.id: ("82830", "win"), other.id: ("82830", "a"), nobodys.id: ("99999", "win")}

    headers = {"82830": Owner(1, "82830")}
    text_ins = {("82830", "win"): Owner(2, "82830", 7)}
    owners = owners_of([win, other, nobodys], keywords, text_ins, headers)

    assert owners == {win.id: Owner(2, "82830", 7), other.id: Owner(1, "82830")}


def test_a_text_without_a_word_is_the_headers_owners() -> None:
    [text] = as_kept([arrived(body="👍")])
    assert owners_of([text], keywords_of([text]), {}, {"82830": Owner(1, "82830")}) == {text.id: Owner(1, "82830")}


@given(st.lists(st.tuples(st.sampled_from(["82830", "82831", "nobody"]), st.text(max_size=20)), max_size=30))
def test_each_text_that_is_somebodys_is_told_once_to_its_owner_alone(given_: list[tuple[str, str]]) -> None:
    texts = as_kept(arrived(to, body) for to, body in given_)
    headers = {"82830": Owner(1, "82830"), "82831": Owner(2, "82831")}
    owners = owners_of(texts, keywords_of(texts), {}, headers)

    events = announcements(texts, owners)

    assert len({event.company_id for event in events}) == len(events)
    told = {item.id: (event.company_id, item.to, item.body) for event in events for item in event.items}
    assert told == {
        text.id: (headers[text.header].company_id, text.header, text.body) for text in texts if text.header in headers
    }
    assert {wish.text_id for wish in wishes_in(texts, owners)} <= set(told)
