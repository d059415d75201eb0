"""Whether a marketing text tells how to stop: real wordings, and those that only look like one."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.countries.optout_text import opt_out_check

TELLS_ANYONE = [
    "Acme: 10% off today. Text STOP to 82830",
    "Acme: 10% off today. To opt out text STOP to 82830.",
    "PJLtd STOPMSGS TXT STOP TO 1234",  # the ICO's own example
    "Sale! 2 end txt STOP 82830",
    "Sale! Stop? 82830",
    "STOP to 60777",
    "STOP2 82830",
    "Opt out: STOP to 07700 900123",
    "OptOut:82830",
    "Unsubscribe: acme.com/u/4f2",
    "To unsubscribe go to https://acme.example/u",
    "Opt-out at acme.co.uk/stop",
    "To opt out e-mail stop@acme.example",
    "Don't want these? Text 'STOP' to 82830",
    "To stop texts call 0800 123 4567",
    "Txt STOPALL to 82830",
]
TELLS_WHERE_IT_CAN_BE_ANSWERED = [
    "10% off. Reply STOP to opt out",
    "10% off. Reply with STOP",
    'Reply "stop" to end',
    "STOP to end",
    "Txt STOP 2 unsubscribe",
    "Opt out? Reply STOP",
    "OptOut: STOP",
    "To opt out, reply with the word STOP.",
    "Replying STOP ends these",
]
TELLS_NOBODY = [
    "",
    "10% off today",
    "Don't STOP the music! Sale on now",
    "ONE STOP SHOP for garden tools, call 0800 123 4567",
    "NON-STOP PARTY at 12 High Street",
    "Stop by our shop and see acme.com",
    "END OF SEASON SALE acme.com",
    "Cancel your plans: 50% off at acme.com",
    "You may opt out",
]


@pytest.mark.parametrize("body", TELLS_ANYONE)
def test_a_text_with_an_address_tells_whoever_sends_it(body: str) -> None:
    assert opt_out_check(body, "Acme").told
    assert opt_out_check(body, "82830").told
    assert opt_out_check(body, "+447700900123").told


@pytest.mark.parametrize("body", TELLS_WHERE_IT_CAN_BE_ANSWERED)
def test_a_text_that_asks_for_an_answer_tells_only_from_what_can_be_answered(body: str) -> None:
    assert opt_out_check(body, "82830").told
    found = opt_out_check(body, "Acme")
    assert not found.told
    assert found.reason == (
        "the text says how to stop, but Acme cannot be answered: name a number, a short code or a web address"
    )


@pytest.mark.parametrize("body", TELLS_NOBODY)
@pytest.mark.parametrize("sender", ["Acme", "82830", "+447700900123"])
def test_a_text_without_the_way_tells_nothing_and_the_reason_says_so(body: str, sender: str) -> None:
    found = opt_out_check(body, sender)
    assert not found.told
    assert found.reason


@given(st.text(max_size=400), st.sampled_from(["Acme", "82830"]))
def test_a_line_that_tells_is_enough_whatever_stands_before_it(body: str, sender: str) -> None:
    assert opt_out_check(f"{body}\nText STOP to 82830", sender).told


@pytest.mark.parametrize(
    "body", ["stop " * 400, "text " * 400, "9 " * 800, "to stop " * 250, "opt out " * 250, "a." * 800]
)
def test_no_text_takes_long(body: str) -> None:
    began = time.monotonic()
    opt_out_check(body, "Acme")
    assert time.monotonic() - began < 0.2
