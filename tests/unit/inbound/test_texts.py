"""Whose a text is, and what is told of it."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from libs.common.contracts.messaging import ArrivedText
from libs.common.ids import uuid7
from services.inbound.texts.rules import Owner, announcements, as_kept, keywords_of, owners_of, unheard, wishes_in

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
    assert {wish.text_id for wish in wishes_in(texts, owners, {})} <= set(told)


SHARERS = {"60777": [Owner(1, "60777"), Owner(2, "60777"), Owner(3, "60777")], "60778": [Owner(3, "60778")]}


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["82830", "60777", "60778", "nobody"]), st.sampled_from(["Stop", "START!", "win", "hello"])
        ),
        max_size=30,
    )
)
def test_a_wish_is_heard_by_its_texts_owner_or_by_all_who_share_the_number(given_: list[tuple[str, str]]) -> None:
    texts = as_kept(arrived(to, body) for to, body in given_)
    headers, text_ins = {"82830": Owner(1, "82830")}, {("60777", "win"): Owner(2, "60777", 7)}
    owners = owners_of(texts, keywords_of(texts), text_ins, headers)

    wished = wishes_in(texts, owners, SHARERS)

    heard = {(wish.company_id, wish.text_id) for wish in wished}
    assert len(heard) == len(wished), "nobody hears a wish twice"
    expected = {
        (owner.company_id, text.id)
        for text in texts
        if text.body in ("Stop", "START!")
        for owner in (headers.get(text.header), *SHARERS.get(text.header, ()))
        if owner
    }
    assert heard == expected
    assert {text.id for text in unheard(texts, owners)} == {
        text.id for text in texts if text.body in ("Stop", "START!") and text.header != "82830"
    }
    told = {item.id for event in announcements(texts, owners) for item in event.items}
    assert told == {text.id for text in texts if text.header == "82830" or (text.header, text.body) == ("60777", "win")}


def test_what_cannot_be_kept_is_replaced_wherever_it_stands() -> None:
    text = ArrivedText(id=uuid7(), carrier="c", carrier_id="", number="Ba\0nk", to="8283\0", body="a\0b", at=AT)
    [kept] = as_kept([text])
    assert (kept.number, kept.header, kept.header_key, kept.body) == (
        "Ba\ufffdnk",
        "8283\ufffd",
        "8283\ufffd",
        "a\ufffdb",
    )
