"""The Twilio-compatible carrier's words, without a socket: signatures, forms, answers, callbacks."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from urllib.parse import parse_qs, quote, urlencode
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.messaging.carriers.carrier import (
    Callback,
    Failure,
    Part,
    Place,
    ReceiptStatus,
    Refusal,
    Refused,
    Taken,
    Unauthentic,
    Unknown,
)
from services.messaging.carriers.http import Answered
from services.messaging.carriers.twilio import wire
from services.messaging.carriers.twilio.client import TwilioCarrier, TwilioSettings

AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
ID = UUID("01936a3e-0000-7000-8000-000000000001")
PART = Part(ID, "+447700900123", "82830", "Your order is ready", 172_800)
URL = "https://sms.example.org/callbacks/tw"


def carrier(**more: object) -> TwilioCarrier:
    settings = TwilioSettings.model_validate({"account_sid": "AC1", "auth_token": "12345", **more})
    return TwilioCarrier(settings, Place("tw", "test", 1, callbacks_url=URL))


def callback(path: str, fields: dict[str, str], query: str = "", token: str = "12345") -> Callback:
    url = f"{URL}/{path}" + (f"?{query}" if query else "")
    signature = wire.signature(token, url, list(fields.items()))
    headers = {"x-twilio-signature": signature, "content-type": "application/x-www-form-urlencoded"}
    # What the gateway sees behind a proxy is another address than the one that was called and signed.
    return Callback(
        "POST",
        url.replace("https://sms.example.org", "http://gateway:8080"),
        path,
        headers,
        urlencode(fields).encode(),
        AT,
    )


def test_signatures_are_those_of_the_published_vectors() -> None:
    """twilio.com/docs/usage/security and twilio-python, tests/unit/test_request_validator.py; the last one as twilio-python and twilio-node compute it."""
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    simple = {
        "CallSid": "CA1234567890ABCDE",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
        "Caller": "+14158675309",
    }
    repeated = [("Sid", "CA123"), ("SidAccount", "AC123"), ("Digits", "5678"), ("Digits", "1234"), ("Digits", "1234")]
    umlauts = [("Caller", "Müller"), ("Greeting", "Grüß Gott")]

    assert wire.signature("12345", url, list(simple.items())) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="
    assert wire.signature("12345", url, repeated) == "IK+Dwps556ElfBT0I3Rgjkr1wJU="
    assert wire.signature("12345", "https://customer.example/cb", umlauts) == "1u+8eedolvqsC8ybKmeUbdyKfrU="


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.text(st.characters(exclude_categories=["Cs"])))
def test_whatever_a_text_says_the_far_side_reads_the_same(body: str, sender: str) -> None:
    part = Part(ID, "+447700900123", sender or "x", body, 60)

    fields = parse_qs(wire.form(part, None, URL).decode(), keep_blank_values=True, strict_parsing=True)

    assert fields == {
        "To": ["+447700900123"],
        "From": [sender or "x"],
        "Body": [body],
        "ValidityPeriod": ["60"],
        "StatusCallback": [f"{URL}/status?text={ID}"],
    }


def test_a_validity_longer_than_theirs_is_cut_and_a_service_chooses_the_sender() -> None:
    fields = parse_qs(wire.form(PART, "MG1", "").decode())

    assert fields["ValidityPeriod"] == ["36000"]
    assert fields["MessagingServiceSid"] == ["MG1"]
    assert "From" not in fields
    assert "StatusCallback" not in fields


def said(status: int, code: int | None = None, **headers: str) -> Answered:
    body = {"status": status, "message": "no"} | ({} if code is None else {"code": code})
    return Answered(status, headers, orjson.dumps(body))


@pytest.mark.parametrize(
    ("answered", "expected"),
    [
        (Answered(201, {}, b'{"sid": "SM1", "status": "queued"}'), Taken("SM1")),
        (said(400, 21211), Refused(Refusal.BAD_NUMBER, None, "21211")),
        (said(400, 21614), Refused(Refusal.BAD_NUMBER, None, "21614")),
        (said(400, 21610), Refused(Refusal.BLOCKED, None, "21610")),
        (said(400, 21408), Refused(Refusal.NOT_ALLOWED, None, "21408")),
        (said(429, 20429), Refused(Refusal.THROTTLED, 1.0, "20429")),
        (said(429, 20429, **{"retry-after": "7"}), Refused(Refusal.THROTTLED, 7.0, "20429")),
        (said(503, 30001), Refused(Refusal.QUEUE_FULL, 5.0, "30001")),
        (said(503, None, **{"retry-after": "3"}), Refused(Refusal.BUSY, 3.0, "503")),
        (said(401, 20003), Refused(Refusal.NOT_CONNECTED, 30.0, "20003")),
        (said(400, 99_999), Refused(Refusal.UNLISTED, None, "99999")),
        (Answered(404, {}, b"<html>"), Refused(Refusal.UNLISTED, None, "404")),
    ],
)
def test_answers_that_say_whether_it_is_taken(answered: Answered, expected: object) -> None:
    assert wire.answer(answered) == expected


@pytest.mark.parametrize("status", [201, 204, 303, 408, 500, 502, 503, 504, 599])
def test_answers_that_do_not_say_it_are_unknown(status: int) -> None:
    assert isinstance(wire.answer(Answered(status, {}, b"<html>")), Unknown)


def test_an_error_of_our_server_with_a_code_that_is_in_no_table_stays_unknown() -> None:
    assert isinstance(wire.answer(said(500, 20500)), Unknown)


@pytest.mark.parametrize(
    ("word", "code", "status", "failure"),
    [
        ("queued", "", ReceiptStatus.ACCEPTED, Failure.UNKNOWN),
        ("sent", "", ReceiptStatus.ACCEPTED, Failure.UNKNOWN),
        ("delivered", "", ReceiptStatus.DELIVERED, Failure.UNKNOWN),
        ("undelivered", "30003", ReceiptStatus.FAILED, Failure.TEMPORARY),
        ("undelivered", "30005", ReceiptStatus.FAILED, Failure.PERMANENT),
        ("failed", "12345", ReceiptStatus.FAILED, Failure.UNKNOWN),
        ("failed", "30036", ReceiptStatus.EXPIRED, Failure.UNKNOWN),
        ("teleported", "", ReceiptStatus.UNLISTED, Failure.UNKNOWN),
    ],
)
def test_a_status_callback_is_a_receipt_that_names_our_text(
    word: str, code: str, status: ReceiptStatus, failure: Failure
) -> None:
    fields = {"MessageSid": "SM1", "MessageStatus": word, "To": "+447700900123"} | ({"ErrorCode": code} if code else {})
    came = callback("status", fields, f"text={ID}")

    answer = carrier().authenticate(came)
    (receipt,) = carrier().read(came).receipts

    assert answer.status == 204
    assert (receipt.reference, receipt.status, receipt.failure, receipt.text_id, receipt.at, receipt.number) == (
        "SM1",
        status,
        failure,
        ID,
        AT,
        "+447700900123",
    )
    assert receipt.error == (code or ("teleported" if word == "teleported" else None))


def test_an_inbound_callback_is_a_text_and_is_answered_without_a_reply() -> None:
    came = callback(
        "inbound", {"MessageSid": "SM9", "From": "+447700900123", "To": "82830", "Body": "STOP 🛑", "NumSegments": "1"}
    )

    answer = carrier().authenticate(came)
    (text,) = carrier().read(came).texts

    assert (answer.status, answer.content_type) == (200, "text/xml")
    assert answer.body.endswith("<Response/>")
    assert (text.carrier_id, text.number, text.to, text.body) == ("SM9", "+447700900123", "82830", "STOP 🛑")


@pytest.mark.parametrize("spoiled", ["signature", "body", "query", "token", "nothing"])
def test_what_was_changed_on_the_way_or_signed_by_another_is_refused(spoiled: str) -> None:
    fields = {"MessageSid": "SM1", "MessageStatus": "delivered"}
    came = callback("status", fields, f"text={ID}", token="other" if spoiled == "token" else "12345")
    match spoiled:
        case "signature":
            came = Callback(came.method, came.url, came.path, {"x-twilio-signature": "é"}, came.body, AT)
        case "body":
            came = Callback(came.method, came.url, came.path, came.headers, came.body + b"&x=1", AT)
        case "query":
            came = Callback(came.method, came.url + "0", came.path, came.headers, came.body, AT)
        case "nothing":
            came = Callback(came.method, came.url, came.path, {}, came.body, AT)

    with pytest.raises(Unauthentic):
        carrier().authenticate(came)


def test_a_status_without_what_it_needs_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="no MessageStatus"):
        carrier().read(callback("status", {"MessageSid": "SM1"}))
    with pytest.raises(ValueError, match="neither"):
        carrier().read(callback("else", {"MessageSid": "SM1"}))


@given(st.binary(max_size=300), st.sampled_from(["status", "inbound", "x"]), st.text(max_size=30))
def test_no_bytes_raise_anything_else(body: bytes, path: str, query: str) -> None:
    came = Callback("POST", f"{URL}/{path}?{quote(query)}", path, {"x-twilio-signature": "AAAA"}, body, AT)

    with pytest.raises(Unauthentic):
        carrier().authenticate(came)
    with contextlib.suppress(ValueError):
        carrier().read(came)


def test_settings_say_what_is_wrong_and_hide_the_token() -> None:
    with pytest.raises(ValidationError, match="only scheme, host, port and path"):
        TwilioSettings.model_validate({"account_sid": "AC1", "auth_token": "x", "base_url": "https://a.example/?x=1"})
    assert "12345" not in repr(TwilioSettings.model_validate({"account_sid": "AC1", "auth_token": "12345"}))
