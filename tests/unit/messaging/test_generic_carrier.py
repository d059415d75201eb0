"""A carrier by configuration: what the settings refuse, how templates escape, how answers and callbacks are read."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
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
from services.messaging.carriers.generic import reading, templates
from services.messaging.carriers.generic.client import GenericCarrier
from services.messaging.carriers.generic.settings import Answering, GenericSettings
from services.messaging.carriers.http import Answered

AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
ID = UUID("01936a3e-0000-7000-8000-000000000001")
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)

JSON_CARRIER: dict[str, Any] = {
    "sending": {
        "url": "https://carrier.example/messages",
        "headers": {"Authorization": "Bearer {secret:token}"},
        "json_body": {
            "from": "{from}",
            "messages": [{"to": "{to}", "body": "{text}", "reference": "{text_id}", "ttl": "{validity_s}"}],
            "flash": False,
            "note": "{{not a placeholder}}",
        },
    },
    "answering": {
        "taken_if": {"field": "json:status", "equals": "accepted"},
        "reference": "json:message.id",
        "error": "json:error.code",
        "refusals": {
            "bad_number": {"reason": "bad_number"},
            "throttled": {"reason": "throttled", "retry_after_s": 2},
        },
    },
    "callbacks": {
        "authentication": {"by": "hmac_sha256", "header": "X-Signature", "secret": "token", "prefix": "sha256="},
        "receipts": {
            "items": "json:receipts",
            "reference": "item:id",
            "text_id": "item:reference",
            "status": "item:status",
            "statuses": {"delivered": "delivered", "failed": "failed"},
            "error": "item:error",
            "failures": {"unknown_subscriber": "permanent"},
            "at": "item:at",
            "at_is": "unix_s",
        },
        "texts": {"items": "json:texts", "id": "item:id", "from": "item:from", "to": "item:to", "text": "item:text"},
    },
    "secrets": {"token": "s3cr3t"},
}


def carrier(changed: dict[str, Any] | None = None) -> GenericCarrier:
    place = Place("own", "test", 1, callbacks_url="https://sms.example.org/callbacks/own")
    return GenericCarrier(GenericSettings.model_validate(changed or JSON_CARRIER), place)


def values(**more: str) -> dict[str, str]:
    return {"to": "+447700900123", "from": "82830", "text": "", "text_id": str(ID), "validity_s": "60", **more}


@given(WORDS, WORDS)
def test_a_value_never_becomes_syntax_of_json(text: str, sender: str) -> None:
    sending = GenericSettings.model_validate(JSON_CARRIER).sending

    content = orjson.loads(templates.json(sending.json_body, values(text=text, **{"from": sender})))

    assert content["from"] == sender
    assert content["messages"] == [{"to": "+447700900123", "body": text, "reference": str(ID), "ttl": 60}]
    assert content["flash"] is False
    assert content["note"] == "{not a placeholder}"


@given(WORDS)
def test_a_value_never_becomes_syntax_of_a_form_or_an_address(text: str) -> None:
    form = parse_qs(
        templates.form({"m": "{text}", "x": "a&b={text}"}, values(text=text)).decode(), keep_blank_values=True
    )
    url = templates.fill(
        templates.parse("https://c.example/send/{text}?q={text}&k=1"), values(text=text), templates.percent
    )

    assert form == {"m": [text], "x": [f"a&b={text}"]}
    assert unquote(urlsplit(url).path.removeprefix("/send/")) == text
    assert parse_qs(urlsplit(url).query, keep_blank_values=True) == {"q": [text], "k": ["1"]}


@given(st.text(alphabet="{}abctofrm_:ext", max_size=20))
def test_a_template_is_whole_or_refused(template: str) -> None:
    try:
        pieces = templates.parse(template)
    except ValueError:
        return
    known = {piece.name: "" for piece in pieces if isinstance(piece, templates.Hole)}
    assert all(name in templates.OF_A_TEXT or name.startswith("secret:") for name in known)


WRONG: list[tuple[tuple[Any, ...], Any, str]] = [
    (("sending", "url"), "https://{to}.example/{text}", "scheme and host"),
    (("sending", "url"), "ftp://carrier.example/", "scheme and host"),
    (("sending", "url"), "https://user:pw@carrier.example/", "scheme and host"),
    (("sending", "json_body", "from"), "{form}", "no placeholder"),
    (("sending", "json_body", "from"), "{from", "single brace"),
    (("sending", "json_body"), {"to": "{to}"}, "needs {text}"),
    (("sending", "form_body"), {"a": "b"}, "not both"),
    (("sending", "method"), "GET", "a GET has no body"),
    (("sending", "headers"), {"X-Text": "{text}"}, "cannot stand in a header"),
    (("sending", "headers"), {"Host": "elsewhere"}, "no header that can be set"),
    (("sending", "headers"), {"X-A": "a\r\nB: c"}, "printable ASCII"),
    (("answering", "taken_status"), [500], "200 to 299"),
    (("answering", "reference"), "message.id", "must begin with"),
    (("answering", "reference"), "regex:no group", "exactly one group"),
    (("answering", "reference"), "regex:(", "pattern is wrong"),
    (("answering", "refusals", "bad_number", "reason"), "too_late", "refusals.bad_number.reason"),
    (("callbacks", "receipts", "status"), "query:status", "does not cover the query"),
    (("callbacks", "receipts", "items"), None, "needs items"),
    (("callbacks", "texts", "path"), "status", "two paths"),
    (("callbacks", "receipts", "statuses", "delivered"), "unlisted", "statuses.delivered"),
    (("secrets",), {}, "token is used and not there"),
    (("secrets", "token"), "a\nb", "printable ASCII"),
    (("surplus",), 1, "surplus"),
]


@pytest.mark.parametrize(("place", "value", "words"), WRONG, ids=[words for _, _, words in WRONG])
def test_wrong_settings_are_refused_with_words(place: tuple[Any, ...], value: Any, words: str) -> None:
    settings = deepcopy(JSON_CARRIER)
    inside = settings
    for step in place[:-1]:
        inside = inside[step]
    inside[place[-1]] = value

    with pytest.raises(ValidationError) as error:
        GenericSettings.model_validate(settings)

    told = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.value.errors())
    assert words in told
    assert "s3cr3t" not in told


def test_settings_come_back_from_their_stored_form_with_secrets_masked_in_the_shown_one() -> None:
    settings = GenericSettings.model_validate(JSON_CARRIER)
    stored = settings.model_dump(mode="json")

    assert "s3cr3t" not in str(stored)
    assert GenericSettings.model_validate(stored | {"secrets": {"token": "s3cr3t"}}) == settings


@pytest.mark.parametrize(
    ("answered", "expected"),
    [
        (Answered(200, {}, b'{"status": "accepted", "message": {"id": 17}}'), Taken("17")),
        (
            Answered(200, {}, b'{"status": "rejected", "error": {"code": "bad_number"}}'),
            Refused(Refusal.BAD_NUMBER, None, "bad_number"),
        ),
        (
            Answered(200, {}, b'{"status": "rejected", "error": {"code": "new"}}'),
            Refused(Refusal.UNLISTED, None, "new"),
        ),
        (Answered(400, {}, b'{"error": {"code": "throttled"}}'), Refused(Refusal.THROTTLED, 2.0, "throttled")),
        (Answered(429, {}, b"slow down"), Refused(Refusal.THROTTLED, 1.0, "429")),
        (Answered(403, {}, b""), Refused(Refusal.UNLISTED, None, "403")),
    ],
)
def test_answers_that_say_whether_it_is_taken(answered: Answered, expected: object) -> None:
    assert reading.answer(GenericSettings.model_validate(JSON_CARRIER).answering, answered) == expected


@pytest.mark.parametrize(
    "answered",
    [
        Answered(200, {}, b'{"status": "accepted"}'),
        Answered(200, {}, b"<html>"),
        Answered(200, {}, b'{"message": {"id": 17}}'),
        Answered(500, {}, b'{"error": {"code": "oops"}}'),
        Answered(502, {}, b""),
    ],
)
def test_answers_that_do_not_say_it_are_unknown(answered: Answered) -> None:
    assert isinstance(reading.answer(GenericSettings.model_validate(JSON_CARRIER).answering, answered), Unknown)


def test_a_reference_is_found_in_plain_words() -> None:
    settings = Answering.model_validate(
        {"reference": r"regex:^ID: (\w+)", "error": r"regex:^ERR: (\d+)", "refusals": {"105": {"reason": "bad_number"}}}
    )

    assert reading.answer(settings, Answered(200, {}, b"ID: abc123")) == Taken("abc123")
    assert isinstance(reading.answer(settings, Answered(200, {}, b"ERR: 105")), Unknown), (
        "nothing says that it is not taken"
    )
    assert reading.answer(settings, Answered(400, {}, b"ERR: 105")) == Refused(Refusal.BAD_NUMBER, None, "105")


def signed(path: str, content: Any, secret: str = "s3cr3t") -> Callback:
    body = content if isinstance(content, bytes) else orjson.dumps(content)
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return Callback("POST", f"http://gateway/callbacks/own/{path}", path, {"x-signature": f"sha256={digest}"}, body, AT)


def test_receipts_and_texts_of_one_call_are_read_item_by_item() -> None:
    came = signed(
        "status",
        {
            "receipts": [
                {"id": "m1", "reference": str(ID), "status": "delivered", "at": 1_800_000_000},
                {"id": "m2", "reference": "other", "status": "failed", "error": "unknown_subscriber"},
                {"id": "m3", "reference": None, "status": "vanished"},
            ]
        },
    )

    assert carrier().authenticate(came).status == 200
    first, second, third = carrier().read(came).receipts
    (text,) = (
        carrier()
        .read(signed("inbound", {"texts": [{"id": 7, "from": "447700900123", "to": "82830", "text": "Hi"}]}))
        .texts
    )

    assert (first.text_id, first.status, first.at) == (
        ID,
        ReceiptStatus.DELIVERED,
        datetime.fromtimestamp(1_800_000_000, UTC),
    )
    assert (second.text_id, second.failure, second.at) == (None, Failure.PERMANENT, AT)
    assert (third.status, third.error) == (ReceiptStatus.UNLISTED, "vanished")
    assert (text.carrier_id, text.number, text.to, text.body) == ("7", "+447700900123", "82830", "Hi")


def test_the_signature_of_a_standard_vector() -> None:
    """RFC 4231, test case 2."""
    settings = deepcopy(JSON_CARRIER)
    settings["secrets"]["token"] = "Jefe"
    settings["callbacks"]["authentication"]["prefix"] = ""
    digest = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    came = Callback("POST", "http://g/x", "status", {"x-signature": digest}, b"what do ya want for nothing?", AT)

    assert carrier(settings).authenticate(came).status == 200


def test_secrets_in_a_header_or_in_the_query_prove_who_calls() -> None:
    for by, header, query in (("header", "s3cr3t", ""), ("query", "", "key=s3cr3t&text=1")):
        settings = deepcopy(JSON_CARRIER)
        settings["callbacks"]["authentication"] = {
            "by": by,
            "name": "X-Key" if by == "header" else "key",
            "secret": "token",
        }
        good = Callback("GET", f"http://g/x?{query}", "status", {"x-key": header}, b"", AT)
        bad = Callback("GET", f"http://g/x?{query.replace('s3cr3t', 'é')}", "status", {"x-key": "s3cr3"}, b"", AT)

        assert carrier(settings).authenticate(good).status == 200
        with pytest.raises(Unauthentic):
            carrier(settings).authenticate(bad)


@given(
    st.binary(max_size=300)
    | st.recursive(st.none() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)).map(
        orjson.dumps
    )
)
def test_no_bytes_raise_anything_but_a_value_error(body: bytes) -> None:
    for path in ("status", "inbound", "x"):
        with pytest.raises(Unauthentic):
            carrier().authenticate(signed(path, body, "wrong"))
        with contextlib.suppress(ValueError):
            carrier().read(signed(path, body))


def test_a_lone_surrogate_is_no_text_and_is_refused_without_a_request() -> None:
    part = Part(ID, "+447700900123", "82830", "\ud83d", 60)
    with pytest.raises(TypeError):
        templates.json(JSON_CARRIER["sending"]["json_body"], carrier()._values(part))
