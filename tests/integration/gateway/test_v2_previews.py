"""/v2: what a text takes, before it is sent."""

from __future__ import annotations

from tests.integration.gateway.test_v2 import call, refused
from tests.platform import Platform


async def test_a_text_is_previewed_without_permission_to_send(world: Platform) -> None:
    body = {"text": "It’s 5 €", "from": "82830"}

    answer = await call(world, "POST", "/messages/preview", user="reader", json=body)

    assert answer.status_code == 200, answer.text
    opt_out = answer.json().pop("opt_out")
    assert opt_out["told"] is False
    assert answer.json() | {"opt_out": None} == {
        "alphabet": "ucs2",
        "parts": 1,
        "units": 8,
        "units_each": 70,
        "units_left": 62,
        "segments": [{"text": "It’s 5 €", "characters": 8, "units": 8}],
        "too_long": False,
        "foreign": [{"text": "’", "name": "RIGHT SINGLE QUOTATION MARK", "at": [2], "replacement": "'"}],
        "replaced": {
            "text": "It's 5 €",
            "alphabet": "gsm",
            "parts": 1,
            "units": 9,
            "units_each": 160,
            "units_left": 151,
            "segments": [{"text": "It's 5 €", "characters": 8, "units": 9}],
        },
        "replaces": False,
        "opt_out": None,
    }


async def test_a_preview_of_nothing_is_refused_and_of_what_cannot_be_sent_is_not(world: Platform) -> None:
    refused(await call(world, "POST", "/messages/preview", json={"text": " "}), "text_empty")
    refused(await call(world, "POST", "/messages/preview", json={"text": "x" * 10_001}), "invalid_request")
    long = (await call(world, "POST", "/messages/preview", json={"text": "Ж" * 671})).json()

    assert (long["parts"], long["too_long"], long["opt_out"]) == (11, True, None)


async def test_what_a_preview_tells_is_what_is_sent(world: Platform) -> None:
    text = "नमस्ते 👨‍👩‍👧‍👦 " * 9
    told = (await call(world, "POST", "/messages/preview", json={"text": text})).json()
    sent = await call(world, "POST", "/messages", json={"to": "+447700903001", "from": "82830", "text": text})

    message = (await call(world, "GET", f"/messages/{sent.json()['id']}")).json()

    assert message["parts"] == told["parts"] == len(told["segments"]) == 3
    assert "".join(segment["text"] for segment in told["segments"]) == text
