"""Whose a text is, what it wishes, and what is told of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from libs.common.contracts.messaging import ArrivedText
from libs.common.contracts.optouts import OptOutPolicy
from libs.common.ids import uuid7
from services.inbound.optouts.addressing import Party, Use, names_of
from services.inbound.optouts.handlers import Header
from services.inbound.optouts.rules import Wish
from services.inbound.texts.rules import (
    Owner,
    announcements,
    as_kept,
    claimed,
    keywords_of,
    last_senders,
    owners_of,
    readings,
    said,
)

AT = datetime(2026, 3, 1, tzinfo=UTC)


def arrived(to: str = "82830", body: str = "hello", incomplete: bool = False) -> ArrivedText:
    return ArrivedText(
        id=uuid7(), carrier="c", carrier_id="", number="+447700900001", to=to, body=body, at=AT, incomplete=incomplete
    )


def header(key: str, *company_ids: int, shared: bool = False, own_word: str = "") -> Header:
    policy = OptOutPolicy(stop_words=[own_word] if own_word else [])
    parties = [Party(company_id, key, key, "", shared, policy) for company_id in company_ids]
    return Header(parties, names_of(parties, []))


def test_a_keyword_comes_before_the_headers_owner_and_what_claims_the_rest_is_its_owners_alone() -> None:
    win, other, nobodys = as_kept([arrived(body="Win a car"), arrived(body="a win"), arrived("99999", "win")])
    keywords = keywords_of([win, other, nobodys])
    assert keywords == {win.id: ("82830", "win"), other.id: ("82830", "a"), nobodys.id: ("99999", "win")}

    headers = {"82830": Owner(1, "82830")}
    text_ins = {("82830", "win"): Owner(2, "82830", 7, by_keyword=True), ("82830", "*"): Owner(3, "82830", 8)}
    owners = owners_of([win, other, nobodys], keywords, text_ins, headers, {})
    assert owners == {win.id: Owner(2, "82830", 7, by_keyword=True), other.id: Owner(1, "82830")}

    text_ins[("82830", "*")] = Owner(1, "82830", 8, campaign_id=5)
    owners = owners_of([other], keywords, text_ins, headers, {})
    assert owners == {other.id: Owner(1, "82830", 8, campaign_id=5)}


def test_a_text_without_a_word_is_the_headers_owners() -> None:
    [text] = as_kept([arrived(body="👍")])
    assert owners_of([text], keywords_of([text]), {}, {"82830": Owner(1, "82830")}, {}) == {text.id: Owner(1, "82830")}


def test_on_a_shared_number_a_text_is_the_last_senders_if_that_was_of_late() -> None:
    [text] = as_kept([arrived("60777")])
    headers, pair = {"60777": header("60777", 1, 2, shared=True)}, ("60777", text.number)

    def last(*uses: tuple[int, int]) -> dict[UUID, Owner]:
        found = [Use(company_id, AT - timedelta(days=days), uuid7()) for company_id, days in uses]
        return last_senders([text], headers, {pair: found})

    assert last((2, 5), (1, 1)) == {text.id: Owner(1, "60777")}
    assert last((2, 31)) == last((99, 1)) == last() == {}


@given(st.lists(st.tuples(st.sampled_from(["82830", "82831", "nobody"]), st.text(max_size=20)), max_size=30))
def test_each_text_that_is_somebodys_is_told_once_to_its_owner_alone(given_: list[tuple[str, str]]) -> None:
    texts = as_kept(arrived(to, body) for to, body in given_)
    headers = {"82830": Owner(1, "82830"), "82831": Owner(2, "82831")}
    owners = owners_of(texts, keywords_of(texts), {}, headers, {})

    events = announcements(texts, owners)

    assert len({event.company_id for event in events}) == len(events)
    told = {item.id: (event.company_id, item.to, item.body) for event in events for item in event.items}
    assert told == {
        text.id: (headers[text.header].company_id, text.header, text.body) for text in texts if text.header in headers
    }


def test_what_is_read_depends_on_whose_words_they_are() -> None:
    headers = {
        "82830": header("82830", 1, own_word="leave"),
        "82831": header("82831", 2),
        "60777": header("60777", 1, 2, shared=True, own_word="leave"),
    }
    texts = as_kept([arrived(to, body) for to in headers for body in ("LEAVE", "Quit", "hello")])
    owners = {
        text.id: Owner(1 if text.header == "82830" else 2, text.header) for text in texts if text.header != "60777"
    }
    quitting = next(text for text in texts if (text.header, text.body) == ("82831", "Quit"))
    owners[quitting.id] = Owner(2, "82831", 7, by_keyword=True)

    found = readings(texts, owners, headers)

    assert [(text.header, text.body) for text in texts if text.id in found] == [
        ("82830", "LEAVE"),
        ("82830", "Quit"),
        ("60777", "LEAVE"),
        ("60777", "Quit"),
    ]
    assert {reading.wish for reading in found.values()} == {Wish.STOP}
    wished = said(texts, owners, found)
    assert [(one.company_id, one.header_key) for one in wished] == [(1, "82830"), (1, "82830"), (None, "60777"), (None, "60777")]  # fmt: skip
    assert [one.id for one in claimed(texts, owners, found)] == [quitting.id]


def test_a_text_that_wishes_something_is_not_acted_upon_as_a_text_in() -> None:
    texts = as_kept([arrived(body="please stop"), arrived(body="any")])
    owners = {text.id: Owner(1, "82830", 8) for text in texts}
    found = readings(texts, owners, {"82830": header("82830", 1)})
    assert [one.id for one in claimed(texts, owners, found)] == [texts[1].id]


def test_that_parts_are_missing_is_told() -> None:
    texts = as_kept([arrived(incomplete=True)])
    [event] = announcements(texts, {texts[0].id: Owner(1, "82830", 7, campaign_id=5)})
    assert (event.items[0].incomplete, event.items[0].campaign_id) == (True, 5)


def test_what_cannot_be_kept_is_replaced_wherever_it_stands() -> None:
    text = ArrivedText(id=uuid7(), carrier="c", carrier_id="", number="Ba\0nk", to="8283\0", body="a\0b", at=AT)
    [kept] = as_kept([text])
    assert (kept.number, kept.header, kept.header_key, kept.body) == (
        "Ba\ufffdnk",
        "8283\ufffd",
        "8283\ufffd",
        "a\ufffdb",
    )


def test_a_short_code_that_texts_is_no_phone_number() -> None:
    senders = ("82999", "07700 900001", "Shop")
    texts = as_kept(arrived().model_copy(update={"id": uuid7(), "number": sender}) for sender in senders)
    assert [text.number for text in texts] == ["82999", "+447700900001", "Shop"]
